"""Claims: a queued task instance becomes this process's, under a lease and a fencing token."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.instances import Instance, beat
from nbflow.model.ids import DagId, RunId, Token
from nbflow.model.run import Claim
from nbflow.model.states import RunState, TaskState

_LOOK = 1000
"""Queued instances looked at in one claim; pools may be full for the first ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimRequest:
    """What may be claimed: of one run, or of these DAGs, or anything; ``lease`` is in seconds."""

    limit: int
    lease: float
    run_id: RunId | None = None
    dags: Sequence[DagId] | None = None


def claim(db: Database, me: Instance, request: ClaimRequest) -> list[Claim]:
    """Claim up to ``limit`` queued instances, highest priority first, those of backfills last."""
    # Most looks find nothing: they take no lock.
    first_look = claimable(me, request, db.clock.wall()).limit(1)
    if db.read(lambda connection: connection.execute(first_look).first()) is None:
        return []
    made: list[Token] = []

    def work(connection: Connection) -> list[Claim]:
        made.clear()
        chosen = _choose(db, connection, me, request)
        if not chosen:
            return []
        first = _take_tokens(connection, len(chosen))
        now = db.now(connection)
        claims: list[Claim] = []
        for token, row in enumerate(chosen, first):
            if _take(db, connection, me, row, Token(token), now, request.lease):
                made.append(Token(token))
                claims.append(_claim(row, Token(token), now, request.lease))
        return claims

    def confirm(connection: Connection) -> list[Claim] | None:
        of = t.attempt.c
        rows = connection.execute(
            select(of.run_id, of.task, of.try_no, of.token, t.task_instance.c.lease_until)
            .join(t.task_instance, t.task_instance.c.token == of.token)
            .where(of.token.in_(made), of.owner == me.id)
            .order_by(of.token)
        )
        return [Claim(**row._asdict()) for row in rows] or None

    return db.write("claim", work, confirm)


def _claim(row: Any, token: Token, now: datetime, lease: float) -> Claim:
    return Claim(
        run_id=row.run_id,
        task=row.task,
        try_no=row.tries + 1,
        token=token,
        lease_until=now + timedelta(seconds=lease),
    )


def claimable(me: Instance, request: ClaimRequest, wall: datetime) -> Any:
    """Return the query for what may be claimed, in the order it is to be claimed in."""
    ti = t.task_instance.c
    query = (
        select(
            ti.run_id,
            ti.task,
            ti.tries,
            ti.pool,
            ti.pool_slots,
            t.run.c.dag_id,
            t.dag.c.max_active_tasks,
        )
        .join(t.run, t.run.c.id == ti.run_id)
        .join(t.dag, t.dag.c.id == t.run.c.dag_id)
        .where(
            ti.state == TaskState.QUEUED.value,
            or_(ti.not_before.is_(None), ti.not_before <= wall),
            t.run.c.state == RunState.RUNNING.value,
            t.run.c.cancel_requested == 0,
            or_(t.run.c.owner == me.id, t.run.c.owner.is_(None)),
        )
        .order_by(t.run.c.backfill_id.is_not(None), ti.priority.desc(), ti.queued_at, ti.position)
        .limit(max(_LOOK, request.limit))
    )
    if request.run_id is not None:
        query = query.where(ti.run_id == request.run_id)
    if request.dags is not None:
        query = query.where(t.run.c.dag_id.in_(request.dags))
    return query


def _choose(db: Database, connection: Connection, me: Instance, request: ClaimRequest) -> list[Any]:
    rows = connection.execute(claimable(me, request, db.clock.wall())).all()
    if not rows:
        return []
    free = _free_pools(db, connection, {row.pool for row in rows})
    room = _free_dags(db, connection, {r.dag_id for r in rows if r.max_active_tasks is not None})
    chosen: list[Any] = []
    for row in rows:
        if len(chosen) == request.limit:
            break
        if free.get(row.pool, 0) < row.pool_slots or room.get(row.dag_id, 1) < 1:
            continue
        if not _lock(db, connection, row):
            continue
        free[row.pool] -= row.pool_slots
        if row.dag_id in room:
            room[row.dag_id] -= 1
        chosen.append(row)
    return chosen


