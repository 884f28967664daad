"""The analysis of one cell: its source and what is known of names, turned into events."""

import ast
from collections.abc import Mapping

from nbflow.compiler.analysis.cells import Cells
from nbflow.compiler.analysis.recorder import classes_of
from nbflow.compiler.analysis.summary import exports_of, summary_of
from nbflow.compiler.analysis.transform import Parsed, parse_cell
from nbflow.compiler.effects import CellAnalysis, Finding, NameInfo, Opaque
from nbflow.model.sentence import Sentence

__all__ = ["Analyser"]

_MAX_CELLS = 20_000
_MAX_ENVIRONMENTS = 4


class Analyser:
    """Analyses cells; the same cell in the same environment is analysed once."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[dict[str, NameInfo | None], object, CellAnalysis]]] = {}

    def analyse(self, source: str, names: Mapping[str, NameInfo]) -> CellAnalysis:
        """Return the events of a cell, given what earlier cells tell of names. Never raises."""
        entries = self._known.get(source)
        if entries is not None:
            for seen, classes, analysis in entries:
                if all(names.get(n) == info for n, info in seen.items()) and (
                    classes is None or classes == classes_of(names, {})
                ):
                    return analysis
        walker, analysis = _analyse(source, names)
        if len(self._known) >= _MAX_CELLS:
            self._known.pop(next(iter(self._known)))
        kept = self._known.setdefault(source, [])
        kept.insert(
            0, (walker.seen, classes_of(names, {}) if walker.saw_classes else None, analysis)
        )
        del kept[_MAX_ENVIRONMENTS:]
        return analysis


def _analyse(source: str, names: Mapping[str, NameInfo]) -> tuple[Cells, CellAnalysis]:
    walker = Cells(names)
    parsed = parse_cell(source)
    if parsed.error is not None:
        message, line = parsed.error
        found = Finding(
            kind="syntax-error", line=line, code="NBF300", message=Sentence("The cell is not Python: {message}.", message=message),
            hint="Mend the line, or tag the cell `skip`.",
        )  # fmt: skip
        return walker, CellAnalysis(syntax_error=found)
    try:
        walker.bound_here = _bound_names(parsed)
        walker.cell(parsed)
        for name in walker.bound_here:
            walker.known(name)
        return walker, CellAnalysis(
            events=tuple(walker.events), units=tuple(walker.units), exports=exports_of(walker),
            summary=summary_of(walker), findings=tuple(walker.findings),
            only_code=walker.only_code,
        )  # fmt: skip
    except RecursionError:
        return Cells(names), _too_deep(names)


def _too_deep(names: Mapping[str, NameInfo]) -> CellAnalysis:
    """Code nested too deeply to be followed takes the safe order."""
    return CellAnalysis(
        events=(Opaque(line=1, what=Sentence("deeply nested code")),),
        exports=dict.fromkeys(names, None),
    )  # fmt: skip


def _bound_names(parsed: Parsed) -> frozenset[str]:
    if parsed.tree is None:
        return frozenset()
    return frozenset(
        node.id
        for node in ast.walk(parsed.tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )
