"""Runs whose tasks are cleared: asked for by anybody, carried out by who drives them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from nbflow.errors import NotFoundError
from nbflow.metastore import tables as t
from nbflow.metastore.clear import (
    clear_tasks,
    clear_while_going,
    followers_of,
    not_ended,
    refuse_busy,
)
from nbflow.metastore.engine import Database
from nbflow.metastore.moves import lock_run
from nbflow.metastore.pools import check_needs
from nbflow.metastore.runs import tasks_of
from nbflow.metastore.snapshots import snapshot
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.run import Decisions, RunSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class Clear:
    """Which tasks of a run are to be decided anew. With ``version`` an ended run moves to that version
    of its DAG first: tasks that it lacks are removed, tasks that the run lacks are added.
    """

    run_id: RunId
    tasks: Sequence[TaskName]
    version: Digest | None = None


def request(db: Database, wanted: Clear, now: datetime) -> None:
    """Record that tasks are to be decided anew; what was asked for before, and not carried out, is
    part of it.

    Raises NotFoundError for an unknown run, task or version, UsageError NBF614 for a task that wants
    more slots than its pool has by now. Of a run that goes on ConflictError NBF661 if a process of
    its own drives it, it is being cancelled or is to change its version, NBF663 if a task runs that
    is cleared, or follows one.
    """

    def work(connection: Connection) -> None:
        _check(db, connection, wanted, while_going=True)
        before = _found(connection, wanted.run_id)
        both = _joined(before, wanted)
        row = {"tasks": list(both.tasks), "version": both.version, "requested": now}
        if before is None:
            connection.execute(t.clear_request.insert().values(run_id=wanted.run_id, **row))
        else:
            of_run = t.clear_request.c.run_id == wanted.run_id
            connection.execute(t.clear_request.update().where(of_run).values(row))

    def confirm(connection: Connection) -> bool | None:
        of = t.clear_request.c
        mine = select(of.run_id).where(of.run_id == wanted.run_id, of.requested == now)
        return connection.execute(mine).one_or_none() is not None or None

    db.write("clear_request", work, confirm)


def requested(connection: Connection) -> list[RunId]:
    """Return the runs that wait to go on, those asked for first before others."""
    of = t.clear_request.c
    return [
        RunId(found)
        for found in connection.execute(
            select(of.run_id).order_by(of.requested, of.run_id)
        ).scalars()
    ]


def carry_out(
    db: Database,
    run_id: RunId,
    who: str,
    now: datetime,
    decide: Callable[[Digest], Callable[[RunSnapshot], Decisions]] | None = None,
) -> bool:
    """Let a run go on as it was asked to; any scheduler drives it. False if nobody asks any more.

    ``decide`` gives, for a version of a DAG, what says what follows in a run that has not ended:
    without it such a run is left alone. ConflictError, and nothing written, while that can't be.
    """

    def work(connection: Connection) -> bool:
        run = lock_run(db, connection, run_id)
        wanted = _found(connection, run_id)
        if wanted is None:
            return False
        if RunState(run.state).is_final:
            _clear(db, connection, wanted, who=who, now=now)
            return True
        _check_going(run, wanted, while_going=decide is not None)
        assert decide is not None
        follows = decide(Digest(run.version))
        clear_while_going(db, connection, run, wanted.tasks, follows, who=who, now=now)
        return True

    def confirm(connection: Connection) -> bool | None:
        # Done, whoever did it: only this takes a request away and leaves a run that goes on.
        return _found(connection, run_id) is None or None

    return db.write("clear", work, confirm)


def clear_here(db: Database, wanted: Clear, owner: str, now: datetime) -> None:
    """Let a run go on, driven by this process alone. Raises as `request` does."""

    def work(connection: Connection) -> None:
        _check(db, connection, wanted, while_going=False)
        both = _joined(_found(connection, wanted.run_id), wanted)
        _clear(db, connection, both, who=owner, now=now, owner=owner)

    def confirm(connection: Connection) -> bool | None:
        of = t.run.c
        query = select(of.id).where(of.id == wanted.run_id, of.owner == owner, of.ended.is_(None))
        return connection.execute(query).one_or_none() is not None or None

    db.write("clear_here", work, confirm)


def _found(connection: Connection, run_id: RunId) -> Clear | None:
    """Return what is asked for and not carried out yet."""
    query = select(t.clear_request).where(t.clear_request.c.run_id == run_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else Clear(run_id=run_id, tasks=row.tasks, version=row.version)


def _joined(before: Clear | None, wanted: Clear) -> Clear:
    if before is None:
        return wanted
    return Clear(
        run_id=wanted.run_id,
        tasks=tuple(dict.fromkeys((*before.tasks, *wanted.tasks))),
        version=wanted.version or before.version,
    )


def _check(db: Database, connection: Connection, wanted: Clear, *, while_going: bool) -> None:
    _check_pools(db, connection, wanted)
    run = lock_run(db, connection, wanted.run_id)
    known = {row.name for row in tasks_of(connection, wanted.version or run.version)}
    if not known:
        raise NotFoundError(
            Sentence("There is no version {version!r}.", version=wanted.version), code="NBF613"
        )
    of = t.task_instance.c
    known |= set(connection.execute(select(of.task).where(of.run_id == run.id)).scalars())
    unknown = set(wanted.tasks) - known
    if unknown:
        raise NotFoundError(
            Sentence("Run {run_id} has no task {task!r}.", run_id=run.id, task=min(unknown)),
            hint=Sentence("Tasks: {names}.", names=", ".join(sorted(known))),
            code="NBF512",
        )
    if not RunState(run.state).is_final:
        _check_going(run, wanted, while_going=while_going)
        seen = snapshot(db, connection, wanted.run_id, run)
        refuse_busy(seen, followers_of(connection, seen.version), wanted.tasks)


def _check_going(run: Any, wanted: Clear, *, while_going: bool) -> None:
    changes = wanted.version not in (None, run.version)
    if run.owner is not None or changes or not while_going:
        raise not_ended(wanted.run_id)


def _check_pools(db: Database, connection: Connection, wanted: Clear) -> None:
    """Raise UsageError NBF614 if a task would wait for slots that its pool hasn't got any more."""
    # Before the run is locked: claims take pools first, too.
    query = select(t.run.c.dag_id, t.run.c.version).where(t.run.c.id == wanted.run_id)
    run = connection.execute(query).one_or_none()
    if run is None:
        return
    slots: dict[str, int] = {}
    for task in tasks_of(connection, wanted.version or run.version):
        if task.name in wanted.tasks:
            slots[task.pool] = max(slots.get(task.pool, 1), task.pool_slots)
    check_needs(db, connection, run.dag_id, slots)


def _clear(
    db: Database,
    connection: Connection,
    wanted: Clear,
    *,
    who: str,
    now: datetime,
    owner: str | None = None,
) -> None:
    clear_tasks(
        db,
        connection,
        wanted.run_id,
        lambda _: wanted.tasks,
        who=who,
        now=now,
        version=wanted.version,
        owner=owner,
    )
