"""From a claimed task to the attempt that a slot is handed: code, values, cells, limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.model.attempt import AttemptSpec, Limits, Load, ReplayStep, StoredValue
from nbflow.model.dag import CodeUnit, Dag, Input, Replay, Task
from nbflow.model.ids import CellId, RunId, TaskName, Token
from nbflow.notebooks.fields import split_foreach
from nbflow.service.pages import Page, Pages
from nbflow.service.published import LiveKernel, Published, gathered


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRequest:
    """What is known of the attempt when it is planned.

    ``kernel`` is the live kernel it runs in (its ``ran`` empty if it is to be started), None for a
    kernel of its own; ``chain`` are tasks whose code must run in it first, in page order, since the
    kernel that had run them is gone. ``item`` numbers the items of a mapped task; the first finds
    them all, the others load theirs from ``item_value``.
    """

    run_id: RunId
    task: Task
    try_no: int
    token: Token
    workdir: str
    values: str
    kernel: LiveKernel | None = None
    chain: tuple[Task, ...] = ()
    close_kernel: bool = False
    item: int | None = None
    item_value: StoredValue | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


def plan_attempt(
    dag: Dag, pages: Pages, published: Published, request: AttemptRequest
) -> AttemptSpec:
    """Return what a slot needs to run one attempt of one task, and nothing else."""
    task, page = request.task, pages.of(request.task)
    steps = _Steps(dag=dag, pages=pages, published=published, kernel=request.kernel)
    for earlier in request.chain:
        steps.add_task(earlier)
    steps.add_replays(task)
    cells = list(task.cells)
    before_inputs = _cells_before_inputs(task, page)
    for cell in cells[:before_inputs]:
        steps.add_cell(page, cell, show=True, unit=f"{task.name}:{cell}")
    steps.add_gathered(task)
    loads = steps.loads(task)
    changing = set(task.mutates_inputs)
    finds_items = request.item is not None and request.item_value is None
    return AttemptSpec(
        run_id=request.run_id,
        task=task.name,
        try_no=request.try_no,
        token=request.token,
        kernel=page.notebook.kernel,
        language=page.notebook.language,
        cwd=page.folder,
        workdir=request.workdir,
        values=request.values,
        metadata=page.notebook.raw["metadata"],
        replays=tuple(steps.found),
        lazy=steps.lazy(task),
        loads=(*loads, *_item(task, request.item_value)),
        ambient_loads=steps.ambient_loads(task),
        cells=tuple(page.to_run(cell) for cell in cells[before_inputs:]),
        # Items for which the condition is false are not among those found.
        when=task.options.when if request.item_value is None else None,
        foreach=_foreach(task) if finds_items else None,
        item=request.item,
        outputs=task.outputs,
        optional_outputs=task.optional_outputs,
        ambient_outputs=task.ambient_outputs,
        must_store=() if request.item is None else _gathered_outputs(task, request),
        guarded=tuple(load.name for load in loads if load.name not in changing),
        context=request.context,
        limits=Limits(timeout=task.options.timeout, memory=task.options.resources.memory),
        group=request.kernel.name if request.kernel else None,
        close_group=request.close_kernel,
    )


@dataclass(kw_only=True, slots=True)
class _Steps:
    """Gathers the silent steps of one attempt; what the live kernel has done is left out."""

    dag: Dag
    pages: Pages
    published: Published
    kernel: LiveKernel | None
    found: list[ReplayStep] = field(default_factory=list)
    chained: set[TaskName] = field(default_factory=set)
    _units: dict[str, CodeUnit] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._units = {unit.id: unit for unit in self.dag.code}

    def add_replays(self, task: Task, *, silent: bool = False) -> None:
        """Add the code that a task needs before its cells."""
        ran = self._cells_in_kernel()
        for replay in task.replays:
            step = self._step(task, replay, silent=silent)
            if step.unit not in self._seen and step.cell not in ran:
                self._seen.add(step.unit)
                self.found.append(step)

    def add_task(self, task: Task) -> None:
        """Add a whole earlier task, run again since its kernel is gone; nothing of it shows."""
        self.add_replays(task, silent=True)
        self.add_gathered(task)
        loads = (*self.loads(task), *self.ambient_loads(task))
        page = self.pages.of(task)
        for number, cell in enumerate(task.cells):
            self.add_cell(
                page, cell, unit=f"{task.name}:{cell}", loads=loads if number == 0 else ()
            )
        self.chained.add(task.name)

    def add_cell(
        self,
        page: Page,
        cell: CellId,
        *,
        unit: str,
        show: bool = False,
        loads: tuple[Load, ...] = (),
    ) -> None:
        """Add a whole cell as a step."""
        self.found.append(
            ReplayStep(
                cell=cell,
                first_line=1,
                source=page.source(cell),
                loads=loads,
                show=show,
                unit=unit,
                prompt=page.prompts[cell] if show else 0,
            )
        )

    def add_gathered(self, task: Task) -> None:
        """Add the lists that mapped tasks left for a task."""
        for wanted in task.inputs:
            holder = self.published.holder(wanted)
            if holder is None or wanted.name in self.published.live.get(holder, ()):
                continue
            if holder in self.published.items:
                items = self.published.items[holder]
                self.found.append(gathered(holder, wanted.name, items, task.cells[0]))

    def loads(self, task: Task) -> tuple[Load, ...]:
        """Return the values to bind before a task's cells; those the live kernel has are left out."""
        keys = dict(task.input_keys)
        loads = []
        for wanted in task.inputs:
            value = self._value(wanted, keys.get(wanted.name))
            if value is not None and not self._is_held(wanted, value):
                loads.append(Load(name=wanted.name, value=value))
        return tuple(loads)

    def ambient_loads(self, task: Task) -> tuple[Load, ...]:
        """Return the process-wide states to set before a task's cells."""
        found = ((i.name, self.published.ambient_state(i)) for i in task.ambient_inputs)
        return tuple(Load(name=name, value=value) for name, value in found if value is not None)

    def lazy(self, task: Task) -> dict[str, ReplayStep]:
        """Return, by name, the code above the task on its page that a value may turn out to need."""
        page = self.pages.of(task)
        first = min((page.cells[cell].index for cell in task.cells), default=0)
        inputs = {r.unit: r for t in self.dag.tasks for r in t.replays if r.unit}
        steps: dict[str, ReplayStep] = {}
        for unit in self.dag.code:
            if unit.cell in page.cells and page.cells[unit.cell].index < first:
                replay = inputs.get(unit.id, Replay(unit=unit.id))
                steps |= dict.fromkeys(unit.binds, self._step(task, replay))
        return steps

    def _step(self, task: Task, replay: Replay, *, silent: bool = False) -> ReplayStep:
        loads = tuple(
            Load(name=wanted.name, value=value)
            for wanted in replay.inputs
            if (value := self._value(wanted)) is not None
        )
        if replay.unit is not None:
            unit = self._units[replay.unit]
            return ReplayStep(
                cell=unit.cell,
                first_line=unit.first_line,
                source=unit.source,
                loads=loads,
                unit=unit.id,
                prompt=self.pages.of(task).prompts.get(unit.cell, 0),
                cell_source=self.pages.of(task).source(unit.cell),
            )
        assert replay.cell is not None
        return ReplayStep(
            cell=replay.cell,
            first_line=1,
            source=self.pages.of(task).source(replay.cell),
            loads=loads,
            show=replay.cell in task.setup_cells and not silent,
            unit=f"cell:{replay.cell}",
            prompt=self.pages.of(task).prompts[replay.cell],
        )

    def _value(self, wanted: Input, key: str | None = None) -> StoredValue | None:
        return self.published.stored(wanted, key)

    def _is_held(self, wanted: Input, value: StoredValue) -> bool:
        """Tell whether the kernel has this very version already: from a task that ran in it."""
        if self.chained and self.published.holder(wanted) in self.chained:
            return True
        return self.kernel is not None and value in self.kernel.held.get(wanted.name, ())

    def _cells_in_kernel(self) -> set[CellId]:
        ran = set(self.kernel.ran if self.kernel else ()) | self.chained
        return {cell for task in self.dag.tasks if task.name in ran for cell in task.cells}


def _cells_before_inputs(task: Task, page: Page) -> int:
    """A whole notebook's inputs are bound right after its parameters cell, not before it."""
    if task.notebook is None or not task.inputs:
        return 0
    for number, cell in enumerate(task.cells, start=1):
        if page.cells[cell].parameters:
            return number
    return 0


def _foreach(task: Task) -> tuple[str, str]:
    return split_foreach(task.options.foreach or "") or ("", "")


def _item(task: Task, value: StoredValue | None) -> tuple[Load, ...]:
    return () if value is None else (Load(name=_foreach(task)[0], value=value),)


def _gathered_outputs(task: Task, request: AttemptRequest) -> tuple[str, ...]:
    """Return the outputs of a mapped task that its readers get as a list, item by item. What it only
    uses of a live kernel stays there.
    """
    outputs = (*task.outputs, *task.optional_outputs)
    if request.kernel is None:
        return outputs
    return tuple(name for name in outputs if name in (*task.binds, *task.may_bind))
