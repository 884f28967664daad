"""DAGs put to rest, and deleted with all that is known of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from nbflow.errors import ConflictError, UsageError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.schedules import forget
from nbflow.metastore.triggers import keep_triggers
from nbflow.metastore.versions import delete_unused_notebooks, delete_versions, no_dag, note_used
from nbflow.model.backfill import BackfillState
from nbflow.model.ids import DagId, RunId
from nbflow.model.sentence import Sentence


def undeploy(db: Database, dag_id: DagId, now: datetime) -> None:
    """Let nothing of a DAG start by itself any more; its runs stay.

    Raises NotFoundError; UsageError, and writes nothing, while runs of it go on.
    """

    def work(connection: Connection) -> bool:
        version = _lock(db, connection, dag_id)
        run, backfill = t.run.c, t.backfill.c
        query = select(func.count()).where(run.dag_id == dag_id, run.state.in_(t.GOING))
        going = int(connection.execute(query).scalar_one())
        if going:
            raise UsageError(
                Sentence("Runs of {dag} that have not ended: {count}.", dag=dag_id, count=going),
                hint=Sentence(
                    "Cancel them with nbflow runs cancel --dag {dag}, or wait for their end.",
                    dag=dag_id,
                ),
                code="NBF619",
            )
        forget(connection, dag_id)
        keep_triggers(db, connection, dag_id, {}, now)
        under_way = (backfill.dag_id == dag_id, backfill.state == BackfillState.RUNNING.value)
        in_order = select(backfill.id).where(*under_way).order_by(backfill.id)
        connection.execute(db.locked(in_order)).all()
        connection.execute(
            t.backfill.update()
            .where(*under_way)
            .values(state=BackfillState.CANCELLED.value, ended=now, version=backfill.version + 1)
        )
        connection.execute(
            t.dag.update().where(t.dag.c.id == dag_id).values(is_deployed=0, paused=0, pauses=None)
        )
        note_used(connection, version, now)
        return True

    def confirm(connection: Connection) -> bool | None:
        query = select(t.dag.c.is_deployed).where(t.dag.c.id == dag_id)
        return connection.execute(query).scalar() == 0 or None

    db.write("dag_undeploy", work, confirm)


def runs_of(connection: Connection, dag_id: DagId, limit: int) -> list[RunId]:
    """Return ended runs of a DAG, oldest first."""
    run = t.run.c
    query = select(run.id).where(run.dag_id == dag_id, run.state.in_(t.ENDED))
    found = connection.execute(query.order_by(run.created, run.id).limit(limit)).scalars()
    return [RunId(one) for one in found]


def delete_dag(db: Database, dag_id: DagId) -> None:
    """Delete a DAG without runs, with its schedule, versions, missed slots and backfills.

    Raises NotFoundError; ConflictError, and writes nothing, if it has runs.
    """

    def work(connection: Connection) -> bool:
        _lock(db, connection, dag_id, sole=True)
        has_run = select(t.run.c.id).where(t.run.c.dag_id == dag_id).limit(1)
        if connection.execute(has_run).first() is not None:
            raise ConflictError(
                Sentence("A run of {dag} was made meanwhile.", dag=dag_id),
                hint="Delete it again.",
                code="NBF619",
            )
        versions = _held(db, connection, dag_id)
        backfills = select(t.backfill.c.id).where(t.backfill.c.dag_id == dag_id)
        of = t.backfill_slot.c.backfill_id
        connection.execute(t.backfill_slot.delete().where(of.in_(backfills)))
        triggers = select(t.dag_trigger.c.id).where(t.dag_trigger.c.dag_id == dag_id)
        told = t.trigger_event.c.trigger_id
        connection.execute(t.trigger_event.delete().where(told.in_(triggers)))
        for table in (t.backfill, t.dag_trigger, t.missed, t.notice, t.schedule):
            connection.execute(table.delete().where(table.c.dag_id == dag_id))
        connection.execute(t.dag.delete().where(t.dag.c.id == dag_id))
        delete_versions(connection, versions)
        return True

    def confirm(connection: Connection) -> bool | None:
        found = connection.execute(select(t.dag.c.id).where(t.dag.c.id == dag_id)).first()
        return True if found is None else None

    db.write("dag_delete", work, confirm)
    for _ in delete_unused_notebooks(db):
        pass


def _held(db: Database, connection: Connection, dag_id: DagId) -> Sequence[str]:
    """Take a DAG's rows that are to go before what belongs to them, as who deletes for its age does;
    return its versions.
    """
    schedule, key = t.schedule.c, t.missed.c.slot_key
    connection.execute(db.locked(select(schedule.id).where(schedule.dag_id == dag_id))).all()
    found: Sequence[str] = ()
    for of in (t.backfill.c.id, t.dag_version.c.digest):
        # Taken by their key: MariaDB would hold an entry of the index of DAGs while it waits for the
        # row, and who has the row needs the entry. While the DAG is held no more of them come.
        mine = select(of).where(of.table.c.dag_id == dag_id)
        found = connection.execute(mine).scalars().all()
        connection.execute(db.locked(select(of).where(of.in_(found)).order_by(of), sole=True)).all()
    missed = select(key).where(t.missed.c.dag_id == dag_id).order_by(key)
    connection.execute(db.locked(missed)).all()
    return found


def _lock(db: Database, connection: Connection, dag_id: DagId, *, sole: bool = False) -> str:
    """Take a DAG's row; return the version that its new runs use."""
    query = select(t.dag.c.version).where(t.dag.c.id == dag_id)
    row = connection.execute(db.locked(query, sole=sole)).one_or_none()
    if row is None:
        raise no_dag(connection, dag_id)
    return str(row.version)
