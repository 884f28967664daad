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

    keys: tuple[Hashable, ...]
    found: tuple[object, ...]
    changes: dict[Hashable, object]


class TracedState:
    """The values of all shelves, and the notes of the step at hand."""

    def __init__(self) -> None:
        self.values: dict[Hashable, Any] = {}
        self._found: dict[Hashable, object] = {}
        self._changes: dict[Hashable, object] = {}
        self._everything = False

    def begin(self) -> None:
        """Start a step."""
        self._found = {}
        self._changes = {}
        self._everything = False

    def end(self) -> Trace | None:
        """Return what the step did; None if it looked at everything, so that it can't be reused."""
        if self._everything:
            return None
        return Trace(
            keys=tuple(self._found), found=tuple(self._found.values()), changes=self._changes
        )

    def holds(self, trace: Trace) -> bool:
        """Tell whether a step would look up now what it looked up then."""
        return tuple(map(self.values.get, trace.keys)) == trace.found

    def replay(self, trace: Trace) -> None:
        """Leave behind what the step left behind."""
        self.values.update(trace.changes)

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
