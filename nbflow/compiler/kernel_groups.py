"""Which tasks run in one live kernel, since they share something that can't be stored."""

from collections.abc import Iterable, Mapping, Sequence

from nbflow.compiler.drafts import Draft, SafeOrder
from nbflow.model.dag import KernelGroup
from nbflow.model.ids import TaskName


class _Union:
    def __init__(self, names: Iterable[TaskName]) -> None:
        self.parent = {name: name for name in names}
        self.why: dict[TaskName, tuple[str, str]] = {}

    def root(self, name: TaskName) -> TaskName:
        while self.parent[name] != name:
            name = self.parent[name]
        return name

    def join(self, one: TaskName, other: TaskName, why: tuple[str, str]) -> None:
        a, b = self.root(one), self.root(other)
        if a != b:
            self.parent[b] = a
            self.why.setdefault(a, self.why.get(b, why))


def kernel_groups(
    drafts: Mapping[TaskName, Draft], order: Sequence[TaskName], safe: Iterable[SafeOrder]
) -> tuple[KernelGroup, ...]:
    """Return the groups of two or more tasks; ``order`` is page order."""
    safe = [one for one in safe if one.live_before or one.live_after]
    if not safe and not any(draft.live_with for draft in drafts.values()):
        return ()
    union = _Union(order)
    for draft in drafts.values():
        for other, why in draft.live_with.items():
            union.join(draft.name, other, why)
    for one in safe:
        at = order.index(one.task)
        if one.live_before:
            for other in order[:at]:
                union.join(one.task, other, (one.what, "IPython's history"))
        if one.live_after:
            for other in order[at + 1 :]:
                union.join(one.task, other, (one.what, "process-wide options"))
    members: dict[TaskName, list[TaskName]] = {}
    for name in order:
        members.setdefault(union.root(name), []).append(name)
    groups = [(root, names) for root, names in members.items() if len(names) > 1]
    return tuple(
        KernelGroup(
            name=f"kernel-{number}",
            tasks=tuple(names),
            variable=union.why[root][0],
            type=union.why[root][1],
        )
        for number, (root, names) in enumerate(groups, start=1)
    )


def one_group(order: Sequence[TaskName], variable: str, kind: str) -> tuple[KernelGroup, ...]:
    """Return one group of all tasks (none if there are fewer than two)."""
    if len(order) < 2:
        return ()
    return (KernelGroup(name="kernel-1", tasks=tuple(order), variable=variable, type=kind),)
