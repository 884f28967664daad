"""What a terminal shows while a run goes on: a live table, or one line per step where none is."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.cli.output import console
from nbflow.model.states import CellStatus, RunState, TaskState
from nbflow.service.events import OnEvent, RunEvent, RunEventKind, ignore
from nbflow.texts import clean, language, t, told

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN_AT_ONCE = 40
"""A longer table would push the lines that change off the screen."""
_FRESH = 0.1


class TaskRow:
    """One task as the table shows it; instants are monotonic seconds."""

    def __init__(self, name: str, cells: int) -> None:
        self.name = name
        self.cells = cells
        self.done = 0
        self.state: TaskState = TaskState.NONE
        self.started: float | None = None
        self.ended: float | None = None
        self.try_no = 0
        self.note = ""
        self.items: tuple[int, int] | None = None
        """How many items of a mapped task have ended, of how many."""

    def take(self, event: RunEvent, now: float) -> None:
        """Move on by one event of this task."""
        if event.kind is RunEventKind.CELL:
            self.done += event.status is CellStatus.COMPLETED
            return
        if event.kind is RunEventKind.ITEMS:
            self.items = event.done or 0, event.total or 0
            return
        self.state = TaskState(event.state) if event.state else self.state
        self.note = told(event.note)
        self.try_no = event.try_no or self.try_no
        if self.state is TaskState.RUNNING:
            self.started, self.ended, self.done, self.items = now, None, 0, None
        elif self.started is not None and self.state is not TaskState.QUEUED:
            self.ended = now

    def seconds(self, now: float) -> float | None:
        """Return how long the attempt has taken so far; None if it has not begun."""
        return None if self.started is None else (self.ended or now) - self.started


class RunView:
    """The tasks of a run, by name, in page order."""

    def __init__(self, tasks: Sequence[tuple[str, int]]) -> None:
        self.rows = {name: TaskRow(name, cells) for name, cells in tasks}
        self.state: RunState | None = None

    def take(self, event: RunEvent) -> None:
        """Move on by one event."""
        if event.kind is RunEventKind.RUN:
            self.state = RunState(event.state) if event.state else self.state
        elif event.task in self.rows:
            self.rows[str(event.task)].take(event, time.monotonic())

    def table(self) -> "Table":
        """Return the table as it stands now; unfinished tasks come first when there are many."""
        from rich.table import Table
        from rich.text import Text

        from nbflow.render.tokens import tokens
        from nbflow.render.words import duration

        now = time.monotonic()
        table = Table.grid(padding=(0, 2))
        rows = list(self.rows.values())
        shown = rows
        if len(rows) > _SHOWN_AT_ONCE:
            active = [row for row in rows if row.state is TaskState.RUNNING]
            failed = [row for row in rows if row.state is TaskState.FAILED]
            shown = (active + failed)[:_SHOWN_AT_ONCE]
        for row in shown:
            look = tokens().states[row.state.value]
            seconds = row.seconds(now)
            table.add_row(
                Text(look.glyph, style=look.terminal),
                Text(clean(row.name), style="bold" if row.state is TaskState.RUNNING else ""),
                Text(look.words[language()], style=look.terminal),
                Text("" if seconds is None else duration(seconds), justify="right"),
                Text(_cells(row), style="dim"),
                Text(clean(row.note), style="dim", overflow="ellipsis", no_wrap=True),
            )
        ended = sum(row.state.is_final for row in rows)
        table.add_row(
            "", Text(t("{ended} of {all} tasks", ended=ended, all=len(rows)), style="dim")
        )
        return table


@contextmanager
def shown(tasks: Sequence[tuple[str, int]], *, quiet: bool) -> Iterator[OnEvent]:
    """Show a run on standard error while the block goes on; ``tasks`` are names and cell counts.

    Yields what takes the run's events, from any thread.
    """
    if quiet:
        yield ignore
        return
    view = RunView(tasks)
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield LineByLine().take
        return
    from rich.live import Live

    with Live(
        get_renderable=view.table,
        console=screen,
        refresh_per_second=1 / _FRESH,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="ellipsis",
    ):
        yield view.take


class LineByLine:
    """Prints one line for each task that starts or ends, and each tenth of a mapped task's items."""

    def __init__(self) -> None:
        self._tenths: dict[str, int] = {}

    def take(self, event: RunEvent) -> None:
        """Print what is worth a line."""
        if event.kind is RunEventKind.ITEMS and event.total:
            self._items(str(event.task), event.done or 0, event.total)
        elif event.kind is RunEventKind.TASK and event.state not in (
            None,
            TaskState.NONE,
            TaskState.QUEUED,
        ):
            self._task(event)

    def _task(self, event: RunEvent) -> None:
        from nbflow.render.tokens import tokens

        assert event.state is not None
        look = tokens().states[event.state.value]
        note = f" ({clean(told(event.note))})" if event.note else ""
        _print(f"{look.glyph} {clean(event.task)}: {look.words[language()]}{note}")

    def _items(self, task: str, done: int, total: int) -> None:
        tenth = done * 10 // total
        if 0 < done < total and tenth > self._tenths.get(task, 0):
            _print(f"  {clean(task)}: {_items_text(done, total)}")
        self._tenths[task] = tenth


def _print(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _items_text(done: int, total: int) -> str:
    return t("{done} of {all} items", done=done, all=total)


def _cells(row: TaskRow) -> str:
    if row.items is not None:
        return _items_text(*row.items)
    if row.state is TaskState.RUNNING and row.cells > 1:
        return t("cell {number} of {all}", number=min(row.done + 1, row.cells), all=row.cells)
    return t("try {number}", number=row.try_no) if row.try_no > 1 else ""