def _free_pools(db: Database, connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Count the free slots of pools, whose rows stay locked so that nobody else counts too."""
    wanted = sorted(names)
    query = select(t.pool).where(t.pool.c.name.in_(wanted)).order_by(t.pool.c.name)
    free = {row.name: row.slots for row in connection.execute(db.locked(query))}
    ti = t.task_instance.c
    used = connection.execute(
        select(ti.pool, func.sum(ti.pool_slots))
        .where(ti.state == TaskState.RUNNING.value, ti.pool.in_(wanted))
        .group_by(ti.pool)
    )
    for name, slots in used:
        free[name] -= int(slots)
    return free


def _free_dags(db: Database, connection: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Count how many more tasks of DAGs with a limit may run, over all their runs."""
    wanted = sorted(ids)
    if not wanted:
        return {}
    query = select(t.dag.c.id, t.dag.c.max_active_tasks).where(t.dag.c.id.in_(wanted))
    locked = db.locked(query.order_by(t.dag.c.id))
    room: dict[str, int] = {row.id: row.max_active_tasks for row in connection.execute(locked)}
    used = connection.execute(
        select(t.run.c.dag_id, func.count())
        .select_from(t.task_instance)
        .join(t.run, t.run.c.id == t.task_instance.c.run_id)
        .where(
            t.task_instance.c.state == TaskState.RUNNING.value,
            t.run.c.dag_id.in_(wanted),
        )
        .group_by(t.run.c.dag_id)
    )
    for dag_id, count in used:
        room[dag_id] -= count
    return room


def _lock(db: Database, connection: Connection, row: Any) -> bool:
    if db.is_sqlite:
        return True
    ti = t.task_instance.c
    query = select(ti.task).where(
        ti.run_id == row.run_id, ti.task == row.task, ti.state == TaskState.QUEUED.value
    )
    return connection.execute(db.locked(query, skip=True)).one_or_none() is not None


def _take_tokens(connection: Connection, count: int) -> int:
    """Return the first of ``count`` tokens that nobody ever had."""
    of = t.counter.c
    connection.execute(t.counter.update().where(of.name == "token").values(value=of.value + count))
    last = connection.execute(select(of.value).where(of.name == "token")).scalar_one()
    return int(last) - count + 1


def _take(
    db: Database,
    connection: Connection,
    me: Instance,
    row: Any,
    token: Token,
    now: datetime,
    lease: float,
) -> bool:
    ti = t.task_instance.c
    done = connection.execute(
        t.task_instance.update()
        .where(ti.run_id == row.run_id, ti.task == row.task, ti.state == TaskState.QUEUED.value)
        .values(
            state=TaskState.RUNNING.value,
            token=token,
            owner=me.id,
            tries=ti.tries + 1,
            lease_until=now + timedelta(seconds=lease),
            lease_mono=db.clock.monotonic() + lease,
            not_before=None,
            note="",
        )
    )
    if done.rowcount != 1:
        return False
    connection.execute(
        t.attempt.insert().values(
            run_id=row.run_id,
            task=row.task,
            try_no=row.tries + 1,
            token=token,
            owner=me.id,
            host=me.host,
            boot_id=me.boot_id,
            claimed=now,
            message="",
        )
    )
    connection.execute(
        t.event.insert().values(
            run_id=row.run_id,
            task=row.task,
            source=TaskState.QUEUED.value,
            target=TaskState.RUNNING.value,
            token=token,
            at=now,
            who=me.id,
            note="",
        )
    )
    return True


def renew(db: Database, me: Instance, tokens: Iterable[Token], lease: float) -> frozenset[Token]:
    """Prolong the leases, and tell which are still held; also says that this process lives."""
    wanted = sorted(tokens)

    def work(connection: Connection) -> frozenset[Token]:
        beat(db, connection, me)
        if not wanted:
            return frozenset()
        ti = t.task_instance.c
        mine = (
            ti.token.in_(wanted),
            ti.state == TaskState.RUNNING.value,
            ti.owner == me.id,
        )
        connection.execute(
            t.task_instance.update()
            .where(*mine)
            .values(
                lease_until=db.now(connection) + timedelta(seconds=lease),
                lease_mono=db.clock.monotonic() + lease,
            )
        )
        held = connection.execute(select(ti.token).where(*mine)).scalars()
        return frozenset(Token(token) for token in held)

    return db.write("renew", work)


def record_start(db: Database, token: Token, pid: int) -> bool:
    """Record that an attempt's process runs; False if the attempt is no longer live."""

    def work(connection: Connection) -> bool:
        done = connection.execute(
            t.attempt.update()
            .where(t.attempt.c.token == token, t.attempt.c.outcome.is_(None))
            .values(pid=pid, started=db.clock.wall())
        )
        return done.rowcount == 1

    return db.write("start", work)
