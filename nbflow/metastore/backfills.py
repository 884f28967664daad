"""Backfills: a row with a cursor, moved on chunk by chunk in the transactions that make the runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, select

from nbflow.errors import NotFoundError, UsageError
from nbflow.metastore import tables as t
from nbflow.metastore.clear import clear_tasks
from nbflow.metastore.engine import Database
from nbflow.metastore.runs import NewRun, ask_to_end, insert_run
from nbflow.metastore.schedules import slot_key, slot_of
from nbflow.metastore.unread import word_or_none
from nbflow.metastore.versions import no_dag
from nbflow.model.backfill import (
    Backfill,
    BackfillSlot,
    BackfillState,
    DueBackfill,
    Reprocess,
    SlotAction,
    SlotWhy,
)
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState

Decide = Callable[[RunState | None], tuple[SlotAction, SlotWhy]]
_GOING = BackfillState.RUNNING.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """The next slots of a backfill: as many are treated as it has room for runs; none end it.

    ``decide`` says what to do with a slot by the state of its run, ``new_run`` which run it gets if
    it has none.
    """

    due: DueBackfill
    slots: Sequence[datetime]
    decide: Decide
    new_run: Callable[[datetime], NewRun]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillRow:
    """A backfill in a list: how many slots were decided on, and its runs by state."""

    entry: Backfill
    decided: int
    runs: Mapping[RunState, int]


class Backfills:
    """The backfills of a metastore; ``who`` names the process that writes."""

    def __init__(self, db: Database, who: Callable[[], str]) -> None:
        self._db = db
        self._who = who

    def create(self, new: Backfill) -> None:
        """Record a backfill. Raises NotFoundError; UsageError if another one of the DAG is about
        some of the slots, and not done.
        """
        _create(self._db, new, self._db.clock.wall())

    def slot_runs(
        self, dag_id: DagId, schedule_id: int, first: datetime, last: datetime
    ) -> dict[datetime, tuple[RunId, RunState]]:
        """Return the runs that the slots of a schedule from ``first`` to ``last`` have."""
        return self._db.read(lambda c: _slot_runs(c, dag_id, schedule_id, first, last))

    def due(self) -> list[DueBackfill]:
        """Return the backfills under way that have room for a run, oldest first."""
        return self._db.read(lambda connection: _due(self._db, connection))

    def work_on(self, chunk: Chunk) -> bool:
        """Decide on the next slots of a backfill; False if another process was first, or its DAG has
        another version by now.

        A slot gets its run, and its place in the backfill's record, in the transaction that moves
        the cursor. Without slots left and with all its runs ended, the backfill is done.
        """
        return _work_on(self._db, chunk, self._who(), self._db.clock.wall())

    def cancel(self, backfill_id: str) -> bool:
        """End a backfill and ask all its runs to end; False if it has ended. NotFoundError."""
        return _cancel(self._db, backfill_id, self._db.clock.wall())

    def find(self, text: str) -> str:
        """Return the id that ``text`` begins; ``last`` is the newest one's. NotFoundError if there
        is none, or more than one begins so.
        """
        return self._db.read(lambda connection: _find(connection, text))

    def rows(self, backfill_id: str | None = None) -> list[BackfillRow]:
        """Return backfills, newest first, or the one named."""
        return self._db.read(lambda connection: _rows(connection, backfill_id))

    def decided(self, backfill_id: str) -> list[BackfillSlot]:
        """Return what became of the slots that a backfill has decided on, oldest slot first."""
        return self._db.read(lambda connection: _decided(connection, backfill_id))


def _create(db: Database, new: Backfill, now: datetime) -> None:
    def work(connection: Connection) -> None:
        dag = select(t.dag.c.id).where(t.dag.c.id == new.dag_id)
        if connection.execute(db.locked(dag)).one_or_none() is None:
            raise no_dag(connection, new.dag_id)
        of = t.backfill.c
        other = connection.execute(
            select(of.id).where(
                of.dag_id == new.dag_id,
                of.state == _GOING,
                of.first_utc <= new.last,
                of.last_utc >= new.first,
            )
        ).first()
        if other is not None:
            raise UsageError(
                Sentence(
                    "Backfill {other} of {dag} is about some of these slots already.",
                    other=other.id,
                    dag=new.dag_id,
                ),
                hint=Sentence(
                    "Wait for its end, or say: nbflow backfill cancel {other}", other=other.id
                ),
                code="NBF618",
            )
        connection.execute(t.backfill.insert().values(_columns(new, now)))

    def confirm(connection: Connection) -> bool | None:
        row = connection.execute(select(t.backfill.c.id).where(t.backfill.c.id == new.id))
        return row.one_or_none() is not None or None

    db.write("backfill", work, confirm)


def _columns(new: Backfill, now: datetime) -> dict[str, Any]:
    return {
        "id": new.id,
        "dag_id": new.dag_id,
        "schedule_id": new.schedule_id,
        "expr": new.expression,
        "tz": new.timezone,
        "anchor_utc": new.anchor,
        "first_utc": new.first,
        "last_utc": new.last,
        "slots": new.slots,
        "reverse": int(new.reverse),
        "reprocess": new.reprocess.value,
        "max_active": new.max_active,
        "state": _GOING,
        "created": now,
        "version": 0,
    }


def _slot_runs(
    connection: Connection, dag_id: DagId, schedule_id: int, first: datetime, last: datetime
) -> dict[datetime, tuple[RunId, RunState]]:
    run = t.run.c
    ends = slot_key(schedule_id, first), slot_key(schedule_id, last)
    rows = connection.execute(
        select(run.id, run.slot_key, run.state).where(
            run.dag_id == dag_id, run.slot_key.between(*ends)
        )
    )
    return {slot_of(row.slot_key): (RunId(row.id), RunState(row.state)) for row in rows}


def _due(db: Database, connection: Connection) -> list[DueBackfill]:
    run = t.run.c
    rows = connection.execute(_under_way()).all()
    room = []
    for row in rows:
        unfinished = connection.execute(
            select(func.count()).where(run.backfill_id == row.id, run.state.in_(t.GOING))
        ).scalar_one()
        limit = row.max_active_runs if row.max_active is None else row.max_active
        if unfinished < limit:
            room.append((row, limit - int(unfinished), int(unfinished)))

    def build(one: tuple[Any, int, int]) -> DueBackfill:
        row, left, unfinished = one
        return DueBackfill(
            entry=_entry(row),
            dag_version=Digest(row.dag_version),
            room=left,
            unfinished=unfinished,
        )

    return db.unread.each("backfill", room, lambda one: str(one[0].id), build)


@cache
def _under_way() -> Select[Any]:
    of = t.backfill.c
    return (
        select(t.backfill, t.dag.c.version.label("dag_version"), t.schedule.c.max_active_runs)
        .join(t.dag, t.dag.c.id == of.dag_id)
        .join(t.schedule, t.schedule.c.dag_id == of.dag_id)
        .where(of.state == _GOING)
        .order_by(of.created, of.id)
    )


def _work_on(db: Database, chunk: Chunk, who: str, now: datetime) -> bool:
    entry, of = chunk.due.entry, t.backfill.c

    def work(connection: Connection) -> bool:
        # Whoever lets the DAG rest, or deletes it, counts its runs before these or after.
        dag = select(t.dag.c.version).where(t.dag.c.id == entry.dag_id)
        if connection.execute(db.locked(dag)).scalar() != chunk.due.dag_version:
            return False
        guard = (of.id == entry.id, of.version == entry.version, of.state == _GOING)
        moved = {"version": entry.version + 1}
        if connection.execute(t.backfill.update().where(*guard).values(moved)).rowcount != 1:
            return False
        if chunk.slots:
            cursor = _treat_all(db, connection, chunk, who, now)
            changes: dict[str, Any] = {"cursor_utc": cursor}
        elif chunk.due.unfinished == 0:
            changes = {"state": BackfillState.DONE.value, "ended": now}
        else:
            return True
        mine = (of.id == entry.id, of.state == _GOING)
        connection.execute(t.backfill.update().where(*mine).values(changes))
        return True

    def confirm(connection: Connection) -> bool | None:
        version = connection.execute(select(of.version).where(of.id == entry.id)).scalar()
        return True if version is not None and version > entry.version else None

    return db.write("backfill_chunk", work, confirm)


def _treat_all(
    db: Database, connection: Connection, chunk: Chunk, who: str, now: datetime
) -> datetime | None:
    """Treat slots in their order while there is room; return the last one treated."""
    room, cursor, entry = chunk.due.room, chunk.due.entry.cursor, chunk.due.entry
    run = t.run.c
    keys = [slot_key(entry.schedule_id, slot) for slot in chunk.slots]
    there = select(run.id, run.slot_key, run.state).where(
        run.dag_id == entry.dag_id, run.slot_key.in_(keys)
    )
    rows = {row.slot_key: row for row in connection.execute(db.locked(there.order_by(run.id)))}
    for slot, key in zip(chunk.slots, keys, strict=True):
        if room == 0:
            break
        room -= _treat(db, connection, chunk, (slot, rows.get(key)), who, now)
        cursor = slot
    return cursor


def _treat(
    db: Database,
    connection: Connection,
    chunk: Chunk,
    treated: tuple[datetime, Any | None],
    who: str,
    now: datetime,
) -> int:
    """Do with one slot, which has a run or none, what is decided, and record it; return how many runs
    that made.
    """
    (slot, row), entry, run = treated, chunk.due.entry, t.run.c
    new = chunk.new_run(slot) if row is None else None
    if new is not None and insert_run(db, connection, new, None, now):
        action, why = chunk.decide(None)
        run_id = new.run_id
    else:
        key = slot_key(entry.schedule_id, slot)
        same = select(run.id, run.state).where(run.dag_id == entry.dag_id, run.slot_key == key)
        row = row or connection.execute(db.locked(same)).one()
        action, why = chunk.decide(RunState(row.state))
        run_id = RunId(row.id)
    if action is SlotAction.RERUN:
        clear_tasks(db, connection, run_id, who=who, now=now, version=chunk.due.dag_version)
    makes = action in (SlotAction.NEW, SlotAction.RERUN)
    if makes:
        mine = t.run.update().where(run.id == run_id, run.state == RunState.QUEUED.value)
        connection.execute(mine.values(backfill_id=entry.id))
    connection.execute(
        t.backfill_slot.insert().values(
            backfill_id=entry.id, slot_utc=slot, action=action.value, why=why.value,
            run_id=run_id,
        )
    )  # fmt: skip
    return int(makes)


def _cancel(db: Database, backfill_id: str, now: datetime) -> bool:
    def work(connection: Connection) -> bool:
        of, run = t.backfill.c, t.run.c
        state = connection.execute(db.locked(select(of.state).where(of.id == backfill_id))).scalar()
        if state is None:
            raise no_backfill(backfill_id)
        if state != _GOING:
            return False
        connection.execute(
            t.backfill.update()
            .where(of.id == backfill_id, of.state == _GOING)
            .values(state=BackfillState.CANCELLED.value, ended=now, version=of.version + 1)
        )
        ask_to_end(db, connection, run.backfill_id == backfill_id)
        return True

    def confirm(connection: Connection) -> bool | None:
        state = connection.execute(select(t.backfill.c.state).where(t.backfill.c.id == backfill_id))
        return state.scalar() == BackfillState.CANCELLED.value or None

    return db.write("backfill_cancel", work, confirm)


def _find(connection: Connection, text: str) -> str:
    of = t.backfill.c
    query = select(of.id).order_by(of.created.desc(), of.id)
    ids = list(connection.execute(query).scalars())
    found = ids[:1] if text == "last" else [one for one in ids if text and one.startswith(text)]
    if len(found) != 1:
        raise no_backfill(text)
    return str(found[0])


def no_backfill(text: str) -> NotFoundError:
    """Return the error for a backfill that isn't there."""
    return NotFoundError(
        Sentence("There is no backfill {text!r}.", text=text),
        hint="`nbflow backfill list` shows them.",
        code="NBF613",
    )


