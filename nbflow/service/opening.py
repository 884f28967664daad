"""Open a task of a run as a person would: its inputs loaded, nothing run again, its cells to be run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbflow.errors import NotFoundError
from nbflow.model.attempt import AttemptSpec
from nbflow.model.dag import Dag
from nbflow.model.ids import RunId, TaskName, Token
from nbflow.model.run import RunSnapshot
from nbflow.model.sentence import Sentence
from nbflow.service.adopt import Versions, adopt, refresh
from nbflow.service.flights import RunSetup
from nbflow.service.kernels import LiveKernels
from nbflow.service.looking import find_run
from nbflow.service.plan import AttemptRequest, plan_attempt
from nbflow.service.published import missing_sources
from nbflow.service.select import one_task
from nbflow.service.targets import Compiled

if TYPE_CHECKING:
    from nbflow.execution.open_kernel import OpenKernel
    from nbflow.metastore.rows import AttemptRow
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What is loaded to open a task, and what its last attempt said.

    ``again`` are tasks whose code runs once more in the kernel, since what they left can't be
    stored; ``item`` is the one of a mapped task to start with, from 0.
    """

    run_id: RunId
    task: TaskName
    compiled: Compiled
    spec: AttemptSpec
    key: str
    item: int = 0
    again: tuple[TaskName, ...] = ()
    last: "AttemptRow | None" = None

    @property
    def error(self) -> Mapping[str, Any]:
        """The error of the last attempt: name, message, cell, line; empty if it had none."""
        return (self.last.result.get("error") if self.last else None) or {}

    def start(self) -> "OpenKernel":
        """Start a kernel with the inputs. Raises KernelStartError, ExecutionError NBF522."""
        from nbflow.execution.open_kernel import OpenKernel

        return OpenKernel(self.spec, key=self.key, item=self.item)

    def load_here(self) -> tuple[str, ...]:
        """Load the inputs into the kernel that this code runs in; return the names bound."""
        from nbflow.execution.open_kernel import load_here

        return load_here(self.spec, key=self.key, item=self.item)


def open_task(service: "Service", run: str, task: str, *, item: int | None = None) -> Opening:
    """Return what opens a task of a run; ``item`` of a mapped task counts from 1, by default the
    one that its last attempt failed at.

    ``task`` may be a selector that names one. Raises NotFoundError for an unknown run or task, and
    NBF521 if an input was never stored; UsageError for several tasks.
    """
    from nbflow.artifacts.store import ArtifactStore

    run_id = find_run(service, run)
    snapshot = service.store.run_snapshot(run_id)
    compiled = Versions(service.store).compiled(snapshot.version)
    name = one_task(compiled.dag, task)
    setup = adopt(service, compiled, snapshot)
    refresh(service.store, setup.published, snapshot)
    _check_inputs(compiled.dag, name, setup, snapshot)
    attempts = service.store.attempts(run_id, name)
    last = attempts[-1] if attempts else None
    shown = last.result.get("shown_item") if last else None
    seat = LiveKernels(compiled.dag, run_id, setup.published).seat(
        compiled.dag.task(name), snapshot
    )
    request = AttemptRequest(
        run_id=run_id,
        task=compiled.dag.task(name),
        try_no=0,
        token=Token(0),
        workdir="",
        values=str(setup.values),
        kernel=seat.kernel,
        chain=seat.chain,
        item=0 if compiled.dag.task(name).options.foreach else None,
        context=setup.context,
    )
    spec = plan_attempt(setup.dag, setup.pages, setup.published, request)
    return Opening(
        run_id=run_id,
        task=name,
        compiled=compiled,
        spec=replace(spec, guarded=()),
        key=ArtifactStore(service.settings.store).value_key(),
        item=(shown or 0) if item is None else item - 1,
        again=tuple(one.name for one in seat.chain),
        last=last,
    )


def _check_inputs(dag: Dag, name: TaskName, setup: RunSetup, snapshot: RunSnapshot) -> None:
    missing = missing_sources(dag, [name], setup.published)
    for source, names in missing.items():
        state = snapshot.tasks[source].state if source in snapshot.tasks else None
        raise NotFoundError(
            Sentence(
                "Task {task} reads {names}, which {source} has not stored in this run.",
                task=name,
                names=", ".join(names),
                source=source,
            ),
            hint=Sentence("{source} is {state}: open that task.", source=source, state=state)
            if state is not None
            else Sentence("{source} is no task of this run.", source=source),
            code="NBF521",
        )
