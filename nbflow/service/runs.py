"""Recorded runs: list, show, logs, and the request to cancel one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import NotFoundError
from nbflow.model.ids import DagId, RunId, TaskName
from nbflow.model.states import RunState

if TYPE_CHECKING:
    from nbflow.metastore import AttemptRow, RunRow, TaskInstanceRow
    from nbflow.service.service import Service

_LOG = "attempt.log"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunDetails:
    """A run with its tasks in page order and all attempts, oldest first."""

    run: "RunRow"
    tasks: "tuple[TaskInstanceRow, ...]"
    attempts: "tuple[AttemptRow, ...]"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptLog:
    """The text of one attempt's log; ``path`` is its file, None if it wrote none."""

    task: TaskName
    try_no: int
    path: Path | None
    text: str
    notebook: Path | None = None


def list_runs(
    service: "Service",
    *,
    dag: str | None = None,
    state: RunState | None = None,
    limit: int = 50,
) -> "list[RunRow]":
    """Return runs, newest first; runs whose process is gone have ended by now."""
    from nbflow.metastore import RunFilter

    wanted = RunFilter(dag_id=DagId(dag) if dag else None, state=state, limit=limit)
    return service.store.list_runs(wanted)


def show_run(service: "Service", run_id: str) -> RunDetails:
    """Return one run; ``run_id`` may be the start of its name if that is clear.

    Raises NotFoundError.
    """
    known = find_run(service, run_id)
    run, tasks = service.store.show_run(known)
    return RunDetails(run=run, tasks=tuple(tasks), attempts=tuple(service.store.attempts(known)))


def run_logs(
    service: "Service", run_id: str, *, task: str | None = None, try_no: int | None = None
) -> list[AttemptLog]:
    """Return the logs of a run's attempts in the order they started, or of some of them.

    Raises NotFoundError for an unknown run or task.
    """
    known = find_run(service, run_id)
    _, tasks = service.store.show_run(known)
    names = [row.task for row in tasks]
    if task is not None and task not in names:
        raise NotFoundError(
            f"run {known} has no task {task!r}", hint=f"its tasks: {', '.join(names)}"
        )
    attempts = service.store.attempts(known, TaskName(task) if task else None)
    return [_log(service, attempt) for attempt in attempts if try_no in (None, attempt.try_no)]


def cancel_run(service: "Service", run_id: str) -> bool:
    """Ask whoever drives a run to end it; False if it has ended. Raises NotFoundError."""
    return service.store.request_cancel(find_run(service, run_id))


def find_run(service: "Service", text: str) -> RunId:
    """Return the run that ``text`` names: its whole name, its end after the last ``__``, or
    ``latest``. Raises NotFoundError.
    """
    from nbflow.metastore import RunFilter

    recent = service.store.list_runs(RunFilter(limit=1000))
    if text == "latest" and recent:
        return recent[0].id
    found = [row.id for row in recent if text and (row.id == text or row.id.endswith(f"__{text}"))]
    return found[0] if found else RunId(text)


def _log(service: "Service", attempt: "AttemptRow") -> AttemptLog:
    folder = service.settings.store / "runs" / attempt.run_id / attempt.task / str(attempt.token)
    path = folder / str(attempt.result.get("log") or _LOG)
    notebook = folder / str(attempt.result.get("notebook") or "executed.ipynb")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return AttemptLog(
        task=attempt.task,
        try_no=attempt.try_no,
        path=path if path.is_file() else None,
        text=text,
        notebook=notebook if notebook.is_file() else None,
    )
