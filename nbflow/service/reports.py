"""How a run ended, task by task: what every face shows and prints."""

from dataclasses import dataclass
from pathlib import Path

from nbflow.model.attempt import ErrorInfo
from nbflow.model.ids import DagId, RunId, TaskName
from nbflow.model.states import Reason, RunState, TaskState
from nbflow.service.context import RunContext


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskReport:
    """One task of a run.

    ``seconds`` is the last attempt's wall clock; ``note`` says in words why it stands there;
    ``notebook`` and ``log`` are files of its last attempt; ``changed`` names inputs that it changed
    without saying so.
    """

    name: TaskName
    state: TaskState
    attempts: int = 0
    seconds: float = 0.0
    reason: Reason | None = None
    note: str = ""
    error: ErrorInfo | None = None
    notebook: Path | None = None
    log: Path | None = None
    changed: tuple[str, ...] = ()

    @property
    def ran(self) -> bool:
        """Tell whether any of its cells may have run."""
        return self.attempts > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """A run that has ended; ``tasks`` in page order. ``output`` is the merged executed notebook,
    ``context`` the run's dates and names.
    """

    run_id: RunId
    dag_id: DagId
    state: RunState
    tasks: tuple[TaskReport, ...]
    seconds: float = 0.0
    note: str = ""
    output: Path | None = None
    context: RunContext | None = None

    @property
    def failed(self) -> tuple[TaskReport, ...]:
        """The tasks that failed themselves."""
        return tuple(t for t in self.tasks if t.state is TaskState.FAILED)

    @property
    def not_run(self) -> tuple[TaskReport, ...]:
        """The tasks of which nothing ran; ``note`` says why."""
        return tuple(t for t in self.tasks if not t.ran)

    @property
    def is_success(self) -> bool:
        """Tell whether the run ended well."""
        return self.state is RunState.SUCCESS
