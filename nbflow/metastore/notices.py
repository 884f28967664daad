"""Notifications: planned once from what happened, then sent under a lease until somebody has them.

An outbox row is written with the end of a run, a missed slot with the tick that leaves it out. Each
becomes its notifications, or none, in one transaction. A notification's ``due`` is when it may be
taken next: a process that takes it puts that off by its lease, so that one at a time sends it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, exists, literal, or_, select

from nbflow.metastore import misses
from nbflow.metastore import tables as t
from nbflow.metastore.codec import from_data, to_data
from nbflow.metastore.engine import Database
from nbflow.metastore.unread import word
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.notices import NoticeEvent, Notify
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnd:
    """A run's end of which nobody has been told yet. ``date`` is what the run is for: its logical
    date, if that isn't yet to come. ``health`` is how its DAG stands by the ends seen to,
    ``health_at`` the newest date of these. ``is_by_hand`` tells that a person drove it and saw it,
    ``is_of_backfill`` that it makes up for the past.
    """

    id: str
    run_id: RunId
    dag_id: DagId
    version: Digest
    state: RunState
    date: datetime
    health: RunState | None
    health_at: datetime | None
    is_by_hand: bool
    is_of_backfill: bool

    @property
    def is_judged(self) -> bool:
        """Tell whether the end says how its DAG stands."""
        return not (self.is_by_hand or self.is_of_backfill or self.state is RunState.CANCELLED)

    @property
    def is_late(self) -> bool:
        """Tell whether a run of a later date was judged already."""
        return self.health_at is not None and self.date < self.health_at


@dataclass(frozen=True, kw_only=True, slots=True)
class NewNotice:
    """A notification to send. ``payload`` holds the values of its text."""

    id: str
    dag_id: DagId
    event: NoticeEvent
    notify: Notify
    payload: Mapping[str, Any]
    run_id: RunId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeRow:
    """A notification: waiting (``due``), sent, or given up (``dead``)."""

    id: str
    dag_id: DagId
    event: NoticeEvent
    notify: Notify
    run_id: RunId | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    created: datetime
    due: datetime | None = None
    tries: int = 0
    sent: datetime | None = None
    dead: datetime | None = None
    error: str = ""


def has_work(connection: Connection, now: datetime) -> bool:
    """Tell in one question whether anything is to be planned or sent."""
    waiting = (
        exists().where(t.outbox.c.sent_at.is_(None)),
        exists().where(t.missed.c.told == 0),
        exists().where(t.notice.c.due <= now),
    )
    return connection.execute(select(literal(1)).where(or_(*waiting))).first() is not None


def run_ends(
    db: Database, connection: Connection, limit: int, without: Collection[str]
) -> list[RunEnd]:
    """Return ends of runs that are to be told, those of the oldest dates first, of each DAG one at
    most, and none of the DAGs, or the runs, ``without`` which the others are to be told.
    """
    of, run, dag = t.outbox.c, t.run.c, t.dag.c
    date = case((run.logical_date < run.created, run.logical_date), else_=run.created)
    query = (
        select(t.outbox, run.dag_id, run.version, run.owner, run.backfill_id)
        .add_columns(dag.health, dag.health_at, date.label("date"))
        .join(t.run, run.id == of.run_id)
        .join(t.dag, dag.id == run.dag_id)
        .where(of.sent_at.is_(None))
    )
    if without:
        left_out = sorted(without)
        query = query.where(run.dag_id.not_in(left_out), of.run_id.not_in(left_out))
    rows = connection.execute(query.order_by(date, of.created, of.id).limit(limit))
    readable = db.unread.each("end", rows, lambda row: str(row.run_id), _with_state)
    found: dict[str, Any] = {}
    for row, state in readable:
        # The next one of the DAG is judged by what this one leaves.
        found.setdefault(row.dag_id, (row, state))
    return db.unread.each(
        "notification", found.values(), lambda one: str(one[0].dag_id), lambda one: _run_end(*one)
    )


def _with_state(row: Any) -> tuple[Any, RunState]:
    return row, word(RunState, row.payload["state"])


def _run_end(row: Any, state: RunState) -> RunEnd:
    return RunEnd(
        id=row.id,
        run_id=RunId(row.run_id),
        dag_id=DagId(row.dag_id),
        version=Digest(row.version),
        state=state,
        date=row.date,
        health=word(RunState, row.health) if row.health else None,
        health_at=row.health_at,
        is_by_hand=row.owner is not None,
        is_of_backfill=row.backfill_id is not None,
    )


def plan_run_end(
    db: Database,
    end: RunEnd,
    health: RunState | None,
    notices: Sequence[NewNotice],
    now: datetime,
) -> bool:
    """Note that a run's end was seen to, with its notifications; False if that was done already, or
    another end of the DAG was seen to since this one was read.
    """

    def work(connection: Connection) -> bool:
        of, dag = t.outbox.c, t.dag.c
        before = db.locked(select(dag.health, dag.health_at).where(dag.id == end.dag_id))
        if connection.execute(before).one_or_none() != (end.health, end.health_at):
            # Another end was seen to since: this one may mean something else now.
            return False
        done = connection.execute(
            t.outbox.update()
            .where(of.id == end.id, of.sent_at.is_(None))
            .values(sent_at=now, tries=of.tries + 1)
        )
        if done.rowcount != 1:
            return False
        if end.is_judged:
            stands = {
                "health": health.value if health else None,
                "health_at": max(end.date, end.health_at or end.date),
            }
            connection.execute(t.dag.update().where(dag.id == end.dag_id).values(stands))
        _insert(db, connection, notices, now)
        return True

    def confirm(connection: Connection) -> bool | None:
        sent = select(t.outbox.c.sent_at).where(t.outbox.c.id == end.id)
        return connection.execute(sent).scalar() == now or None

    return db.write("notice_plan", work, confirm)


def untold_missed(
    connection: Connection, limit: int, without: Collection[str]
) -> dict[DagId, list[misses.MissedRow]]:
    """Return slots and events without a run of which nobody has been told, by DAG; none of the DAGs
    ``without`` which the others are to be told.
    """
    of = t.missed.c
    query = select(t.missed).where(of.told == 0)
    if without:
        query = query.where(of.dag_id.not_in(sorted(without)))
    query = query.order_by(of.dag_id, of.slot_key).limit(limit)
    found: dict[DagId, list[misses.MissedRow]] = {}
    for row in misses.found(connection, query):
        found.setdefault(row.dag_id, []).append(row)
    return found


def plan_missed(
    db: Database,
    dag_id: DagId,
    keys: Sequence[str],
    notices: Sequence[NewNotice],
    now: datetime,
) -> bool:
    """Note that missed slots were seen to; False, and nothing written, if one of them was before."""

    def work(connection: Connection) -> bool:
        of = t.missed.c
        wanted = (of.dag_id == dag_id, of.slot_key.in_(keys), of.told == 0)
        in_order = select(of.slot_key).where(*wanted).order_by(of.slot_key)
        rows = connection.execute(db.locked(in_order)).all()
        if len(rows) != len(keys):
            return False
        connection.execute(t.missed.update().where(*wanted).values(told=1))
        _insert(db, connection, notices, now)
        return True

    def stands(connection: Connection, _: bool) -> bool:
        of = t.missed.c
        untold = select(of.slot_key).where(of.dag_id == dag_id, of.slot_key.in_(keys), of.told == 0)
        return connection.execute(untold).first() is None

    return db.write("notice_missed", work, stands=stands)


def _insert(
    db: Database, connection: Connection, notices: Sequence[NewNotice], now: datetime
) -> None:
    for one in notices:
        row = {
            "id": one.id,
            "dag_id": one.dag_id,
            "run_id": one.run_id,
            "event": one.event.value,
            "spec": to_data(one.notify),
            "payload": dict(one.payload),
            "created": now,
            "due": now,
            "error": "",
        }
        db.insert_once(connection, t.notice, row)


def take(
    db: Database, lease: float, limit: int, now: datetime, most_tries: int | None = None
) -> list[NoticeRow]:
    """Take notifications that are due, to send them before the lease ends. What was taken
    ``most_tries`` times, and is due all the same, is given up.
    """

    def work(connection: Connection) -> list[NoticeRow]:
        of = t.notice.c
        if most_tries is not None:
            _give_up(db, connection, most_tries, limit, now)
        query = select(t.notice).where(of.due <= now).order_by(of.due, of.id).limit(limit)
        rows = connection.execute(db.locked(query, skip=True)).all()
        until = now + timedelta(seconds=lease)
        for row in rows:
            connection.execute(
                t.notice.update()
                .where(of.id == row.id, of.tries == row.tries, of.due <= now)
                .values(tries=row.tries + 1, due=until)
            )
        return _readable(db, rows, lambda row: _row(row, tries=row.tries + 1, due=until))

    # Of an unknown commit nothing is sent: what it took is due again after the lease.
    return db.write("notice_take", work, lambda _: [])


def _give_up(
    db: Database, connection: Connection, most_tries: int, limit: int, now: datetime
) -> None:
    of = t.notice.c
    worn = select(of.id).where(of.due <= now, of.tries >= most_tries)
    in_order = worn.order_by(of.due, of.id).limit(limit)
    found = connection.execute(db.locked(in_order, skip=True)).scalars().all()
    if found:
        why = Sentence(
            "it was tried {count} times, and nobody noted what came of it", count=most_tries
        )
        given_up = t.notice.update().where(of.id.in_(found), of.tries >= most_tries, of.due <= now)
        connection.execute(given_up.values(due=None, dead_at=now, error=why))


def settle(
    db: Database,
    taken: NoticeRow,
    *,
    sent: datetime | None = None,
    due: datetime | None = None,
    dead: datetime | None = None,
    error: str = "",
    left: Notify | None = None,
) -> bool:
    """Note what came of sending; False if somebody else has taken the notification since. ``left``
    says who alone is to be told from now on, where others have it.
    """
    spec = {} if left is None else {"spec": to_data(left)}

    def work(connection: Connection) -> bool:
        of = t.notice.c
        done = connection.execute(
            t.notice.update()
            .where(of.id == taken.id, of.tries == taken.tries, of.due.is_not(None))
            .values(sent_at=sent, due=due, dead_at=dead, error=error, **spec)
        )
        return done.rowcount == 1

    def confirm(connection: Connection) -> bool | None:
        row = connection.execute(select(t.notice).where(t.notice.c.id == taken.id)).one_or_none()
        return True if row is not None and (row.sent_at, row.due) == (sent, due) else None

    return db.write("notice_settle", work, confirm)


def again(db: Database, notice_id: str, now: datetime) -> bool:
    """Let a notification that was given up be sent after all; False if it was not given up."""

    def work(connection: Connection) -> bool:
        of = t.notice.c
        done = connection.execute(
            t.notice.update()
            .where(of.id == notice_id, of.dead_at.is_not(None))
            .values(dead_at=None, due=now, tries=0)
        )
        return done.rowcount == 1

    def stands(connection: Connection, _: bool) -> bool:
        dead = select(t.notice.c.dead_at).where(t.notice.c.id == notice_id)
        return connection.execute(dead).scalar() is None

    return db.write("notice_again", work, stands=stands)


def forget(db: Database, before: datetime) -> int:
    """Delete notifications that were sent or given up before an instant; return how many."""

    def work(connection: Connection) -> int:
        of = t.notice.c
        done = connection.execute(t.notice.delete().where(of.due.is_(None), of.created < before))
        return done.rowcount

    return db.write("notice_forget", work)


def notices(
    db: Database, connection: Connection, dag_id: DagId | None, limit: int
) -> list[NoticeRow]:
    """Return notifications, the newest first."""
    of = t.notice.c
    query = select(t.notice).order_by(of.created.desc(), of.id).limit(limit)
    if dag_id is not None:
        query = query.where(of.dag_id == dag_id)
    return _readable(db, connection.execute(query), _row)


def _readable(
    db: Database, rows: Iterable[Any], build: Callable[[Any], NoticeRow]
) -> list[NoticeRow]:
    return db.unread.each("notification", rows, lambda row: f"{row.dag_id}, {row.id}", build)


def _row(row: Any, **changed: Any) -> NoticeRow:
    values = {"due": row.due, "tries": row.tries, **changed}
    return NoticeRow(
        id=row.id,
        dag_id=DagId(row.dag_id),
        event=word(NoticeEvent, row.event),
        notify=from_data(Notify, row.spec),
        run_id=RunId(row.run_id) if row.run_id else None,
        payload=row.payload,
        created=row.created,
        sent=row.sent_at,
        dead=row.dead_at,
        error=row.error,
        **values,
    )
