"""Ended tasks wait once more: the one way out of a final state. A run that has ended goes on with
them; in one that goes on they are decided anew while others run.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from nbflow.errors import ConflictError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.moves import Moves, lock_run
from nbflow.metastore.runs import task_row, tasks_of
from nbflow.metastore.snapshots import snapshot
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.run import Decisions, RunMove, RunSnapshot, TaskMove
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState, TaskState

_IN_TURN = frozenset({TaskState.QUEUED, TaskState.UP_FOR_RETRY})


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
) -> None:
    """Let the chosen tasks of an ended run wait again, and the run with them.

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
    _forget_results(connection, run_id, [*chosen, *gone])
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
    # Its next end is told anew.
    told = t.outbox.c
    connection.execute(t.outbox.delete().where(told.run_id == run_id, told.id.like("run-end:%")))
    moves.write()


def clear_while_going(
    db: Database,
    connection: Connection,
    run: Any,
    tasks: Iterable[TaskName],
    decide: Callable[[RunSnapshot], Decisions],
    *,
    who: str,
    now: datetime,
) -> None:
    """Let tasks of a run that goes on, whose row is held, wait again, and do what follows.

    What waits for its turn and follows one of them waits for it again. Raises ConflictError, and
    writes nothing, as `refuse_busy` does, or if a task began meanwhile.
    """
    run_id = RunId(run.id)
    seen = snapshot(db, connection, run_id, run)
    wanted = [name for name in tasks if seen.tasks[name].state is not TaskState.NONE]
    followers = followers_of(connection, seen.version)
    refuse_busy(seen, followers, wanted)
    moves = Moves(db=db, connection=connection, who=who, now=now)
    for name in wanted:
        move = TaskMove(
            task=name,
            source=seen.tasks[name].state,
            target=TaskState.NONE,
            note=Sentence("cleared"),
        )
        moves.task(run_id, move, begins_anew=True)
    for name in {f for task in wanted for f in followers.get(task, ())} - {*wanted}:
        if name in seen.tasks and seen.tasks[name].state in _IN_TURN:
            source, note = seen.tasks[name].state, Sentence("what it waits for was cleared")
            moves.task(run_id, TaskMove(task=name, source=source, target=TaskState.NONE, note=note))
    _forget_results(connection, run_id, wanted)
    moves.write()
    if seen.state is RunState.RUNNING:
        moves.decided(run_id, decide(snapshot(db, connection, run_id, run)))
        moves.write()


def refuse_busy(
    run: RunSnapshot,
    followers: Mapping[TaskName, Collection[TaskName]],
    tasks: Collection[TaskName],
) -> None:
    """Raise ConflictError NBF663 if tasks of a run that goes on can't be cleared now: they run, or
    what takes their results does, or their kernel is kept for others.
    """
    if run.cancel_requested:
        raise not_ended(run.run_id)
    cleared = [name for name in tasks if run.tasks[name].state is not TaskState.NONE]
    concerned = dict.fromkeys((*cleared, *(f for name in cleared for f in followers.get(name, ()))))
    running = [n for n in concerned if n in run.tasks and run.tasks[n].state is TaskState.RUNNING]
    if running:
        raise ConflictError(
            Sentence(
                "Run {run_id} goes on, and {tasks} runs now.",
                run_id=run.run_id,
                tasks=", ".join(running),
            ),
            hint=Sentence(
                "Wait for its end, or cancel the run with nbflow runs cancel {run_id}, then clear it.",
                run_id=run.run_id,
            ),
            code="NBF663",
        )
    kept = [n for n in cleared if run.tasks[n].kept_kernel or run.tasks[n].unstorable]
    if kept:
        raise shares_kernel(run.run_id, kept)


def shares_kernel(run_id: RunId, tasks: Collection[TaskName]) -> ConflictError:
    """Return the error for tasks whose kernel others of the run that goes on need as it is."""
    return ConflictError(
        Sentence(
            "Run {run_id} goes on, and {tasks} shares a live kernel with other tasks.",
            run_id=run_id,
            tasks=", ".join(tasks),
        ),
        hint="Wait for the end of the run, then clear it.",
        code="NBF663",
    )


def followers_of(connection: Connection, version: Digest) -> dict[TaskName, list[TaskName]]:
    """Return, for each task of a version, the tasks that wait for it."""
    of, found = t.edge.c, dict[TaskName, list[TaskName]]()
    query = select(of.source, of.target).where(of.version == version).distinct()
    for row in connection.execute(query):
        found.setdefault(TaskName(row.source), []).append(TaskName(row.target))
    return found


def _forget_results(connection: Connection, run_id: RunId, tasks: Sequence[TaskName]) -> None:
    """Forget what tasks published; whoever asked for it to go on has it now."""
    for table in (t.artifact, t.metric):
        of_tasks = table.c.run_id == run_id, table.c.task.in_(tasks)
        connection.execute(table.delete().where(*of_tasks))
    connection.execute(t.clear_request.delete().where(t.clear_request.c.run_id == run_id))


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
