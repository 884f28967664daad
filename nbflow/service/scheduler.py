"""The scheduler: makes runs when their slots come, and drives what nobody drives alone.

Any number of them work on one metastore, without a leader: unique keys and guarded updates see to
it that a slot has one run and a task one attempt at a time, whoever comes first.
"""

import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import (
    ConflictError,
    MetastoreBusyError,
    MetastoreError,
    NbflowError,
    RowLockedError,
    SchemaError,
)
from nbflow.model.attempt import AttemptResult
from nbflow.model.clock import Clock
from nbflow.model.ids import Digest, RunId
from nbflow.model.run import Claim, Decisions, RunSnapshot
from nbflow.model.schedule import DueSchedule
from nbflow.model.states import Reason, RunKind, TaskState
from nbflow.scheduling.decide import Ended, decide, settle
from nbflow.scheduling.plan import plan_tick
from nbflow.service import backfill
from nbflow.service.adopt import Versions, adopt, refresh
from nbflow.service.drive import GLANCE, RunDriver
from nbflow.service.events import OnEvent, ignore
from nbflow.service.interrupts import CancelSwitch
from nbflow.service.leases import Leases
from nbflow.service.live import LiveFolder, MissingNotebooks
from nbflow.service.reaping import reap
from nbflow.service.recording import Recorder
from nbflow.service.run import new_run_id
from nbflow.service.triggers import Triggers

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore, Tick
    from nbflow.service.service import Service

IDLE = 1.0
"""Seconds between looks while nothing runs here; a slot that comes sooner is waited for exactly."""
REAP_EVERY = 10.0
"""Seconds between looks at what dead processes left behind."""
LOOK_EVERY = 0.1
"""Seconds between looks at what is due and asked for, while tasks end one after another."""
TICKS_AT_ONCE = 20
"""Schedules moved on in one transaction, at most: nobody waits long for the lock."""
DUE_AT_ONCE, DUE_ROUNDS = 200, 5
"""Schedules read at once, and how often before anything else is done: runs come before their tasks."""
KEPT_DRIVERS = 64
"""Runs that are known here though nothing of them runs here now: their next task is soon begun."""
DRAIN_TIMEOUT = 30.0
"""Seconds that running attempts get when the scheduler is told to stop."""
HAND_BACK_TIMEOUT = 10.0
"""Seconds in which it is tried again to give back what could not be; then its lease runs out."""
_log = logging.getLogger("nbflow.scheduler")


