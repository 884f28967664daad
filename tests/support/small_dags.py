"""Small DAGs and results for tests of what stores and drives them."""

import hashlib
from collections.abc import Mapping, Sequence

from nbflow.metastore import NewRun
from nbflow.model.attempt import AttemptResult, CellOutcome, ErrorInfo, StoredValue
from nbflow.model.dag import Dag, Edge, EdgeKind, Place, Task
from nbflow.model.ids import CellId, DagId, Digest, RunId, TaskName
from nbflow.model.options import DagOptions, TaskOptions
from nbflow.model.run import TaskMove
from nbflow.model.states import CellStatus, Reason, RunKind, TaskState

STOPS = {
    ("pre", "kill"): -9,
    ("post", "kill"): -9,
    ("pre", "exc"): 1,
    ("post", "exc"): 1,
    ("post", "commit_then_raise"): 0,
}
"""How a process can be stopped at a commit, and how it ends then: a lost reply stops nobody."""


def small_dag(
    upstream: Mapping[str, Sequence[str]],
    *,
    dag_id: str = "etl",
    max_active_tasks: int | None = None,
    max_active_runs: int = 1,
    **options: TaskOptions,
) -> Dag:
    """Make a DAG of tasks with the tasks that each waits for."""
    tasks = tuple(
        Task(
            name=TaskName(name),
            cells=(CellId(f"cell-{name}"),),
            options=options.get(name, TaskOptions()),
            outputs=("x",),
        )
        for name in upstream
    )
    edges = tuple(
        Edge(
            source=TaskName(source),
            target=TaskName(name),
            kind=EdgeKind.DATA,
            variable="x",
            writer=Place(cell=CellId(f"cell-{source}"), line=1),
        )
        for name, sources in upstream.items()
        for source in sources
    )
    content = repr((dag_id, upstream, max_active_tasks, max_active_runs, options)).encode()
    return Dag(
        id=DagId(dag_id),
        notebooks=("etl.ipynb",),
        options=DagOptions(max_active_tasks=max_active_tasks, max_active_runs=max_active_runs),
        tasks=tasks,
        edges=edges,
        membership=tuple((task.cells[0], task.name) for task in tasks),
        digest=Digest(hashlib.sha256(content).hexdigest()),
    )


def stored(name: str, content: str = "b") -> StoredValue:
    """Make a stored value whose bundle is named by ``content``."""
    digest = hashlib.sha256(content.encode()).hexdigest()
    return StoredValue(name=name, bundle=Digest(digest), key=name, size=3, type="int")


def succeeded(*values: StoredValue, cell: str = "cell-a") -> AttemptResult:
    """Make the result of an attempt that went well."""
    outcome = CellOutcome(cell=CellId(cell), status=CellStatus.COMPLETED, started=1.0, ended=2.0)
    return AttemptResult(
        state=TaskState.SUCCESS,
        reason=Reason.DONE,
        message="done",
        values=values,
        cells=(outcome,),
    )


def failed(error: str = "ValueError") -> AttemptResult:
    """Make the result of an attempt whose cell raised."""
    return AttemptResult(
        state=TaskState.FAILED,
        reason=Reason.ERROR,
        message=f"{error}: no",
        error=ErrorInfo(name=error, message="no"),
    )


def ended(task: str, target: TaskState = TaskState.SUCCESS) -> TaskMove:
    """Make the move of a task whose attempt ended."""
    return TaskMove(task=TaskName(task), source=TaskState.RUNNING, target=target)


def run_id(number: int = 1) -> RunId:
    """Make a run's id."""
    return RunId(f"manual__20260301T120000Z__{number:08d}")


def manual_run(dag: Dag, number: int = 1, *, driven: bool = False) -> NewRun:
    """Make a run by hand of a DAG as it is; ``driven`` by whoever records it, or by any scheduler."""
    return NewRun(
        run_id=run_id(number),
        dag_id=dag.id,
        version=dag.digest,
        kind=RunKind.MANUAL,
        slot_key=f"manual:{number}",
        driven=driven,
    )
