"""What a run left behind, for those who look at it: logs, executed notebooks, one merged document."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nbflow.artifacts.local import LocalFiles
from nbflow.artifacts.names import attempt_folder
from nbflow.artifacts.store import whole_characters
from nbflow.errors import NotFoundError
from nbflow.model.ids import DagId, RunId, TaskName
from nbflow.model.sentence import Sentence

if TYPE_CHECKING:
    from nbflow.metastore.rows import AttemptRow
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class LogText:
    """A part of an attempt's log, as raw bytes decoded; ``next_offset`` is where the next begins."""

    try_no: int
    text: str
    next_offset: int
    is_complete: bool


def attempt_of(
    service: "Service", run_id: RunId, task: TaskName, try_no: int | None = None
) -> "AttemptRow":
    """Return a try of a task, by default its last one. Raises NotFoundError."""
    _, tasks = service.store.show_run(run_id)
    if all(one.task != task for one in tasks):
        raise no_task(run_id, task)
    found = [
        one
        for one in service.store.attempts(run_id, task)
        if try_no is None or one.try_no == try_no
    ]
    if not found:
        raise NotFoundError(
            Sentence("Task {task} of run {run_id} has no such try.", task=task, run_id=run_id),
            hint="It may not have begun yet.",
        )
    return found[-1]


def no_task(run_id: str, task: str) -> NotFoundError:
    """Return the error for a task that a run lacks."""
    return NotFoundError(
        Sentence("Run {run_id} has no task {task!r}.", run_id=run_id, task=task),
        hint="nbflow tasks states shows the tasks of a run.",
    )


def read_log(
    service: "Service", attempt: "AttemptRow", *, item: int | None, offset: int, limit: int
) -> LogText:
    """Return a part of an attempt's log: of a mapped task, of one item or of all one after the other.

    It may still grow unless the attempt has ended.
    """
    from nbflow.service.looking import log_files

    folder = _folder(service, attempt)
    logs = log_files(folder if item is None else folder / f"item-{item}")
    raw, begin, size = bytearray(), 0, 0
    for path in logs:
        with _files(service).open(_relative(service, path)) as file:
            length = file.seek(0, 2)
            if begin + length > offset and len(raw) < limit:
                file.seek(max(0, offset - begin))
                raw += file.read(limit - len(raw))
            begin += length
        size = begin
    cut = whole_characters(bytes(raw)) if offset + len(raw) < size else bytes(raw)
    end = min(offset, size) + len(cut)
    return LogText(
        try_no=attempt.try_no,
        text=cut.decode("utf-8", "replace"),
        next_offset=end,
        is_complete=end >= size and attempt.outcome is not None,
    )


def executed_notebook(service: "Service", attempt: "AttemptRow") -> bytes:
    """Return the notebook that an attempt executed, as it was written. Raises NotFoundError."""
    path = _notebook_file(service, attempt)
    if path is None:
        raise NotFoundError(
            Sentence(
                "Try {number} of {task} left no executed notebook.",
                number=attempt.try_no,
                task=attempt.task,
            ),
            hint="It is written when the attempt ends; `nbflow cleanup` deletes old ones.",
        )
    with _files(service).open(_relative(service, path)) as file:
        return file.read()


def run_document(service: "Service", run_id: RunId) -> dict[str, Any]:
    """Return one executed notebook of a run with the outputs of its tasks in page order."""
    from nbflow.service.adopt import Versions, context_of
    from nbflow.service.pages import open_pages
    from nbflow.service.reports import RunReport, TaskReport
    from nbflow.service.run import merged_notebook
    from nbflow.service.targets import overrides

    store = service.store
    snapshot = store.run_snapshot(run_id)
    compiled = Versions(store).compiled(snapshot.version)
    last = {attempt.task: attempt for attempt in store.attempts(run_id)}
    reports = tuple(
        TaskReport(
            name=name,
            state=task.state,
            attempts=task.tries,
            notebook=_notebook_file(service, last[name]) if name in last else None,
        )
        for name, task in snapshot.tasks.items()
    )
    context = context_of(snapshot, compiled.dag.options.timezone)
    pages = open_pages(
        compiled.notebooks,
        overrides(compiled, snapshot.parameters, context),
        base=snapshot.folder or "",
    )
    report = RunReport(
        run_id=run_id, dag_id=DagId(snapshot.dag_id), state=snapshot.state, tasks=reports
    )
    return merged_notebook(compiled, pages, report)


def has_notebook(service: "Service", attempt: "AttemptRow") -> bool:
    """Tell whether an attempt's executed notebook is there."""
    return _notebook_file(service, attempt) is not None


def _notebook_file(service: "Service", attempt: "AttemptRow") -> Path | None:
    name = attempt.result.get("notebook")
    if not isinstance(name, str):
        return None
    folder = _folder(service, attempt)
    shown = attempt.result.get("shown_item")
    path = (folder if shown is None else folder / f"item-{shown}") / PurePosixPath(name).name
    return path if path.is_file() else None


def _folder(service: "Service", attempt: "AttemptRow") -> Path:
    return service.settings.store / attempt_folder(attempt.run_id, attempt.task, attempt.token)


def _files(service: "Service") -> LocalFiles:
    return LocalFiles(service.settings.store)


def _relative(service: "Service", path: Path) -> str:
    return path.relative_to(service.settings.store).as_posix()
