"""DAGs as lists show them, each with its schedule, its newest run and what else makes it run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, and_, func, select

from nbflow.metastore import tables as t
from nbflow.metastore.codec import if_readable
from nbflow.metastore.ordering import newest_first
from nbflow.metastore.unread import word_or_none
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.states import RunKind, RunState
from nbflow.model.triggers import Trigger


@dataclass(frozen=True, kw_only=True, slots=True)
class DagRow:
    """A DAG; ``number`` counts its versions, ``last_run`` is its newest run, made ``last_at``,
    of those that no backfill made if there are any. ``is_deployed`` tells whether it was deployed, and
    not only run by hand.
    """

    id: DagId
    version: Digest
    number: int
    paused: bool
    deployed: datetime
    tasks: int
    last_run: RunId | None = None
    last_state: RunState | None = None
    last_at: datetime | None = None
    is_deployed: bool = False
    schedule: str | None = None
    timezone: str = "UTC"
    next_run: datetime | None = None
    owner: str = ""
    description: str = ""
    on: tuple[Trigger, ...] = ()
    """What makes it run beside its schedule."""


def dags_query(only: DagId | None = None) -> Any:
    """Return the query behind `list_dags`: of each DAG one row of every table, found by an index."""
    dag, schedule, run = t.dag.c, t.schedule.c, t.run.c
    tasks = select(func.count()).where(t.dag_task.c.version == dag.version)
    # A backfill makes up for the past: what it made says how a DAG stands only where nothing else does.
    last = func.coalesce(_newest(backfilled=False), _newest(backfilled=True))
    query = (
        select(
            t.dag,
            t.dag_version.c.number,
            tasks.correlate(t.dag).scalar_subquery().label("tasks"),
            schedule.expr,
            schedule.tz,
            schedule.next_fire_utc,
            run.id.label("last_run"),
            run.state.label("last_state"),
            run.created.label("last_at"),
        )
        .join(t.dag_version, t.dag_version.c.digest == dag.version)
        .outerjoin(t.schedule, schedule.dag_id == dag.id)
        .outerjoin(t.run, and_(run.dag_id == dag.id, run.id == last))
        .order_by(dag.id)
    )
    return query if only is None else query.where(dag.id == only)


def _newest(*, backfilled: bool) -> ScalarSelect[Any]:
    """Return a DAG's newest run, of those that no backfill made unless ``backfilled``."""

    def ours(run: Any) -> list[ColumnElement[bool]]:
        made = [] if backfilled else [run.kind != RunKind.BACKFILL.value]
        return [run.dag_id == t.dag.c.id, *made]

    newer, newest = t.run.alias("newer").c, t.run.alias("newest").c
    # First when it was made, by the index alone: no database need sort all runs of each DAG.
    made = select(newest.created).where(*ours(newest)).order_by(newest.created.desc()).limit(1)
    return (
        select(newer.id)
        .where(*ours(newer), newer.created == made.correlate(t.dag).scalar_subquery())
        .order_by(*newest_first(newer))
        .limit(1)
        .correlate(t.dag)
        .scalar_subquery()
    )


def list_dags(connection: Connection, only: DagId | None = None) -> list[DagRow]:
    """Return all DAGs by id, or the one asked for."""
    on = _triggers(connection, only)
    return [
        DagRow(
            id=row.id,
            version=row.version,
            number=row.number,
            paused=bool(row.paused),
            deployed=row.deployed,
            is_deployed=bool(row.is_deployed),
            tasks=row.tasks,
            schedule=row.expr or None,
            timezone=row.tz or "UTC",
            next_run=row.next_fire_utc,
            owner=row.owner or "",
            description=row.description or "",
            last_run=row.last_run,
            last_state=word_or_none(RunState, row.last_state),
            last_at=row.last_at,
            on=tuple(on.get(row.id, ())),
        )
        for row in connection.execute(dags_query(only))
    ]


def deployed_notebooks(connection: Connection) -> dict[Digest, tuple[str, ...]]:
    """Return the paths of the notebooks of each version that is deployed now."""
    of, dag = t.dag_version.c, t.dag.c
    query = select(of.digest, of.notebooks).join(t.dag, dag.version == of.digest)
    rows = connection.execute(query.where(dag.is_deployed == 1))
    return {Digest(row.digest): tuple(row.notebooks) for row in rows}


def _triggers(connection: Connection, only: DagId | None) -> dict[str, list[Trigger]]:
    of, found = t.dag_trigger.c, dict[str, list[Trigger]]()
    query = select(of.dag_id, of.spec).where(of.active == 1).order_by(of.dag_id, of.id)
    for row in connection.execute(query if only is None else query.where(of.dag_id == only)):
        trigger = if_readable(Trigger, row.spec)
        if trigger is not None:
            found.setdefault(row.dag_id, []).append(trigger)
    return found
