"""What was claimed is started; what can't be started has failed with the reason, and holds up nothing."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import ConflictError, NotFoundError, is_contained
from nbflow.model.attempt import AttemptResult
from nbflow.model.ids import RunId, Token
from nbflow.model.run import Claim, Decisions, RunSnapshot, TaskMove
from nbflow.model.states import TaskState
from nbflow.scheduling.decide import Ended, decide, settle
from nbflow.service.adopt import Versions, adopt, refresh
from nbflow.service.drive import RunDriver
from nbflow.service.events import OnEvent
from nbflow.service.flights import not_started
from nbflow.service.isolation import Isolation, Subject
from nbflow.service.leases import Leases
from nbflow.service.live import MissingNotebooks

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore
    from nbflow.service.service import Service

Decide = Callable[[RunSnapshot], Decisions]


@dataclass(kw_only=True, slots=True)
class Starter:
    """Claims tasks and hands them to the drivers of their runs, which it makes."""

    service: "Service"
    executor: "LocalExecutor"
    leases: Leases
    versions: Versions
    isolation: Isolation
    missing: MissingNotebooks
    on_event: OnEvent
    drivers: OrderedDict[RunId, RunDriver]
    claimed: list[Claim] = field(default_factory=list)
    """What was claimed and could neither be started nor refused yet: its lease is to be renewed."""

    @property
    def _store(self) -> "Metastore":
        return self.service.store

    def start(self, room: int) -> None:
        """Claim what ``room`` is left for, and start it."""
        room -= len(self.claimed)
        if room > 0:
            self.claimed += self._store.claim(limit=room)
        due = [claim for claim in self.claimed if self.isolation.may(_about(claim))]
        seen = self._snapshots({RunId(claim.run_id) for claim in due})
        ready: dict[RunId, RunDriver] = {}
        for claim in due:
            work = partial(self._start_one, claim, seen[RunId(claim.run_id)], ready)
            if self.isolation.do(_about(claim), work):
                self.claimed.remove(claim)

    def lost(self, token: Token) -> None:
        """Forget a claim that somebody else has taken over."""
        self.claimed[:] = [claim for claim in self.claimed if claim.token != token]

    def hand_back(self) -> None:
        """Give back what was not started: this process was told to stop."""
        for claim in tuple(self.claimed):
            about = Subject("return", f"{claim.run_id}/{claim.task}")
            if self.isolation.do(about, partial(self._hand_back, claim)):
                self.claimed.remove(claim)

    def _hand_back(self, claim: Claim) -> bool:
        with suppress(ConflictError, NotFoundError):
            self._store.hand_back(claim)
        return True

    def _snapshots(self, run_ids: set[RunId]) -> dict[RunId, RunSnapshot | Exception]:
        """Read runs; in the place of one that can't be read stands why."""
        if not run_ids:
            return {}
        try:
            return {**self._store.run_snapshots(run_ids)}
        except Exception as problem:
            if not is_contained(problem):
                raise
            if len(run_ids) == 1:
                return dict.fromkeys(run_ids, problem)
        found: dict[RunId, RunSnapshot | Exception] = {}
        for run_id in run_ids:
            found |= self._snapshots({run_id})
        return found

    def _start_one(
        self, claim: Claim, snapshot: RunSnapshot | Exception, ready: dict[RunId, RunDriver]
    ) -> bool:
        try:
            if isinstance(snapshot, Exception):
                raise snapshot
            if claim.run_id not in ready:
                driver = self._driver_of(snapshot)
                self.drivers.move_to_end(snapshot.run_id)
                refresh(self._store, driver.published, snapshot)
                ready[RunId(claim.run_id)] = driver
            ready[RunId(claim.run_id)].start(claim, snapshot)
        except Exception as problem:
            if not is_contained(problem):
                raise
            self._refuse(claim, snapshot, problem)
        return True

    def _driver_of(self, snapshot: RunSnapshot) -> RunDriver:
        """Return the run's driver. One from before the run was cleared knows values, and keeps
        kernels, that count no more.
        """
        driver = self.drivers.get(snapshot.run_id)
        if driver is None:
            return self._new_driver(snapshot)
        if driver.clears == snapshot.clears:
            return driver
        driver.abandon()
        return self._new_driver(snapshot)

    def _new_driver(self, snapshot: RunSnapshot) -> RunDriver:
        compiled = self.versions.compiled(snapshot.version)
        self.missing.check(compiled.dag, snapshot, (n.digest for n in compiled.notebooks))
        driver = self.drivers[snapshot.run_id] = RunDriver(
            store=self._store,
            executor=self.executor,
            clock=self.service.clock,
            setup=adopt(self.service, compiled, snapshot),
            leases=self.leases,
            on_event=self.on_event,
        )
        return driver

    def _refuse(self, claim: Claim, snapshot: RunSnapshot | Exception, problem: Exception) -> None:
        """What can't even be started has failed, with the reason."""
        result = not_started(claim, problem)
        move, then = self._settled(claim, snapshot, result, self.service.clock.wall())
        with suppress(ConflictError, NotFoundError):
            self._store.finish(claim, result, move, then)

    def _settled(
        self,
        claim: Claim,
        snapshot: RunSnapshot | Exception,
        result: AttemptResult,
        now: datetime,
    ) -> tuple[TaskMove, Decide | None]:
        try:
            if isinstance(snapshot, Exception):
                raise snapshot
            dag = self.versions.dag(snapshot.version)
            ended = Ended(state=result.state, reason=result.reason, message=result.message)
            before = replace(snapshot.tasks[claim.task], tries=claim.try_no)
            move = settle(claim.run_id, dag.task(claim.task), before, ended, now)
            return move, partial(decide, dag, now=now)
        except Exception as problem:
            if not is_contained(problem):
                raise
            # Nobody can say any more what its options were, nor what waits for it.
            move = TaskMove(
                task=claim.task,
                source=TaskState.RUNNING,
                target=TaskState.FAILED,
                note=result.message,
            )
            return move, None


def _about(claim: Claim) -> Subject:
    return Subject("task", f"{claim.run_id}/{claim.task}")
