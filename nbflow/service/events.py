"""What a face is told while a run goes on."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from nbflow.model.ids import CellId, RunId, TaskName
from nbflow.model.states import CellStatus, RunState, TaskState


class RunEventKind(enum.StrEnum):
    """What happened."""

    RUN = "run"
    """The run moved to another state."""
    TASK = "task"
    """A task instance moved to another state."""
    CELL = "cell"
    """A cell started or ended; those of a mapped task's items are not told."""
    ITEMS = "items"
    """``done`` of ``total`` items of a mapped task have ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEvent:
    """One step of a run. ``state`` is a task's or the run's, ``note`` says why in words."""

    kind: RunEventKind
    at: datetime
    run_id: RunId
    task: TaskName | None = None
    state: TaskState | RunState | None = None
    cell: CellId | None = None
    status: CellStatus | None = None
    try_no: int | None = None
    note: str = ""
    done: int | None = None
    total: int | None = None


OnEvent = Callable[[RunEvent], None]


def ignore(event: RunEvent) -> None:
    """Listen to nothing."""
