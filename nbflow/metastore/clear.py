"""Ended tasks wait once more: the one way out of a final state."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from nbflow.errors import ConflictError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.moves import Moves, lock_run
from nbflow.metastore.runs import task_row, tasks_of
from nbflow.metastore.snapshots import snapshot
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.run import RunMove, RunSnapshot, TaskMove
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState, TaskState


def every_task(run: RunSnapshot) -> Iterable[TaskName]:
    """Choose all tasks of a run."""
    return run.tasks


def not_ended(run_id: RunId) -> ConflictError:
    """Return the error for a run that still goes on."""
    return ConflictError(
        Sentence("Run {run_id} has not ended.", run_id=run_id),
        hint="Wait for its end, or cancel it.",
        code="NBF661",
    )


def clear_tasks(
    db: Database,
    connection: Connection,
    run_id: RunId,
    choose: Callable[[RunSnapshot], Iterable[TaskName]] = every_task,
    *,
    who: str,
    now: datetime,
    version: Digest | None = None,
    owner: str | None = None,
) -> tuple[TaskName, ...]:
    """Let the chosen tasks of an ended run wait again, and the run with them; return their names.

    What they published is forgotten, and so is a request for the same; their attempts stay and count
    on. ``version`` is the one that the run goes on with: its new tasks join, those that it lacks are
    removed, and those that were removed wait again if it has them. ``owner`` drives the run then, or
    any scheduler. Raises NotFoundError; ConflictError, and writes nothing, if the run goes on.
    """
    seen = snapshot(db, connection, run_id, lock_run(db, connection, run_id))
    if not seen.state.is_final:
        raise not_ended(run_id)
    moves = Moves(db=db, connection=connection, who=who, now=now)
    version = version or seen.version
    has = {TaskName(row.name): row for row in tasks_of(connection, version)}
    if version != seen.version:
        _onto(connection, seen, has)
    gone = seen.tasks.keys() - has.keys()
    # What an earlier version lacked is a task like others again.
    wanted = {*choose(seen), *(n for n, s in seen.tasks.items() if s.state is TaskState.REMOVED)}
    chosen = [task for task in seen.tasks if task in wanted and task not in gone]
    for task in (*chosen, *sorted(gone)):
        source = seen.tasks[task].state
        target = TaskState.REMOVED if task in gone else TaskState.NONE
        if source is not target:
            note = Sentence("cleared")
            if task in gone:
                note = Sentence("the version that the run goes on with lacks it")
            moves.task(run_id, TaskMove(task=task, source=source, target=target, note=note))
    for table in (t.artifact, t.metric):
        of_tasks = table.c.run_id == run_id, table.c.task.in_([*chosen, *gone])
        connection.execute(table.delete().where(*of_tasks))
    moves.run(run_id, RunMove(source=seen.state, target=RunState.QUEUED))
    run = t.run.c
    connection.execute(
        t.run.update()
        .where(run.id == run_id, run.state == RunState.QUEUED.value)
        .values(
            owner=owner,
            cancel_requested=0,
            version=version,
            backfill_id=None,
            clears=run.clears + 1,
        )
    )
    # Whoever asked for it to go on has it now.
    connection.execute(t.clear_request.delete().where(t.clear_request.c.run_id == run_id))
    # Its next end is told anew.
    told = t.outbox.c
    connection.execute(t.outbox.delete().where(told.run_id == run_id, told.id.like("run-end:%")))
    moves.write()
    return tuple(chosen)


def _onto(connection: Connection, seen: RunSnapshot, has: Mapping[TaskName, Any]) -> None:
    """Make the run's tasks what they are in another version, and add those that are new in it."""
    for name, row in has.items():
        values = task_row(seen.run_id, row)
        if name in seen.tasks:
            _redefine(connection, seen.run_id, values)
        elif seen.selected is None:
            connection.execute(t.task_instance.insert().values(values))


def _redefine(connection: Connection, run_id: RunId, values: dict[str, Any]) -> None:
    of = t.task_instance.c
    kept = {key: values[key] for key in ("position", "pool", "pool_slots", "priority", "max_lost")}
    connection.execute(
        t.task_instance.update()
        .where(of.run_id == run_id, of.task == values["task"], of.state != TaskState.RUNNING.value)
        .values(kept)
    )
