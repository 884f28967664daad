"""Looking around: runs, when DAGs run next, and what attempts left behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.artifacts.names import attempt_folder
from nbflow.errors import NotFoundError
from nbflow.model.ids import DagId, RunId, TaskName
from nbflow.model.names import did_you_mean, may_be_meant
from nbflow.model.sentence import Sentence
from nbflow.scheduling.schedule import stored_zone
from nbflow.service.known_dags import find_dag

if TYPE_CHECKING:
    from nbflow.metastore.rows import AttemptRow, RunRow
    from nbflow.model.triggers import Trigger
    from nbflow.service.service import Service

_NEAR_AMONG = 1_000
"""Newest runs among which one is looked for whose id is nearly as it was written."""
_LEAST = 4


def find_run(service: "Service", text: str) -> RunId:
    """Return the run whose id is ``text`` or begins with it; ``last`` is the newest.

    Raises NotFoundError if there is none, or more than one begins so.
    """
    from nbflow.metastore.reads import RunFilter

    if text == "last":
        for run in service.store.list_runs(RunFilter(limit=1)):
            return run.id
    found, count = service.store.runs_that_begin(text) if text else ([], 0)
    if count > 1:
        raise NotFoundError(
            Sentence("{count} runs begin with {text!r}.", count=count, text=text),
            hint=Sentence("For example {found} and {found2}.", found=found[0], found2=found[1]),
        )
    if not found:
        raise NotFoundError(
            Sentence("There is no run {text!r}.", text=text),
            hint=_near_runs(service, text) or Sentence("nbflow runs list shows the runs."),
        )
    return found[0]


def _near_runs(service: "Service", text: str) -> str:
    """Return which runs may be meant by an id that none has: a DAG's, or ones written nearly so;
    empty if none.
    """
    from nbflow.metastore.reads import RunFilter

    store = service.store
    of_dag = store.list_runs(RunFilter(dag_id=DagId(text), limit=1))
    if of_dag:
        return Sentence("{dag} is a DAG; its newest run is {run}.", dag=text, run=of_dag[0].id)
    ids = [str(run.id) for run in store.list_runs(RunFilter(limit=_NEAR_AMONG))]
    near = [one for one in ids if len(text) >= _LEAST and text.lower() in one.lower()]
    return may_be_meant(near[:3]) or did_you_mean(text, ids, cutoff=0.8) or ""


def newest_run(service: "Service", dag_id: DagId) -> RunId:
    """Return a DAG's newest run. Raises NotFoundError if there is none."""
    from nbflow.metastore.reads import RunFilter

    runs = service.store.list_runs(RunFilter(dag_id=dag_id, limit=1))
    if not runs:
        raise NotFoundError(
            Sentence("{dag} has no runs yet.", dag=dag_id), hint="nbflow run makes one."
        )
    return runs[0].id


def run_meant(service: "Service", name: str, date: datetime | None = None) -> "RunRow | None":
    """Return the last run of a DAG, or that of a logical date, or the run that ``name`` names.

    None if the DAG has no such run. A date without a zone is meant in the schedule's. NotFoundError.
    """
    from nbflow.metastore.reads import RunFilter

    store = service.store
    dag = next(iter(store.list_dags(DagId(name))), None)
    if dag is None:
        if name == "last" or (name and store.runs_that_begin(name)[1]):
            return store.show_run(find_run(service, name))[0]
        _check_in_folder(service, name)
        return None
    if date is None:
        return store.show_run(dag.last_run)[0] if dag.last_run else None
    at = date if date.tzinfo else date.replace(tzinfo=stored_zone(dag.timezone))
    wanted = RunFilter(dag_id=dag.id, logical_date=at, limit=1)
    return next(iter(store.list_runs(wanted)), None)


def _check_in_folder(service: "Service", name: str) -> None:
    """Raise NotFoundError, with what may be meant, for what names neither a DAG nor a run."""
    try:
        find_dag(service, name)
    except NotFoundError as problem:
        near = _near_runs(service, name)
        raise NotFoundError(
            Sentence("There is no DAG and no run {name!r}.", name=name), hint=near or problem.hint
        ) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class NextFires:
    """When a deployed DAG runs next by its schedule, and what else makes it run."""

    times: tuple[datetime, ...] = ()
    timezone: str = "UTC"
    expression: str | None = None
    """Its schedule as written; None if it has none."""
    on: "tuple[Trigger, ...]" = ()


def next_fires(service: "Service", name: str, count: int) -> NextFires:
    """Return the next fires of a deployed DAG; of a paused one those after now. NotFoundError."""
    from nbflow.scheduling.plan import watch_of
    from nbflow.scheduling.slots import upcoming

    dag_id, store = DagId(name), service.store
    store.current_version(dag_id)
    (dag,) = store.list_dags(dag_id)
    entry = store.schedule(dag_id)
    if entry is None or not entry.expression:
        return NextFires(on=dag.on)
    after = max(entry.cursor, service.clock.wall()) if dag.paused else entry.cursor
    times = tuple(upcoming(watch_of(entry), after, count))
    return NextFires(times=times, timezone=entry.timezone, expression=entry.expression, on=dag.on)


def attempt_files(
    service: "Service", run_id: RunId, task: TaskName | None = None
) -> "Sequence[tuple[AttemptRow, tuple[Path, ...]]]":
    """Return the attempts of a run, oldest first, with the logs that each of them wrote, or is
    writing.
    """
    root = service.settings.store
    return [
        (attempt, log_files(root / attempt_folder(run_id, attempt.task, attempt.token)))
        for attempt in service.store.attempts(run_id, task)
    ]


def log_files(folder: Path) -> tuple[Path, ...]:
    """Return the logs in an attempt's folder, item by item; of each the older half first."""
    from nbflow.execution.attempt_log import LOG_NAME

    found = [path for path in folder.rglob(f"{LOG_NAME}*") if path.is_file()]
    return tuple(sorted(found, key=lambda path: (_item(path.parent), path.name == LOG_NAME)))


def tasks_of_run(service: "Service", run_id: RunId, selector: str | None) -> tuple[TaskName, ...]:
    """Return the tasks of a run that a selector names, all without one. Raises NotFoundError."""
    from nbflow.service.select import select_tasks

    snapshot = service.store.run_snapshot(run_id)
    chosen = select_tasks(service.store.load_version(snapshot.version), selector)
    return tuple(name for name in snapshot.tasks if chosen is None or name in chosen)


def _item(folder: Path) -> int:
    number = folder.name.removeprefix("item-")
    return int(number) if number.isdecimal() else 0
