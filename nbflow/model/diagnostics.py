"""Problems as data: every check reports all it finds, each with a place and a way out."""

import enum
from dataclasses import dataclass
from typing import Any

from nbflow.model.ids import CellId
from nbflow.model.sentence import CellName, Sentence, as_sentence


class Severity(enum.StrEnum):
    """How much a diagnostic matters."""

    ERROR = "error"
    """The notebook can't be run as a DAG until this is mended."""
    WARNING = "warning"
    """It runs, but perhaps not as meant, or slower than it could."""
    INFO = "info"
    """Worth knowing; nothing to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostic:
    """One finding of a compile or a lint.

    ``line`` counts from 1 inside the cell. ``path`` names the notebook where several make one DAG.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    cell: CellId | None = None
    line: int | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if not self.message:
            raise ValueError("a diagnostic needs a message")

    def text(self) -> Sentence:
        """Return the finding as one line for people: place, code, sentence, way out."""
        values: dict[str, Any] = {"path": self.path, "line": self.line}
        values["cell"] = None if self.cell is None else CellName(self.cell)
        places = [f"{{{key}}}" for key in ("path", "cell", "line") if values[key] is not None]
        template = f"{':'.join(places)}: " if places else ""
        template += "{code} {message}" + (" — {hint}" if self.hint else "")
        return Sentence(
            template,
            code=self.code,
            message=as_sentence(self.message),
            hint=as_sentence(self.hint),
            **values,
        )

    def at_place(self) -> Sentence:
        """Return what is wrong, after the cell and the line where it is."""
        message = as_sentence(self.message)
        if self.cell is None:
            return message
        cell = CellName(self.cell)
        if self.line is None:
            return Sentence("{cell}: {message}", cell=cell, message=message)
        return Sentence("{cell}:{line}: {message}", cell=cell, line=self.line, message=message)


def has_errors(diagnostics: "tuple[Diagnostic, ...] | list[Diagnostic]") -> bool:
    """Tell whether any finding stops the notebook from being run."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
