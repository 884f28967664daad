"""Attempts under way. A mapped task's attempt is in pieces, one for each item, side by side."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbflow.artifacts.names import attempt_folder
from nbflow.errors import NbflowError, unforeseen
from nbflow.model.attempt import AttemptResult, AttemptSpec, CellOutcome, ItemsFound
from nbflow.model.dag import Dag, Task
from nbflow.model.ids import CellId, RunId
from nbflow.model.run import Claim, TaskSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import CellStatus, Reason, TaskState
from nbflow.service.kernels import Seat
from nbflow.service.pages import Pages
from nbflow.service.plan import AttemptRequest, plan_attempt
from nbflow.service.published import Published

_DEFAULT_POOL = "default"
_log = logging.getLogger("nbflow.scheduler")
_BAD_CELLS = frozenset(
    {CellStatus.FAILED, CellStatus.TIMED_OUT, CellStatus.KILLED, CellStatus.CANCELLED}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSetup:
    """What is run, and where its files go: attempts' below the store's ``root``, values in ``values``."""

    dag: Dag
    pages: Pages
    run_id: RunId
    published: Published
    root: Path
    values: Path
    slots: int = 2
    context: Mapping[str, Any] = field(default_factory=dict)
    clears: int = 0
    """How often the run had gone on after an end when it was set up."""


@dataclass(kw_only=True, slots=True)
class Flight:
    """An attempt under way. Its pieces are numbered; a task that is not mapped has one, number 0.

    ``seat`` is the kernel it runs in, ``begun`` a monotonic instant.
    """

    setup: RunSetup
    claim: Claim
    task: Task
    before: TaskSnapshot
    seat: Seat
    begun: float
    spec: AttemptSpec | None = None
    """What was handed to a slot last."""
    found: ItemsFound | None = None
    running: set[int] = field(default_factory=set)
    results: dict[int, AttemptResult] = field(default_factory=dict)
    is_stopped: bool = False
    _first_bad: int | None = None

    @property
    def is_mapped(self) -> bool:
        """Tell whether the task runs once per item."""
        return self.task.options.foreach is not None

    @property
    def total(self) -> int:
        """How many pieces are known; of a mapped task one, until its first has found the items."""
        return len(self.found.labels) if self.found else 1

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it runs or will."""
        return not self.running and (self.is_stopped or len(self.results) == self.total)

    def due(self, room: int) -> list[int]:
        """Return the pieces that may start now, at most ``room``."""
        if self.is_stopped:
            return []
        begun = len(self.running) + len(self.results)
        room = min(room, self._abreast() - len(self.running))
        return list(range(begun, min(self.total, begun + room)))

    def _abreast(self) -> int:
        """How many pieces may run side by side: in a live kernel one; in a pool, as many as the
        task holds slots of it.
        """
        if self.seat.kernel is not None:
            return 1
        options = self.task.options
        return self.total if options.pool == _DEFAULT_POOL else max(1, options.pool_slots)

    def start(self, piece: int) -> AttemptSpec:
        """Note that a piece starts; return what a slot needs for it."""
        setup = self.setup
        self.running.add(piece)
        request = AttemptRequest(
            run_id=setup.run_id,
            task=self.task,
            try_no=self.claim.try_no,
            token=self.claim.token,
            workdir=str(self.folder(piece)),
            values=str(setup.values),
            kernel=self.seat.kernel,
            chain=self.seat.chain,
            item=piece if self.is_mapped else None,
            item_value=self.found.values[piece] if self.found and piece else None,
            context=setup.context,
        )
        self.spec = plan_attempt(setup.dag, setup.pages, setup.published, request)
        return self.spec

    def end(self, piece: int, result: AttemptResult) -> bool:
        """Note how a piece ended; tell whether the others are to be cancelled because of it."""
        self.running.discard(piece)
        self.results[piece] = result
        if result.state is TaskState.SUCCESS or self._first_bad is not None:
            return False
        self._first_bad = piece
        was_stopped, self.is_stopped = self.is_stopped, True
        return bool(self.running) and not was_stopped

    def result(self, now: float) -> AttemptResult:
        """Return the attempt's result: of a mapped task, its pieces' in one. Values are recorded as
        ``name[0]``, ``name[1]`` …
        """
        if self._first_bad is None and len(self.results) < self.total:
            return cancelled()
        if not self.is_mapped:
            return self.results[0]
        shown = self.results[self.shown]
        ordered = [self.results[piece] for piece in sorted(self.results)]
        joined = replace(
            shown,
            cells=_joined_cells(ordered),
            changed=tuple(dict.fromkeys(name for r in ordered for name in r.changed)),
            peak_memory=max((r.peak_memory or 0 for r in ordered), default=0) or None,
            seconds=now - self.begun,
            foreach_count=len(self.found.labels) if self.found else 0,
            shown_item=self.shown,
            metrics={
                f"{name}[{piece}]": value
                for piece, result in sorted(self.results.items())
                for name, value in result.metrics.items()
            },
        )
        if shown.state is not TaskState.SUCCESS:
            return replace(joined, values=(), message=self._named(shown))
        values = tuple(
            replace(value, name=f"{value.name}[{number}]")
            for number, result in enumerate(ordered)
            for value in result.values
        )
        ran = Sentence("1 item ran")
        if self.total > 1:
            ran = Sentence("{count} items ran", count=self.total)
        return replace(joined, values=values, message=ran)

    @property
    def shown(self) -> int:
        """The piece whose executed notebook and log stand for the attempt."""
        return max(self.results, default=0) if self._first_bad is None else self._first_bad

    def _named(self, result: AttemptResult) -> str:
        if self.found is None or result.state is not TaskState.FAILED:
            return result.message
        number = self.shown
        label = self.found.labels[number]
        return Sentence(
            "item {number} of {total} ({label}): {why}",
            number=number + 1, total=self.total, label=label, why=result.message,
        )  # fmt: skip

    def folder(self, piece: int) -> Path:
        """Return the folder of a piece's files."""
        name = attempt_folder(self.setup.run_id, self.task.name, self.claim.token)
        folder = self.setup.root / name
        return folder / f"item-{piece}" if self.is_mapped else folder


