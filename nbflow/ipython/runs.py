"""The seam between the live view and the service: start a run, hear of it, say how it ended."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nbflow.model.clock import SystemClock
from nbflow.model.states import RunState
from nbflow.service.events import OnEvent
from nbflow.service.targets import Compiled, check_parameters
from nbflow.texts import told

if TYPE_CHECKING:
    from nbflow.service.reports import RunReport, TaskReport
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """What to run: a compiled DAG, the values of its parameters, a task selector (all if None),
    and where to write the executed notebook (a place of nbflow's own if None).
    """

    compiled: Compiled
    parameters: Mapping[str, Any] = field(default_factory=dict)
    select: str | Sequence[str] | None = None
    output: Path | None = None

    def check(self) -> None:
        """Raise CompileError, ParameterError, NotFoundError or UsageError for what can't run."""
        from nbflow.service.run import refuse_inside_a_run
        from nbflow.service.select import select_tasks

        refuse_inside_a_run()
        dag = self.compiled.check().dag
        check_parameters(dag, self.parameters, SystemClock().wall())
        select_tasks(dag, self.select)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnding:
    """How the run ended: ``message`` says what went wrong, ``executed`` is the executed notebook."""

    state: RunState
    message: str = ""
    executed: Path | None = None


class RunNotebook(Protocol):
    """Runs a request to its end, in the calling thread."""

    def __call__(
        self, request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event
    ) -> RunEnding:
        """Run; tell ``on_event`` every step, and stop soon after ``cancelled`` is set.

        Raises NbflowError for what the user can mend.
        """
        ...


def run_here(request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event) -> RunEnding:
    """Run with this machine's installation; see `RunNotebook`."""
    from nbflow.app import open_service
    from nbflow.service.run import RunOptions, run_compiled

    with open_service() as service:
        options = RunOptions(
            parameters=request.parameters,
            select=request.select,
            output=request.output or _own_place(service, request.compiled),
            on_event=on_event,
            cancelled=cancelled,
        )
        report = run_compiled(service, request.compiled, options)
    return RunEnding(
        state=report.state, message=what_failed(report, request.compiled), executed=report.output
    )


def what_failed(report: "RunReport", compiled: Compiled) -> str:
    """Return one line for each task that failed: which, why, and where on the page."""
    from nbflow.service.on_page import OnPage

    page = OnPage(compiled)

    def line(task: "TaskReport") -> str:
        error = task.error
        why = told(task.note) or (
            f"{error.name}: {error.message}" if error else str(task.reason or "")
        )
        place = ""
        if error is not None and error.cell is not None:
            place = f" ({page.spot(error.cell, error.line)})"
        return f"{task.name}: {' '.join(why.split())}{place}"

    return "\n".join(line(task) for task in report.failed)


def _own_place(service: "Service", compiled: Compiled) -> Path:
    folder = service.settings.store / "executed"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = Path(compiled.dag.notebooks[0]).stem
    return folder / f"{stem}.{service.clock.wall():%Y%m%dT%H%M%S.%fZ}.ipynb"
