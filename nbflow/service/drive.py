"""Drive one run to its end: decide, claim, start attempts, record what comes of them.

The process that drives a run is the only one that writes its states. It holds a lease on every
attempt; when it can't renew in time it trusts itself no longer and ends its kernels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbflow.errors import ConflictError, MetastoreBusyError
from nbflow.model.attempt import AttemptResult, AttemptSpec, CellEvent
from nbflow.model.clock import Clock
from nbflow.model.dag import Dag, Task
from nbflow.model.ids import RunId, TaskName, Token
from nbflow.model.run import Claim, Decisions, RunMove, RunSnapshot, TaskSnapshot
from nbflow.model.states import Reason, TaskState
from nbflow.scheduling.decide import Ended, decide, settle
from nbflow.service.events import OnEvent, RunEvent, RunEventKind, ignore
from nbflow.service.interrupts import CancelSwitch
from nbflow.service.kernels import LiveKernels, Seat
from nbflow.service.pages import Pages
from nbflow.service.plan import AttemptRequest, plan_attempt
from nbflow.service.published import Published
from nbflow.service.reports import TaskReport

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore

T = TypeVar("T")

RENEW_EVERY = 10.0
"""Seconds between renewals of the leases."""
TRUST = 45.0
"""Seconds after the start of the last renewal that worked; then the leases count as gone."""
CANCEL_PATIENCE = 10.0
"""Seconds that cancelled attempts may take to end by themselves."""
_GLANCE = 0.5
"""Seconds between looks at what other processes asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSetup:
    """What is run, and where its files go: attempts below ``runs``, values in ``values``."""

    dag: Dag
    pages: Pages
    run_id: RunId
    published: Published
    runs: Path
    values: Path
    slots: int = 2
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class _Flight:
    """An attempt under way; a mapped task's items follow each other in it."""

    claim: Claim
    task: Task
    before: TaskSnapshot
    seat: Seat
    folder: Path
    spec: AttemptSpec | None = None
    item: int = 0
    results: list[AttemptResult] = field(default_factory=list)