def _rows(connection: Connection, backfill_id: str | None) -> list[BackfillRow]:
    of, run, slot = t.backfill.c, t.run.c, t.backfill_slot.c
    query = select(t.backfill).order_by(of.created.desc(), of.id)
    decided = select(slot.backfill_id, func.count().label("n")).group_by(slot.backfill_id)
    going = (
        select(run.backfill_id, run.state, func.count().label("n"))
        .where(run.backfill_id.is_not(None))
        .group_by(run.backfill_id, run.state)
    )
    if backfill_id is not None:
        query = query.where(of.id == backfill_id)
        decided = decided.where(slot.backfill_id == backfill_id)
        going = going.where(run.backfill_id == backfill_id)
    numbers = {row.backfill_id: row.n for row in connection.execute(decided)}
    states: dict[str, dict[RunState, int]] = {}
    for row in connection.execute(going):
        state = word_or_none(RunState, row.state)
        if state is not None:
            states.setdefault(row.backfill_id, {})[state] = row.n
    return [
        BackfillRow(entry=_entry(row), decided=numbers.get(row.id, 0), runs=states.get(row.id, {}))
        for row in connection.execute(query)
    ]


def _decided(connection: Connection, backfill_id: str) -> list[BackfillSlot]:
    of, run = t.backfill_slot.c, t.run.c
    query = (
        select(t.backfill_slot, run.state, run.note)
        .outerjoin(t.run, run.id == of.run_id)
        .where(of.backfill_id == backfill_id)
        .order_by(of.slot_utc)
    )
    return [
        BackfillSlot(
            slot=row.slot_utc,
            action=SlotAction(row.action),
            why=SlotWhy(row.why),
            run_id=None if row.run_id is None else RunId(row.run_id),
            run_state=word_or_none(RunState, row.state),
            note=row.note or "",
        )
        for row in connection.execute(query)
    ]


def _entry(row: Any) -> Backfill:
    return Backfill(
        id=row.id,
        dag_id=DagId(row.dag_id),
        schedule_id=row.schedule_id,
        expression=row.expr,
        timezone=row.tz,
        anchor=row.anchor_utc,
        first=row.first_utc,
        last=row.last_utc,
        slots=row.slots,
        reverse=bool(row.reverse),
        reprocess=Reprocess(row.reprocess),
        max_active=row.max_active,
        state=BackfillState(row.state),
        cursor=row.cursor_utc,
        created=row.created,
        ended=row.ended,
        version=row.version,
    )