@dataclass(kw_only=True, slots=True)
class Scheduler:
    """One scheduler in the calling thread; `run` returns when ``stop`` was pressed."""

    service: "Service"
    executor: "LocalExecutor"
    stop: CancelSwitch = field(default_factory=CancelSwitch)
    on_event: OnEvent = ignore
    drain_timeout: float = DRAIN_TIMEOUT
    before_step: Callable[[], None] | None = None
    """Called before each step: work beside the loop is begun here."""
    live: LiveFolder | None = None
    """The DAGs folder, where it is watched."""
    _drivers: OrderedDict[RunId, RunDriver] = field(default_factory=OrderedDict)
    _reaped: float = float("-inf")
    _looked: float = float("-inf")
    _next_fire: datetime | None = None
    _is_busy: bool = False
    _leases: Leases = field(init=False)
    _recorder: Recorder = field(init=False)
    _versions: Versions = field(init=False)
    _missing: MissingNotebooks = field(init=False)
    _triggers: Triggers = field(init=False)

    def __post_init__(self) -> None:
        self._triggers = Triggers(service=self.service)
        self._missing = MissingNotebooks(service=self.service, folder=self.live)
        self._leases = Leases(self._store, self._clock)
        self._recorder = Recorder(store=self._store, clock=self._clock, renew=self._renew)
        self._versions = Versions(self._store)
        self._store.instance("scheduler")
        self.stop.on_press = self.executor.wake

    @property
    def _store(self) -> "Metastore":
        return self.service.store

    @property
    def _clock(self) -> Clock:
        return self.service.clock

    def run(self) -> None:
        """Work until told to stop, then let running attempts end, or give them back.

        A metastore that can't be reached is waited for while leases are trusted; then attempts are
        ended, since another scheduler may take them over. One that was migrated meanwhile is left
        alone: SchemaError.
        """
        while not self.stop.is_pressed:
            self.step(self.patience())
        self.drain()

    def patience(self) -> float:
        """Return how long nothing is to be done, unless somebody asks for something."""
        if any(driver.claims for driver in self._drivers.values()):
            return GLANCE
        if self._next_fire is None:
            return IDLE
        wait = (self._next_fire - self._clock.wall()).total_seconds()
        # What is due and could not be moved on is tried again, but not without a pause.
        return min(IDLE, wait) if wait > 0 else GLANCE

    def step(self, patience: float) -> None:
        """Do what is due, then wait up to ``patience`` seconds for something to happen."""
        self._through_faults(self._look_and_start)
        self._through_faults(partial(self._take, patience))
        self._renew()

    def _through_faults(self, work: Callable[[], None]) -> None:
        """Do a part of a step. What the metastore refuses is told, and tried again with the next
        step.
        """
        try:
            work()
        except SchemaError:
            raise
        except MetastoreError as problem:
            if isinstance(problem, MetastoreBusyError):
                _log.warning("the metastore is busy: %s", problem, extra={"action": "busy"})
            else:
                _log.error("the metastore failed: %s", problem, extra={"action": "metastore"})
            if not self._leases.are_trusted:
                self._let_go()
        except NbflowError as problem:
            # What it was about is gone meanwhile, a DAG say.
            _log.error("a step broke off: %s", problem, extra={"action": "step"})

    def _look_and_start(self) -> None:
        now = self._clock.monotonic()
        if not self._is_busy or now - self._looked >= LOOK_EVERY:
            self._look()
            self._looked = now
        self._start()

    def _look(self) -> None:
        """See what time and other processes have brought; what ended here needs no look."""
        if self.before_step is not None:
            self.before_step()
        self._reap()
        self.make_runs()
        self._triggers.answer()
        self._backfill()
        self._carry_out_clears()
        self._decide_waiting()
        self._heed_cancels()

    def make_runs(self) -> int:
        """Make the runs of all slots that have come; return how many schedules were moved on."""
        moved = 0
        for _ in range(DUE_ROUNDS):
            due = self._store.due(self._clock.wall(), limit=DUE_AT_ONCE)
            done = self._move_on(due)
            moved += done
            if len(due) < DUE_AT_ONCE or not done:
                break
        self._next_fire = self._store.next_fire()
        return moved

    def _move_on(self, due: Sequence[DueSchedule]) -> int:
        """Move schedules on, oldest slots first, until another scheduler turns out to do the same:
        then each goes its own way through what is left, so that they share the work.
        """
        moved = 0
        left = [due[begin : begin + TICKS_AT_ONCE] for begin in range(0, len(due), TICKS_AT_ONCE)]
        while left:
            planned = self._planned(left.pop(0))
            done = self._tick(planned)
            moved += done
            if done < len(planned):
                random.shuffle(left)
        return moved

    def _planned(self, due: Sequence[DueSchedule]) -> "list[Tick]":
        planned: list[Tick] = []
        for one in due:
            try:
                planned.append(self._plan(one))
            except NbflowError as problem:
                _tick_failed(one.entry.dag_id, problem)
        return planned

    def _tick(self, ticks: "Sequence[Tick]") -> int:
        """Do the ticks together, or, if that fails, one by one, so that none holds up the others."""
        try:
            done = self._store.tick_all(ticks)
        except NbflowError as problem:
            if isinstance(problem, MetastoreBusyError) and not isinstance(problem, RowLockedError):
                raise
            if len(ticks) > 1:
                return sum(self._tick([one]) for one in ticks)
            _tick_failed(ticks[0].seen.dag_id, problem)
            return 0
        for what, moved in zip(ticks, done, strict=True):
            for new in what.runs if moved else ():
                _log.info(
                    "%s: run %s made", new.dag_id, new.run_id,
                    extra={"action": "run_made", "dag_id": new.dag_id, "run_id": new.run_id},
                )  # fmt: skip
        return sum(done)

    def drain(self) -> None:
        """Take nothing new; give back what doesn't end in time."""
        deadline = self._clock.monotonic() + self.drain_timeout
        while any(driver.claims for driver in self._drivers.values()):
            if self.stop.at_once or self._clock.monotonic() > deadline:
                break
            self._through_faults(partial(self._take, GLANCE))
            self._renew()
        self._hand_back()
        self._drivers.clear()

    def _hand_back(self) -> None:
        deadline = self._clock.monotonic() + HAND_BACK_TIMEOUT
        while True:
            for driver in tuple(self._drivers.values()):
                self._through_faults(driver.hand_back)
            is_done = not any(driver.claims for driver in self._drivers.values())
            if is_done or self._clock.monotonic() > deadline:
                return
            self.executor.poll(GLANCE)
            self._renew()

    def _plan(self, due: DueSchedule) -> "Tick":
        from nbflow.metastore import NewRun, Tick, slot_key

        now = self._clock.wall()
        planned = plan_tick(due, now)
        runs = [
            NewRun(
                run_id=new_run_id(RunKind.SCHEDULED, slot),
                dag_id=due.entry.dag_id,
                version=due.dag_version,
                kind=RunKind.SCHEDULED,
                slot_key=slot_key(due.entry.id, slot),
                logical_date=slot,
                data_interval=(interval.start, interval.end),
                driven=False,
            )
            for slot, interval in planned.run
        ]
        return Tick(
            seen=due.entry,
            cursor=planned.cursor,
            next_fire=planned.next_fire,
            runs=runs,
            missed=planned.missed,
            cancel_others=planned.cancel_others,
            active_runs=planned.active_runs,
        )

    def _backfill(self) -> None:
        """Make the next runs of the backfills under way."""
        for due in self._store.backfills.due():
            try:
                backfill.work_on(self.service, due)
            except RowLockedError as problem:
                _held_up(due.entry.dag_id, problem)
            except MetastoreError:
                raise
            except NbflowError as problem:
                _log.error(
                    "backfill %s could not go on: %s", due.entry.id, problem,
                    extra={"action": "backfill_failed", "dag_id": due.entry.dag_id},
                )  # fmt: skip

    def _carry_out_clears(self) -> None:
        """Let runs go on, or tasks of them be decided anew, as somebody asked."""
        for run_id in self._store.clears.requested():
            try:
                goes_on = self._store.clears.carry_out(run_id, self._decision)
            except ConflictError:
                # What is to be cleared runs: its end is waited for.
                continue
            except RowLockedError as problem:
                _held_up(run_id, problem)
                continue
            if goes_on:
                _log.info("run %s goes on", run_id, extra={"action": "cleared", "run_id": run_id})

    def _decision(self, version: Digest) -> Callable[[RunSnapshot], Decisions]:
        return partial(decide, self._versions.dag(version), now=self._clock.wall())

    def _decide_waiting(self) -> None:
        """Begin queued runs, queue retries that are due, end what was cancelled or stands still."""
        for waiting in self._store.waiting_runs():
            dag = self._versions.dag(waiting.version)
            decision = partial(decide, dag, now=self._clock.wall())
            try:
                self._store.advance(
                    waiting.run_id, decision, max_active_runs=dag.options.max_active_runs
                )
            except ConflictError:
                continue
            except RowLockedError as problem:
                _held_up(waiting.run_id, problem)

    def _heed_cancels(self) -> None:
        busy = [run for run, driver in self._drivers.items() if driver.claims]
        cancelled = [self._drivers[run_id] for run_id in self._store.cancelled_runs(busy)]
        self._recorder.record([end for driver in cancelled for end in driver.cancel()])

    def _start(self) -> None:
        room = self.service.settings.slots - sum(d.used for d in self._drivers.values())
        if room > 0:
            claims = self._store.claim(limit=room)
            seen = self._store.run_snapshots({claim.run_id for claim in claims}) if claims else {}
            ready: dict[RunId, RunDriver] = {}
            for claim in claims:
                self._start_one(claim, seen[claim.run_id], ready)
        for driver in self._drivers.values():
            if not driver.is_cancelling:
                used = sum(d.used for d in self._drivers.values())
                driver.start_items(self.service.settings.slots - used)

    def _start_one(
        self, claim: Claim, snapshot: RunSnapshot, ready: dict[RunId, RunDriver]
    ) -> None:
        try:
            driver = ready.get(claim.run_id)
            if driver is None:
                driver = ready[claim.run_id] = self._driver_of(snapshot)
                self._drivers.move_to_end(claim.run_id)
                refresh(self._store, driver.published, snapshot)
            driver.start(claim, snapshot)
        except MetastoreError:
            raise
        except NbflowError as problem:
            self._refuse(claim, snapshot, problem)

    def _driver_of(self, snapshot: RunSnapshot) -> RunDriver:
        """Return the run's driver. One from before the run was cleared knows values, and keeps
        kernels, that count no more.
        """
        driver = self._drivers.get(snapshot.run_id)
        if driver is None:
            return self._new_driver(snapshot)
        if driver.clears == snapshot.clears:
            return driver
        driver.abandon()
        return self._new_driver(snapshot)

    def _new_driver(self, snapshot: RunSnapshot) -> RunDriver:
        compiled = self._versions.compiled(snapshot.version)
        self._missing.check(compiled.dag, snapshot, (n.digest for n in compiled.notebooks))
        driver = self._drivers[snapshot.run_id] = RunDriver(
            store=self._store,
            executor=self.executor,
            clock=self._clock,
            setup=adopt(self.service, compiled, snapshot),
            leases=self._leases,
            on_event=self.on_event,
        )
        return driver

    def _refuse(self, claim: Claim, snapshot: RunSnapshot, problem: NbflowError) -> None:
        """What can't even be started has failed, with the reason."""
        dag = self._versions.dag(snapshot.version)
        now = self._clock.wall()
        result = AttemptResult(state=TaskState.FAILED, reason=Reason.ERROR, message=problem.message)
        ended = Ended(state=result.state, reason=result.reason, message=result.message)
        before = replace(snapshot.tasks[claim.task], tries=claim.try_no)
        move = settle(claim.run_id, dag.task(claim.task), before, ended, now)
        self._store.finish(claim, result, move, partial(decide, dag, now=now))

    def _take(self, patience: float) -> None:
        reports = self.executor.poll(patience)
        self._is_busy = bool(reports)
        endings = [end for driver in self._drivers.values() for end in driver.take(reports)]
        self._recorder.record(endings)
        if self._recorder.again() or reports:
            self._leave()

    def _leave(self) -> None:
        """Let go of runs that are over, and of those of which nothing has run here for longest."""
        idle = [run_id for run_id, driver in self._drivers.items() if not driver.claims]
        for run_id in idle:
            driver = self._drivers[run_id]
            if driver.keeps_kernels:
                driver.close_kernels(self._store.run_snapshot(run_id))
        spare = [run_id for run_id in idle if not self._drivers[run_id].keeps_kernels]
        for number, run_id in enumerate(reversed(spare)):
            if number >= KEPT_DRIVERS or self._drivers[run_id].is_over:
                del self._drivers[run_id]

    def _renew(self) -> None:
        tokens = [c.token for driver in self._drivers.values() for c in driver.claims]
        try:
            for token in self._leases.renew(tokens):
                for driver in self._drivers.values():
                    driver.stop(token)
        except MetastoreError as problem:
            _log.error("leases were lost: %s", problem, extra={"action": "leases_lost"})
            self._let_go()

    def _let_go(self) -> None:
        """End everything that another scheduler may have taken over by now."""
        for driver in self._drivers.values():
            driver.abandon()
        self._drivers.clear()

    def _reap(self) -> None:
        now = self._clock.monotonic()
        if now - self._reaped < REAP_EVERY:
            return
        self._reaped = now
        self._store.check_schema()
        for found in reap(self._store, self._clock):
            _log.warning(
                "%s %s: %s", found.run_id, found.task or "", found.note,
                extra={"action": "reaped", "run_id": found.run_id, "task": found.task},
            )  # fmt: skip


def _held_up(what: str, problem: RowLockedError) -> None:
    """Say what is left for the next look, so that others need not wait for it."""
    _log.warning("%s has to wait: %s", what, problem, extra={"action": "held_up"})


def _tick_failed(dag_id: str, problem: NbflowError) -> None:
    _log.error(
        "%s could not be ticked: %s", dag_id, problem,
        extra={"action": "tick_failed", "dag_id": dag_id},
    )  # fmt: skip
