"""What faces are told while a run goes on: moves, cells and items as events."""

from nbflow.model.attempt import CellEvent
from nbflow.model.clock import Clock
from nbflow.model.ids import RunId, TaskName
from nbflow.model.run import Decisions, RunMove
from nbflow.model.states import TaskState
from nbflow.service.events import OnEvent, RunEvent, RunEventKind


class RunTeller:
    """Tells one listener about one run."""

    def __init__(self, run_id: RunId, clock: Clock, on_event: OnEvent) -> None:
        self._run_id = run_id
        self._clock = clock
        self._on_event = on_event

    def decisions(self, decisions: Decisions) -> None:
        """Tell moves in an order that makes sense: the run's start before its tasks, its end after."""
        run = decisions.run
        if run is not None and not run.target.is_final:
            self._run(run)
        for move in decisions.tasks:
            self.task(move.task, move.target, note=move.note)
        if run is not None and run.target.is_final:
            self._run(run)

    def task(
        self, task: TaskName, state: TaskState, *, note: str = "", try_no: int | None = None
    ) -> None:
        """Tell that a task moved to another state."""
        self._on_event(
            RunEvent(
                kind=RunEventKind.TASK,
                at=self._clock.wall(),
                run_id=self._run_id,
                task=task,
                state=state,
                note=note,
                try_no=try_no,
            )
        )

    def cell(self, task: TaskName, event: CellEvent, try_no: int) -> None:
        """Tell that a cell started or ended."""
        self._on_event(
            RunEvent(
                kind=RunEventKind.CELL,
                at=self._clock.wall(),
                run_id=self._run_id,
                task=task,
                cell=event.cell,
                status=event.status,
                try_no=try_no,
            )
        )

    def items(self, task: TaskName, done: int, total: int) -> None:
        """Tell how many items of a mapped task have ended."""
        self._on_event(
            RunEvent(
                kind=RunEventKind.ITEMS,
                at=self._clock.wall(),
                run_id=self._run_id,
                task=task,
                done=done,
                total=total,
            )
        )

    def _run(self, move: RunMove) -> None:
        self._on_event(
            RunEvent(
                kind=RunEventKind.RUN,
                at=self._clock.wall(),
                run_id=self._run_id,
                state=move.target,
                note=move.note,
            )
        )
