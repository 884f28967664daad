"""What is known of a notebook while it runs: honest cell statuses, kept on disk as they change."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from papermill.engines import NotebookExecutionManager

from nbflow.execution.notebook_file import write_notebook
from nbflow.model.attempt import CellOutcome, ErrorInfo
from nbflow.model.ids import CellId
from nbflow.model.states import CellStatus

_SAVE_EVERY = 0.5
_SAVE_SHARE = 10
"""A save that takes long makes the next one wait this many times as long."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE = re.compile(
    r"(?:Cell In\[\d+\]|File <ipython-input[^>]*>|<ipython-input[^>]*>).*?line (\d+)"
)

_PAPERMILL_STATUS = {
    CellStatus.NOT_RUN: "pending",
    CellStatus.RUNNING: "running",
    CellStatus.COMPLETED: "completed",
    CellStatus.SKIPPED: "completed",
}


class NotebookProgress(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no types
    """Papermill's bookkeeping of a run with nbflow's rules.

    Saves are at least half a second apart, atomic, and complete at the end; a cell says what really
    became of it (``metadata.nbflow.status``, papermill's own keys in step). ``on_cell`` is called
    with (cell id, status, epoch seconds) at each change. A save that fails is tried again until the
    end, where the last failure is raised as OSError.
    """

    def __init__(
        self,
        nb: Any,
        output_path: str | None = None,
        *,
        on_cell: Callable[[CellId, CellStatus, float], None] | None = None,
        **options: Any,
    ) -> None:
        self.on_cell = on_cell
        self.before_save: Callable[[], None] | None = None
        self.ending: Callable[[], CellStatus | None] = lambda: None
        """Says why a cell is being ended from outside, if it is."""
        self.outcomes: dict[str, CellOutcome] = {}
        self.error: ErrorInfo | None = None
        self._status: dict[str, CellStatus] = {}
        self._dirty = False
        self._next_save = 0.0
        super().__init__(nb, output_path=output_path, **options)

    def notebook_start(self, **kwargs: Any) -> None:
        """Clear what an earlier run left in the notebook, and save it."""
        for cell in self.nb.cells:
            if cell.cell_type == "code":
                self._set(cell, CellStatus.NOT_RUN)
        super().notebook_start(**kwargs)

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Note that a cell is about to run."""
        super().cell_start(cell, cell_index, **kwargs)
        if _runs(cell):
            self._set(cell, CellStatus.RUNNING)

    def cell_exception(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Note that a cell raised: papermill's exception is the keyword ``exception``."""
        error = cell_error(cell, kwargs.get("exception"))
        if is_early_exit(error) and self.ending() is None:
            self._set(cell, CellStatus.COMPLETED)
            return
        self.end_cell(cell, self.ending() or CellStatus.FAILED)
        self.error = error
        super().cell_exception(cell, cell_index, **kwargs)

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Note that a cell is over; completed unless something else was said before."""
        if _runs(cell) and self.status(cell) is CellStatus.RUNNING:
            self._set(cell, CellStatus.COMPLETED)
        elif cell.cell_type == "code" and self.status(cell) is CellStatus.NOT_RUN:
            self._set(cell, CellStatus.SKIPPED if cell.source.strip() else CellStatus.COMPLETED)
        papermill_status = cell.metadata.papermill["status"]
        super().cell_complete(cell, cell_index, **kwargs)
        if cell.cell_type == "code":
            cell.metadata.papermill["status"] = papermill_status

    def end_cell(self, cell: Any, status: CellStatus) -> None:
        """Note that a running cell did not come to its own end."""
        self._set(cell, status)
        cell.metadata.papermill["exception"] = True
        self.nb.metadata.papermill["exception"] = True

    def skip_cells(self) -> None:
        """Note that the cells which haven't run stay out: the task's condition is false."""
        for cell in self.nb.cells:
            if cell.cell_type == "code" and self.status(cell) is CellStatus.NOT_RUN:
                self._set(cell, CellStatus.SKIPPED)

    def notebook_complete(self, **kwargs: Any) -> None:
        """Note the end of the run and save for good. Raises OSError."""
        self.end_time = self.now()
        papermill = self.nb.metadata.papermill
        papermill["end_time"] = self.end_time.isoformat()
        papermill["duration"] = (self.end_time - self.start_time).total_seconds()
        self.complete_pbar()
        self.cleanup_pbar()
        self.save(force=True)

    def autosave_cell(self) -> None:
        """Note that outputs changed; they are saved when half a second has passed."""
        self.save()

    def save(self, *, force: bool = False, **kwargs: Any) -> None:
        """Save if the last save is long enough ago, else remember to; ``force`` raises OSError."""
        self._dirty = True
        self.save_if_due(force=force)

    def save_if_due(self, *, force: bool = False) -> None:
        """Save what changed, if it is time."""
        now = time.monotonic()
        if not self._dirty or not (force or now >= self._next_save):
            return
        if self.output_path:
            self._write(force)
        took = time.monotonic() - now
        self._next_save = now + took + max(_SAVE_EVERY, _SAVE_SHARE * took)
        self._dirty = False
        self.last_save_time = self.now()

    def status(self, cell: Any) -> CellStatus:
        """Return what is known of a code cell."""
        return self._status.get(_key(cell), CellStatus.NOT_RUN)

    def cells(self) -> tuple[CellOutcome, ...]:
        """Return what became of every code cell, in page order."""
        return tuple(
            self.outcomes[_key(cell)] for cell in self.nb.cells if _key(cell) in self.outcomes
        )

    def _write(self, force: bool) -> None:
        if self.before_save is not None:
            self.before_save()
        try:
            write_notebook(self.nb, Path(self.output_path))
        except OSError:
            if force:
                raise

    def _set(self, cell: Any, status: CellStatus) -> None:
        now = time.time()
        key = _key(cell)
        before = self.outcomes.get(key)
        started = before.started if before else None
        ended = None
        if status is CellStatus.RUNNING:
            started = now
        elif started is not None:
            ended = now
        self._status[key] = status
        self.outcomes[key] = CellOutcome(
            cell=CellId(key), status=status, started=started, ended=ended
        )
        cell.metadata.setdefault("nbflow", {})["status"] = status.value
        if "papermill" in cell.metadata and cell.metadata.papermill:
            cell.metadata.papermill["status"] = _PAPERMILL_STATUS.get(status, self.FAILED)
        if self.on_cell is not None and status is not CellStatus.NOT_RUN:
            self.on_cell(CellId(key), status, now)


def cell_error(cell: Any, exception: Any = None) -> ErrorInfo:
    """Return a failed cell's exception with the line of the cell that it came through."""
    for output in cell.outputs:
        if output.output_type == "error":
            return ErrorInfo(
                name=output.ename,
                message=output.evalue,
                traceback=tuple(output.traceback),
                cell=CellId(_key(cell)),
                line=_on_page(cell.source, error_line(output.traceback)),
            )
    return ErrorInfo(
        name=str(getattr(exception, "ename", "") or type(exception).__name__),
        message=str(getattr(exception, "evalue", "")),
        cell=CellId(_key(cell)),
    )


def is_early_exit(error: ErrorInfo) -> bool:
    """Papermill's rule: ``sys.exit()`` with nothing or 0 ends a notebook early and well."""
    return error.name == "SystemExit" and error.message in {"", "0", "None"}


def error_line(traceback: list[str] | tuple[str, ...]) -> int | None:
    """Return the line of the cell where a traceback, as IPython draws it, enters the cell."""
    match = _LINE.search(_ANSI.sub("", "\n".join(traceback)))
    return int(match.group(1)) if match else None


def _on_page(source: str, line: int | None) -> int | None:
    """Return the line as the page counts: IPython drops blank lines at a cell's start, and a
    ``%%task`` line has become one.
    """
    if line is None:
        return None
    lines = source.split("\n")
    return line + next((at for at, text in enumerate(lines) if text.strip()), 0)


def _runs(cell: Any) -> bool:
    skipped = "skip-execution" in cell.metadata.get("tags", [])
    return cell.cell_type == "code" and bool(cell.source.strip()) and not skipped


def _key(cell: Any) -> str:
    return str(cell.get("id") or id(cell))
