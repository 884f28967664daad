"""Which live kernel a task runs in, what must run in it first, and when it is no longer needed.

A kernel outlives an attempt for two reasons: the page says that tasks share something that can't
be stored (a kernel group), or a run finds out that a value can't be.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nbflow.model.attempt import AttemptResult, AttemptSpec
from nbflow.model.dag import Dag, Task
from nbflow.model.ids import RunId, TaskName
from nbflow.model.run import RunSnapshot
from nbflow.model.states import TaskState
from nbflow.service.published import LiveKernel, Published, inputs_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """Where a task runs: in ``kernel`` (None: one of its own), after the code of ``chain``."""

    kernel: LiveKernel | None = None
    chain: tuple[Task, ...] = ()


class LiveKernels:
    """The kernels of one run that outlive attempts."""

    def __init__(self, dag: Dag, run_id: RunId, published: Published) -> None:
        self._dag = dag
        self._run_id = run_id
        self._published = published
        self._tasks = {task.name: task for task in dag.tasks}
        self._live: list[LiveKernel] = []
        self._groups: dict[str, LiveKernel] = {}
        self._started = 0

    @property
    def keeps_any(self) -> bool:
        """Tell whether a kernel is kept."""
        return bool(self._live)

    def seat(self, task: Task, snapshot: RunSnapshot) -> Seat:
        """Say where ``task`` runs now; a new kernel is only named, the attempt starts it."""
        producers = self._producers(task)
        if task.group is None and not producers:
            return Seat()
        needed = self._needed(task, snapshot)
        kernel = self._groups.get(task.group) if task.group else None
        if kernel is None:
            homes = (k for k in self._live if any(p in k.ran for p in producers))
            kernel = next((k for k in homes if self._follows(k, needed)), None) or self._new(task)
        chain = tuple(t for t in self._dag.tasks if t.name in needed and t.name not in kernel.ran)
        return Seat(kernel=kernel, chain=chain)

    def _follows(self, kernel: LiveKernel, needed: set[TaskName]) -> bool:
        """Tell whether what a kernel lacks stands on the page after all that ran in it."""
        order = list(self._tasks)
        lacks = [order.index(name) for name in needed if name not in kernel.ran]
        return not lacks or min(lacks) > max(order.index(name) for name in kernel.ran)

    def ended(self, task: Task, seat: Seat, spec: AttemptSpec, result: AttemptResult) -> None:
        """Take note of what an attempt's end means for its kernel."""
        kernel = seat.kernel
        if result.kept_kernel is None:
            self.gone(seat)
            return
        if kernel is None:
            kernel = LiveKernel(name=result.kept_kernel)
        if kernel not in self._live:
            self._live.append(kernel)
        if task.group is not None:
            self._groups[task.group] = kernel
        kernel.ran.extend(t.name for t in seat.chain)
        if result.state is TaskState.SUCCESS:
            kernel.ran.append(task.name)
            kernel.held |= {load.name: {load.value} for load in spec.loads}
            for name in (*task.binds, *task.may_bind, *task.mutates, *task.deletes):
                kernel.held.pop(name, None)
            for value in result.values:
                # Stored again as it was found: the kernel's object is either stored form.
                known = (
                    kernel.held.get(value.name, set()) if value.name in task.handed_on else set()
                )
                kernel.held[value.name] = known | {value}

    def gone(self, seat: Seat) -> None:
        """Take note that the kernel at a seat has ended, if it had been kept."""
        if seat.kernel is not None:
            self._forget(seat.kernel)

    def unneeded(self, snapshot: RunSnapshot) -> list[str]:
        """Return, and forget, the kernels that no task of the run will need any more."""
        waiting = [
            self._tasks[name]
            for name, task in snapshot.tasks.items()
            if not task.state.is_final and name in self._tasks
        ]
        idle = [k for k in self._live if not any(self._may_need(task, k) for task in waiting)]
        for kernel in idle:
            self._forget(kernel)
        return [kernel.name for kernel in idle]

    def forget_all(self) -> list[str]:
        """Return, and forget, all kernels."""
        names = [kernel.name for kernel in self._live]
        self._live, self._groups = [], {}
        return names

    def _may_need(self, task: Task, kernel: LiveKernel) -> bool:
        if task.group is not None and self._groups.get(task.group) is kernel:
            return True
        for wanted in inputs_of(task):
            for source in wanted.sources:
                if source in kernel.ran and wanted.name in self._published.live.get(source, ()):
                    return True
        return any(source in kernel.ran for source in self._code_holders(task))

    def _new(self, task: Task) -> LiveKernel:
        self._started += 1
        return LiveKernel(name=f"{self._run_id}/{task.group or task.name}/{self._started}")

    def _forget(self, kernel: LiveKernel) -> None:
        self._live = [k for k in self._live if k is not kernel]
        self._groups = {g: k for g, k in self._groups.items() if k is not kernel}

    def _producers(self, task: Task) -> list[TaskName]:
        """Return the tasks whose live values ``task`` reads."""
        found = self._code_holders(task)
        for wanted in inputs_of(task):
            holder = self._published.holder(wanted)
            if holder is not None and wanted.name in self._published.live.get(holder, ()):
                found.append(holder)
        return found

    def _code_holders(self, task: Task) -> list[TaskName]:
        """Return the tasks that left code which ``task`` uses as no replay would make it."""
        return [
            name
            for name, live in self._published.live.items()
            if live and name in self._tasks and task.name in self._dag.code_readers(name, live)
        ]

    def _needed(self, task: Task, snapshot: RunSnapshot) -> set[TaskName]:
        """Return the tasks whose code must have run in the kernel before ``task``."""
        needed: set[TaskName] = set()
        work = [task]
        while work:
            one = work.pop()
            for name in (*self._producers(one), *self._earlier_members(one)):
                if name not in needed and _ran_well(name, snapshot):
                    needed.add(name)
                    work.append(self._tasks[name])
        return needed

    def _earlier_members(self, task: Task) -> Iterable[TaskName]:
        for group in self._dag.groups:
            if group.name == task.group:
                yield from group.tasks[: group.tasks.index(task.name)]


def _ran_well(name: TaskName, snapshot: RunSnapshot) -> bool:
    """Tell whether a task's code counts as run: it did in this run, or in the run before it."""
    task = snapshot.tasks.get(name)
    return task is None or task.state is TaskState.SUCCESS