def cancelled() -> AttemptResult:
    """Return the result of an attempt that was ended before it could report."""
    message = Sentence("cancelled")
    return AttemptResult(state=TaskState.CANCELLED, reason=Reason.CANCELLED, message=message)


def not_started(claim: Claim, problem: Exception) -> AttemptResult:
    """Return the result of an attempt that could not even be started; what nobody foresaw is logged."""
    message: str = problem.message if isinstance(problem, NbflowError) else ""
    if not message:
        _log.error(
            "%s/%s could not be started", claim.run_id, claim.task, exc_info=problem,
            extra={"action": "not_started", "run_id": claim.run_id, "task": claim.task},
        )  # fmt: skip
        message = Sentence(
            "it could not be started: {problem}",
            problem=unforeseen(problem),
        )
    return AttemptResult(state=TaskState.FAILED, reason=Reason.ERROR, message=message)


def _joined_cells(results: list[AttemptResult]) -> tuple[CellOutcome, ...]:
    """Return what became of each cell over all items: what went wrong shows, the times span all."""
    joined: dict[CellId, CellOutcome] = {}
    for outcome in (one for result in results for one in result.cells):
        before = joined.get(outcome.cell)
        if before is None:
            joined[outcome.cell] = outcome
            continue
        worse = outcome.status in _BAD_CELLS and before.status not in _BAD_CELLS
        joined[outcome.cell] = CellOutcome(
            cell=outcome.cell,
            status=outcome.status if worse else before.status,
            started=min((t for t in (before.started, outcome.started) if t), default=None),
            ended=max((t for t in (before.ended, outcome.ended) if t), default=None),
        )
    return tuple(joined.values())
