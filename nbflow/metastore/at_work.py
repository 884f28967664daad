"""Who is at work: schedulers with what they run, and how far they are behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.instances import host_name, is_gone, is_stale, open_ones
from nbflow.model.codes import HELD_UP
from nbflow.model.states import RunState, TaskState


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerRow:
    """A scheduler that has not said good-bye. ``state`` is ``works``, ``silent`` (its lease is over,
    its process is not known to be gone) or ``gone``; ``running`` names run and task of its attempts.
    """

    id: str
    host: str
    pid: int
    started: datetime
    heartbeat: datetime
    state: str
    running: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What waits: slots that have come, and tasks that may start, since when the oldest does, and what
    a scheduler can't go on with.
    """

    slots: int
    slot_since: datetime | None
    tasks: int
    task_since: datetime | None
    held_up: int


def schedulers(db: Database, connection: Connection, lease: float) -> list[SchedulerRow]:
    """Return the schedulers, the oldest first."""
    ti, rows = t.task_instance.c, open_ones(connection, "scheduler")
    running: dict[str, list[tuple[str, str]]] = {}
    busy = select(ti.owner, ti.run_id, ti.task).where(ti.state == TaskState.RUNNING.value)
    for owner, run_id, task in connection.execute(busy.order_by(ti.run_id, ti.position)):
        running.setdefault(owner, []).append((run_id, task))
    now = db.now(connection)
    found = []
    for row in rows:
        state = "silent" if is_stale(db, row, lease, now) else "works"
        found.append(
            SchedulerRow(
                id=row.id,
                host=host_name(row.host),
                pid=row.pid,
                started=row.started,
                heartbeat=row.heartbeat,
                state="gone" if is_gone(row) else state,
                running=tuple(running.get(row.id, ())),
            )
        )
    return found


def backlog(connection: Connection, now: datetime) -> Backlog:
    """Return what waits."""
    of, ti, run = t.schedule.c, t.task_instance.c, t.run.c
    slots = connection.execute(
        select(func.count(), func.min(of.next_fire_utc))
        .join(t.dag, t.dag.c.id == of.dag_id)
        .where(of.next_fire_utc <= now, t.dag.c.paused == 0)
    ).one()
    tasks = connection.execute(
        select(func.count(), func.min(ti.queued_at))
        .join(t.run, run.id == ti.run_id)
        .where(
            ti.state == TaskState.QUEUED.value,
            or_(ti.not_before.is_(None), ti.not_before <= now),
            run.state == RunState.RUNNING.value,
            run.owner.is_(None),
        )
    ).one()
    error = t.import_error.c
    held_up = select(func.count(error.path.distinct())).where(error.code == HELD_UP)
    return Backlog(
        slots=slots[0],
        slot_since=slots[1],
        tasks=tasks[0],
        task_since=tasks[1],
        held_up=connection.execute(held_up).scalar_one(),
    )
