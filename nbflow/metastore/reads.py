"""Questions to the metastore; nothing here writes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, literal, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.moves import no_run
from nbflow.metastore.ordering import newest_first, when
from nbflow.metastore.rows import (
    AttemptRow,
    CellRow,
    EventRow,
    RunRow,
    TaskInstanceRow,
    TaskValues,
)
from nbflow.metastore.unread import Unreadable, UnreadRows, word
from nbflow.model.attempt import StoredValue
from nbflow.model.ids import DagId, RunId, TaskName, Token
from nbflow.model.states import CellStatus, Reason, RunKind, RunState, TaskState


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """Which runs to list, newest first: ``before`` is where the page before ended, with the run
    ``after`` if there may be others of that instant.
    """

    dag_id: DagId | None = None
    state: RunState | None = None
    kind: RunKind | None = None
    before: datetime | None = None
    after: RunId | None = None
    logical_date: datetime | None = None
    limit: int | None = 50


def runs_query(wanted: RunFilter) -> Any:
    """Return the query behind `list_runs`."""
    query = _runs().order_by(*newest_first()).limit(wanted.limit)
    if wanted.dag_id is not None:
        query = query.where(t.run.c.dag_id == wanted.dag_id)
    if wanted.state is not None:
        query = query.where(t.run.c.state == wanted.state.value)
    if wanted.kind is not None:
        query = query.where(t.run.c.kind == wanted.kind.value)
    if wanted.logical_date is not None:
        query = query.where(t.run.c.logical_date == wanted.logical_date)
    if wanted.before is not None:
        of = t.run.c
        earlier = of.created < wanted.before
        if wanted.after is not None:
            last = select(when()).where(of.id == wanted.after).scalar_subquery()
            # Rather told twice than not at all, should that run be gone.
            mark = func.coalesce(last, literal(wanted.before, t.Instant()))
            follows = or_(when() < mark, and_(when() == mark, of.id > wanted.after))
            beside = and_(of.created == wanted.before, follows)
            query = query.where(of.created <= wanted.before, or_(earlier, beside))
        else:
            query = query.where(earlier)
    return query


@dataclass(frozen=True, kw_only=True, slots=True)
class RunList:
    """Runs, newest first, and the ids of those among them that can't be read."""

    rows: list[RunRow]
    unread: list[RunId]


def list_runs(connection: Connection, wanted: RunFilter) -> RunList:
    """Return runs, newest first; what can't be read takes no other run's place."""
    aside, found = UnreadRows(), list[RunRow]()
    while True:
        rows = connection.execute(runs_query(wanted)).all()
        built = aside.each("run", rows, lambda row: str(row.id), _listed)
        found += built
        if wanted.limit is None or len(rows) < wanted.limit or len(built) == len(rows):
            return RunList(rows=found, unread=[RunId(row.name) for row in aside.take("run")])
        last = rows[-1]
        left = len(rows) - len(built)
        wanted = replace(wanted, before=last.created, after=last.id, limit=left)


def run_counts(connection: Connection, since: datetime) -> Mapping[RunState, int]:
    """Return how many runs wait, how many go on, and how many failed since an instant."""
    of = t.run.c
    goes_on = of.state.in_([RunState.QUEUED.value, RunState.RUNNING.value])
    failed = and_(of.state == RunState.FAILED.value, of.ended >= since)
    query = select(of.state, func.count()).where(or_(goes_on, failed)).group_by(of.state)
    return {RunState(state): count for state, count in connection.execute(query)}


def runs_that_begin(connection: Connection, text: str) -> tuple[list[RunId], int]:
    """Return a run with this id, or the newest two whose ids begin so, and how many do."""
    of = t.run.c
    if connection.execute(select(of.id).where(of.id == text)).first() is not None:
        return [RunId(text)], 1
    begin = func.substr(of.id, 1, len(text)) == text
    newest = select(of.id).where(begin).order_by(*newest_first()).limit(2)
    found = [RunId(one) for one in connection.execute(newest).scalars()]
    if len(found) < 2:
        return found, len(found)
    return found, connection.execute(select(func.count()).where(begin)).scalar_one()


def show_run(connection: Connection, run_id: RunId) -> tuple[RunRow, list[TaskInstanceRow]]:
    """Return a run and its task instances in page order; NotFoundError if there is none."""
    run = connection.execute(_runs().where(t.run.c.id == run_id)).one_or_none()
    if run is None:
        raise no_run(run_id)
    ti = t.task_instance.c
    rows = connection.execute(
        select(t.task_instance, t.attempt.c.claimed, t.attempt.c.ended)
        .outerjoin(
            t.attempt,
            and_(
                t.attempt.c.run_id == ti.run_id,
                t.attempt.c.task == ti.task,
                t.attempt.c.try_no == ti.tries,
            ),
        )
        .where(ti.run_id == run_id)
        .order_by(ti.position)
    )
    tasks = [
        TaskInstanceRow(
            run_id=row.run_id,
            task=row.task,
            state=word(TaskState, row.state),
            tries=row.tries,
            note=row.note,
            started=row.claimed,
            ended=row.ended,
        )
        for row in rows
    ]
    return _run(run), tasks


