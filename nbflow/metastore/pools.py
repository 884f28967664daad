"""Pools: how many slots each has, who takes them; a claim counts them under a lock of their rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select, union_all

from nbflow.errors import NotFoundError, UsageError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.model.sentence import Sentence
from nbflow.model.states import FINAL_TASK_STATES, TaskState

DEFAULT_POOL = "default"
_DONE = [state.value for state in FINAL_TASK_STATES]


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolRow:
    """A pool: its slots, those that running tasks take, and those that queued tasks wait for."""

    name: str
    slots: int
    used: int
    wanted: int


class Pools:
    """The pools of a metastore."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def rows(self) -> list[PoolRow]:
        """Return all pools by name."""
        return self._db.read(_rows)

    def set(self, name: str, slots: int) -> bool:
        """Make a pool, or change how many slots it has; tell whether it is new.

        Raises UsageError NBF614, and writes nothing, if a task that may still run wants more.
        """

        def work(connection: Connection) -> bool:
            is_new = self._db.insert_once(connection, t.pool, {"name": name, "slots": slots})
            _lock(self._db, connection, name)
            need = _largest_need(connection, name)
            if need is not None and need.pool_slots > slots:
                raise UsageError(
                    Sentence(
                        "Task {task} of {dag} wants {wanted} slots of the pool {name!r}.",
                        task=need.task,
                        dag=need.dag_id,
                        wanted=need.pool_slots,
                        name=name,
                    ),
                    hint="Lower its pool_slots and deploy it, or leave the pool larger.",
                    code="NBF614",
                )
            # Whoever claims takes tokens under the lock of the pool.
            newest = select(t.counter.c.value).where(t.counter.c.name == "token")
            connection.execute(
                t.pool.update()
                .where(t.pool.c.name == name)
                .values(slots=slots, since_token=newest.scalar_subquery())
            )
            return is_new

        def stands(connection: Connection, _: bool) -> bool:
            found = select(t.pool.c.slots).where(t.pool.c.name == name)
            return connection.execute(found).scalar() == slots

        return self._db.write("pool", work, stands=stands)

    def delete(self, name: str) -> None:
        """Delete a pool. Raises NotFoundError; UsageError NBF620 for the default one, and for one
        whose slots a task that may still run wants.
        """

        def work(connection: Connection) -> bool:
            if name == DEFAULT_POOL:
                raise UsageError(
                    "The default pool stays: tasks without a pool take its slots.", code="NBF620"
                )
            _lock(self._db, connection, name)
            need = _largest_need(connection, name)
            if need is not None:
                raise UsageError(
                    Sentence(
                        "Task {task} of {dag} takes slots of the pool {name!r}.",
                        task=need.task,
                        dag=need.dag_id,
                        name=name,
                    ),
                    hint="Give the task another pool and deploy it, then delete this one.",
                    code="NBF620",
                )
            connection.execute(t.pool.delete().where(t.pool.c.name == name))
            return True

        def confirm(connection: Connection) -> bool | None:
            row = connection.execute(select(t.pool.c.name).where(t.pool.c.name == name)).first()
            return True if row is None else None

        self._db.write("pool_delete", work, confirm)


def _lock(db: Database, connection: Connection, name: str) -> None:
    query = select(t.pool.c.name).where(t.pool.c.name == name)
    if connection.execute(db.locked(query)).one_or_none() is None:
        raise NotFoundError(
            Sentence("There is no pool {name!r}.", name=name),
            hint="`nbflow pools list` shows them.",
            code="NBF613",
        )


def _rows(connection: Connection) -> list[PoolRow]:
    ti = t.task_instance.c
    taken: dict[tuple[str, str], int] = {}
    for row in connection.execute(
        select(ti.pool, ti.state, func.sum(ti.pool_slots).label("slots"))
        .where(ti.state.in_([TaskState.RUNNING.value, TaskState.QUEUED.value]))
        .group_by(ti.pool, ti.state)
    ):
        taken[row.pool, row.state] = int(row.slots)
    return [
        PoolRow(
            name=row.name,
            slots=row.slots,
            used=taken.get((row.name, TaskState.RUNNING.value), 0),
            wanted=taken.get((row.name, TaskState.QUEUED.value), 0),
        )
        for row in connection.execute(select(t.pool).order_by(t.pool.c.name))
    ]


def _largest_need(connection: Connection, name: str) -> Any | None:
    """Return the task that takes most slots of a pool, of what is deployed, and of runs that go on or
    were asked to.
    """
    task, ti, run, dag = t.dag_task.c, t.task_instance.c, t.run.c, t.dag.c
    asked = t.clear_request.c
    deployed = (
        select(dag.id.label("dag_id"), task.name.label("task"), task.pool_slots)
        .join(t.dag_task, and_(task.version == dag.version, dag.is_deployed == 1))
        .where(task.pool == name)
    )
    going = (
        select(run.dag_id.label("dag_id"), ti.task.label("task"), ti.pool_slots)
        .join(t.task_instance, ti.run_id == run.id)
        .where(ti.pool == name, ti.state.not_in(_DONE))
    )
    to_go_on = (
        select(run.dag_id.label("dag_id"), task.name.label("task"), task.pool_slots)
        .select_from(t.clear_request)
        .join(t.run, run.id == asked.run_id)
        .join(t.dag_task, task.version == func.coalesce(asked.version, run.version))
        .where(task.pool == name)
    )
    found = union_all(deployed, going, to_go_on).subquery()
    query = select(found).order_by(found.c.pool_slots.desc(), found.c.dag_id, found.c.task).limit(1)
    return connection.execute(query).one_or_none()


def check_needs(
    db: Database, connection: Connection, dag_id: str, wanted: Mapping[str, int]
) -> None:
    """Raise UsageError NBF614 if a task wants more slots than its pool has; a pool that there is
    not yet is made as large as it is wanted.
    """
    for name, slots in sorted(wanted.items()):
        db.insert_once(connection, t.pool, {"name": name, "slots": slots})
    query = select(t.pool).where(t.pool.c.name.in_(wanted)).order_by(t.pool.c.name)
    for row in connection.execute(db.locked(query)):
        if wanted[row.name] > row.slots:
            raise UsageError(
                Sentence(
                    "A task of {id} wants {wanted} slots of the pool {name!r}, which has {slots}.",
                    id=dag_id,
                    wanted=wanted[row.name],
                    name=row.name,
                    slots=row.slots,
                ),
                hint="Lower its pool_slots, or make the pool larger.",
                code="NBF614",
            )
