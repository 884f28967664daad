"""Slots that have come get their runs: schedules are read, planned and moved on, many at once."""

import logging
import random
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nbflow.errors import is_contained
from nbflow.model.clock import Clock
from nbflow.model.schedule import DueSchedule
from nbflow.model.states import RunKind
from nbflow.scheduling.plan import plan_tick
from nbflow.service.isolation import Isolation, Subject
from nbflow.service.run import new_run_id

if TYPE_CHECKING:
    from nbflow.metastore import Metastore, Tick

TICKS_AT_ONCE = 20
"""Schedules moved on in one transaction, at most: nobody waits long for the lock."""
DUE_AT_ONCE, DUE_ROUNDS = 200, 5
"""Schedules read at once, and how often before anything else is done: runs come before their tasks."""
_WHAT = "schedule"
_log = logging.getLogger("nbflow.scheduler")


class Ticker:
    """Moves schedules on; one that can't be moved holds up no other."""

    def __init__(self, store: "Metastore", clock: Clock, isolation: Isolation) -> None:
        self._store = store
        self._clock = clock
        self._isolation = isolation

    def make_runs(self) -> tuple[int, datetime | None]:
        """Make the runs of all slots that have come; return how many schedules were moved on, and when
        the next slot comes, but of what is left alone for now.
        """
        moved = 0
        for _ in range(DUE_ROUNDS):
            # What can't be moved on now hides nothing behind it.
            limit = DUE_AT_ONCE + len(self._isolation.paused(_WHAT))
            due = self._store.due(self._clock.wall(), limit=limit)
            done = self.move_on(due)
            moved += done
            if len(due) < DUE_AT_ONCE or not done:
                break
        return moved, self._store.next_fire(without=self._isolation.paused(_WHAT))

    def move_on(self, due: Sequence[DueSchedule]) -> int:
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
        planned = []
        for one in due:
            about = Subject(_WHAT, one.entry.dag_id)
            if not self._isolation.may(about):
                continue
            try:
                planned.append(self.plan(one))
            except Exception as problem:
                self._isolation.failed(about, problem)
        return planned

    def _tick(self, ticks: "Sequence[Tick]") -> int:
        """Do the ticks together, or, if that fails, one by one, so that none holds up the others."""
        try:
            done = self._store.tick_all(ticks)
        except Exception as problem:
            if not is_contained(problem):
                raise
            if len(ticks) > 1:
                return sum(self._tick([one]) for one in ticks)
            self._isolation.failed(Subject(_WHAT, ticks[0].seen.dag_id), problem)
            return 0
        for what in ticks:
            self._isolation.worked(Subject(_WHAT, what.seen.dag_id))
        for what, moved in zip(ticks, done, strict=True):
            for new in what.runs if moved else ():
                _log.info(
                    "%s: run %s made", new.dag_id, new.run_id,
                    extra={"action": "run_made", "dag_id": new.dag_id, "run_id": new.run_id},
                )  # fmt: skip
        return sum(done)

    def plan(self, due: DueSchedule) -> "Tick":
        """Say what is to be done with a schedule now."""
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
