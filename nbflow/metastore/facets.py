"""The parts of the metastore that have a theme of their own: each verb is one transaction, but for
those that yield after each of several.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from nbflow.metastore import (
    clear_requests,
    import_errors,
    instances,
    metrics,
    notices,
    old_records,
    prune,
    reads,
    triggers,
)
from nbflow.metastore.engine import Database
from nbflow.metastore.misses import MissedRow
from nbflow.metastore.rows import ImportErrorRow, MetricRow, TaskValues
from nbflow.model.attempt import StoredValue
from nbflow.model.ids import DagId, Digest, RunId, TaskName
from nbflow.model.run import Decisions, RunSnapshot
from nbflow.model.states import RunState


class Clears:
    """Runs whose tasks are decided anew; ``who`` names the process that writes, ``me`` records it."""

    def __init__(self, db: Database, who: Callable[[], str], me: Callable[[], str]) -> None:
        self._db = db
        self._who = who
        self._me = me

    def request(self, wanted: clear_requests.Clear) -> None:
        """Record that a run is to go on; see `clear_requests.request` for what it raises."""
        clear_requests.request(self._db, wanted, self._db.clock.wall())

    def requested(self) -> list[RunId]:
        """Return the runs that wait to go on."""
        return self._db.read(clear_requests.requested)

    def carry_out(
        self,
        run_id: RunId,
        decide: Callable[[Digest], Callable[[RunSnapshot], Decisions]] | None = None,
    ) -> bool:
        """Let a run go on as it was asked to; False if nobody asks for it any more. See
        `clear_requests.carry_out`.
        """
        now = self._db.clock.wall()
        return clear_requests.carry_out(self._db, run_id, self._who(), now, decide)

    def carry_out_here(self, wanted: clear_requests.Clear) -> None:
        """Let an ended run go on at once, driven by this process; raises as `request`."""
        clear_requests.clear_here(self._db, wanted, self._me(), self._db.clock.wall())


class ImportErrors:
    """Notebooks that can't be deployed, and what processes can't go on with."""

    def __init__(self, db: Database, me: Callable[[], instances.Instance], lease: float) -> None:
        self._db, self._me, self._lease = db, me, lease

    def replace(self, scope: str, errors: Sequence[ImportErrorRow]) -> bool:
        """Put errors in the place of those known of a scope, a folder say; False if none changed."""
        return import_errors.replace_errors(self._db, scope, errors, self._db.clock.wall())

    def hold_up(self, row: ImportErrorRow) -> None:
        """Note what this process can't go on with."""
        scope, now = import_errors.scope_of(self._me().id), self._db.clock.wall()
        import_errors.replace_errors(self._db, scope, [row], now, only=row.path)

    def goes_on(self, path: str) -> None:
        """Note that this process goes on with something."""
        scope, now = import_errors.scope_of(self._me().id), self._db.clock.wall()
        import_errors.replace_errors(self._db, scope, [], now, only=path)

    def forget_dead(self) -> None:
        """Forget what processes could not go on with that are gone by now."""
        import_errors.forget_dead(self._db, self._lease)

    def all(self) -> list[ImportErrorRow]:
        """Return the notebooks that can't be deployed, and what processes can't go on with, by path."""
        return self._db.read(import_errors.import_errors)


class Notices:
    """What is to be told, was told, or could not be."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def has_work(self) -> bool:
        """Tell whether anything is to be planned or sent now."""
        now = self._db.clock.wall()
        return self._db.read(lambda connection: notices.has_work(connection, now))

    def run_ends(self, *, limit: int = 100, without: Collection[str] = ()) -> list[notices.RunEnd]:
        """Return ends of runs that are to be told, the oldest of each DAG but those ``without``."""
        return self._db.read(lambda c: notices.run_ends(self._db, c, limit, without))

    def plan_run_end(
        self,
        end: notices.RunEnd,
        health: RunState | None,
        planned: Sequence[notices.NewNotice],
    ) -> bool:
        """Note that a run's end was seen to, with its notifications; False if it was before."""
        return notices.plan_run_end(self._db, end, health, planned, self._db.clock.wall())

    def untold_missed(
        self, *, limit: int = 1000, without: Collection[str] = ()
    ) -> dict[DagId, list[MissedRow]]:
        """Return slots and events without a run of which nobody has been told, by DAG."""
        return self._db.read(lambda c: notices.untold_missed(c, limit, without))

    def plan_missed(
        self, dag_id: DagId, keys: Sequence[str], planned: Sequence[notices.NewNotice]
    ) -> bool:
        """Note that missed slots were seen to; False if one of them was before."""
        return notices.plan_missed(self._db, dag_id, keys, planned, self._db.clock.wall())

    def take(
        self, *, lease: float, limit: int = 10, most_tries: int | None = None
    ) -> list[notices.NoticeRow]:
        """Take notifications that are due, to send them before the lease ends; what was taken
        ``most_tries`` times is given up.
        """
        return notices.take(self._db, lease, limit, self._db.clock.wall(), most_tries)

    def settle(self, taken: notices.NoticeRow, **outcome: Any) -> bool:
        """Note ``sent``, ``dead`` or the next ``due``, and an ``error``; False if taken since."""
        return notices.settle(self._db, taken, **outcome)

    def send_again(self, notice_id: str) -> bool:
        """Let a notification that was given up be sent; False if none of that id was."""
        return notices.again(self._db, notice_id, self._db.clock.wall())

    def forget(self, before: datetime) -> int:
        """Delete old notifications that were sent or given up; return how many."""
        return notices.forget(self._db, before)

    def all(self, dag_id: DagId | None = None, *, limit: int = 50) -> list[notices.NoticeRow]:
        """Return notifications, the newest first."""
        return self._db.read(lambda c: notices.notices(self._db, c, dag_id, limit))


