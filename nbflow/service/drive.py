"""Drive one run to its end: decide, claim, start attempts, record what comes of them.

The process that drives a run is the only one that writes its states. It holds a lease on every
attempt; when it can't renew in time it trusts itself no longer and ends its kernels.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nbflow.errors import ConflictError, MetastoreBusyError
from nbflow.model.attempt import AttemptEnd, AttemptResult, CellEvent, ItemsFound
from nbflow.model.clock import Clock
from nbflow.model.ids import TaskName, Token
from nbflow.model.run import Decisions, RunSnapshot
from nbflow.model.states import TaskState
from nbflow.scheduling.decide import Ended, decide, settle
from nbflow.service.events import OnEvent, ignore
from nbflow.service.flights import Flight, RunSetup, cancelled
from nbflow.service.interrupts import CancelSwitch
from nbflow.service.kernels import LiveKernels
from nbflow.service.reports import TaskReport
from nbflow.service.telling import RunTeller

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
        self._teller = RunTeller(setup.run_id, clock, on_event)
        self._switch = switch or CancelSwitch()
        self._switch.on_press = executor.wake
        self._kernels = LiveKernels(setup.dag, setup.run_id, setup.published)
        self._flights: dict[Token, Flight] = {}
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
            self._teller.decisions(decisions)
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
        """Fill the places: with tasks that may start, then with items of mapped tasks."""
        room = self._room()
        if room <= 0:
            return
        for claim in self._store.claim(self._setup.run_id, limit=room):
            task = self._setup.dag.task(claim.task)
            flight = Flight(
                setup=self._setup,
                claim=claim,
                task=task,
                before=snapshot.tasks[claim.task],
                seat=self._kernels.seat(task, snapshot),
                begun=self._clock.monotonic(),
            )
            self._flights[claim.token] = flight
            self._teller.task(task.name, TaskState.RUNNING, try_no=claim.try_no)
            self._start_pieces(flight, 1)
        for flight in tuple(self._flights.values()):
            self._start_pieces(flight, self._room())

    def _room(self) -> int:
        # Not the executor's free slots: one that cleans up takes the next attempt in a moment.
        most = self._setup.dag.options.max_active_tasks
        places = self._setup.slots if most is None else min(self._setup.slots, most)
        return places - sum(max(1, len(flight.running)) for flight in self._flights.values())

    def _start_pieces(self, flight: Flight, room: int) -> None:
        for piece in flight.due(room):
            self._executor.start(flight.start(piece))

    def _take_reports(self, snapshot: RunSnapshot) -> None:
        events: list[CellEvent] = []
        for report in self._executor.poll(self._patience(snapshot)):
            flight = self._flights.get(report.token)
            if flight is None:
                continue
            match report:
                case CellEvent() if not flight.is_mapped:
                    events.append(report)
                    self._teller.cell(flight.task.name, report, flight.claim.try_no)
                case ItemsFound():
                    flight.found = report
                    self._teller.items(flight.task.name, 0, flight.total)
                case AttemptEnd():
                    self._end_piece(flight, report)
        known = [event for event in events if event.token in self._flights]
        if known:
            self._store.record_cells(known)

    def _end_piece(self, flight: Flight, end: AttemptEnd) -> None:
        stops_others = flight.end(end.item or 0, end.result)
        if flight.found is not None:
            self._teller.items(flight.task.name, len(flight.results), flight.total)
        if flight.is_over:
            self._finish(flight, flight.result(self._clock.monotonic()))
        elif stops_others:
            self._executor.cancel(flight.claim.token)

    def _finish(self, flight: Flight, result: AttemptResult) -> None:
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
        self._teller.task(flight.task.name, move.target, note=move.note, try_no=flight.claim.try_no)
        self._teller.decisions(follows)

    def _publish(self, flight: Flight, result: AttemptResult) -> None:
        published = self._setup.published
        published.add(flight.task.name, result)
        if flight.is_mapped:
            items = [flight.results[piece].values for piece in sorted(flight.results)]
            published.put_items(flight.task.name, items)

    def _cancel_attempts(self) -> None:
        """Ask what runs to stop; after some patience, or a second Ctrl-C, end it."""
        now = self._clock.monotonic()
        if self._cancel_deadline is None:
            self._cancel_deadline = now + CANCEL_PATIENCE
            for token, flight in self._flights.items():
                flight.is_stopped = True
                self._executor.cancel(token)
        if self._flights and (now > self._cancel_deadline or self._switch.at_once):
            self._executor.close()
            for flight in tuple(self._flights.values()):
                self._finish(flight, cancelled())

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
            self._flights[token].is_stopped = True
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

    def _report(self, flight: Flight, result: AttemptResult, state: TaskState, note: str) -> None:
        folder = flight.folder(flight.shown)
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


def _existing(folder: Path, name: str | None) -> Path | None:
    path = folder / name if name else None
    return path if path is not None and path.exists() else None
