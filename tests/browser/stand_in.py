"""Loaded by the notebook of the browser tests: a DAG and a run that take the same time every time.

The faces are what these tests look at; compiler and engine have tests of their own.
"""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from drawn_dags import first_steps, korean

from nbflow.ipython.dag_magic import DagMagics
from nbflow.ipython.runs import RunEnding, RunRequest
from nbflow.model.ids import RunId, TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.service.events import OnEvent, RunEvent, RunEventKind

PACE = 0.4


def run(request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event) -> RunEnding:
    """Run the tasks one after another; ``-p fail=TASK`` lets one fail, ``-p pace=S`` slows."""
    dag = compiled(request.path)
    pace = float(request.parameters.get("pace", PACE))

    def tell(state: TaskState | RunState, task: str | None = None, note: str = "") -> None:
        kind = RunEventKind.TASK if task else RunEventKind.RUN
        on_event(
            RunEvent(
                kind=kind,
                at=datetime.now(UTC),
                run_id=RunId("manual__browser"),
                task=TaskName(task) if task else None,
                state=state,
                note=note,
            )
        )

    tell(RunState.RUNNING)
    bad: set[str] = set()
    for task in dag.tasks:
        if bad & set(dag.upstream(task.name)):
            bad.add(task.name)
            tell(TaskState.UPSTREAM_FAILED, task.name)
            continue
        tell(TaskState.QUEUED, task.name)
        tell(TaskState.RUNNING, task.name)
        if cancelled.wait(pace):
            tell(TaskState.CANCELLED, task.name)
            return RunEnding(state=RunState.CANCELLED)
        if task.name == request.parameters.get("fail"):
            bad.add(task.name)
            tell(TaskState.FAILED, task.name, "ValueError: no such column: 'price'")
        else:
            tell(TaskState.SUCCESS, task.name)
    executed = Path("first-steps.run.ipynb")
    executed.write_bytes(request.path.read_bytes())
    time.sleep(0.1)
    if bad:
        message = "ValueError: no such column: 'price'"
        return RunEnding(state=RunState.FAILED, message=message, executed=executed)
    return RunEnding(state=RunState.SUCCESS, executed=executed)


def compiled(path: Path):
    return korean() if "재학습" in path.name else first_steps()


DagMagics.compile_file = staticmethod(compiled)
DagMagics.run_notebook = staticmethod(run)
