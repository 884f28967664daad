"""The analysis of one cell: its source and what is known of names, turned into events."""

import ast
from collections.abc import Mapping

from nbflow.compiler.analysis.cells import Cells
from nbflow.compiler.analysis.environment import Environment, PageNames, Seen
from nbflow.compiler.analysis.summary import exports_of, summary_of
from nbflow.compiler.analysis.transform import Parsed, parse_cell
from nbflow.compiler.effects import BindKind, CellAnalysis, Finding, NameInfo, Opaque
from nbflow.model.sentence import Sentence

__all__ = ["Analyser", "PageNames"]

_MAX_CELLS = 20_000
_MAX_ENVIRONMENTS = 4


class Analyser:
    """Analyses cells; the same cell in the same environment is analysed once."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[Seen, CellAnalysis]]] = {}

    def analyse(self, source: str, names: Mapping[str, NameInfo | None]) -> CellAnalysis:
        """Return the events of a cell, given what earlier cells tell of names. Never raises."""
        page = names if isinstance(names, PageNames) else PageNames(names)
        for seen, analysis in self._known.get(source, ()):
            if seen.holds(page):
                return analysis
        environment = Environment(page)
        analysis = _analyse(source, environment)
        if not environment.everything:
            self._keep(source, environment.seen(), analysis)
        return analysis

    def _keep(self, source: str, seen: Seen, analysis: CellAnalysis) -> None:
        if len(self._known) >= _MAX_CELLS:
            self._known.pop(next(iter(self._known)))
        kept = self._known.setdefault(source, [])
        kept.insert(0, (seen, analysis))
        del kept[_MAX_ENVIRONMENTS:]


def _analyse(source: str, names: Environment) -> CellAnalysis:
    walker = Cells(names)
    parsed = parse_cell(source)
    if parsed.error is not None:
        message, line = parsed.error
        found = Finding(
            kind="syntax-error", line=line, code="NBF300", message=Sentence("The cell is not Python: {message}.", message=message),
            hint="Mend the line, or tag the cell `skip`.",
        )  # fmt: skip
        return CellAnalysis(syntax_error=found)
    try:
        walker.bound_here = _bound_names(parsed)
        walker.cell(parsed)
        exports = exports_of(walker)
        return CellAnalysis(
            events=tuple(walker.events), units=tuple(walker.units), exports=exports,
            classes={n: i for n, i in exports.items() if i and i.kind is BindKind.CLASS},
            summary=summary_of(walker), findings=tuple(walker.findings),
            only_code=walker.only_code,
        )  # fmt: skip
    except RecursionError:
        return _too_deep(names)


def _too_deep(names: Environment) -> CellAnalysis:
    """Code nested too deeply to be followed takes the safe order."""
    return CellAnalysis(
        events=(Opaque(line=1, what=Sentence("deeply nested code")),),
        exports={name: None for name, _ in names.items()},
    )  # fmt: skip


def _bound_names(parsed: Parsed) -> frozenset[str]:
    if parsed.tree is None:
        return frozenset()
    return frozenset(
        node.id
        for node in ast.walk(parsed.tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    )