class RunDriver:
    """Drives one run in the calling thread; `drive` returns when it has ended."""

    def __init__(
        self,
        *,
        store: "Metastore",
        executor: "LocalExecutor",
        clock: Clock,
        setup: RunSetup,
        on_event: OnEvent = ignore,
        switch: CancelSwitch | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock
        self._setup = setup
        self._on_event = on_event
        self._switch = switch or CancelSwitch()
        self._switch.on_press = executor.wake
        self._kernels = LiveKernels(setup.dag, setup.run_id, setup.published)
        self._flights: dict[Token, _Flight] = {}
        self._renewed = clock.monotonic()
        self._trusted = self._renewed
        self._cancel_deadline: float | None = None
        self.reports: dict[TaskName, TaskReport] = {}
        """What became of the tasks that were tried, by their last attempt."""

    def drive(self) -> RunSnapshot:
        """Go on until the run has ended; return it as it then stands.

        Raises MetastoreError if the metastore is gone for longer than the leases are trusted; the
        kernels are ended then.
        """
        while True:
            self._heed_switch()
            snapshot = self._advance()
            if snapshot.state.is_final:
                return snapshot
            if snapshot.cancel_requested:
                self._cancel_attempts()
            else:
                self._start_attempts(snapshot)
            self._take_reports(snapshot)
            self._renew()

    def _heed_switch(self) -> None:
        if self._switch.is_pressed and self._cancel_deadline is None:
            self._store.request_cancel(self._setup.run_id)

    def _advance(self) -> RunSnapshot:
        """Apply decisions until there are none; end kernels that nobody will need any more."""
        while True:
            snapshot = self._insist(lambda: self._store.run_snapshot(self._setup.run_id))
            decisions = self._decide(snapshot)
            if decisions.is_empty:
                break
            try:
                self._insist(partial(self._store.apply, self._setup.run_id, decisions))
            except ConflictError:
                continue
            self._tell(decisions)
        for name in self._kernels.unneeded(snapshot):
            self._executor.close_group(name)
        return snapshot

    def _decide(self, snapshot: RunSnapshot) -> Decisions:
        return decide(self._setup.dag, snapshot, self._clock.wall())

    def _insist(self, work: Callable[[], T]) -> T:
        """Try again while the metastore is busy, as long as the leases can be trusted."""
        while True:
            try:
                return work()
            except MetastoreBusyError:
                if self._clock.monotonic() - self._trusted > TRUST:
                    raise

    def _start_attempts(self, snapshot: RunSnapshot) -> None:
        # Not the executor's free slots: one that cleans up takes the next attempt in a moment.
        limit = self._setup.slots - len(self._flights)
        if limit <= 0:
            return
        for claim in self._store.claim(self._setup.run_id, limit=limit):
            task = self._setup.dag.task(claim.task)
            folder = self._setup.runs / self._setup.run_id / task.name / str(claim.token)
            flight = _Flight(
                claim=claim,
                task=task,
                before=snapshot.tasks[claim.task],
                seat=self._kernels.seat(task, snapshot),
                folder=folder,
            )
            self._flights[claim.token] = flight
            self._tell_task(task.name, TaskState.RUNNING, try_no=claim.try_no)
            self._launch(flight)

    def _launch(self, flight: _Flight) -> None:
        mapped = flight.task.options.foreach is not None
        workdir = flight.folder / f"item-{flight.item}" if mapped else flight.folder
        request = AttemptRequest(
            run_id=self._setup.run_id,
            task=flight.task,
            try_no=flight.claim.try_no,
            token=flight.claim.token,
            workdir=str(workdir),
            values=str(self._setup.values),
            kernel=flight.seat.kernel,
            chain=flight.seat.chain,
            item=flight.item if mapped else None,
            context=self._setup.context,
        )
        flight.spec = plan_attempt(
            self._setup.dag, self._setup.pages, self._setup.published, request
        )
        self._executor.start(flight.spec)

    def _take_reports(self, snapshot: RunSnapshot) -> None:
        events: list[CellEvent] = []
        for report in self._executor.poll(self._patience(snapshot)):
            if isinstance(report, CellEvent):
                events.append(report)
                self._tell_cell(report)
                continue
            token, result = report
            flight = self._flights.get(token)
            if flight is not None:
                self._end_item(flight, result)
        known = [event for event in events if event.token in self._flights]
        if known:
            self._store.record_cells(known)

    def _end_item(self, flight: _Flight, result: AttemptResult) -> None:
        flight.results.append(result)
        more = result.foreach_count is not None and flight.item + 1 < result.foreach_count
        if more and result.state is TaskState.SUCCESS and self._cancel_deadline is None:
            flight.item += 1
            self._launch(flight)
        else:
            self._finish(flight, _joined(flight))

    def _finish(self, flight: _Flight, result: AttemptResult) -> None:
        """Record an attempt's end, and in the same transaction what it releases."""
        del self._flights[flight.claim.token]
        before = replace(flight.before, tries=flight.claim.try_no)
        ended = Ended(
            state=result.state,
            reason=result.reason,
            error=result.error.name if result.error else None,
            message=result.message,
        )
        move = settle(self._setup.run_id, flight.task, before, ended, self._clock.wall())
        try:
            follows = self._insist(
                partial(self._store.finish, flight.claim, result, move, self._decide)
            )
        except ConflictError:
            # Somebody took the attempt over: nothing of it counts, its kernel must go.
            if flight.spec is not None:
                lost = replace(result, kept_kernel=None)
                self._kernels.ended(flight.task, flight.seat, flight.spec, lost)
            if result.kept_kernel is not None:
                self._executor.close_group(result.kept_kernel)
            return
        if move.target is TaskState.SUCCESS:
            self._publish(flight, result)
        if flight.spec is not None:
            self._kernels.ended(flight.task, flight.seat, flight.spec, result)
        self._report(flight, result, move.target, move.note)
        self._tell_task(flight.task.name, move.target, note=move.note, try_no=flight.claim.try_no)
        self._tell(follows)

    def _publish(self, flight: _Flight, result: AttemptResult) -> None:
        published = self._setup.published
        published.add(flight.task.name, result)
        if flight.task.options.foreach is not None:
            items = [r.values for r in flight.results if r.state is TaskState.SUCCESS]
            published.put_items(flight.task.name, items)

    def _cancel_attempts(self) -> None:
        """Ask what runs to stop; after some patience, or a second Ctrl-C, end it."""
        now = self._clock.monotonic()
        if self._cancel_deadline is None:
            self._cancel_deadline = now + CANCEL_PATIENCE
            for token in self._flights:
                self._executor.cancel(token)
        if self._flights and (now > self._cancel_deadline or self._switch.at_once):
            self._executor.close()
            for flight in tuple(self._flights.values()):
                self._finish(flight, _cancelled())

    def _renew(self) -> None:
        now = self._clock.monotonic()
        if now - self._renewed < RENEW_EVERY:
            return
        tokens = tuple(self._flights)
        try:
            held = self._store.renew(tokens)
        except MetastoreBusyError:
            if self._clock.monotonic() - self._trusted > TRUST:
                self._executor.close()
                raise
            return
        self._renewed = self._trusted = now
        for token in set(tokens) - set(held):
            self._executor.cancel(token)

    def _patience(self, snapshot: RunSnapshot) -> float:
        """Return how long to wait for a report: other things want to be looked at, too."""
        now = self._clock.wall()
        waits = [
            (task.not_before - now).total_seconds()
            for task in snapshot.tasks.values()
            if task.not_before is not None and not task.state.is_final
        ]
        return max(0.0, min([_GLANCE, *waits]))

    def _report(self, flight: _Flight, result: AttemptResult, state: TaskState, note: str) -> None:
        folder = Path(flight.spec.workdir) if flight.spec else flight.folder
        self.reports[flight.task.name] = TaskReport(
            name=flight.task.name,
            state=state,
            attempts=flight.claim.try_no,
            seconds=result.seconds,
            reason=result.reason,
            note=note or result.message,
            error=result.error,
            notebook=_existing(folder, result.notebook),
            log=_existing(folder, result.log),
            changed=result.changed,
        )

    def _tell(self, decisions: Decisions) -> None:
        run = decisions.run
        if run is not None and not run.target.is_final:
            self._tell_run(run)
        for move in decisions.tasks:
            self._tell_task(move.task, move.target, note=move.note)
        if run is not None and run.target.is_final:
            self._tell_run(run)

    def _tell_run(self, move: RunMove) -> None:
        self._on_event(
            RunEvent(
                kind=RunEventKind.RUN,
                at=self._clock.wall(),
                run_id=self._setup.run_id,
                state=move.target,
                note=move.note,
            )
        )

    def _tell_task(
        self, task: TaskName, state: TaskState, *, note: str = "", try_no: int | None = None
    ) -> None:
        self._on_event(
            RunEvent(
                kind=RunEventKind.TASK,
                at=self._clock.wall(),
                run_id=self._setup.run_id,
                task=task,
                state=state,
                note=note,
                try_no=try_no,
            )
        )

    def _tell_cell(self, event: CellEvent) -> None:
        flight = self._flights.get(event.token)
        if flight is None:
            return
        self._on_event(
            RunEvent(
                kind=RunEventKind.CELL,
                at=self._clock.wall(),
                run_id=self._setup.run_id,
                task=flight.task.name,
                cell=event.cell,
                status=event.status,
                try_no=flight.claim.try_no,
            )
        )


def _joined(flight: _Flight) -> AttemptResult:
    """Make one result of a mapped task's items: values are recorded as ``name[0]``, ``name[1]`` …"""
    last = flight.results[-1]
    if flight.task.options.foreach is None or last.state is not TaskState.SUCCESS:
        return last
    values = tuple(
        replace(value, name=f"{value.name}[{number}]")
        for number, result in enumerate(flight.results)
        for value in result.values
        if last.foreach_count
    )
    return replace(last, values=values, seconds=sum(r.seconds for r in flight.results))


def _cancelled() -> AttemptResult:
    return AttemptResult(state=TaskState.CANCELLED, reason=Reason.CANCELLED, message="cancelled")


def _existing(folder: Path, name: str | None) -> Path | None:
    path = folder / name if name else None
    return path if path is not None and path.exists() else None
