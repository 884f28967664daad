"""Drive runs: start what was claimed, follow attempts, record what comes of them.

The process that drives a run is the only one that writes its states. It holds a lease on every
attempt; when it can't renew in time it trusts itself no longer and ends its kernels.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import (
    ConflictError,
    MetastoreError,
    NotFoundError,
    is_contained,
)
from nbflow.model.attempt import AttemptEnd, AttemptResult, CellEvent, ItemsFound
from nbflow.model.clock import Clock
from nbflow.model.ids import TaskName, Token
from nbflow.model.run import Claim, Decisions, RunSnapshot
from nbflow.model.states import TaskState
from nbflow.scheduling.decide import Ended, decide, settle
from nbflow.service.events import OnEvent, ignore
from nbflow.service.flights import Flight, RunSetup, cancelled, not_started
from nbflow.service.kernels import LiveKernels
from nbflow.service.leases import Leases, Lost
from nbflow.service.published import Published
from nbflow.service.recording import Ending
from nbflow.service.reports import TaskReport
from nbflow.service.telling import RunTeller

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor, Report
    from nbflow.metastore import Metastore

CANCEL_PATIENCE = 10.0
"""Seconds that cancelled attempts may take to end by themselves."""
GLANCE = 0.5
"""Seconds between looks at what other processes asked for."""


class RunDriver:
    """One run as this process sees it: the attempts it has under way, the kernels it keeps.

    Several drivers may share an executor and leases; whoever polls the executor hands each report
    to the driver that has its token.
    """

    def __init__(
        self,
        *,
        store: "Metastore",
        executor: "LocalExecutor",
        clock: Clock,
        setup: RunSetup,
        leases: Leases,
        on_event: OnEvent = ignore,
    ) -> None:
        self._store = store
        self._executor = executor
        self._clock = clock
        self._setup = setup
        self._leases = leases
        self._teller = RunTeller(setup.run_id, clock, on_event)
        self._kernels = LiveKernels(setup.dag, setup.run_id, setup.published)
        self._flights: dict[Token, Flight] = {}
        self._unrecorded: dict[Token, Ending] = {}
        self._left: dict[Claim, None] = {}
        self._cancel_deadline: float | None = None
        self._has_ended = False
        self.reports: dict[TaskName, TaskReport] = {}
        """What became of the tasks that were tried, by their last attempt."""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The attempts under way, and those of which the end or the return is not on record yet."""
        ended = (ending.flight for ending in self._unrecorded.values())
        under_way = (flight.claim for flight in (*self._flights.values(), *ended))
        return (*under_way, *self._left)

    def awaits(self, token: Token) -> bool:
        """Tell whether an attempt has ended here, and its end is to be recorded."""
        return token in self._unrecorded

    @property
    def published(self) -> Published:
        """What the run's tasks have stored so far, as far as this process knows."""
        return self._setup.published

    @property
    def clears(self) -> int:
        """How often the run had gone on after an end when this driver took it up."""
        return self._setup.clears

    @property
    def is_over(self) -> bool:
        """Tell whether the run has ended, or its attempts here were asked to."""
        return not self.claims and (self._has_ended or self.is_cancelling)

    @property
    def is_cancelling(self) -> bool:
        """Tell whether its attempts have been asked to stop."""
        return self._cancel_deadline is not None

    def is_behind(self, snapshot: RunSnapshot) -> bool:
        """Tell whether an end went on record and nobody was told: what it released must wait until it
        is, since the values of its task are not known here yet.
        """
        named = (ending.flight.task.name for ending in self._unrecorded.values())
        return any(snapshot.tasks[name].state is not TaskState.RUNNING for name in named)

    @property
    def used(self) -> int:
        """How many places its attempts take."""
        return sum(max(1, len(flight.running)) for flight in self._flights.values())

    @property
    def keeps_kernels(self) -> bool:
        """Tell whether kernels are kept that a later task may need."""
        return self._kernels.keeps_any

    def advance(self, carry_out: Callable[[Callable[[], object]], bool]) -> RunSnapshot:
        """Apply decisions until there are none, or ``carry_out`` tells that others hold the run; end
        kernels that nobody will need any more.
        """
        while True:
            snapshot = self._leases.insist(lambda: self._store.run_snapshot(self._setup.run_id))
            decisions = self.decide(snapshot)
            if decisions.is_empty:
                break
            try:
                if not carry_out(partial(self._store.apply, self._setup.run_id, decisions)):
                    return snapshot
            except ConflictError:
                continue
            self._teller.decisions(decisions)
        self.close_kernels(snapshot)
        return snapshot

    def close_kernels(self, snapshot: RunSnapshot) -> None:
        """End the kept kernels that no task of the run will need any more."""
        for name in self._kernels.unneeded(snapshot):
            self._executor.close_group(name)

    def decide(self, snapshot: RunSnapshot) -> Decisions:
        """Say what moves are due in the run now."""
        return decide(self._setup.dag, snapshot, self._clock.wall())

    def start(self, claim: Claim, snapshot: RunSnapshot) -> None:
        """Start an attempt at what was claimed; of a mapped task, its first item."""
        task = self._setup.dag.task(claim.task)
        flight = Flight(
            setup=self._setup,
            claim=claim,
            task=task,
            before=snapshot.tasks[claim.task],
            seat=self._kernels.seat(task, snapshot),
            begun=self._clock.monotonic(),
        )
        self._teller.task(task.name, TaskState.RUNNING, try_no=claim.try_no)
        for piece in flight.due(1):
            self._executor.start(flight.start(piece))
        self._flights[claim.token] = flight

    def start_items(self, room: int) -> list[Ending]:
        """Fill up to ``room`` places with further items of mapped tasks.

        An item that can't be started has failed. Returns the attempts that ended so, to be recorded.
        """
        endings: list[Ending] = []
        for flight in tuple(self._flights.values()):
            before = len(flight.running)
            for piece in flight.due(room):
                try:
                    self._executor.start(flight.start(piece))
                except Exception as problem:
                    if not is_contained(problem):
                        raise
                    result = not_started(flight.claim, problem)
                    end = AttemptEnd(token=flight.claim.token, item=piece, result=result)
                    endings += self._end_piece(flight, end)
                    break
            room -= len(flight.running) - before
        return endings

    def places(self) -> int:
        """How many places the run may take at once on this machine."""
        most = self._setup.dag.options.max_active_tasks
        return self._setup.slots if most is None else min(self._setup.slots, most)

    def take(self, reports: Iterable["Report"]) -> list[Ending]:
        """Take what the executor says of this run's attempts; what is of others is passed over.

        Returns the attempts that have ended, which are to be recorded.
        """
        events: list[CellEvent] = []
        endings: list[Ending] = []
        for report in reports:
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
                    endings += self._end_piece(flight, report)
        known = [event for event in events if event.token in self._flights]
        if known:
            # The attempt's end records all of them again.
            with suppress(MetastoreError):
                self._store.record_cells(known)
        return endings

    def _end_piece(self, flight: Flight, end: AttemptEnd) -> list[Ending]:
        stops_others = flight.end(end.item or 0, end.result)
        if flight.found is not None:
            self._teller.items(flight.task.name, len(flight.results), flight.total)
        if flight.is_over:
            return [self._ending(flight, flight.result(self._clock.monotonic()))]
        if stops_others:
            self._executor.cancel(flight.claim.token)
        return []

    def _ending(self, flight: Flight, result: AttemptResult) -> Ending:
        del self._flights[flight.claim.token]
        before = replace(flight.before, tries=flight.claim.try_no)
        ended = Ended(
            state=result.state,
            reason=result.reason,
            error=result.error.name if result.error else None,
            message=result.message,
        )
        move = settle(self._setup.run_id, flight.task, before, ended, self._clock.wall())
        ending = Ending(driver=self, flight=flight, result=result, move=move)
        self._unrecorded[flight.claim.token] = ending
        return ending

    def ended(self, ending: Ending, follows: Decisions) -> None:
        """Go on after an attempt's end was recorded, with what it released."""
        flight, result, move = ending.flight, ending.result, ending.move
        self._unrecorded.pop(flight.claim.token, None)
        self._has_ended = follows.run is not None and follows.run.target.is_final
        if move.target is TaskState.SUCCESS:
            self._publish(flight, result)
        if flight.spec is not None:
            self._kernels.ended(flight.task, flight.seat, flight.spec, result)
        self._report(flight, result, move.target, move.note)
        self._teller.task(flight.task.name, move.target, note=move.note, try_no=flight.claim.try_no)
        self._teller.decisions(follows)

    def fenced(self, ending: Ending) -> None:
        """Somebody took the attempt over: nothing of it counts, its kernel must go."""
        flight, result = ending.flight, ending.result
        self._unrecorded.pop(flight.claim.token, None)
        self._kernels.gone(flight.seat)
        if result.kept_kernel is not None:
            self._executor.close_group(result.kept_kernel)

    def _publish(self, flight: Flight, result: AttemptResult) -> None:
        published = self._setup.published
        published.add(flight.task.name, result)
        published.tokens[flight.task.name] = flight.claim.token
        if flight.is_mapped:
            items = [flight.results[piece].values for piece in sorted(flight.results)]
            published.put_items(flight.task.name, items)

    def cancel(self, *, at_once: bool = False) -> list[Ending]:
        """Ask what runs to stop; after some patience, or ``at_once``, end it. Returns what was ended,
        to be recorded.
        """
        now = self._clock.monotonic()
        if self._cancel_deadline is None:
            self._cancel_deadline = now + CANCEL_PATIENCE
            for token in self._flights:
                self.stop(token)
        if now <= self._cancel_deadline and not at_once:
            return []
        for token in self._flights:
            self._executor.end(token)
        return [self._ending(flight, cancelled()) for flight in tuple(self._flights.values())]

    def stop(self, token: Token) -> None:
        """Ask one attempt to stop; its end is reported as usual."""
        flight = self._flights.get(token)
        if flight is not None:
            flight.is_stopped = True
            self._executor.cancel(token)

    def lost(self, lost: Lost) -> None:
        """Stop the attempts that others have by now; end those that others may take at once, and record
        nothing of them.
        """
        for token in lost.taken:
            self.stop(token)
        for token in lost.late:
            flight = self._flights.pop(token, None)
            if flight is not None:
                self._executor.end(token)
                self._kernels.gone(flight.seat)
            elif token in self._unrecorded:
                self.fenced(self._unrecorded[token])
        self._left = {claim: None for claim in self._left if claim.token not in lost.late}

    def abandon(self) -> None:
        """End what runs, and every kept kernel, and record nothing: somebody else may have it."""
        self._end_all()
        for ending in tuple(self._unrecorded.values()):
            self.fenced(ending)
        for name in self._kernels.forget_all():
            self._executor.close_group(name)

    def _end_all(self) -> None:
        for token in tuple(self._flights):
            del self._flights[token]
            self._executor.end(token)

    def hand_back(self) -> None:
        """End what runs and give it back, uncounted: this process was told to stop.

        What can't be given back now stays among the claims, for another try; then the last reason
        is raised.
        """
        self._left = dict.fromkeys((*self._left, *self.claims))
        self._end_all()
        self._unrecorded.clear()
        problem: MetastoreError | None = None
        for claim in tuple(self._left):
            try:
                self._store.hand_back(claim)
            except (ConflictError, NotFoundError):
                pass
            except MetastoreError as refused:
                problem = refused
                continue
            del self._left[claim]
        if problem is not None:
            raise problem

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
