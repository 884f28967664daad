"""Schedules: kept through edits, due by one index, moved on in the transaction that makes the runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, or_, select

from nbflow.errors import ConflictError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.pauses import read_pauses, still_needed, written
from nbflow.metastore.runs import NewRun, active_runs, cancel_others, insert_run, still_active
from nbflow.metastore.unread import word
from nbflow.model.ids import DagId, Digest
from nbflow.model.options import Catchup, Overlap
from nbflow.model.schedule import DueSchedule, MissedSlot, ScheduleEntry
from nbflow.model.sentence import Sentence

_SLOT = "slot:"
_SLOTS = ("cursor_utc", "expr", "tz", "anchor_utc", "start_utc", "end_utc")
"""What says which slots there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """What a tick does with one schedule, all in one transaction.

    ``seen`` is the schedule as it was read; ``cancel_others`` asks the DAG's unfinished runs to end;
    ``active_runs`` is how many of these the decision rests on, None if it rests on none.
    """

    seen: ScheduleEntry
    cursor: datetime
    next_fire: datetime | None
    runs: Sequence[NewRun] = ()
    missed: Sequence[MissedSlot] = ()
    cancel_others: bool = False
    active_runs: int | None = None


def slot_key(schedule_id: int, slot: datetime) -> str:
    """Return the key under which a slot has at most one run, scheduled or backfilled."""
    return f"{_SLOT}{schedule_id}:{slot.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def keep(db: Database, connection: Connection, entry: ScheduleEntry) -> None:
    """Record a DAG's schedule, in place of the one that ``entry`` was told from.

    Raises ConflictError if a tick or another deploy moved it meanwhile.
    """
    row = {
        "expr": entry.expression,
        "tz": entry.timezone,
        "cursor_utc": entry.cursor,
        "next_fire_utc": entry.next_fire,
        "anchor_utc": entry.anchor,
        "start_utc": entry.start,
        "end_utc": entry.end,
        "catchup": entry.catchup.value,
        "overlap": entry.overlap.value,
        "max_active_runs": entry.max_active_runs,
    }
    new = row | {"dag_id": entry.dag_id, "since_utc": entry.cursor}
    if entry.id == 0:
        if not db.insert_once(connection, t.schedule, new):
            # Another deploy was the first.
            raise _moved(entry.dag_id)
        return
    of = t.schedule.c
    seen = (of.dag_id == entry.dag_id, of.version == entry.version)
    # Nothing is said of the past by another schedule, even if it came in the cursor's very instant.
    other = or_(*(of[name].is_distinct_from(row[name]) for name in _SLOTS))
    connection.execute(t.schedule.update().where(*seen, other).values(since_utc=entry.cursor))
    done = connection.execute(
        t.schedule.update().where(*seen).values(row | {"version": of.version + 1})
    )
    if done.rowcount != 1:
        raise _moved(entry.dag_id)


def _moved(dag_id: DagId) -> ConflictError:
    return ConflictError(
        Sentence("The schedule of {dag} was moved meanwhile.", dag=dag_id),
        hint="Deploy it again.",
    )


def forget(connection: Connection, dag_id: DagId) -> None:
    """Let a DAG's schedule rest: the row stays, so that its slots keep their names."""
    connection.execute(
        t.schedule.update()
        .where(t.schedule.c.dag_id == dag_id)
        .values(expr="", next_fire_utc=None, version=t.schedule.c.version + 1)
    )


def forget_slots(connection: Connection, run_ids: Sequence[str]) -> None:
    """Note that the slots of runs that are to be deleted are no longer on record."""
    run = t.run.c
    query = (
        select(run.dag_id, func.max(run.logical_date).label("slot"))
        .where(run.id.in_(run_ids), run.slot_key.like(f"{_SLOT}%"))
        .group_by(run.dag_id)
    )
    for row in connection.execute(query).all():
        note_forgotten(connection, row.dag_id, row.slot)


def note_forgotten(connection: Connection, dag_id: str, slot: datetime) -> None:
    """Note that up to a slot not all of a DAG's slots are on record any more."""
    of = t.schedule.c
    older = or_(of.since_utc.is_(None), of.since_utc < slot)
    change = t.schedule.update().where(of.dag_id == dag_id, older)
    connection.execute(change.values(since_utc=slot))