class Retention:
    """What old runs take, and how they go."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def old_runs(self, before: datetime, *, limit: int | None = None) -> list[RunId]:
        """Return runs that ended before an instant, oldest first; not a DAG's newest success, nor
        what a run of some tasks may still read.
        """
        return self._db.read(lambda connection: prune.old_runs(connection, before, limit))

    def delete_runs(self, run_ids: Sequence[RunId]) -> int:
        """Delete ended runs with all that is known of them; return how many there were."""
        return prune.delete_runs(self._db, run_ids)

    def forget_instances(self, before: datetime) -> int:
        """Delete processes that said good-bye, or were found dead, before an instant; return how
        many. Those that drove a run on record stay.
        """
        return instances.forget(self._db, before)

    def forget_missed(self, before: datetime) -> Iterator[int]:
        """Delete missed slots and events of before an instant; yields how many, transaction by
        transaction.
        """
        return old_records.forget_missed(self._db, before)

    def forget_backfills(self, before: datetime) -> Iterator[int]:
        """Delete backfills that ended before an instant and have no run on record; yields as
        `forget_missed`.
        """
        return old_records.forget_backfills(self._db, before)

    def forget_versions(self, before: datetime) -> Iterator[int]:
        """Delete versions that were not used since an instant and that nothing names; yields as
        `forget_missed`.
        """
        return old_records.forget_versions(self._db, before)

    def old_records(
        self, before: datetime, unused: datetime, *, without: Collection[RunId] = ()
    ) -> old_records.OldRecords:
        """Return how much these would delete (versions: not used since ``unused``), once the runs
        ``without`` are gone.
        """
        return self._db.read(lambda c: old_records.old_records(c, before, unused, without))

    def named_files(self) -> prune.NamedFiles:
        """Return the bundles and attempts' folders that rows name."""
        return self._db.read(prune.named_files)

    def files_of_runs(self) -> dict[RunId, prune.RunFiles]:
        """Return what each run on record names in the store."""
        return self._db.read(prune.files_of_runs)


class Triggers:
    """What makes runs beside the clock."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, dag_id: DagId) -> list[triggers.TriggerRow]:
        """Return a DAG's triggers with what is remembered of them."""
        return self._db.read(lambda c: triggers.triggers_of(self._db, c, dag_id))

    def events(self, *, limit: int = 100) -> list[triggers.TriggerEvent]:
        """Return what triggers are to decide on, of each the oldest."""
        return self._db.read(lambda c: triggers.pending_events(self._db, c, limit))

    def watched_files(self) -> list[triggers.TriggerRow]:
        """Return the triggers of active DAGs that look at files."""
        return self._db.read(lambda c: triggers.watched_files(self._db, c))

    def fire(self, what: triggers.Firing) -> bool:
        """Write what a trigger decided, and the run it makes, in one transaction.

        False, and nothing written, if another scheduler, a deploy, a pause or a run came first.
        """
        return triggers.fire(self._db, what, self._db.clock.wall())


class Values:
    """What tasks published, and the metrics they recorded."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_run(self, run_id: RunId) -> Mapping[TaskName, TaskValues]:
        """Return what each task of a run published."""
        return self._db.read(lambda connection: reads.values_of(connection, run_id))

    def latest(
        self, dag_id: DagId, task: TaskName, *, before: datetime | None = None
    ) -> TaskValues:
        """Return what a task published in the last run in which it published anything, of those
        made ``before`` an instant if given.
        """
        return self._db.read(lambda c: reads.latest_values(c, dag_id, task, before))

    def latest_value(self, dag_id: DagId, task: TaskName, name: str) -> StoredValue | None:
        """Return the newest stored value of a name, None if no run stored one."""
        return self._db.read(lambda c: reads.latest_value(c, dag_id, task, name))

    def metrics(self, run_id: RunId) -> list[MetricRow]:
        """Return what a run's tasks recorded of themselves, in page order."""
        return self._db.read(lambda connection: metrics.metrics_of(connection, run_id))
