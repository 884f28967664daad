"""State that notes what each step looks up and changes, so that a step can be taken again from memory.

The idea is that of self-adjusting computation (Adapton, salsa): a step is a function of what it
looked up. If all of that is as it was, what the step changed is put in place without running it.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Trace:
    """What one step looked up, as it found it, and what it left behind."""

    found: dict[Hashable, object]
    changes: dict[Hashable, object]


class TracedState:
    """The values of all shelves, and the notes of the step at hand."""

    def __init__(self) -> None:
        self.values: dict[Hashable, Any] = {}
        self._found: dict[Hashable, object] = {}
        self._changes: dict[Hashable, object] = {}
        self._everything = False
        self._differing: set[Hashable] | None = None

    def begin(self) -> None:
        """Start a step."""
        self._found = {}
        self._changes = {}
        self._everything = False

    def end(self) -> Trace | None:
        """Return what the step did; None if it looked at everything, so that it can't be reused."""
        if self._everything:
            return None
        return Trace(found=self._found, changes=self._changes)

    def as_last_time(self) -> None:
        """Say that all is as it was when the steps to come were last taken, in the same order."""
        self._differing = set()

    def again(self, trace: Trace) -> bool:
        """Leave behind what a step left behind, if it would look up now what it looked up then."""
        differing = self._differing
        if differing is None or not trace.found.keys().isdisjoint(differing):
            found = trace.found.values()
            if list(map(self.values.get, trace.found)) != list(found):
                return False
        self.values.update(trace.changes)
        return True

    def taken_anew(self, before: Trace | None, now: Trace | None) -> None:
        """Say what a step left behind last time and now, so that ``again`` needs to look at the
        differences only.
        """
        if self._differing is None or before is None or now is None:
            self._differing = None
            return
        for key in before.changes.keys() | now.changes.keys():
            if before.changes.get(key) == now.changes.get(key):
                self._differing.discard(key)
            else:
                self._differing.add(key)

    def read(self, key: Hashable) -> Any:
        """Return a value or None; what the step itself wrote is no dependency."""
        value = self.values.get(key)
        if key not in self._changes and key not in self._found:
            self._found[key] = value
        return value

    def write(self, key: Hashable, value: object) -> None:
        """Set a value."""
        self._changes[key] = self.values[key] = value

    def all_of(self, shelf: str) -> list[tuple[Any, Any]]:
        """Return all keys and values of a shelf, in the order in which they were first set."""
        self._everything = True
        return [
            (key[1], value)
            for key, value in self.values.items()
            if isinstance(key, tuple) and key[0] == shelf
        ]


class Shelf(Generic[K, V]):
    """A mapping in a traced state. Its values must never change."""

    __slots__ = ("_name", "_state")

    def __init__(self, state: TracedState, name: str) -> None:
        self._state = state
        self._name = name

    def get(self, key: K) -> V | None:
        """Look a value up."""
        value: V | None = self._state.read((self._name, key))
        return value

    def peek(self, key: K) -> V | None:
        """Look a value up without a note, once all steps are done."""
        value: V | None = self._state.values.get((self._name, key))
        return value

    def set(self, key: K, value: V) -> None:
        """Put a value in place."""
        self._state.write((self._name, key), value)

    def items(self) -> list[tuple[K, V]]:
        """Return everything on the shelf; a step that asks for this is taken anew each time."""
        return self._state.all_of(self._name)


class Slot(Generic[V]):
    """A single value in a traced state."""

    __slots__ = ("_key", "_state")

    def __init__(self, state: TracedState, name: str) -> None:
        self._state = state
        self._key = name

    def get(self) -> V | None:
        """Look the value up."""
        value: V | None = self._state.read(self._key)
        return value

    def set(self, value: V) -> None:
        """Put a value in place."""
        self._state.write(self._key, value)
