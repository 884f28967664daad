"""Runs as the deciding code sees them: read whole, or of large ones what moved since the last look."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.known_runs import LARGE, KnownRun
from nbflow.metastore.moves import RUN_ROWS, no_run
from nbflow.metastore.unread import word
from nbflow.model.ids import RunId, TaskName
from nbflow.model.run import RunSnapshot, TaskSnapshot
from nbflow.model.states import RunKind, RunState, TaskState

_TASKS = (
    select(t.task_instance)
    .where(t.task_instance.c.run_id.in_(bindparam("of_runs", expanding=True)))
    .order_by(t.task_instance.c.position)
)
_MOVED = (
    select(t.task_instance, t.event.c.seq)
    .join(
        t.event,
        (t.event.c.run_id == t.task_instance.c.run_id) & (t.event.c.task == t.task_instance.c.task),
    )
    .where(t.event.c.run_id == bindparam("of_run"), t.event.c.seq > bindparam("since"))
)
_LAST_EVENT = select(func.max(t.event.c.seq)).where(t.event.c.run_id == bindparam("of_run"))


def snapshot(
    db: Database, connection: Connection, run_id: RunId, locked: Any = None
) -> RunSnapshot:
    """Read a run with its task instances in page order; ``locked`` is its row, if it is held."""
    rows = None if locked is None else {run_id: locked}
    return snapshots(db, connection, [run_id], rows)[run_id]


def snapshots(
    db: Database,
    connection: Connection,
    run_ids: Collection[RunId],
    locked: Mapping[RunId, Any] | None = None,
) -> dict[RunId, RunSnapshot]:
    """Read several runs as `snapshot` does; NotFoundError if one isn't there."""
    rows = locked
    if rows is None:
        found = connection.execute(RUN_ROWS, {"of_runs": sorted(run_ids)})
        rows = {RunId(row.id): row for row in found}
    for run_id in run_ids:
        if run_id not in rows:
            raise no_run(run_id)
    tasks: dict[RunId, Mapping[TaskName, TaskSnapshot]] = {}
    for run_id in run_ids:
        known = db.known_runs.get(run_id, rows[run_id].version, rows[run_id].clears)
        if known is not None:
            tasks[run_id] = _since(connection, run_id, known)
    tasks |= _all_tasks(connection, [run_id for run_id in run_ids if run_id not in tasks])
    return {run_id: _snapshot(rows[run_id], tasks[run_id]) for run_id in run_ids}


def note_large(
    db: Database, connection: Connection, seen: Mapping[RunId, RunSnapshot]
) -> dict[RunId, KnownRun]:
    """Return what is to be known of the large ones of runs just read, whose rows are held."""
    return {
        run_id: KnownRun(
            version=run.version,
            clears=run.clears,
            seq=connection.execute(_LAST_EVENT, {"of_run": run_id}).scalar() or 0,
            tasks=run.tasks,
        )
        for run_id, run in seen.items()
        if len(run.tasks) >= LARGE
    }


def _all_tasks(
    connection: Connection, run_ids: Collection[RunId]
) -> dict[RunId, Mapping[TaskName, TaskSnapshot]]:
    if not run_ids:
        return {}
    found: dict[RunId, dict[TaskName, TaskSnapshot]] = {run_id: {} for run_id in run_ids}
    for row in connection.execute(_TASKS, {"of_runs": sorted(run_ids)}):
        found[row.run_id][row.task] = _task(row)
    return {**found}


def _since(connection: Connection, run_id: RunId, known: KnownRun) -> dict[TaskName, TaskSnapshot]:
    moved = connection.execute(_MOVED, {"of_run": run_id, "since": known.seq})
    return {**known.tasks, **{row.task: _task(row) for row in moved}}


def _snapshot(run: Any, tasks: Mapping[TaskName, TaskSnapshot]) -> RunSnapshot:
    return RunSnapshot(
        run_id=run.id,
        dag_id=run.dag_id,
        version=run.version,
        kind=word(RunKind, run.kind),
        state=word(RunState, run.state),
        tasks=tasks,
        parameters=run.parameters,
        selected=None if run.selected is None else tuple(run.selected),
        cancel_requested=bool(run.cancel_requested),
        created=run.created,
        logical_date=run.logical_date,
        data_interval_start=run.data_interval_start,
        data_interval_end=run.data_interval_end,
        note=run.note,
        folder=run.folder,
        clears=run.clears,
    )


def _task(row: Any) -> TaskSnapshot:
    return TaskSnapshot(
        name=row.task,
        state=word(TaskState, row.state),
        tries=row.tries,
        failures=row.failures,
        lost=row.lost,
        not_before=row.not_before,
        token=row.token,
        kept_kernel=row.kept_kernel,
        unstorable=row.unstorable or {},
        last_error=row.last_error,
        note=row.note,
    )