def _listed(row: Any) -> RunRow:
    run = _run(row)
    for held in (run.parameters, run.cause):
        if isinstance(held, Unreadable):
            raise held.damage()
    return run


def _run(row: Any) -> RunRow:
    return RunRow(
        id=row.id,
        dag_id=row.dag_id,
        version=row.version,
        kind=word(RunKind, row.kind),
        state=word(RunState, row.state),
        created=row.created,
        started=row.started,
        ended=row.ended,
        logical_date=row.logical_date,
        note=row.note,
        parameters=row.parameters,
        has_driver=row.owner is not None,
        cause=row.cause,
        timezone=row.timezone,
    )


def _runs() -> Select[Any]:
    """Return the query for runs, with the zone of what schedules their DAG now."""
    of = t.schedule.c
    zone = select(of.tz).where(of.dag_id == t.run.c.dag_id, of.expr != "").scalar_subquery()
    return select(t.run, zone.label("timezone"))


def attempts(
    connection: Connection, run_id: RunId, task: TaskName | None = None
) -> list[AttemptRow]:
    """Return the attempts of a run, or of one of its tasks, in the order of their tokens."""
    query = select(t.attempt).where(t.attempt.c.run_id == run_id).order_by(t.attempt.c.token)
    if task is not None:
        query = query.where(t.attempt.c.task == task)
    return [
        AttemptRow(
            run_id=row.run_id,
            task=row.task,
            try_no=row.try_no,
            token=row.token,
            host=row.host,
            pid=row.pid,
            claimed=row.claimed,
            started=row.started,
            ended=row.ended,
            outcome=row.outcome,
            reason=word(Reason, row.reason) if row.reason else None,
            message=row.message,
            result=row.result or {},
        )
        for row in connection.execute(query)
    ]


def cells(connection: Connection, token: Token) -> list[CellRow]:
    """Return the cells of an attempt in the order they ran."""
    of = t.cell_run.c
    rows = connection.execute(select(t.cell_run).where(of.token == token).order_by(of.position))
    return [
        CellRow(
            token=row.token,
            cell=row.cell,
            status=word(CellStatus, row.status),
            started=row.started,
            ended=row.ended,
        )
        for row in rows
    ]


def events(
    connection: Connection, since_seq: int, run_id: RunId | None, limit: int
) -> list[EventRow]:
    """Return events after ``since_seq``, oldest first."""
    of = t.event.c
    query = select(t.event).where(of.seq > since_seq).order_by(of.seq).limit(limit)
    if run_id is not None:
        query = query.where(of.run_id == run_id)
    return [EventRow(**row._asdict()) for row in connection.execute(query)]


def newest_event(connection: Connection) -> int:
    """Return the number of the newest event, 0 if there is none."""
    return connection.scalar(select(func.max(t.event.c.seq))) or 0


def values_of(connection: Connection, run_id: RunId) -> Mapping[TaskName, TaskValues]:
    """Return what each task of a run published; tasks that published nothing are left out."""
    of = t.artifact.c
    rows = connection.execute(
        select(t.artifact).where(of.run_id == run_id).order_by(of.task, of.name)
    )
    return _by_task(rows.all())


def latest_values(
    connection: Connection, dag_id: DagId, task: TaskName, before: datetime | None = None
) -> TaskValues:
    """Return what a task published in the last run in which it published anything, of those made
    ``before`` an instant if given.
    """
    of = t.artifact.c
    query = (
        select(of.run_id)
        .join(t.run, t.run.c.id == of.run_id)
        .where(t.run.c.dag_id == dag_id, of.task == task)
        .order_by(t.run.c.created.desc())
        .limit(1)
    )
    if before is not None:
        query = query.where(t.run.c.created < before)
    newest = connection.execute(query).scalar()
    if newest is None:
        return TaskValues()
    rows = connection.execute(
        select(t.artifact).where(of.run_id == newest, of.task == task).order_by(of.name)
    )
    return _by_task(rows.all())[task]


def latest_value(
    connection: Connection, dag_id: DagId, task: TaskName, name: str
) -> StoredValue | None:
    """Return the value of a name from the last run that stored it, None if none did."""
    of = t.artifact.c
    query = (
        select(t.artifact)
        .join(t.run, t.run.c.id == of.run_id)
        .where(t.run.c.dag_id == dag_id, of.task == task, of.name == name)
        .order_by(t.run.c.created.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _value(row)


def _by_task(rows: Any) -> dict[TaskName, TaskValues]:
    values: dict[TaskName, list[StoredValue]] = {}
    ambient: dict[TaskName, list[StoredValue]] = {}
    for row in rows:
        (ambient if row.ambient else values).setdefault(row.task, []).append(_value(row))
    return {
        task: TaskValues(values=tuple(values.get(task, ())), ambient=tuple(ambient.get(task, ())))
        for task in sorted({*values, *ambient})
    }


def _value(row: Any) -> StoredValue:
    return StoredValue(
        name=row.name,
        bundle=row.bundle,
        key=row.key,
        size=row.size,
        type=row.type,
        preview=row.preview,
    )
