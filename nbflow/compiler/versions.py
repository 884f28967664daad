"""Versions of names: who wrote what, in page order, and which versions may share objects."""

import enum
from dataclasses import dataclass, field

from nbflow.compiler.effects import BindKind
from nbflow.model.dag import Place
from nbflow.model.ids import TaskName


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


@dataclass(eq=False, slots=True)
class Version:
    """One version of one name.

    ``task`` is None for what setup and parameters cells bind: every later task gets that by replay.
    ``unit`` is (cell index, unit index) if it travels as code. ``previous`` is the version before it
    on the page; ``passes`` tells that it may still be (part of) that one. ``objects`` are the
    abstract objects that the value may be or refer to.
    """

    name: str
    cell: int
    place: Place
    task: TaskName | None
    kind: BindKind
    origin: Origin
    previous: "Version | None" = None
    passes: bool = False
    unit: tuple[int, int] | None = None
    objects: frozenset[int] = frozenset()
    code: "frozenset[Version]" = frozenset()
    late: frozenset[str] = frozenset()
    live: str | None = None

    @property
    def is_code(self) -> bool:
        """Tell whether it is replayed instead of loaded."""
        return self.unit is not None

    @property
    def is_deleted(self) -> bool:
        """Tell whether the name was surely unbound."""
        return self.origin is Origin.DELETED and not self.passes


@dataclass(slots=True)
class Page:
    """What every name stands for at one point of the page."""

    current: dict[str, Version] = field(default_factory=dict)
    _holders: dict[int, set[str]] = field(default_factory=dict)
    _fresh: int = 0

    def fresh_object(self) -> int:
        """Return an abstract object that nothing refers to yet."""
        self._fresh += 1
        return self._fresh

    def set(self, version: Version) -> Version:
        """Make it the current version of its name."""
        old = self.current.get(version.name)
        if old is not None:
            for obj in old.objects - version.objects:
                self._holders[obj].discard(version.name)
        for obj in version.objects:
            self._holders.setdefault(obj, set()).add(version.name)
        self.current[version.name] = version
        return version

    def sharing(self, objects: frozenset[int]) -> list[str]:
        """Return the names whose value may share one of the objects, sorted."""
        names: set[str] = set()
        for obj in objects:
            names |= self._holders.get(obj, set())
        return sorted(names)

    def objects_of(self, names: frozenset[str]) -> frozenset[int]:
        """Return all abstract objects that the named values may refer to."""
        found: set[int] = set()
        for name in names:
            version = self.current.get(name)
            if version is not None:
                found |= version.objects
        return frozenset(found)
