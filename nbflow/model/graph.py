"""The little graph theory that DAGs need; nodes are strings, order is the caller's."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter


def find_cycle(upstream: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """Return one cycle as a path ``a, b, …, a`` along the edges' direction, or None."""
    try:
        TopologicalSorter(upstream).prepare()
    except CycleError as error:
        path: Sequence[str] = error.args[1]
        return tuple(path)
    return None


def reachable(starts: Iterable[str], following: Mapping[str, Iterable[str]]) -> set[str]:
    """Return ``starts`` and everything that can be reached from them."""
    seen = set(starts)
    stack = list(seen)
    while stack:
        for node in following.get(stack.pop(), ()):
            if node not in seen:
                seen.add(node)
                stack.append(node)
    return seen


def reversed_edges(upstream: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Turn ``node -> upstream nodes`` into ``node -> downstream nodes``; every node has an entry."""
    result: dict[str, set[str]] = {node: set() for node in upstream}
    for node, sources in upstream.items():
        for source in sources:
            result.setdefault(source, set()).add(node)
    return result
