"""Sets that iterate in the same order in another kernel.

The order is that of the slots of CPython's hash table: the hashes, the size of the table and, where
two elements want one slot, who came first. Pickle adds the elements of a set to a table that grows
meanwhile, which gives about every second set of words another order. So the slots are worked out
here, and a stand-in keeps each slot taken that must not be free when an element is added.
"""

from __future__ import annotations

import itertools
from typing import Any, Iterator

Plan = tuple[int, list[Any], list[tuple[int, int]], bool]
"""Slots of the table, elements in the order of adding, (number of elements before, slot) of stand-ins,
whether the table is renewed in the end, which leaves no trace of the stand-ins.
"""

_LINEAR = 9
_SHIFT = 5
_SMALL = 8
_PROBES = (12, 120)
_LARGEST = 5_000
_BARE = set().__sizeof__()


def plan(value: set[Any]) -> Plan | None:
    """Return how to fill a set in the order of ``value``; None where pickle's own way does, or
    where no way is found.
    """
    order = list(value)
    if len(order) > _LARGEST or _is_like(set(order), value):
        return None
    by_address: Any = object.__hash__
    if any(type(element).__hash__ is by_address for element in order):
        return None  # hashed by their address, which no other kernel gives them
    size = (value.__sizeof__() - _BARE) // 16 or _SMALL
    for found in _ways(order, size):
        copy: set[Any] = set()
        fill(copy, found)
        if _is_like(copy, value):
            return found
    return None


def fill(value: set[Any], how: Plan) -> None:
    """Fill a set as planned, whatever was in it."""
    size, elements, blocked, is_renewed = how
    standing = [_StandIn(slot, size) for _, slot in blocked]
    sequence: list[Any] = []
    for (before, _), one in zip(blocked, standing):
        sequence += elements[len(sequence) - standing.index(one) : before]
        sequence.append(one)
    sequence += elements[len(sequence) - len(standing) :]
    more = size // 4 + 1 if is_renewed else max(5, size // 4) - len(sequence)
    for number in range(more if size > _SMALL else 0):
        standing.append(_StandIn(number, size))
        sequence.append(standing[-1])
    value.clear()
    first = size // 2 - 1 if size > _SMALL else 0
    # From a dictionary a set takes its table's size at once: more than twice as many slots.
    value.update(dict.fromkeys(sequence[:first]))
    for element in sequence[first:]:
        value.add(element)
    if is_renewed:
        # When more than a quarter of a table was removed, the rest moves to a new one.
        value.difference_update(standing)
    for one in standing:
        value.discard(one)


def _is_like(copy: set[Any], value: set[Any]) -> bool:
    """Tell whether two sets have the same order, and tables of one size for what is added later."""
    return copy.__sizeof__() == value.__sizeof__() and list(copy) == list(value)


def _ways(order: list[Any], size: int) -> Iterator[Plan]:
    if size == _SMALL and len(order) < _SMALL:
        for elements in itertools.permutations(order):
            yield size, list(elements), [], False
    for count in _PROBES:
        slots = _increasing([_first_probes(element, size, count) for element in order])
        if slots is not None:
            if size // 8 <= len(order) < size // 4:
                yield (size, *_adding(order, slots, size), True)
            yield (size, *_adding(order, slots, size), False)


class _StandIn:
    """Takes one slot of a table."""

    def __init__(self, slot: int, size: int) -> None:
        self._hash = slot + size * 0x5BD1E995

    def __hash__(self) -> int:
        return self._hash


def _probes(element: Any, size: int) -> Iterator[int]:
    """Yield the slots that CPython tries for an element, one after the other."""
    perturb = hash(element) & 0xFFFFFFFFFFFFFFFF
    mask = size - 1
    slot = perturb & mask
    while True:
        yield slot
        if slot + _LINEAR <= mask:
            yield from range(slot + 1, slot + _LINEAR + 1)
        perturb >>= _SHIFT
        slot = (slot * 5 + 1 + perturb) & mask


def _first_probes(element: Any, size: int, count: int) -> list[int]:
    tries = _probes(element, size)
    return list(dict.fromkeys(next(tries) for _ in range(count)))


def _increasing(probes: list[list[int]]) -> list[int] | None:
    """Return one of the slots of each element, rising with the order, with the fewest tries in all."""
    states: list[tuple[int, int, Any]] = [(-1, 0, None)]
    for slots_tried in probes:
        ways = sorted((slot, tries) for tries, slot in enumerate(slots_tried))
        following: list[tuple[int, int, Any]] = []
        best: Any = None
        at = 0
        for slot, tries in ways:
            while at < len(states) and states[at][0] < slot:
                best = states[at] if best is None or states[at][1] < best[1] else best
                at += 1
            if best is not None:
                following.append((slot, best[1] + tries, (slot, best[2])))
        states = following
    if not states:
        return None
    path = min(states, key=lambda state: state[1])[2]
    slots: list[int] = []
    while path is not None:
        slots.append(path[0])
        path = path[1]
    return slots[::-1]


def _adding(
    order: list[Any], slots: list[int], size: int
) -> tuple[list[Any], list[tuple[int, int]]]:
    """Return the elements so that each finds the slots before its own taken, and the stand-ins."""
    owner = dict(zip(slots, order))
    elements: list[Any] = []
    blocked: list[tuple[int, int]] = []
    taken: set[int] = set()
    begun: set[int] = set()

    def add(slot: int) -> None:
        begun.add(slot)
        needed = []
        for tried in _probes(owner[slot], size):
            if tried == slot:
                break
            needed.append(tried)
        for tried in needed:
            if tried in owner and tried not in begun:
                add(tried)
        for tried in needed:
            if tried not in taken and tried not in owner:
                blocked.append((len(elements), tried))
                taken.add(tried)
        elements.append(owner[slot])
        taken.add(slot)

    for slot in slots:
        if slot not in begun:
            add(slot)
    return elements, blocked
