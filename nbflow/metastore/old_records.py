"""What grows beside the runs goes for its age, too, in small transactions: missed slots, ended backfills,
versions that nothing names any more. Each verb yields how many went after each transaction.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.schedules import is_slot, note_forgotten, slot_of
from nbflow.metastore.versions import delete_unused_notebooks, delete_versions
from nbflow.model.backfill import BackfillState
from nbflow.model.ids import RunId

_MISSED_AT_ONCE, _BACKFILLS_AT_ONCE, _SLOTS_AT_ONCE, _VERSIONS_AT_ONCE = 500, 100, 1000, 20
_ENDED = sorted(state.value for state in BackfillState if state is not BackfillState.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class OldRecords:
    """How much goes, beside runs, for its age."""

    missed: int = 0
    backfills: int = 0
    versions: int = 0


def old_records(
    connection: Connection, before: datetime, unused: datetime, without: Collection[RunId]
) -> OldRecords:
    """Return what the verbs below would delete once the runs ``without`` are gone: versions that were
    not used since ``unused``, and what else is of ``before`` an instant.
    """
    run = t.run.c
    stay = [
        row
        for row in connection.execute(select(run.id, run.version, run.backfill_id))
        if row.id not in without
    ]
    missed = select(func.count()).select_from(t.missed).where(*_old_missed(before))
    backfills = connection.execute(select(t.backfill.c.id).where(*_ended(before))).scalars()
    versions = connection.execute(select(t.dag_version.c.digest).where(*_unused(unused))).scalars()
    return OldRecords(
        missed=int(connection.execute(missed).scalar_one()),
        backfills=len(set(backfills) - {row.backfill_id for row in stay}),
        versions=len(set(versions) - {row.version for row in stay}),
    )


def _old_missed(before: datetime) -> list[ColumnElement[bool]]:
    return [t.missed.c.at < before, t.missed.c.told == 1]


def _ended(before: datetime) -> list[ColumnElement[bool]]:
    return [t.backfill.c.state.in_(_ENDED), t.backfill.c.ended < before]


def _unused(before: datetime) -> list[ColumnElement[bool]]:
    """Tell which versions go if no run is of them."""
    of, newer, clear = t.dag_version.c, t.dag_version.alias("later").c, t.clear_request.c
    current = exists().where(t.dag.c.id == of.dag_id, t.dag.c.version == of.digest)
    return [
        of.used < before,
        exists().where(newer.dag_id == of.dag_id, newer.number > of.number),
        ~current,
        ~exists().where(clear.version == of.digest),
    ]


def forget_missed(db: Database, before: datetime) -> Iterator[int]:
    """Delete missed slots and events that were decided on before an instant, and seen to by who
    tells people. That the slots are no longer on record is noted.
    """
    of = t.missed.c
    old = select(of.dag_id, of.slot_key).where(*_old_missed(before)).limit(_MISSED_AT_ONCE)

    while rows := db.read(lambda connection: connection.execute(old).all()):
        keys: dict[str, list[str]] = {}
        for row in rows:
            keys.setdefault(row.dag_id, []).append(row.slot_key)
        yield db.write("missed_forget", partial(_delete_missed, db, keys))


def _delete_missed(db: Database, keys: dict[str, list[str]], connection: Connection) -> int:
    of, dag = t.missed.c, t.dag.c
    dags = select(dag.id).where(dag.id.in_(keys)).order_by(dag.id)
    connection.execute(db.locked(dags)).all()
    gone = 0
    for dag_id in sorted(keys):
        slots = [slot_of(key) for key in keys[dag_id] if is_slot(key)]
        if slots:
            note_forgotten(connection, dag_id, max(slots))
        mine = (of.dag_id == dag_id, of.slot_key.in_(keys[dag_id]))
        connection.execute(db.locked(select(of.slot_key).where(*mine).order_by(of.slot_key))).all()
        gone += connection.execute(t.missed.delete().where(*mine)).rowcount
    return gone


def forget_backfills(db: Database, before: datetime) -> Iterator[int]:
    """Delete backfills that ended before an instant, and none of whose runs is on record; of one
    with many slots some of these at a time.
    """
    of = t.backfill.c
    has_run = exists().where(t.run.c.backfill_id == of.id)
    old = select(of.id).where(*_ended(before), ~has_run).order_by(of.id).limit(_BACKFILLS_AT_ONCE)
    while found := db.read(lambda connection: connection.execute(old).scalars().all()):
        for backfill_id in found:
            gone = None
            while gone is None:
                gone = db.write("backfills_forget", partial(_delete_slots, db, backfill_id))
                yield gone or 0


def _delete_slots(db: Database, backfill_id: str, connection: Connection) -> int | None:
    """Delete some slots of a backfill, the one decided on first before others, and with the last ones
    itself; return how many backfills went, None while slots are left.
    """
    of, slot = t.backfill.c, t.backfill_slot.c
    held = db.locked(select(of.reverse).where(of.id == backfill_id), sole=True)
    is_reverse = connection.execute(held).scalar()
    order = slot.slot_utc.desc() if is_reverse else slot.slot_utc
    mine = select(slot.slot_utc).where(slot.backfill_id == backfill_id).order_by(order)
    found = connection.execute(mine.limit(_SLOTS_AT_ONCE + 1)).scalars().all()
    some = found[:_SLOTS_AT_ONCE]
    if some:
        chosen = slot.slot_utc.between(min(some), max(some))
        connection.execute(t.backfill_slot.delete().where(slot.backfill_id == backfill_id, chosen))
    if len(found) > len(some):
        # Who looks now finds a backfill of the slots that are left.
        fewer = t.backfill.update().where(of.id == backfill_id)
        connection.execute(fewer.values(slots=of.slots - len(some)))
        return None
    return connection.execute(t.backfill.delete().where(of.id == backfill_id)).rowcount


def forget_versions(db: Database, before: datetime) -> Iterator[int]:
    """Delete versions that were not used since an instant, and then the notebooks that no other was
    made of. What a run, a clear or a DAG names stays, and each DAG's newest, so that no number is
    given twice.
    """
    of, after = t.dag_version.c, None
    while some := db.read(partial(_unnamed, before, after)):
        digests = [row.digest for row in some]
        yield db.write("versions_forget", partial(_delete_free, db, before, digests))
        last = some[-1]
        later = or_(of.used > last.used, and_(of.used == last.used, of.digest > last.digest))
        after = and_(of.used >= last.used, later)
    if after is not None:
        for _ in delete_unused_notebooks(db):
            yield 0


def _unnamed(
    before: datetime, where: ColumnElement[bool] | None, connection: Connection
) -> Sequence[Any]:
    of = t.dag_version.c
    query = select(of.digest, of.used).where(*_unused(before), ~_has_run())
    if where is not None:
        query = query.where(where)
    in_order = query.order_by(of.used, of.digest).limit(_VERSIONS_AT_ONCE)
    return connection.execute(in_order).all()


def _has_run() -> ColumnElement[bool]:
    return exists().where(t.run.c.version == t.dag_version.c.digest)


def _delete_free(
    db: Database, before: datetime, digests: Sequence[str], connection: Connection
) -> int:
    of = t.dag_version.c
    held = select(of.digest).where(of.digest.in_(digests)).order_by(of.digest)
    # Who records a version once more holds its row, who makes a run of it shares it: what somebody
    # is about to use is left.
    free = connection.execute(db.locked(held, skip=True, sole=True)).scalars().all()
    # Asked only now, since nobody can use them any more.
    asked = select(of.digest).where(of.digest.in_(free), *_unused(before), ~_has_run())
    unused = connection.execute(asked).scalars().all()
    delete_versions(connection, unused)
    return len(unused)
