"""What dead processes left behind is ended as lost, or queued again."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.finish import lose
from nbflow.metastore.instances import host_name
from nbflow.metastore.moves import Moves, lock_run
from nbflow.metastore.reap import Reaped, expired, orphans
from nbflow.metastore.snapshots import snapshot
from nbflow.model.attempt import died_running
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.run import Decisions, RunMove, RunSnapshot, TaskMove
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason, RunState, TaskState

Decide = Callable[[RunSnapshot], Decisions]
"""Says what follows in a run."""


def end_run(db: Database, run_id: RunId, note: str, who: str, lease: float) -> list[Reaped]:
    """End a run whose process is gone, if it still is."""

    def work(connection: Connection) -> list[Reaped]:
        lock_run(db, connection, run_id)
        state = connection.execute(select(t.run.c.state).where(t.run.c.id == run_id)).scalar_one()
        still = dict(orphans(db, connection, lease))
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


def requeue(
    db: Database, lost: tuple[RunId, TaskName, Digest], who: str, decide: Decide | None
) -> list[Reaped]:
    """Queue a task again whose lease has ended, or let it fail, if it still has."""
    run_id, task, _ = lost

    def work(connection: Connection) -> list[Reaped]:
        run = lock_run(db, connection, run_id)
        ti = t.task_instance.c
        row = connection.execute(
            select(t.task_instance, t.instance.c.host, t.instance.c.pid)
            .join(t.instance, t.instance.c.id == ti.owner)
            .where(ti.run_id == run_id, ti.task == task)
        ).one_or_none()
        if row is None or lost not in expired(db, connection):
            return []
        poison = row.lost + 1 > row.max_lost
        target = TaskState.FAILED if poison else TaskState.QUEUED
        note = Sentence("lost: worker died ({pid}, {host})", pid=row.pid, host=host_name(row.host))
        if poison:
            note = Sentence(
                "{why}, last {pid} on {host}",
                why=died_running(row.lost + 1),
                pid=row.pid,
                host=host_name(row.host),
            )
        moves = Moves(db=db, connection=connection, who=who, now=db.clock.wall())
        lose(moves, row, reason=Reason.LOST, target=target, message=note)
        moves.write()
        if decide is not None:
            moves.decided(run_id, decide(snapshot(db, connection, run_id, run)))
            moves.write()
        return [Reaped(run_id=run_id, task=task, target=target.value, note=note)]

    return db.write("reap", work)
