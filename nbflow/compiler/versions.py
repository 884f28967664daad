"""Versions of names: who wrote what, in page order, and which versions may share objects."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from nbflow.compiler.effects import BindKind
from nbflow.model.ids import CellId, TaskName

UnitKey = tuple[CellId, int]
"""(cell, index of the unit in the cell's analysis)."""

ObjectId = tuple[CellId, str, int]
"""An abstract object: the cell that made it, for which name, and the how manieth for that."""


class Origin(enum.Enum):
    """How a version came to be."""

    BOUND = "bound"
    """An assignment, import or definition."""
    MUTATED = "mutated"
    """The object was changed in place under this name."""
    ALIAS_MUTATED = "alias-mutated"
    """The object was changed in place under another name."""
    OPAQUE = "opaque"
    """Code that nobody can look into may have changed it."""
    DELETED = "deleted"
    """The name was unbound."""


@dataclass(frozen=True, eq=False, slots=True)
class Version:
    """One version of one name.

    ``task`` is None for what setup and parameters cells bind: every later task gets that by replay.
    ``unit`` is set if it travels as code. ``passes`` tells that it may still be (part of) the version
    before it, ``previous``. ``objects`` are the abstract objects that the value may be or refer to.

    Versions are compared by identity. What an edit may change while the version stays the one it was,
    its line, and what is found out later, stand in the state of the page.
    """

    name: str
    cell: CellId
    task: TaskName | None
    kind: BindKind
    origin: Origin
    previous: "Version | None" = None
    passes: bool = False
    unit: UnitKey | None = None
    objects: frozenset[ObjectId] = frozenset()
    code: "frozenset[Version]" = frozenset()
    late: frozenset[str] = frozenset()
    live: str | None = None
    """Why the value can't be stored, if that is known from the start."""

    @property
    def is_code(self) -> bool:
        """Tell whether it is replayed instead of loaded."""
        return self.unit is not None

    @property
    def is_deleted(self) -> bool:
        """Tell whether the name was surely unbound."""
        return self.origin is Origin.DELETED and not self.passes


def in_order(code: Iterable[Version]) -> list[Version]:
    """Return versions of code in an order that is the same every time."""
    return sorted(code, key=lambda v: (v.name, v.unit or ()))
