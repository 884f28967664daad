"""Edges, each with its why, from what the tasks need and what their tags say."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from nbflow.compiler.drafts import AmbientVersion, Draft, SafeOrder
from nbflow.compiler.findings import Findings
from nbflow.compiler.versions import UnitKey, Version
from nbflow.model.dag import Edge, EdgeKind, KernelGroup, Place
from nbflow.model.graph import find_cycle
from nbflow.model.ids import TaskName
from nbflow.model.names import name_key
from nbflow.model.sentence import Sentence


class EdgeList:
    """Edges without doubles: one for each source, target, kind and variable."""

    def __init__(self) -> None:
        self._edges: dict[tuple[TaskName, TaskName, EdgeKind, str | None], Edge] = {}

    def extend(self, edges: Iterable[Edge]) -> None:
        """Add edges, unless the same why is known already; never one from a task to itself."""
        for edge in edges:
            if edge.source != edge.target:
                key = (edge.source, edge.target, edge.kind, edge.variable)
                self._edges.setdefault(key, edge)

    def sorted(self, order: Sequence[TaskName]) -> tuple[Edge, ...]:
        """Return all edges by the page order of their target, then source."""
        at = {name: i for i, name in enumerate(order)}
        return tuple(
            sorted(
                self._edges.values(),
                key=lambda e: (at[e.target], at[e.source], e.kind, e.variable or ""),
            )
        )


def need_edges(
    draft: Draft, units: Iterable[UnitKey], places: Mapping[Version | AmbientVersion, Place]
) -> Iterable[Edge]:
    """Edges for the variables and the state that a task takes from others; ``units`` are the
    statements that it replays, in page order, ``places`` where the versions are written.
    """
    wanted = list(draft.needs.values())
    for key in units:
        wanted.extend(draft.unit_needs.get(key, {}).values())
    for need in wanted:
        for version in (need.version, *need.fallbacks):
            if version.task is not None:
                yield Edge(
                    source=version.task, target=draft.name, kind=need.kind,
                    variable=version.name, writer=places[version], reader=need.reader,
                )  # fmt: skip
    for state, (version_, place) in draft.ambient_needs.items():
        if version_.task is not None:
            yield Edge(
                source=version_.task, target=draft.name, kind=EdgeKind.AMBIENT,
                variable=state, writer=places[version_], reader=place,
            )  # fmt: skip


def safe_edges(safe: Iterable[SafeOrder], order: Sequence[TaskName]) -> Iterable[Edge]:
    """Page order around tasks that nobody can look into."""
    for one in safe:
        at = order.index(one.task)
        for earlier in order[:at]:
            yield Edge(
                source=earlier, target=one.task, kind=EdgeKind.SAFE,
                variable=one.what, reader=one.place,
            )  # fmt: skip
        for later in order[at + 1 :] if one.binds else ():
            yield Edge(
                source=one.task, target=later, kind=EdgeKind.SAFE,
                variable=one.what, writer=one.place,
            )  # fmt: skip


def group_edges(groups: Iterable[KernelGroup]) -> Iterable[Edge]:
    """Page order inside each kernel group."""
    for group in groups:
        for source, target in pairwise(group.tasks):
            yield Edge(source=source, target=target, kind=EdgeKind.GROUP, variable=group.variable)


def order_edges(
    after: Mapping[TaskName, Sequence[tuple[TaskName, Place]]],
    order: Sequence[TaskName],
    findings: Findings,
) -> Iterable[Edge]:
    """Edges of ``after:`` tags; an unknown name is an error."""
    known = {name_key(name): name for name in order}
    for task, wanted in after.items():
        for name, place in wanted:
            source = known.get(name_key(name))
            if source is None:
                findings.add(
                    "NBF202", Sentence("task '{task}' comes after '{name}', which is no task", task=task, name=name), place=place,
                    hint=Sentence("The tasks are: {order}.", order=', '.join(order)),
                )  # fmt: skip
            elif source == task:
                findings.add(
                    "NBF201",
                    Sentence("task '{task}' waits for itself: {task} -> {task}", task=task),
                    place=place,
                )
            else:
                yield Edge(source=source, target=task, kind=EdgeKind.ORDER, reader=place)


def report_cycle(edges: Sequence[Edge], order: Sequence[TaskName], findings: Findings) -> bool:
    """Note a cycle with its whole path and the variables along it; tell whether there is one."""
    at = {name: i for i, name in enumerate(order)}
    if all(at[edge.source] < at[edge.target] for edge in edges):
        return False
    upstream: dict[str, list[str]] = {name: [] for name in order}
    whys: dict[tuple[str, str], str] = {}
    for edge in edges:
        upstream[edge.target].append(edge.source)
        whys.setdefault((edge.source, edge.target), edge.variable or edge.kind.value)
    path = find_cycle(upstream)
    if path is None:
        return False
    steps = [f"{a} -> {b} ({whys.get((a, b), '?')})" for a, b in pairwise(path)]
    findings.add(
        "NBF201",
        Sentence(
            "tasks wait for each other: {path}; {steps}",
            path=" -> ".join(path),
            steps=", ".join(steps),
        ),
    )
    return True
