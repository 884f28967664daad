"""Fold a page cell after cell, taking from memory what cells gave that see nothing new."""

from collections.abc import Sequence
from dataclasses import dataclass

from nbflow.compiler.drafts import AmbientVersion, CellResult
from nbflow.compiler.effects import CellAnalysis, Summary
from nbflow.compiler.fold import CellFold
from nbflow.compiler.grouping import Placed
from nbflow.compiler.page import Page, TaskTags
from nbflow.compiler.recycling import Recycler
from nbflow.compiler.tracing import Trace
from nbflow.compiler.versions import Version
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import Role

MAX_VERSIONS = 200_000
"""A page whose cells make more versions than that is folded anew each time."""

_SKIPPED = CellResult(
    role=Role.SKIP, task=None, summary=Summary(), needs={}, ambient_needs={}, code={}, versions=(),
    ambient=(), mutates=frozenset(), files=(), safe=(), findings=(), units=(),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Step:
    """What folding a cell took and gave. ``trace`` None: it can't be taken from memory."""

    given: tuple[object, ...]
    trace: Trace | None
    made: Sequence[Version | AmbientVersion]
    result: CellResult


class PageFold:
    """The fold of one page, which remembers how it went the last time."""

    def __init__(self) -> None:
        self.page = Page()
        self.folded = 0
        """How many cells the last run didn't find in memory."""
        self._steps: dict[CellId, _Step] = {}
        self._tags: dict[TaskName, TaskTags] = {}

    def run(self, placed: Sequence[Placed], analyses: Sequence[CellAnalysis]) -> list[CellResult]:
        """Fold all cells in page order; ``page`` is then the state at its end."""
        self.page, self.folded = Page(), 0
        before, self._tags = self._tags, _tags(placed)
        for task, tags in self._tags.items():
            self.page.tags.set(task, tags)
        taken = [one.cell.id for one in placed if one.role is not Role.SKIP]
        if taken == list(self._steps) and before == self._tags:
            self.page.state.as_last_time()
        steps: dict[CellId, _Step] = {}
        results: list[CellResult] = []
        for one, analysis in zip(placed, analyses, strict=True):
            if one.role is Role.SKIP:
                results.append(_SKIPPED)
            else:
                step = steps[one.cell.id] = self._step(one, analysis)
                results.append(step.result)
        self._steps = steps if sum(len(s.made) for s in steps.values()) <= MAX_VERSIONS else {}
        return results

    def _step(self, placed: Placed, analysis: CellAnalysis) -> _Step:
        cell = placed.cell
        given = (placed.role, placed.task, analysis, cell.reads, cell.writes)
        known = self._steps.get(cell.id)
        state = self.page.state
        if (
            known is not None
            and known.trace is not None
            and known.given == given
            and state.again(known.trace)
        ):
            return known
        self.folded += 1
        recycler = Recycler(known.made if known is not None else ())
        state.begin()
        result = CellFold(self.page, placed, analysis, recycler).run()
        trace = state.end()
        state.taken_anew(known.trace if known is not None else None, trace)
        return _Step(given=given, trace=trace, made=recycler.made, result=result)


def _tags(placed: Sequence[Placed]) -> dict[TaskName, TaskTags]:
    found: dict[TaskName, TaskTags] = {}
    for one in placed:
        ignores, options = one.cell.ignores, one.cell.options
        if one.task is not None and (ignores or options):
            known = found.get(one.task, TaskTags())
            found[one.task] = TaskTags(
                ignores=known.ignores.union(ignores),
                options=(*known.options, options) if options else known.options,
            )
    return found
