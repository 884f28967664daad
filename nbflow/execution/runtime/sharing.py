"""Which names go into one bundle: those that share an object that can change, or are one object."""

from __future__ import annotations

from typing import Any

from . import arrays
from .code_names import CodeNames
from .pickling import Pickled, dump

_PLAIN = (str, bytes, int, float, complex, bool, type(None))


class Group:
    """Names for one bundle. ``values`` are its distinct objects, ``places`` where a name's is."""

    def __init__(self, names: list[str], held: dict[str, Any]) -> None:
        numbers: dict[int, int] = {}
        self.values: list[Any] = []
        self.places: dict[str, int] = {}
        for name in names:
            value = held[name]
            if id(value) not in numbers:
                numbers[id(value)] = len(self.values)
                self.values.append(value)
            self.places[name] = numbers[id(value)]


def pickle_groups(
    held: dict[str, Any], pickled: dict[str, Pickled], code: CodeNames
) -> list[tuple[Group, Pickled]]:
    """Return the groups of ``held`` (name to value) with their pickles; ``pickled`` holds each
    value's own pickle, which serves as it is where a name shares nothing.
    """
    extents = [one for each in pickled.values() for one in each.extents]
    roots = arrays.overlapping_roots(extents)
    result = []
    for names in _connected(held, pickled, roots):
        group = Group(names, held)
        own = pickled[names[0]]
        if len(names) > 1 or _needs_roots(own, roots):
            own = dump(group.values, code, roots)
        result.append((group, own))
    return result


def _needs_roots(own: Pickled, roots: set[int]) -> bool:
    return any(extent[0] in roots for extent in own.extents)


def _connected(
    held: dict[str, Any], pickled: dict[str, Pickled], roots: set[int]
) -> list[list[str]]:
    """Return the names as connected sets, in order."""
    leader = {name: name for name in held}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    owner: dict[int, str] = {}
    if len(held) > 1:
        for name, value in held.items():
            for key in _marks(value, pickled[name], roots):
                first = owner.setdefault(key, name)
                leader[find(name)] = find(first)
        for name, value in held.items():
            if type(value) not in _PLAIN:
                for other in held:
                    if other != name and pickled[other].contains(id(value)):
                        leader[find(name)] = find(other)
    sets: dict[str, list[str]] = {}
    for name in held:
        sets.setdefault(find(name), []).append(name)
    return list(sets.values())


def _marks(value: Any, own: Pickled, roots: set[int]) -> set[int]:
    marks = own.shareable() | {extent[0] for extent in own.extents if extent[0] in roots}
    if not own.is_fixed(value):
        marks.add(id(value))
    return marks
