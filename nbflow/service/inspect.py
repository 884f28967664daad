"""What a notebook means, in words: findings, where each cell ended up, why a task waits."""

from collections.abc import Mapping
from typing import Literal

from nbflow.errors import NotFoundError
from nbflow.model.dag import Dag, Edge, EdgeKind
from nbflow.model.ids import CellId
from nbflow.model.names import name_key


def membership(dag: Dag) -> Mapping[str, tuple[CellId, ...]]:
    """Return where every code cell ended up: cells by task name, ``setup``, ``skip`` …"""
    found: dict[str, tuple[CellId, ...]] = {}
    for cell, place in dag.membership:
        found[place] = (*found.get(place, ()), cell)
    return found


def edges_about(dag: Dag, one: str | None = None, other: str | None = None) -> tuple[Edge, ...]:
    """Return all edges, those of one task, or those between two. Raises NotFoundError."""
    names = {name_key(task.name): task.name for task in dag.tasks}
    wanted = []
    for name in (one, other):
        if name is not None:
            if name_key(name) not in names:
                raise NotFoundError(
                    f"There is no task {name!r} in {dag.id}.",
                    hint=f"Tasks: {', '.join(names.values())}.",
                )
            wanted.append(names[name_key(name)])
    return tuple(e for e in dag.edges if all(name in (e.source, e.target) for name in wanted))


def explain_edge(edge: Edge) -> str:
    """Say in a sentence why ``edge.target`` waits for ``edge.source``."""
    writer = f" (cell {edge.writer.cell}, line {edge.writer.line})" if edge.writer else ""
    reader = f" (cell {edge.reader.cell}, line {edge.reader.line})" if edge.reader else ""
    name = f"'{edge.variable}'" if edge.variable else "something"
    match edge.kind:
        case EdgeKind.DATA:
            why = f"it reads {name}{reader}, which {edge.source} binds{writer}"
        case EdgeKind.MUTATION:
            why = f"it uses {name}{reader}, which {edge.source} changes in place{writer}"
        case EdgeKind.PASS_THROUGH:
            why = f"it hands {name} on{reader}, which {edge.source} leaves{writer}"
        case EdgeKind.ORDER:
            why = f"an after: tag says so{reader}"
        case EdgeKind.AMBIENT:
            why = f"both use {name}{reader}, which {edge.source} changes{writer}"
        case EdgeKind.FILE:
            why = f"both touch the file {name}{reader}, {edge.source} first{writer}"
        case EdgeKind.SAFE:
            why = f"nobody can tell what {name} does{reader}, so page order is kept"
        case EdgeKind.GROUP:
            why = f"both need one live kernel because of {name}"
    return f"{edge.target} waits for {edge.source}: {why}."


def explain(
    dag: Dag, one: str | None = None, other: str | None = None
) -> list[dict[Literal["source", "target", "kind", "why"], str]]:
    """Return one row per edge with its sentence. Raises NotFoundError for an unknown task."""
    return [
        {
            "source": edge.source,
            "target": edge.target,
            "kind": edge.kind.value,
            "why": explain_edge(edge),
        }
        for edge in edges_about(dag, one, other)
    ]
