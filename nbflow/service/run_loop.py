"""Drive one run to its end in the calling thread, without a scheduler."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import MetastoreBusyError, RowLockedError
from nbflow.model.clock import Clock
from nbflow.model.ids import RunId
from nbflow.model.run import Claim, RunSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState
from nbflow.service.drive import GLANCE, RunDriver
from nbflow.service.interrupts import CancelSwitch
from nbflow.service.leases import Leases
from nbflow.service.reaping import REAP_EVERY, reap
from nbflow.service.recording import Recorder

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore

HELD_AT_MOST = 600.0
"""Seconds that a run waits for somebody who holds its row."""
_log = logging.getLogger("nbflow.scheduler")


@dataclass(kw_only=True, slots=True)
class RunLoop:
    """The only one who drives a run; `run` returns once it has ended."""

    driver: RunDriver
    run_id: RunId
    store: "Metastore"
    executor: "LocalExecutor"
    clock: Clock
    leases: Leases
    switch: CancelSwitch
    _recorder: Recorder = field(init=False)
    _problem: RowLockedError | None = None
    _held_since: float | None = None
    _reaped: float = float("-inf")

    def __post_init__(self) -> None:
        self._recorder = Recorder(store=self.store, clock=self.clock, renew=self._renew)
        self.switch.on_press = self.executor.wake

    def run(self) -> RunSnapshot:
        """Drive the run to its end; return it as it then stands.

        Raises MetastoreError if the metastore is gone for longer than the leases are trusted, or
        somebody holds the run for too long, or until the switch was pressed twice; the kernels are
        ended then.
        """
        while True:
            self._problem = None
            if self.switch.is_pressed and not self.driver.is_cancelling:
                self._try(partial(self.store.request_cancel, self.run_id))
            snapshot = self.driver.advance(self._try)
            is_behind = self.driver.is_behind(snapshot)
            if snapshot.state.is_final and not is_behind:
                return snapshot
            self._take_back(snapshot)
            if snapshot.cancel_requested:
                self._recorder.record(self.driver.cancel(at_once=self.switch.at_once))
            elif not is_behind:
                self._start(snapshot)
            reports = self.executor.poll(_patience(snapshot, self.clock))
            self._recorder.record(self.driver.take(reports))
            self._recorder.again()
            self._renew()
            self._wait_for_others()

    def _try(self, work: Callable[[], object]) -> bool:
        """Do what can wait; tell whether it was done, or others hold what it wants."""
        try:
            self.leases.insist(work)
        except RowLockedError as problem:
            self._problem = problem
            return False
        return True

    def _renew(self) -> None:
        try:
            tokens = [claim.token for claim in self.driver.claims]
            self.driver.lost(self.leases.renew(tokens))
        except MetastoreBusyError:
            self.executor.close()
            raise

    def _take_back(self, snapshot: RunSnapshot) -> None:
        """Queue tasks again of which the lease ended while others held their rows: there may be no
        scheduler that does.
        """
        at_work = {claim.token for claim in self.driver.claims}
        lost = [
            task.name
            for task in snapshot.tasks.values()
            if task.state is TaskState.RUNNING and task.token not in at_work
        ]
        if not lost:
            return
        self._problem = RowLockedError(
            Sentence("Others held the row of task {task} until its lease was over.", task=lost[0]),
            hint="It runs again once the row is free: end the session that holds it.",
        )
        now = self.clock.monotonic()
        if now - self._reaped >= REAP_EVERY:
            self._reaped = now
            self._try(partial(reap, self.store, self.clock))

    def _start(self, snapshot: RunSnapshot) -> None:
        """Fill the places: with tasks that may start, then with items of mapped tasks."""
        # Not the executor's free slots: one that cleans up takes the next attempt in a moment.
        room = self.driver.places() - self.driver.used
        if room <= 0:
            return
        claims: list[Claim] = []
        self._try(lambda: claims.extend(self.store.claim(self.run_id, limit=room)))
        for claim in claims:
            self.driver.start(claim, snapshot)
        self._recorder.record(self.driver.start_items(self.driver.places() - self.driver.used))

    def _wait_for_others(self) -> None:
        """Say once that others hold the run; raise what they hold when it was long enough."""
        problem = self._problem or self._recorder.waits_for
        if problem is None:
            self._held_since = None
            return
        now = self.clock.monotonic()
        if self._held_since is None:
            self._held_since = now
            _log.warning("%s has to wait: %s", self.run_id, problem, extra={"action": "held_up"})
        if self.switch.at_once or now - self._held_since > HELD_AT_MOST:
            self.executor.close()
            raise problem


def _patience(snapshot: RunSnapshot, clock: Clock) -> float:
    """Return how long to wait for a report: other things want to be looked at, too."""
    now = clock.wall()
    waits = [
        (task.not_before - now).total_seconds()
        for task in snapshot.tasks.values()
        if task.not_before is not None and not task.state.is_final
    ]
    return max(0.0, min([GLANCE, *waits]))
