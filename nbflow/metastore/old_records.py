"""What grows beside the runs goes for its age, too, in small transactions: missed slots, ended backfills,
versions that nothing names any more.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.schedules import is_slot, note_forgotten, slot_of
from nbflow.metastore.versions import delete_versions
from nbflow.model.backfill import BackfillState

_MISSED_AT_ONCE, _BACKFILLS_AT_ONCE, _VERSIONS_AT_ONCE = 500, 5, 20
_ENDED = sorted(state.value for state in BackfillState if state is not BackfillState.RUNNING)


def forget_missed(db: Database, before: datetime) -> int:
    """Delete some missed slots and events that were decided on before an instant, and seen to by who
    tells people; return how many. That the slots are no longer on record is noted.
    """
    of = t.missed.c
    old = select(of.dag_id, of.slot_key).where(of.at < before, of.told == 1)

    def work(connection: Connection) -> int:
        keys: dict[str, list[str]] = {}
        for row in connection.execute(old.limit(_MISSED_AT_ONCE)):
            keys.setdefault(row.dag_id, []).append(row.slot_key)
        schedules = select(t.schedule.c.id).where(t.schedule.c.dag_id.in_(keys))
        connection.execute(db.locked(schedules.order_by(t.schedule.c.dag_id))).all()
        gone = 0
        for dag_id in sorted(keys):
            slots = [slot_of(key) for key in keys[dag_id] if is_slot(key)]
            if slots:
                note_forgotten(connection, dag_id, max(slots))
            mine = (of.dag_id == dag_id, of.slot_key.in_(keys[dag_id]))
            gone += connection.execute(t.missed.delete().where(*mine)).rowcount
        return gone

    return db.write("missed_forget", work) if _is_any(db, old) else 0


def forget_backfills(db: Database, before: datetime) -> int:
    """Delete some backfills that ended before an instant, and none of whose runs is on record; return
    how many.
    """
    of, run = t.backfill.c, t.run.c
    used = select(run.backfill_id).where(run.backfill_id.is_not(None))
    old = select(of.id).where(of.state.in_(_ENDED), of.ended < before, of.id.not_in(used))

    def work(connection: Connection) -> int:
        some = db.locked(old.order_by(of.id).limit(_BACKFILLS_AT_ONCE))
        gone = connection.execute(some).scalars().all()
        slot = t.backfill_slot
        connection.execute(slot.delete().where(slot.c.backfill_id.in_(gone)))
        return connection.execute(t.backfill.delete().where(of.id.in_(gone))).rowcount

    return db.write("backfills_forget", work) if _is_any(db, old) else 0


def forget_versions(db: Database, before: datetime) -> int:
    """Delete some versions that were recorded before an instant, with the notebooks that no other was
    made of; return how many. What a run, a clear or a DAG names stays, and each DAG's newest, so that
    no number is given twice.
    """
    of, dag, clear = t.dag_version.c, t.dag.c, t.clear_request.c
    newer = t.dag_version.alias("newer")
    last = select(func.max(newer.c.number)).where(newer.c.dag_id == of.dag_id).scalar_subquery()
    old = select(of.digest, of.dag_id).where(
        of.created < before,
        of.number < last,
        of.digest.not_in(select(dag.version)),
        of.digest.not_in(select(t.run.c.version)),
        of.digest.not_in(select(clear.version).where(clear.version.is_not(None))),
    )

    def work(connection: Connection) -> int:
        some = connection.execute(old.order_by(of.digest).limit(_VERSIONS_AT_ONCE)).all()
        dags = select(dag.id).where(dag.id.in_({row.dag_id for row in some})).order_by(dag.id)
        # Whoever deploys a version again holds its DAG, whoever makes a run of it the version.
        connection.execute(db.locked(dags)).all()
        mine = of.digest.in_([row.digest for row in some])
        connection.execute(db.locked(select(of.digest).where(mine).order_by(of.digest))).all()
        gone = [row.digest for row in connection.execute(old.where(mine))]
        delete_versions(db, connection, gone)
        return len(gone)

    return db.write("versions_forget", work) if _is_any(db, old) else 0


def _is_any(db: Database, old: Select[Any]) -> bool:
    """Tell whether there is anything to do: for nothing no lock is taken."""
    return db.read(lambda connection: connection.execute(old.limit(1)).first()) is not None
