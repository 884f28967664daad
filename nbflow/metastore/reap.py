"""What dead processes left behind: leases that ended, runs that nobody drives any more."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.finish import lose
from nbflow.metastore.instances import boot_id, close_gone, is_gone, is_stale
from nbflow.metastore.moves import Moves, lock_run
from nbflow.metastore.snapshots import snapshot
from nbflow.model.attempt import died_running
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.run import Decisions, RunMove, RunSnapshot, TaskMove
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason, RunState, TaskState

Decide = Callable[[RunSnapshot], Decisions]
"""Says what follows in a run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaped:
    """A task (or, without one, a run) that was taken from a process that is gone."""

    run_id: RunId
    task: TaskName | None
    target: str
    note: str


def reap(
    db: Database, lease: float, who: str, decide: Callable[[Digest], Decide] | None = None
) -> list[Reaped]:
    """End what dead processes drove as lost, and queue again what their schedulers had claimed.

    Of the dead those that own nothing any more are closed. ``decide`` gives, for a version of a DAG, what says what follows when a task of such a run was
    taken: that is done in the same transaction.
    """
    found: list[Reaped] = []
    for run_id, note in db.read(lambda connection: _orphans(db, connection, lease)):
        found += _end_run(db, run_id, note, who, lease)
    expired = db.read(lambda connection: _expired(db, connection))
    for run_id, task, version in expired:
        found += _requeue(db, (run_id, task, version), who, decide and decide(version))
    close_gone(db)
    return found


def _orphans(db: Database, connection: Connection, lease: float) -> list[tuple[RunId, str]]:
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
                host=row.host,
            ),
        )
        for row in rows
        if is_gone(row) or is_stale(db, row, lease, now)
    ]


def _end_run(db: Database, run_id: RunId, note: str, who: str, lease: float) -> list[Reaped]:
    def work(connection: Connection) -> list[Reaped]:
        lock_run(db, connection, run_id)
        state = connection.execute(select(t.run.c.state).where(t.run.c.id == run_id)).scalar_one()
        still = dict(_orphans(db, connection, lease))
        if RunState(state).is_final or run_id not in still:
            return []
        now = db.clock.wall()
        moves = Moves(db=db, connection=connection, who=who, now=now)
        rows = connection.execute(
            select(t.task_instance)
            .where(t.task_instance.c.run_id == run_id)
            .order_by(t.task_instance.c.position)
        ).all()
        ended = []
        for row in rows:
            source, task = TaskState(row.state), TaskName(row.task)
            if source.is_final:
                continue
            target = TaskState.FAILED if source is TaskState.RUNNING else TaskState.CANCELLED
            if source is TaskState.RUNNING:
                lose(moves, row, reason=Reason.LOST, target=target, message=note)
            else:
                moves.task(run_id, TaskMove(task=task, source=source, target=target, note=note))
            ended.append(Reaped(run_id=run_id, task=task, target=target.value, note=note))
        moves.run(run_id, RunMove(source=RunState(state), target=RunState.FAILED, note=note))
        moves.write()
        return [*ended, Reaped(run_id=run_id, task=None, target=RunState.FAILED.value, note=note)]

    return db.write("reap_run", work)


def _expired(db: Database, connection: Connection) -> list[tuple[RunId, TaskName, Digest]]:
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


def _requeue(
    db: Database, lost: tuple[RunId, TaskName, Digest], who: str, decide: Decide | None
) -> list[Reaped]:
    run_id, task, _ = lost

    def work(connection: Connection) -> list[Reaped]:
        run = lock_run(db, connection, run_id)
        ti = t.task_instance.c
        row = connection.execute(
            select(t.task_instance, t.instance.c.host, t.instance.c.pid)
            .join(t.instance, t.instance.c.id == ti.owner)
            .where(ti.run_id == run_id, ti.task == task)
        ).one_or_none()
        if row is None or lost not in _expired(db, connection):
            return []
        poison = row.lost + 1 > row.max_lost
        target = TaskState.FAILED if poison else TaskState.QUEUED
        note = Sentence("lost: worker died ({pid}, {host})", pid=row.pid, host=row.host)
        if poison:
            note = Sentence(
                "{why}, last {pid} on {host}",
                why=died_running(row.lost + 1),
                pid=row.pid,
                host=row.host,
            )
        moves = Moves(db=db, connection=connection, who=who, now=db.clock.wall())
        lose(moves, row, reason=Reason.LOST, target=target, message=note)
        moves.write()
        if decide is not None:
            moves.decided(run_id, decide(snapshot(db, connection, run_id, run)))
            moves.write()
        return [Reaped(run_id=run_id, task=task, target=target.value, note=note)]

    return db.write("reap", work)
