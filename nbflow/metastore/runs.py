"""Runs: recorded once per slot, moved by decisions, asked to stop."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from nbflow.errors import NotFoundError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.moves import Moves, lock_run
from nbflow.model.ids import DagId, Digest, RunId, TaskName
from nbflow.model.run import Decisions
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind, RunState, TaskState


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRun:
    """A run to record. ``slot_key`` is unique in its DAG; ``tasks`` None means all.

    ``driven`` tells that the recording process drives the run itself: nobody else claims its tasks.
    ``folder`` is where relative paths of its notebooks begin.
    """

    run_id: RunId
    dag_id: DagId
    version: Digest
    kind: RunKind
    slot_key: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tasks: Sequence[TaskName] | None = None
    logical_date: datetime | None = None
    data_interval: tuple[datetime, datetime] | None = None
    driven: bool = True
    folder: str | None = None
    cause: Mapping[str, Any] | None = None
    """What made it, where that was a trigger."""


def create_run(db: Database, new: NewRun, owner: str | None, now: datetime) -> bool:
    """Record a run with its task instances; False, and nothing written, if its slot has one."""

    def work(connection: Connection) -> bool:
        return insert_run(db, connection, new, owner, now)

    def confirm(connection: Connection) -> bool | None:
        query = select(t.run.c.id).where(t.run.c.id == new.run_id)
        return connection.execute(query).one_or_none() is not None or None

    return db.write("run_insert", work, confirm)


def insert_run(
    db: Database, connection: Connection, new: NewRun, owner: str | None, now: datetime
) -> bool:
    """As `create_run`, within a transaction."""
    tasks = tasks_of(connection, new.version)
    wanted = None if new.tasks is None else set(new.tasks)
    unknown = (wanted or set()) - {row.name for row in tasks}
    if unknown:
        raise NotFoundError(
            Sentence(
                "There is no task {unknown!r} in {dag_id}.",
                unknown=min(unknown),
                dag_id=new.dag_id,
            ),
            hint="`nbflow dags show` lists the tasks.",
            code="NBF613",
        )
    interval = new.data_interval or (None, None)
    row = {
        "id": new.run_id,
        "dag_id": new.dag_id,
        "version": new.version,
        "kind": new.kind.value,
        "slot_key": new.slot_key,
        "state": RunState.QUEUED.value,
        "parameters": dict(new.parameters),
        "selected": None if new.tasks is None else list(new.tasks),
        "cancel_requested": 0,
        "owner": owner,
        "created": now,
        "logical_date": new.logical_date,
        "data_interval_start": interval[0],
        "data_interval_end": interval[1],
        "cause": None if new.cause is None else dict(new.cause),
        "note": "",
        "folder": new.folder,
        "clears": 0,
    }
    if not db.insert_once(connection, t.run, row):
        return False
    chosen = [task for task in tasks if wanted is None or task.name in wanted]
    if chosen:
        connection.execute(
            t.task_instance.insert(), [task_row(new.run_id, task) for task in chosen]
        )
    return True


def active_runs(connection: Connection, dags: Collection[str]) -> dict[str, int]:
    """Return how many unfinished runs DAGs have, those of backfills and those that somebody drives by
    hand left out: they never hold up, or fall to, what runs by itself.
    """
    if not dags:
        return {}
    run = t.run.c
    rows = connection.execute(
        select(run.dag_id, func.count().label("runs"))
        .where(run.dag_id.in_(dags), run.state.in_(t.GOING), *_counts_for_overlap())
        .group_by(run.dag_id)
    )
    return {row.dag_id: row.runs for row in rows}


def still_active(connection: Connection, dag_id: DagId, seen: int | None) -> bool:
    """Tell whether as many runs of a DAG are unfinished as a decision rests on (None: on none). With
    the DAG's row locked nobody decides on another one meanwhile.
    """
    return seen is None or active_runs(connection, [dag_id]).get(dag_id, 0) == seen


def _counts_for_overlap() -> tuple[ColumnElement[bool], ...]:
    # Said this way, the index of backfills is not offered: nearly all runs are of none.
    return func.coalesce(t.run.c.backfill_id, "") == "", t.run.c.owner.is_(None)


def cancel_others(
    db: Database, connection: Connection, dags: Collection[DagId], made: Collection[RunId]
) -> None:
    """Ask the unfinished runs of DAGs that `active_runs` counts to end, but those just made."""
    run = t.run.c
    others = (run.dag_id.in_(sorted(dags)), run.id.not_in(sorted(made)))
    ask_to_end(db, connection, *others, *_counts_for_overlap())


def ask_to_end(db: Database, connection: Connection, *where: ColumnElement[bool]) -> None:
    """Ask unfinished runs to end, their rows taken in the order in which all take them."""
    run = t.run.c
    going = select(run.id).where(run.state.in_(t.GOING), *where).order_by(run.id)
    found = connection.execute(db.locked(going)).scalars().all()
    if found:
        asked = t.run.update().where(run.id.in_(found), run.state.in_(t.GOING))
        connection.execute(asked.values(cancel_requested=1))
        # What was to be cleared would go on once they have ended.
        connection.execute(t.clear_request.delete().where(t.clear_request.c.run_id.in_(found)))


def tasks_of(connection: Connection, version: Digest) -> Sequence[Any]:
    """Return the tasks of a version as runs of it get them, in page order."""
    of = t.dag_task.c
    query = select(t.dag_task).where(of.version == version).order_by(of.position)
    return connection.execute(query).all()


def task_row(run_id: RunId, task: Any) -> dict[str, Any]:
    """Return a new task instance of a run."""
    return {
        "run_id": run_id,
        "task": task.name,
        "position": task.position,
        "state": TaskState.NONE.value,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority": task.priority,
        "max_lost": task.max_lost,
        "note": "",
    }


def apply(db: Database, run_id: RunId, decisions: Decisions, who: str, now: datetime) -> None:
    """Carry out all of the decisions or none."""

    def work(connection: Connection) -> None:
        lock_run(db, connection, run_id)
        moves = Moves(db=db, connection=connection, who=who, now=now)
        moves.decided(run_id, decisions)
        moves.write()

    # After an unknown commit the same moves are refused as stale: the caller decides anew.
    db.write("apply", work)


def request_cancel(db: Database, run_id: RunId) -> bool:
    """Ask whoever drives the run to end it; False if it has ended, and nobody asked it to go on."""

    def work(connection: Connection) -> bool:
        lock_run(db, connection, run_id)
        of_run = t.clear_request.c.run_id == run_id
        is_withdrawn = connection.execute(t.clear_request.delete().where(of_run)).rowcount == 1
        done = connection.execute(
            t.run.update()
            .where(t.run.c.id == run_id, t.run.c.state.in_(t.GOING))
            .values(cancel_requested=1)
        )
        return is_withdrawn or done.rowcount == 1

    def stands(connection: Connection, asked: bool) -> bool:
        waits = select(t.clear_request.c.run_id).where(t.clear_request.c.run_id == run_id)
        run = connection.execute(select(t.run).where(t.run.c.id == run_id)).one()
        asks = bool(run.cancel_requested) or run.state in t.ENDED
        return not asked or (asks and connection.execute(waits).first() is None)

    return db.write("cancel", work, stands=stands)
