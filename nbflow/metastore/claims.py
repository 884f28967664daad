"""Claims: a queued task instance becomes this process's, under a lease and a fencing token."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, tuple_

from nbflow.errors import ConflictError, RowLockedError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.instances import Instance, beat, host_name
from nbflow.metastore.moves import execute_all
from nbflow.model.ids import DagId, RunId, Token
from nbflow.model.run import Claim
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState, TaskState

_FIRST_LOOK = 4
_LOOK = 1000
"""Queued instances looked at in one claim: so many times those wanted, and, if pools or DAGs are full
for these, so many that have room.
"""
_NOT_RUNNING = tuple(state.value for state in RunState if state is not RunState.RUNNING)
"""Said this way, no index of states is offered: before PostgreSQL has counted a burst of runs it takes
the few it knows of for all, and looks through them again for every queued task.
"""


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
    looks_far = False

    def work(connection: Connection) -> list[Claim]:
        made.clear()
        chosen = _choose(db, connection, me, request, looks_far=looks_far)
        if not chosen:
            return []
        first = _take_tokens(connection, len(chosen))
        now = db.now(connection)
        claims = [
            _claim(row, Token(token), now, request.lease) for token, row in enumerate(chosen, first)
        ]
        made.extend(claim.token for claim in claims)
        _take(db, connection, me, claims, now)
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

    try:
        return db.write("claim", work, confirm)
    except _TooNearError:
        looks_far = True
        return db.write("claim", work, confirm)


class _TooNearError(Exception):
    """Pools or DAGs are full for what comes first, and more waits behind it."""


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
            t.run.c.state.not_in(_NOT_RUNNING),
            t.run.c.cancel_requested == 0,
            or_(t.run.c.owner == me.id, t.run.c.owner.is_(None)),
        )
        .order_by(t.run.c.backfill_id.is_not(None), ti.priority.desc(), ti.queued_at, ti.position)
    )
    if request.run_id is not None:
        query = query.where(ti.run_id == request.run_id)
    if request.dags is not None:
        query = query.where(t.run.c.dag_id.in_(request.dags))
    return query


def _choose(
    db: Database,
    connection: Connection,
    me: Instance,
    request: ClaimRequest,
    *,
    looks_far: bool = False,
) -> list[Any]:
    """Return what is to be claimed, its pools, DAGs and instances locked, each once and in order.

    Raises _TooNearError if pools or DAGs are full for what comes first: to look further takes other
    locks, and those that are held must be let go of before.
    """
    query = claimable(me, request, db.clock.wall())
    few = _FIRST_LOOK * request.limit
    if looks_far:
        query, few = _with_room(query), max(_LOOK, request.limit)
    rows = connection.execute(query.limit(few)).all()
    chosen = _fitting(db, connection, rows, request.limit)
    if len(chosen) < request.limit and len(rows) == few and not looks_far:
        raise _TooNearError
    return chosen


def _with_room(query: Any) -> Any:
    """Leave out what pools and DAGs have no room for, so that it hides nothing behind it."""
    ti, run, pool, dag = t.task_instance.c, t.run.c, t.pool.c, t.dag.c
    running = t.task_instance.alias("running")
    of = running.c
    taken = (
        select(of.pool, func.sum(of.pool_slots).label("slots"))
        .where(of.state == TaskState.RUNNING.value)
        .group_by(of.pool)
        .subquery("taken")
    )
    busy_run = t.run.alias("busy_run")
    busy = (
        select(busy_run.c.dag_id, func.count().label("tasks"))
        .join(running, of.run_id == busy_run.c.id)
        .where(of.state == TaskState.RUNNING.value)
        .group_by(busy_run.c.dag_id)
        .subquery("busy")
    )
    return (
        query.join(t.pool, pool.name == ti.pool)
        .outerjoin(taken, taken.c.pool == ti.pool)
        .outerjoin(busy, busy.c.dag_id == run.dag_id)
        .where(
            ti.pool_slots + func.coalesce(taken.c.slots, 0) <= pool.slots,
            or_(
                dag.max_active_tasks.is_(None),
                func.coalesce(busy.c.tasks, 0) < dag.max_active_tasks,
            ),
        )
    )


def _fitting(db: Database, connection: Connection, rows: Sequence[Any], limit: int) -> list[Any]:
    """Return the first rows that pools and DAGs have room for, with their instances locked.

    Whoever claims holds the rows of the pools, so only what leaves the queue otherwise is missing.
    """
    if not rows:
        return []
    free = _free_pools(db, connection, {row.pool for row in rows})
    room = _free_dags(db, connection, {r.dag_id for r in rows if r.max_active_tasks is not None})
    chosen: list[Any] = []
    for row in rows:
        if len(chosen) == limit:
            break
        if free.get(row.pool, 0) < row.pool_slots or room.get(row.dag_id, 1) < 1:
            continue
        free[row.pool] -= row.pool_slots
        if row.dag_id in room:
            room[row.dag_id] -= 1
        chosen.append(row)
    mine = _lock(db, connection, chosen)
    return [row for row in chosen if (row.run_id, row.task) in mine]


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
        free[name] = free.get(name, 0) - int(slots)
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


def _lock(db: Database, connection: Connection, rows: Sequence[Any]) -> set[tuple[str, str]]:
    """Lock what is still queued and nobody else holds; say what that is."""
    if db.is_sqlite:
        return {(row.run_id, row.task) for row in rows}
    ti = t.task_instance.c
    keys = [(row.run_id, row.task) for row in rows]
    query = select(ti.run_id, ti.task).where(
        tuple_(ti.run_id, ti.task).in_(keys), ti.state == TaskState.QUEUED.value
    )
    found = connection.execute(db.locked(query, skip=True))
    return {(row.run_id, row.task) for row in found}


def _take_tokens(connection: Connection, count: int) -> int:
    """Return the first of ``count`` tokens that nobody ever had."""
    of = t.counter.c
    connection.execute(t.counter.update().where(of.name == "token").values(value=of.value + count))
    last = connection.execute(select(of.value).where(of.name == "token")).scalar_one()
    return int(last) - count + 1


def _take(
    db: Database, connection: Connection, me: Instance, claims: Sequence[Claim], now: datetime
) -> None:
    ti = t.task_instance.c
    take = (
        t.task_instance.update()
        .where(
            ti.run_id == bindparam("of_run"),
            ti.task == bindparam("of_task"),
            ti.state == TaskState.QUEUED.value,
        )
        .values(
            state=TaskState.RUNNING.value,
            token=bindparam("new_token"),
            owner=me.id,
            tries=ti.tries + 1,
            lease_until=bindparam("until"),
            lease_mono=bindparam("mono"),
            not_before=None,
            note="",
        )
    )
    lease_ends = db.clock.monotonic() + (claims[0].lease_until - now).total_seconds()
    values = [
        {
            "of_run": claim.run_id,
            "of_task": claim.task,
            "new_token": claim.token,
            "until": claim.lease_until,
            "mono": lease_ends,
        }
        for claim in claims
    ]
    if execute_all(connection, take, values) != len(claims):
        raise ConflictError(
            Sentence("One of {count} tasks is no longer as it was.", count=len(claims))
        )
    connection.execute(t.attempt.insert(), [_attempt(me, claim, now) for claim in claims])
    connection.execute(t.event.insert(), [_event(me, claim, now) for claim in claims])


def _attempt(me: Instance, claim: Claim, now: datetime) -> dict[str, Any]:
    return {
        "run_id": claim.run_id,
        "task": claim.task,
        "try_no": claim.try_no,
        "token": claim.token,
        "owner": me.id,
        "host": host_name(me.host),
        "boot_id": me.boot_id,
        "claimed": now,
        "message": "",
    }


def _event(me: Instance, claim: Claim, now: datetime) -> dict[str, Any]:
    return {
        "run_id": claim.run_id,
        "task": claim.task,
        "source": TaskState.QUEUED.value,
        "target": TaskState.RUNNING.value,
        "token": claim.token,
        "at": now,
        "who": me.id,
        "note": "",
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewal:
    """What became of leases: ``held`` are those that still are this process's, and ``late`` those of
    them that could not be prolonged, since others hold the row just now.
    """

    held: frozenset[Token]
    late: frozenset[Token] = frozenset()


def renew(db: Database, me: Instance, tokens: Iterable[Token], lease: float) -> Renewal:
    """Prolong the leases, and tell which are still held; also says that this process lives. A row that
    others hold is not waited for: the other leases run meanwhile.
    """
    wanted = sorted(tokens)

    def prolong(tokens: list[Token], *, lives: bool = False) -> frozenset[Token]:
        work = partial(_prolong, db, me, tokens, lease, lives=lives)
        return db.write("renew", work, at_once=True)

    try:
        return Renewal(held=prolong(wanted, lives=True))
    except RowLockedError:
        with suppress(RowLockedError):
            prolong([], lives=True)
    held, late = set[Token](), set[Token]()
    for token in wanted:
        try:
            held |= prolong([token])
        except RowLockedError:
            late.add(token)
    return Renewal(held=frozenset(held | late), late=frozenset(late))


def _prolong(
    db: Database,
    me: Instance,
    tokens: list[Token],
    lease: float,
    connection: Connection,
    *,
    lives: bool,
) -> frozenset[Token]:
    if lives:
        beat(db, connection, me)
    if not tokens:
        return frozenset()
    ti = t.task_instance.c
    mine = [ti.token.in_(tokens), ti.state == TaskState.RUNNING.value, ti.owner == me.id]
    if len(tokens) == 1:
        # By its key, lest MariaDB should want other rows of the index, too.
        key = connection.execute(select(ti.run_id, ti.task).where(*mine)).one_or_none()
        if key is None:
            return frozenset()
        mine += [ti.run_id == key.run_id, ti.task == key.task]
    rows = db.locked(select(ti.token).where(*mine).order_by(ti.run_id, ti.task))
    held = frozenset(Token(token) for token in connection.execute(rows).scalars())
    connection.execute(
        t.task_instance.update()
        .where(*mine, ti.token.in_(sorted(held)))
        .values(
            lease_until=db.now(connection) + timedelta(seconds=lease),
            lease_mono=db.clock.monotonic() + lease,
        )
    )
    return held


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