def schedule_of(connection: Connection, dag_id: DagId) -> ScheduleEntry | None:
    """Return a DAG's schedule, one at rest too (its expression is empty)."""
    query = select(t.schedule).where(t.schedule.c.dag_id == dag_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else entry_of(row)


@cache
def _due() -> Select[Any]:
    """Return the query behind `due`, with the parameters now and limit."""
    of = t.schedule.c
    return (
        select(t.schedule, t.dag.c.version.label("dag_version"), t.dag.c.pauses)
        .join(t.dag, t.dag.c.id == of.dag_id)
        .where(of.next_fire_utc <= bindparam("now"), t.dag.c.paused == 0)
        .order_by(of.next_fire_utc)
        .limit(bindparam("limit"))
    )


def due(db: Database, connection: Connection, now: datetime, limit: int) -> list[DueSchedule]:
    """Return the schedules of active DAGs whose next slot has come, the oldest slot first."""
    rows = connection.execute(_due(), {"now": now, "limit": limit}).all()
    active = active_runs(connection, [row.dag_id for row in rows])

    def build(row: Any) -> DueSchedule:
        return DueSchedule(
            entry=entry_of(row),
            dag_version=Digest(row.dag_version),
            active_runs=active.get(row.dag_id, 0),
            pauses=read_pauses(row.pauses),
        )

    return db.unread.each("schedule", rows, lambda row: str(row.dag_id), build)


def next_fire(connection: Connection, without: Collection[str] = ()) -> datetime | None:
    """Return when the next slot of any active DAG but those ``without`` comes, None if none does."""
    query = _next_fire()
    if without:
        query = query.where(t.schedule.c.dag_id.not_in(sorted(without)))
    found: datetime | None = connection.execute(query).scalar()
    return found


@cache
def _next_fire() -> Select[Any]:
    of = t.schedule.c
    return (
        select(of.next_fire_utc)
        .join(t.dag, t.dag.c.id == of.dag_id)
        .where(of.next_fire_utc.is_not(None), t.dag.c.paused == 0)
        .order_by(of.next_fire_utc)
        .limit(1)
    )


def tick(db: Database, ticks: Sequence[Tick], now: datetime) -> list[bool]:
    """Make runs and move schedules on, all in one transaction; tell of each whether it was done.

    Nothing is written for a schedule that moved, or was decided by another number of unfinished runs
    than there are. A slot that has a run already (of a backfill) keeps it.
    """
    # Whoever holds several DAGs took them in this order.
    order = sorted(range(len(ticks)), key=lambda number: ticks[number].seen.dag_id)

    def work(connection: Connection) -> list[bool]:
        done = {number: _tick_one(db, connection, ticks[number], now) for number in order}
        # Runs are taken after the last DAG.
        alone = [ticks[number] for number in order if done[number] and ticks[number].cancel_others]
        if alone:
            made = [new.run_id for what in alone for new in what.runs]
            cancel_others(db, connection, [what.seen.dag_id for what in alone], made)
        return [done[number] for number in range(len(ticks))]

    def confirm(connection: Connection) -> list[bool] | None:
        of = t.schedule.c
        wanted = {what.seen.id: what for what in ticks}
        rows = connection.execute(select(of.id, of.version, of.cursor_utc).where(of.id.in_(wanted)))
        went_on = {
            row.id
            for row in rows
            if row.version > wanted[row.id].seen.version and row.cursor_utc >= wanted[row.id].cursor
        }
        return [True] * len(ticks) if went_on == wanted.keys() else None

    return db.write("tick", work, confirm)


def _tick_one(db: Database, connection: Connection, what: Tick, now: datetime) -> bool:
    seen, of = what.seen, t.schedule.c
    active = select(t.dag.c.pauses).where(t.dag.c.id == seen.dag_id, t.dag.c.paused == 0)
    dag = connection.execute(db.locked(active)).one_or_none()
    if dag is None or not still_active(connection, seen.dag_id, what.active_runs):
        return False
    moved = {
        "cursor_utc": what.cursor,
        "next_fire_utc": what.next_fire,
        "version": seen.version + 1,
    }
    done = connection.execute(
        t.schedule.update().where(of.id == seen.id, of.version == seen.version).values(moved)
    )
    if done.rowcount != 1:
        return False
    for new in what.runs:
        insert_run(db, connection, new, None, now)
    _record_missed(db, connection, seen, what.missed)
    left = written(still_needed(read_pauses(dag.pauses), what.next_fire))
    if left != dag.pauses:
        connection.execute(t.dag.update().where(t.dag.c.id == seen.dag_id).values(pauses=left))
    return True


def _record_missed(
    db: Database, connection: Connection, seen: ScheduleEntry, missed: Sequence[MissedSlot]
) -> None:
    keys = {slot_key(seen.id, one.slot): one for one in missed}
    if not keys:
        return
    run = t.run.c
    taken = connection.execute(
        select(run.slot_key).where(run.dag_id == seen.dag_id, run.slot_key.in_(keys))
    ).scalars()
    for key in keys.keys() - set(taken):
        one = keys[key]
        row = {"dag_id": one.dag_id, "slot_key": key, "reason": one.reason, "at": one.at}
        db.insert_once(connection, t.missed, row)


def missed_slots(connection: Connection, dag_id: DagId, limit: int) -> list[MissedSlot]:
    """Return a DAG's missed slots, the newest first."""
    of = t.missed.c
    ours = (of.dag_id == dag_id, of.slot_key.startswith(_SLOT))
    query = select(t.missed).where(*ours).order_by(of.slot_key.desc()).limit(limit)
    return [
        MissedSlot(dag_id=dag_id, slot=slot_of(row.slot_key), reason=row.reason, at=row.at)
        for row in connection.execute(query)
    ]


def is_slot(key: str) -> bool:
    """Tell whether a key names a slot of a schedule."""
    return key.startswith(_SLOT)


def slot_of(key: str) -> datetime:
    """Return the slot that a key of `slot_key` names."""
    return datetime.fromisoformat(key.removeprefix(_SLOT).partition(":")[2])


def entry_of(row: Any) -> ScheduleEntry:
    """Return a schedule's row as a value."""
    return ScheduleEntry(
        id=row.id,
        dag_id=DagId(row.dag_id),
        expression=row.expr,
        timezone=row.tz,
        cursor=row.cursor_utc,
        next_fire=row.next_fire_utc,
        anchor=row.anchor_utc,
        start=row.start_utc,
        end=row.end_utc,
        catchup=word(Catchup, row.catchup),
        overlap=word(Overlap, row.overlap),
        max_active_runs=row.max_active_runs,
        version=row.version,
    )
