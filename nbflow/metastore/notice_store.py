"""The notifications of a metastore as one object: each verb is one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nbflow.metastore import notices
from nbflow.metastore.engine import Database
from nbflow.metastore.misses import MissedRow
from nbflow.model.ids import DagId
from nbflow.model.states import RunState


class Notices:
    """What is to be told, was told, or could not be."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def has_work(self) -> bool:
        """Tell whether anything is to be planned or sent now."""
        now = self.db.clock.wall()
        return self.db.read(lambda connection: notices.has_work(connection, now))

    def run_ends(self, *, limit: int = 100) -> list[notices.RunEnd]:
        """Return ends of runs that are to be told, the oldest of each DAG."""
        return self.db.read(lambda connection: notices.run_ends(connection, limit))

    def plan_run_end(
        self,
        end: notices.RunEnd,
        health: RunState | None,
        planned: Sequence[notices.NewNotice],
    ) -> bool:
        """Note that a run's end was seen to, with its notifications; False if it was before."""
        return notices.plan_run_end(self.db, end, health, planned, self.db.clock.wall())

    def untold_missed(self, *, limit: int = 1000) -> dict[DagId, list[MissedRow]]:
        """Return slots and events without a run of which nobody has been told, by DAG."""
        return self.db.read(lambda connection: notices.untold_missed(connection, limit))

    def plan_missed(
        self, dag_id: DagId, keys: Sequence[str], planned: Sequence[notices.NewNotice]
    ) -> bool:
        """Note that missed slots were seen to; False if one of them was before."""
        return notices.plan_missed(self.db, dag_id, keys, planned, self.db.clock.wall())

    def take(self, *, lease: float, limit: int = 10) -> list[notices.NoticeRow]:
        """Take notifications that are due, to send them before the lease ends."""
        return notices.take(self.db, lease, limit, self.db.clock.wall())

    def settle(self, taken: notices.NoticeRow, **outcome: Any) -> bool:
        """Note ``sent``, ``dead`` or the next ``due``, and an ``error``; False if taken since."""
        return notices.settle(self.db, taken, **outcome)

    def send_again(self, notice_id: str) -> bool:
        """Let a notification that was given up be sent; False if none of that id was."""
        return notices.again(self.db, notice_id, self.db.clock.wall())

    def forget(self, before: datetime) -> int:
        """Delete old notifications that were sent or given up; return how many."""
        return notices.forget(self.db, before)

    def all(self, dag_id: DagId | None = None, *, limit: int = 50) -> list[notices.NoticeRow]:
        """Return notifications, the newest first."""
        return self.db.read(lambda connection: notices.notices(connection, dag_id, limit))
