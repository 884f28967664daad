"""Runs that nobody drives alone: which of them wait for a decision, and carrying it out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.moves import Moves, lock_run
from nbflow.metastore.snapshots import snapshot
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.run import Decisions, RunSnapshot
from nbflow.model.states import RunKind, RunState, TaskState

FEW_QUEUED = 10
"""Queued runs of one DAG that are looked at together."""
_GOING = [TaskState.QUEUED.value, TaskState.RUNNING.value, TaskState.UP_FOR_RETRY.value]
_BY_ITSELF = [RunKind.SCHEDULED.value, RunKind.TRIGGERED.value]
_UNDECIDED = [TaskState.NONE.value, TaskState.QUEUED.value, TaskState.UP_FOR_RETRY.value]


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingRun:
    """A run that waits for a decision, and the version of its DAG that decides."""

    run_id: RunId
    dag_id: DagId
    version: Digest
    state: RunState
    cancel_requested: bool


def waiting_runs(connection: Connection, now: datetime, limit: int) -> list[WaitingRun]:
    """Return the runs that are queued, asked to end with tasks that don't run, have a retry due, or
    stand still: what goes already first, those of backfills last. Of the queued runs of a DAG only
    the first few, and none while as many go as may: they must not hide other DAGs' runs. None that a
    pause holds back.
    """
    rows = connection.execute(_waiting(), {"now": now, "limit": limit})
    return [
        WaitingRun(
            run_id=RunId(row.id),
            dag_id=DagId(row.dag_id),
            version=Digest(row.version),
            state=RunState(row.state),
            cancel_requested=bool(row.cancel_requested),
        )
        for row in rows
    ]


@cache
def _waiting() -> Select[Any]:
    """Return the query behind `waiting_runs`; an idle scheduler asks each second, and to build it
    takes longer than to answer it.
    """
    run, ti = t.run.c, t.task_instance.c
    of_run = ti.run_id == run.id
    retry = exists().where(
        of_run, ti.state == TaskState.UP_FOR_RETRY.value, ti.not_before <= bindparam("now")
    )
    going = exists().where(of_run, ti.state.in_(_GOING))
    undecided = exists().where(of_run, ti.state.in_(_UNDECIDED))
    running = run.state == RunState.RUNNING.value
    nth = func.row_number().over(
        partition_by=(run.dag_id, run.backfill_id, run.state, run.cancel_requested),
        order_by=(run.created, run.id),
    )
    waiting = (
        select(t.run, nth.label("nth"))
        .where(
            run.owner.is_(None),
            or_(
                and_(run.state == RunState.QUEUED.value, _may_begin(), ~_is_held_back()),
                and_(running, or_(retry, ~going, and_(run.cancel_requested == 1, undecided))),
            ),
        )
        .subquery()
    )
    of = waiting.c
    goes = or_(of.state == RunState.RUNNING.value, of.cancel_requested == 1)
    return (
        select(of.id, of.dag_id, of.version, of.state, of.cancel_requested)
        .where(or_(goes, of.nth <= FEW_QUEUED))
        .order_by(of.backfill_id.is_not(None), ~goes, of.created, of.id)
        .limit(bindparam("limit"))
    )


def _may_begin() -> ColumnElement[bool]:
    """Tell whether a queued run's DAG has room, as `_has_room` counts; a first look, without locks."""
    run, of = t.run.c, t.backfill.c
    going = t.run.alias("going")
    full = (
        select(going.c.dag_id)
        .select_from(going)
        .join(t.dag, t.dag.c.id == going.c.dag_id)
        .outerjoin(t.backfill, of.id == going.c.backfill_id)
        .where(
            going.c.state == RunState.RUNNING.value,
            going.c.owner.is_(None),
            of.max_active.is_(None),
        )
        .group_by(going.c.dag_id, t.dag.c.max_active_runs)
        .having(func.count() >= t.dag.c.max_active_runs)
    )
    own_limit = select(of.id).where(of.max_active.is_not(None))
    return or_(run.cancel_requested == 1, run.dag_id.not_in(full), run.backfill_id.in_(own_limit))


def _is_held_back() -> ColumnElement[bool]:
    """Tell whether a queued run waits for its DAG to be unpaused: one that came by itself, and that
    nobody asked to go on, or to end.
    """
    run = t.run.c
    paused = select(t.dag.c.id).where(t.dag.c.paused == 1)
    return and_(
        run.kind.in_(_BY_ITSELF),
        run.clears == 0,
        run.cancel_requested == 0,
        run.dag_id.in_(paused),
    )


def advance(
    db: Database,
    run_id: RunId,
    decide: Callable[[RunSnapshot], Decisions],
    *,
    who: str,
    now: datetime,
) -> Decisions:
    """Carry out what ``decide`` says of a run, in one transaction; nothing if it is final, or
    queued while as many runs of its DAG are going as may by what is deployed now, whatever the run's
    own version says, or while a pause holds it back.
    """

    def work(connection: Connection) -> Decisions:
        dag_id = connection.execute(select(t.run.c.dag_id).where(t.run.c.id == run_id)).scalar()
        # Whoever begins a run of a DAG counts alone: the row is the DAG's, not the run's.
        limit = select(t.dag.c.max_active_runs).where(t.dag.c.id == dag_id)
        most = connection.execute(db.locked(limit)).scalar()
        run = lock_run(db, connection, run_id)
        seen = snapshot(db, connection, run_id, run)
        begins = seen.state is RunState.QUEUED and not seen.cancel_requested
        held_back = select(t.run.c.id).where(t.run.c.id == run_id, _is_held_back())
        if begins and connection.execute(held_back).first() is not None:
            return Decisions()
        if begins and not _has_room(connection, seen, most):
            return Decisions()
        decisions = decide(seen)
        moves = Moves(db=db, connection=connection, who=who, now=now)
        moves.decided(run_id, decisions)
        moves.write()
        return decisions

    return db.write("advance", work)


def _has_room(connection: Connection, seen: RunSnapshot, most: int | None) -> bool:
    """Tell whether another run of the DAG may go, of which ``most`` may. Those of a backfill with a
    limit of its own count among themselves, all others together.
    """
    run, of = t.run.c, t.backfill.c
    going = (
        select(func.count())
        .select_from(t.run.outerjoin(t.backfill, of.id == run.backfill_id))
        .where(run.dag_id == seen.dag_id, run.state == RunState.RUNNING.value, run.owner.is_(None))
    )
    own = connection.execute(
        select(of.id, of.max_active)
        .join(t.run, run.backfill_id == of.id)
        .where(run.id == seen.run_id, of.max_active.is_not(None))
    ).one_or_none()
    if own is not None:
        going, most = going.where(run.backfill_id == own.id), own.max_active
    else:
        going = going.where(of.max_active.is_(None))
    return most is None or int(connection.execute(going).scalar_one()) < most


def cancelled_runs(connection: Connection, run_ids: list[RunId]) -> set[RunId]:
    """Return those of the runs that were asked to end, or have ended."""
    run = t.run.c
    query = select(run.id).where(
        run.id.in_(run_ids), or_(run.cancel_requested == 1, run.state.in_(t.ENDED))
    )
    return {RunId(found) for found in connection.execute(query).scalars()}
