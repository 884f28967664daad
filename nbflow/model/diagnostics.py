"""Problems as data: every check reports all it finds, each with a place and a way out."""

import enum
from dataclasses import dataclass

from nbflow.model.ids import CellId


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

    def text(self) -> str:
        """Return the finding as one line for people: place, code, sentence, way out."""
        place = ":".join(str(p) for p in (self.path, self.cell, self.line) if p is not None)
        hint = f" — {self.hint}" if self.hint else ""
        return f"{place + ': ' if place else ''}{self.code} {self.message}{hint}"


def has_errors(diagnostics: "tuple[Diagnostic, ...] | list[Diagnostic]") -> bool:
    """Tell whether any finding stops the notebook from being run."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
