"""Looking around: the DAGs of the folder and the metastore, runs, and what attempts left behind."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import NotFoundError
from nbflow.model.dag import Dag
from nbflow.model.ids import DagId, RunId, TaskName
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState
from nbflow.service.drift import Drift, drift_of
from nbflow.service.select import select_tasks

if TYPE_CHECKING:
    from nbflow.metastore.rows import AttemptRow
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedDag:
    """A DAG of the DAGs folder, of the metastore, or of both.

    ``dag`` is None for one that was run from elsewhere; ``path`` is the file, or the folder of a
    DAG of several notebooks.
    """

    id: DagId
    tasks: int
    dag: Dag | None = None
    path: Path | None = None
    last_run: RunId | None = None
    last_state: RunState | None = None
    drift: Drift | None = None
    """How the notebook in the folder stands to what is deployed."""


def list_dags(service: "Service") -> tuple[ListedDag, ...]:
    """Return all DAGs by id. Raises NotebookError for a broken notebook, MetastoreError."""
    rows = {row.id: row for row in service.store.list_dags()}
    found: dict[DagId, ListedDag] = {}
    for dag in _folder(service):
        row = rows.get(dag.id)
        found[dag.id] = ListedDag(
            id=dag.id,
            tasks=len(dag.tasks),
            dag=dag,
            path=_place(dag),
            drift=drift_of(dag, row.version if row and row.is_deployed else None),
            last_run=row.last_run if row else None,
            last_state=row.last_state if row else None,
        )
    for row in rows.values():
        elsewhere = ListedDag(
            id=row.id, tasks=row.tasks, last_run=row.last_run, last_state=row.last_state
        )
        found.setdefault(row.id, elsewhere)
    return tuple(found[key] for key in sorted(found))


def find_dag(service: "Service", name: str) -> tuple[Dag, Path]:
    """Return a DAG of the DAGs folder and its place. Raises NotFoundError with the known names."""
    dags = _folder(service)
    for dag in dags:
        if dag.id == name:
            return dag, _place(dag)
    known = ", ".join(dag.id for dag in dags) or Sentence("none")
    raise NotFoundError(
        Sentence(
            "There is no DAG {name!r} in {dags_folder}.",
            name=name,
            dags_folder=service.settings.dags_folder,
        ),
        hint=Sentence("DAGs: {known}.", known=known),
    )


def known_dag(service: "Service", name: str) -> Dag:
    """Return a DAG as it is deployed, or else as it lies in the DAGs folder. Raises NotFoundError
    with the names of both.
    """
    deployed = {row.id: row.version for row in service.store.list_dags()}
    if name in deployed:
        return service.store.load_version(deployed[DagId(name)])
    in_folder = {dag.id: dag for dag in _folder(service)}
    if name in in_folder:
        return in_folder[DagId(name)]
    known = ", ".join(sorted({*deployed, *in_folder})) or Sentence("none")
    raise NotFoundError(
        Sentence("There is no DAG {name!r}.", name=name),
        hint=Sentence("DAGs: {known}.", known=known),
    )


def find_run(service: "Service", text: str) -> RunId:
    """Return the run whose id is ``text`` or begins with it; ``last`` is the newest.

    Raises NotFoundError if there is none, or more than one begins so.
    """
    from nbflow.metastore.reads import RunFilter

    runs = service.store.list_runs(RunFilter(limit=1 if text == "last" else 10_000))
    if text == "last" and runs:
        return runs[0].id
    exact = [run.id for run in runs if run.id == text]
    found = exact or [run.id for run in runs if text and run.id.startswith(text)]
    if len(found) > 1:
        raise NotFoundError(
            Sentence("{count} runs begin with {text!r}.", count=len(found), text=text),
            hint=Sentence("For example {found} and {found2}.", found=found[0], found2=found[1]),
        )
    if not found:
        raise NotFoundError(
            Sentence("There is no run {text!r}.", text=text),
            hint="nbflow runs list shows the runs.",
        )
    return found[0]


def newest_run(service: "Service", dag_id: DagId) -> RunId:
    """Return a DAG's newest run. Raises NotFoundError if there is none."""
    from nbflow.metastore.reads import RunFilter

    runs = service.store.list_runs(RunFilter(dag_id=dag_id, limit=1))
    if not runs:
        raise NotFoundError(
            Sentence("{dag} has no runs yet.", dag=dag_id), hint="nbflow run makes one."
        )
    return runs[0].id


def attempt_files(
    service: "Service", run_id: RunId, task: TaskName | None = None
) -> "Sequence[tuple[AttemptRow, tuple[Path, ...]]]":
    """Return the attempts of a run, oldest first, with the logs that each of them wrote, or is
    writing.
    """
    runs = service.settings.store / "runs"
    return [
        (attempt, log_files(runs / run_id / attempt.task / str(attempt.token)))
        for attempt in service.store.attempts(run_id, task)
    ]


def log_files(folder: Path) -> tuple[Path, ...]:
    """Return the logs in an attempt's folder, item by item; of each the older half first."""
    from nbflow.execution.attempt_log import LOG_NAME

    found = [path for path in folder.rglob(f"{LOG_NAME}*") if path.is_file()]
    return tuple(sorted(found, key=lambda path: (_item(path.parent), path.name == LOG_NAME)))


def tasks_of_run(service: "Service", run_id: RunId, selector: str | None) -> tuple[TaskName, ...]:
    """Return the tasks of a run that a selector names, all without one. Raises NotFoundError."""
    snapshot = service.store.run_snapshot(run_id)
    chosen = select_tasks(service.store.load_version(snapshot.version), selector)
    return tuple(name for name in snapshot.tasks if chosen is None or name in chosen)


def _item(folder: Path) -> int:
    number = folder.name.removeprefix("item-")
    return int(number) if number.isdecimal() else 0


def _folder(service: "Service") -> list[Dag]:
    folder = service.settings.dags_folder
    if not folder.is_dir():
        return []
    try:
        return service.load_all(folder)
    except NotFoundError:
        return []


def _place(dag: Dag) -> Path:
    if len(dag.notebooks) == 1:
        return Path(dag.notebooks[0])
    return Path(os.path.commonpath(dag.notebooks))
