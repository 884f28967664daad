"""What dead processes left behind is found: leases that ended, runs that nobody drives any more."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from nbflow.errors import ConflictError, RowLockedError, is_contained
from nbflow.later import Later
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.instances import boot_id, close_gone, host_name, is_gone, is_stale
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState

if TYPE_CHECKING:
    from nbflow.metastore import taking_over
    from nbflow.metastore.taking_over import Decide
else:
    # Everybody who opens a metastore looks; few find anything.
    taking_over = Later("nbflow.metastore.taking_over")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaped:
    """A task (or, without one, a run) that was taken from a process that is gone."""

    run_id: RunId
    task: TaskName | None
    target: str
    note: str


def reap(
    db: Database, lease: float, who: str, decide: "Callable[[Digest], Decide] | None" = None
) -> list[Reaped]:
    """End what dead processes drove as lost, and queue again what their schedulers had claimed.

    Of the dead those that own nothing any more are closed. ``decide`` gives, for a version of a DAG,
    what says what follows when a task of such a run was taken: that is done in the same transaction.
    """
    found: list[Reaped] = []
    for run_id, note in db.read(lambda connection: orphans(db, connection, lease)):
        found += _alone(db, run_id, partial(taking_over.end_run, db, run_id, note, who, lease))
    for lost in db.read(lambda connection: expired(db, connection)):
        found += _alone(db, lost[0], partial(_take_over, db, lost, who, decide))
    close_gone(db)
    return found


def _alone(db: Database, run_id: RunId, work: Callable[[], list[Reaped]]) -> list[Reaped]:
    """Take from a run what there is to take. One that can't be read, or is held, holds up no other."""
    found = db.unread.each("run", [run_id], str, lambda _: work())
    return [one for some in found for one in some]


def _take_over(
    db: Database,
    lost: tuple[RunId, TaskName, Digest],
    who: str,
    decide: "Callable[[Digest], Decide] | None",
) -> list[Reaped]:
    try:
        return taking_over.requeue(db, lost, who, decide and decide(lost[2]))
    except Exception as problem:
        is_others = isinstance(problem, RowLockedError | ConflictError)
        if decide is None or is_others or not is_contained(problem):
            raise
        # What follows can't be decided now; the task is free all the same.
        return taking_over.requeue(db, lost, who, None)


def orphans(db: Database, connection: Connection, lease: float) -> list[tuple[RunId, str]]:
    """Return the unfinished runs whose driver is gone, with a sentence that says so."""
    rows = connection.execute(
        select(t.run.c.id.label("run_id"), t.instance)
        .join(t.instance, t.instance.c.id == t.run.c.owner)
        .where(t.run.c.state.in_(t.GOING))
    ).all()
    now = db.now(connection)
    return [
        (
            RunId(row.run_id),
            Sentence(
                "lost: the process that drove it is gone ({pid} on {host})",
                pid=row.pid,
                host=host_name(row.host),
            ),
        )
        for row in rows
        if is_gone(row) or is_stale(db, row, lease, now)
    ]


def expired(db: Database, connection: Connection) -> list[tuple[RunId, TaskName, Digest]]:
    """Return the running tasks whose lease has ended, with their runs and versions."""
    rows = connection.execute(
        select(
            t.task_instance.c.run_id,
            t.task_instance.c.task,
            t.task_instance.c.lease_until,
            t.task_instance.c.lease_mono,
            t.run.c.version,
            t.instance,
        )
        .join(t.instance, t.instance.c.id == t.task_instance.c.owner)
        .join(t.run, t.run.c.id == t.task_instance.c.run_id)
        .where(t.task_instance.c.state == TaskState.RUNNING.value)
    ).all()
    now = db.now(connection)
    return [
        (RunId(row.run_id), TaskName(row.task), Digest(row.version))
        for row in rows
        if is_gone(row) or _is_over(db, row.lease_until, row.lease_mono, row.boot_id, now)
    ]


def _is_over(db: Database, until: datetime, mono: float, boot: str, now: datetime) -> bool:
    if db.is_sqlite and boot and boot == boot_id():
        return mono < db.clock.monotonic()
    return until < now
