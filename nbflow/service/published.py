"""What the tasks of a run have stored so far, and which live kernels hold what could not be."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nbflow.model.attempt import AttemptResult, Load, ReplayStep, StoredValue
from nbflow.model.dag import Dag, Input, Task
from nbflow.model.ids import CellId, TaskName, Token

_ITEM = re.compile(r"(.+)\[(\d+)\]")


@dataclass(kw_only=True, slots=True)
class Published:
    """Stored values by task and name; ``items`` holds those of mapped tasks, one mapping an item.

    ``live`` names, by task, what could not be stored and lives in a kernel only; ``tokens`` the
    attempts that stored it, of tasks of this run.
    """

    values: dict[TaskName, dict[str, StoredValue]] = field(default_factory=dict)
    ambient: dict[TaskName, dict[str, StoredValue]] = field(default_factory=dict)
    items: dict[TaskName, list[dict[str, StoredValue]]] = field(default_factory=dict)
    live: dict[TaskName, frozenset[str]] = field(default_factory=dict)
    tokens: dict[TaskName, Token] = field(default_factory=dict)

    def forget(self, task: TaskName) -> None:
        """Take back what a task stored."""
        for held in (self.values, self.ambient, self.items, self.live, self.tokens):
            held.pop(task, None)

    def add(self, task: TaskName, result: AttemptResult) -> None:
        """Take what a successful attempt stored."""
        self.put(task, result.values, result.ambient)
        self.live[task] = frozenset(result.unstorable)

    def put(
        self, task: TaskName, values: Iterable[StoredValue], ambient: Iterable[StoredValue]
    ) -> None:
        """Take stored values as they were recorded."""
        self.values[task] = {value.name: value for value in values}
        self.ambient[task] = {value.name: value for value in ambient}

    def restore(
        self, task: TaskName, values: Iterable[StoredValue], ambient: Iterable[StoredValue]
    ) -> None:
        """Take what an earlier run recorded; names such as ``x[2]`` are items of a mapped task."""
        plain: list[StoredValue] = []
        items: dict[int, list[StoredValue]] = {}
        for value in values:
            item = _ITEM.fullmatch(value.name)
            if item is None:
                plain.append(value)
            else:
                items.setdefault(int(item[2]), []).append(replace(value, name=item[1]))
        self.put(task, plain, ambient)
        if items:
            self.items[task] = [{v.name: v for v in items[number]} for number in sorted(items)]

    def put_items(self, task: TaskName, items: Sequence[Iterable[StoredValue]]) -> None:
        """Take what a mapped task stored, item by item."""
        self.items[task] = [{value.name: value for value in item} for item in items]
        self.values[task] = {}
        self.ambient[task] = {}

    def holder(self, wanted: Input) -> TaskName | None:
        """Return the newest task that published ``wanted``, or holds it in a live kernel."""
        for source in wanted.sources:
            if wanted.name in self.values.get(source, {}) or wanted.name in self.live.get(
                source, ()
            ):
                return source
            if source in self.items:
                return source
        return None

    def stored(self, wanted: Input, key: str | None = None) -> StoredValue | None:
        """Return the stored form of ``wanted``, None if it has none or lives in a kernel.

        ``key`` is the name under which its source knows it, where that is another one.
        """
        name = key or wanted.name
        for source in wanted.sources:
            if name in self.live.get(source, ()):
                return None
            value = self.values.get(source, {}).get(name)
            if value is not None:
                return value
        return None

    def ambient_state(self, wanted: Input) -> StoredValue | None:
        """Return the newest stored state of a process-wide name."""
        for source in wanted.sources:
            value = self.ambient.get(source, {}).get(wanted.name)
            if value is not None:
                return value
        return None


@dataclass(kw_only=True, slots=True)
class LiveKernel:
    """A kernel that outlives attempts: which tasks ran in it, and the stored forms of what is bound."""

    name: str
    ran: list[TaskName] = field(default_factory=list)
    held: dict[str, set[StoredValue]] = field(default_factory=dict)


def gathered(
    task: TaskName, name: str, items: Sequence[Mapping[str, StoredValue]], cell: CellId
) -> ReplayStep:
    """Return the step that binds ``name`` to the list of a mapped task's values, in order."""
    parts = [f"_nbflow_{name}_{number}" for number in range(len(items))]
    loads = tuple(
        Load(name=part, value=item[name])
        for part, item in zip(parts, items, strict=True)
        if name in item
    )
    bound = [load.name for load in loads]
    source = f"{name} = [{', '.join(bound)}]"
    if bound:
        source += f"\ndel {', '.join(bound)}"
    return ReplayStep(
        cell=cell, first_line=1, source=source, loads=loads, unit=f"gather:{task}:{name}"
    )


def inputs_of(task: Task) -> tuple[Input, ...]:
    """Return everything a task loads, for its cells or for the code it replays."""
    return (*task.inputs, *(i for replay in task.replays for i in replay.inputs))


def left_out_sources(dag: Dag, chosen: Iterable[TaskName]) -> set[TaskName]:
    """Return the tasks, left out themselves, that leave something for the ``chosen`` ones."""
    inside = set(chosen)
    return {
        source
        for task in dag.tasks
        if task.name in inside
        for wanted in (*inputs_of(task), *task.ambient_inputs)
        for source in wanted.sources
        if source not in inside
    }


def missing_sources(
    dag: Dag, chosen: Iterable[TaskName], published: Published
) -> dict[TaskName, list[str]]:
    """Return, for inputs of ``chosen`` tasks whose writers are all left out, what nobody stored."""
    inside = set(chosen)
    missing: dict[TaskName, list[str]] = {}
    for task in dag.tasks:
        if task.name not in inside:
            continue
        keys = dict(task.input_keys)
        for wanted in inputs_of(task):
            if wanted.optional or inside & set(wanted.sources):
                continue
            named = Input(name=keys.get(wanted.name, wanted.name), sources=wanted.sources)
            if published.holder(named) is None and wanted.sources:
                missing.setdefault(wanted.sources[0], []).append(wanted.name)
    return missing
