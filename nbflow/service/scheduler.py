"""The scheduler: makes runs when their slots come, and drives what nobody drives alone.

Any number of them work on one metastore, without a leader: unique keys and guarded updates see to
it that a slot has one run and a task one attempt at a time, whoever comes first.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import (
    MetastoreBusyError,
    MetastoreError,
    NbflowError,
    SchemaError,
    is_contained,
)
from nbflow.model.clock import Clock
from nbflow.model.dag import Dag
from nbflow.model.ids import Digest, RunId, Token
from nbflow.model.run import Decisions, RunSnapshot
from nbflow.scheduling.decide import decide, end_cancelled
from nbflow.service import backfill
from nbflow.service.adopt import Versions
from nbflow.service.drive import GLANCE, RunDriver
from nbflow.service.events import OnEvent, ignore
from nbflow.service.interrupts import CancelSwitch
from nbflow.service.isolation import LOOK, Isolation, Subject
from nbflow.service.leases import Leases
from nbflow.service.live import LiveFolder, MissingNotebooks
from nbflow.service.reaping import REAP_EVERY, reap
from nbflow.service.recording import Ending, Recorder
from nbflow.service.starting import Starter
from nbflow.service.ticks import Ticker
from nbflow.service.triggers import Triggers

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore, WaitingRun
    from nbflow.service.events import RunEvent
    from nbflow.service.service import Service

IDLE = 1.0
"""Seconds between looks while nothing runs here; a slot that comes sooner is waited for exactly."""
LOOK_EVERY = 0.1
"""Seconds between looks at what is due and asked for, while tasks end one after another."""
WAITING_AT_ONCE = 200
"""Runs that wait for a decision, decided on in one look."""
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
    _told_lost: frozenset[Token] = frozenset()
    _leases: Leases = field(init=False)
    _recorder: Recorder = field(init=False)
    _versions: Versions = field(init=False)
    _isolation: Isolation = field(init=False)
    _ticker: Ticker = field(init=False)
    _triggers: Triggers = field(init=False)
    _starter: Starter = field(init=False)

    def __post_init__(self) -> None:
        self._isolation = Isolation(store=self._store, clock=self._clock)
        self._ticker = Ticker(self._store, self._clock, self._isolation)
        self._triggers = Triggers(service=self.service)
        self._leases = Leases(self._store, self._clock)
        self._recorder = Recorder(store=self._store, clock=self._clock, renew=self._renew)
        self._versions = Versions(self._store)
        self._starter = Starter(
            service=self.service,
            executor=self.executor,
            leases=self._leases,
            versions=self._versions,
            isolation=self._isolation,
            missing=MissingNotebooks(service=self.service, folder=self.live),
            on_event=self._tell,
            drivers=self._drivers,
        )
        self._store.instance("scheduler")
        self.stop.on_press = self.executor.wake

    @property
    def _store(self) -> "Metastore":
        return self.service.store

    @property
    def _clock(self) -> Clock:
        return self.service.clock

    def _tell(self, event: "RunEvent") -> None:
        """Tell whoever listens. That nobody does is no trouble of the run."""
        self._isolation.do(Subject(LOOK, "who listens"), partial(self.on_event, event))

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

    def _through_faults(self, work: Callable[[], object]) -> None:
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
        self._isolation.do(Subject(LOOK, "queued tasks"), self._start)

    def _look(self) -> None:
        """See what time and other processes have brought; what ended here needs no look."""
        if self.before_step is not None:
            self.before_step()
        parts: dict[str, Callable[[], object]] = {
            "the dead": self._reap,
            "slots that have come": self.make_runs,
            "what triggers wait for": self._triggers.answer,
            "backfills": self._backfill,
            "cleared runs": self._carry_out_clears,
            "runs that wait": self._decide_waiting,
            "cancelled runs": self._heed_cancels,
        }
        for name, part in parts.items():
            self._isolation.do(Subject(LOOK, name), part)
        self._isolation.look_over("schedule", "backfill", "run")

    def make_runs(self) -> int:
        """Make the runs of all slots that have come; return how many schedules were moved on."""
        moved, self._next_fire = self._ticker.make_runs()
        return moved

    def drain(self) -> None:
        """Take nothing new; give back what doesn't end in time."""
        about = "told to stop"
        if busy := len(self._tokens()):
            about += f"; running tasks: {busy}, which get {self.drain_timeout:g} s to end"
        _log.info(about, extra={"action": "drain"})
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
        if left := len(self._tokens()):
            _log.info("tasks given back: %d", left, extra={"action": "given_back"})
        while True:
            for run_id, driver in self._drivers.items():
                back = partial(self._isolation.do, Subject("return", run_id), driver.hand_back)
                self._through_faults(back)
            self._through_faults(self._starter.hand_back)
            if not self._tokens() or self._clock.monotonic() > deadline:
                return
            self.executor.poll(GLANCE)
            self._renew()

    def _backfill(self) -> None:
        """Make the next runs of the backfills under way."""
        for due in self._store.backfills.due():
            about = Subject("backfill", due.entry.id)
            self._isolation.do(about, partial(backfill.work_on, self.service, due))

    def _carry_out_clears(self) -> None:
        """Let runs go on, or tasks of them be decided anew, as somebody asked."""
        for run_id in self._store.clears.requested():
            work = partial(self._store.clears.carry_out, run_id, self._decision)
            if self._isolation.do(Subject("clear", run_id), work):
                _log.info("run %s goes on", run_id, extra={"action": "cleared", "run_id": run_id})

    def _decision(self, version: Digest) -> Callable[[RunSnapshot], Decisions]:
        return partial(decide, self._versions.dag(version), now=self._clock.wall())

    def _decide_waiting(self) -> None:
        """Begin queued runs, queue retries that are due, end what was cancelled or stands still."""
        limit = WAITING_AT_ONCE + len(self._isolation.paused("run"))
        for waiting in self._store.waiting_runs(limit=limit):
            version = Subject("version", f"{waiting.dag_id} {waiting.version[:12]}")
            dag = self._isolation.do(version, partial(self._versions.dag, waiting.version))
            about = Subject("run", waiting.run_id)
            if dag is not None:
                self._isolation.do(about, partial(self._advance, waiting, dag))
            elif waiting.cancel_requested:
                self._isolation.do(about, partial(self._end_cancelled, waiting.run_id))

    def _advance(self, waiting: "WaitingRun", dag: Dag) -> None:
        self._store.advance(waiting.run_id, partial(decide, dag, now=self._clock.wall()))

    def _end_cancelled(self, run_id: RunId) -> None:
        self._store.advance(run_id, end_cancelled)

    def _heed_cancels(self) -> None:
        busy = [run for run, driver in self._drivers.items() if driver.claims]
        for run_id in self._store.cancelled_runs(busy):
            self._recorder.record(self._of(run_id, RunDriver.cancel))

    def _of(self, run_id: RunId, work: "Callable[[RunDriver], list[Ending]]") -> "list[Ending]":
        """Ask a run's driver for something. One that fails is let go, with what it runs: it is taken
        for lost, and tried again.
        """
        driver = self._drivers[run_id]
        try:
            return work(driver)
        except Exception as problem:
            if not is_contained(problem):
                raise
            self._isolation.failed(Subject("driver", run_id), problem)
            driver.abandon()
            del self._drivers[run_id]
            return []

    def _start(self) -> None:
        slots = self.service.settings.slots
        self._starter.start(slots - self._used)
        endings, used = [], self._used
        for run_id, driver in tuple(self._drivers.items()):
            # Counted over all drivers only once: there may be as many as slots, and more.
            before = driver.used
            if before and not driver.is_cancelling:
                endings += self._of(run_id, partial(RunDriver.start_items, room=slots - used))
                used += driver.used - before
        self._recorder.record(endings)

    @property
    def _used(self) -> int:
        return sum(driver.used for driver in self._drivers.values())

    def _take(self, patience: float) -> None:
        reports = self.executor.poll(patience)
        self._is_busy = bool(reports)
        take = partial(RunDriver.take, reports=reports)
        endings = [end for run_id in tuple(self._drivers) for end in self._of(run_id, take)]
        self._recorder.record(endings)
        if self._recorder.again() or reports:
            self._leave()

    def _leave(self) -> None:
        """Let go of runs that are over, and of those of which nothing has run here for longest."""
        idle = [run_id for run_id, driver in self._drivers.items() if not driver.claims]
        for run_id in idle:
            driver = self._drivers[run_id]
            if driver.keeps_kernels:
                self._isolation.do(Subject("kernels", run_id), partial(self._close, driver, run_id))
        spare = [run_id for run_id in idle if not self._drivers[run_id].keeps_kernels]
        for number, run_id in enumerate(reversed(spare)):
            if number >= KEPT_DRIVERS or self._drivers[run_id].is_over:
                del self._drivers[run_id]

    def _close(self, driver: RunDriver, run_id: RunId) -> None:
        driver.close_kernels(self._store.run_snapshot(run_id))

    def _renew(self) -> None:
        try:
            tokens = self._tokens()
            lost = self._leases.renew(tokens)
            gone = lost.taken | lost.late
            if new := len(gone - self._told_lost):
                _log.warning("attempts lost: %d", new, extra={"action": "lost"})
            # One that takes its time to end is lost again at each renewal.
            self._told_lost = gone | self._told_lost.intersection(tokens)
            for token in gone:
                self._starter.lost(token)
            for driver in self._drivers.values():
                driver.lost(lost)
        except MetastoreError as problem:
            _log.error("leases were lost: %s", problem, extra={"action": "leases_lost"})
            self._let_go()

    def _tokens(self) -> list[Token]:
        """Return what a lease is held of."""
        claims = [claim for driver in self._drivers.values() for claim in driver.claims]
        return [claim.token for claim in (*claims, *self._starter.claimed)]

    def _let_go(self) -> None:
        """End everything that another scheduler may have taken over by now."""
        for driver in self._drivers.values():
            driver.abandon()
        self._drivers.clear()
        self._starter.claimed.clear()

    def _reap(self) -> None:
        now = self._clock.monotonic()
        if now - self._reaped < REAP_EVERY:
            return
        self._reaped = now
        self._store.check_schema()
        self._store.import_errors.forget_dead()
        reap(self._store, self._clock, level=logging.WARNING)
