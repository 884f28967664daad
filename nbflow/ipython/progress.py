"""What is known of a run while it goes on, gathered from its events. No widget, no thread."""

from dataclasses import dataclass, field, replace
from typing import Any

from nbflow.model.states import FINAL_TASK_STATES, RunState, TaskState
from nbflow.render.fold import Folded
from nbflow.render.picture import TaskProgress, as_progress, note_of
from nbflow.service.events import RunEvent, RunEventKind

_TIMED = FINAL_TASK_STATES - {TaskState.SKIPPED}
"""What is told with its duration; that a condition took a while to say no is of no interest."""


@dataclass(slots=True)
class RunProgress:
    """The states of a run's tasks as they are told; instants in seconds since the epoch."""

    view: Folded
    run_id: str = ""
    state: RunState = RunState.QUEUED
    tasks: dict[str, TaskProgress] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    begun: float | None = None
    ended: float | None = None

    def __post_init__(self) -> None:
        self.tasks = {
            str(t.name): TaskProgress(tries=t.options.retries + 1) for t in self.view.whole.tasks
        }

    def take(self, event: RunEvent) -> None:
        """Take in one event; those of unknown tasks are left out."""
        at = event.at.timestamp()
        self.run_id = self.run_id or str(event.run_id)
        self.begun = self.begun or at
        if event.kind is RunEventKind.RUN and isinstance(event.state, RunState):
            self.state = event.state
            self.ended = at if event.state.is_final else None
        if event.kind is RunEventKind.TASK and isinstance(event.state, TaskState):
            self._task(str(event.task), event.state, event, at)
        if event.kind is RunEventKind.ITEMS and event.task in self.tasks:
            here = self.tasks[str(event.task)]
            self.tasks[str(event.task)] = replace(here, done=event.done, total=event.total)

    def _task(self, name: str, state: TaskState, event: RunEvent, at: float) -> None:
        if name not in self.tasks:
            return
        here = replace(
            self.tasks[name],
            state=state,
            tried=event.try_no or self.tasks[name].tried,
            reason=_few_words(event.note) if state is TaskState.FAILED else "",
            cached=state is TaskState.SUCCESS and event.note.startswith("cached"),
        )
        if state is TaskState.RUNNING:
            self.started[name] = at
            here = replace(here, seconds=None, done=None, total=None)
        elif state in _TIMED and name in self.started:
            here = replace(here, seconds=max(0.0, at - self.started[name]))
        self.tasks[name] = here

    @property
    def done(self) -> int:
        """How many tasks have ended, however."""
        return sum(t.state in FINAL_TASK_STATES for t in self.tasks.values())

    @property
    def well(self) -> int:
        """How many tasks succeeded or were left out by a condition."""
        return sum(t.state in {TaskState.SUCCESS, TaskState.SKIPPED} for t in self.tasks.values())

    def to_wire(self, lang: str) -> list[dict[str, Any]]:
        """Return the boxes in page order as the live view is told them."""
        states = self.view.states(self.tasks) or {}
        return [
            {
                "id": f"task-n{index}",
                "look": progress.look,
                "note": note_of(progress, lang),
                "started": self._started(name) if progress.state is TaskState.RUNNING else None,
            }
            for index, name in enumerate(str(task.name) for task in self.view.dag.tasks)
            for progress in (as_progress(states[name]),)
        ]

    def _started(self, box: str) -> float | None:
        """Return when the first task of a box that still runs began."""
        running = [
            self.started[name]
            for name in self.view.members.get(box, (box,))
            if name in self.started and self.tasks[name].state is TaskState.RUNNING
        ]
        return min(running, default=None)


def _few_words(note: str) -> str:
    """Return the start of a reason: an exception's name, or three words."""
    head = note.split(":", 1)[0].strip()
    return " ".join(head.split()[:3])
