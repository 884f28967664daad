"""What the page says at one point: what every name stands for, and what tasks took and wrote so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbflow.compiler.drafts import AmbientVersion, Need
from nbflow.compiler.effects import Unit
from nbflow.compiler.tracing import Shelf, Slot, TracedState
from nbflow.compiler.versions import ObjectId, UnitKey, Version
from nbflow.model.dag import Place
from nbflow.model.ids import TaskName


@dataclass(frozen=True, slots=True)
class PlacedUnit:
    """A unit of a cell; ``owner`` None: a setup or parameters cell, which is replayed as a whole."""

    unit: Unit
    owner: TaskName | None


@dataclass(frozen=True, slots=True)
class TaskTags:
    """What the tags and options of a task's cells say, wherever on the page those stand."""

    ignores: frozenset[str] = frozenset()
    options: tuple[Mapping[str, Any], ...] = ()


class Page:
    """The state of the fold. All of it is traced, and none of its values ever change."""

    def __init__(self) -> None:
        self.state = TracedState()
        self.tags: Shelf[TaskName, TaskTags] = Shelf(self.state, "tags")
        self.names: Shelf[str, Version] = Shelf(self.state, "name")
        self.places: Shelf[Version | AmbientVersion, Place] = Shelf(self.state, "place")
        """Where versions are written."""
        self.units: Shelf[UnitKey, PlacedUnit] = Shelf(self.state, "unit")
        self.environments: Shelf[UnitKey, Mapping[str, Version]] = Shelf(self.state, "environment")
        """What a unit reads at its own place."""
        self.ambient: Shelf[str, AmbientVersion] = Shelf(self.state, "ambient")
        self.needs: Shelf[tuple[TaskName, str], Need] = Shelf(self.state, "need")
        self.written: Shelf[tuple[TaskName, str], Version] = Shelf(self.state, "written")
        """A task's last version of a name so far."""
        self.ambient_needs: Shelf[tuple[TaskName, str], AmbientVersion] = Shelf(
            self.state, "ambient need"
        )
        self.begun: Shelf[TaskName, bool] = Shelf(self.state, "begun")
        self.options: Slot[tuple[tuple[UnitKey, Place], ...]] = Slot(self.state, "options")
        """Statements that set process-wide options: replayed by every task that begins later."""
        self.opaque: Slot[Version] = Slot(self.state, "opaque")
        """The last code that may have bound names which nobody can list."""
        self.plotted: Slot[bool] = Slot(self.state, "plotted")
        """Whether something may have been plotted."""
        self.last_task: Slot[TaskName] = Slot(self.state, "last task")
        self._holders: Shelf[ObjectId, frozenset[str]] = Shelf(self.state, "holder")
        self._live: Shelf[Version, str] = Shelf(self.state, "live")

    def bind(self, version: Version) -> Version:
        """Make it the current version of its name."""
        name = version.name
        old = self.names.get(name)
        if old is not None:
            for obj in old.objects - version.objects:
                self._holders.set(obj, (self._holders.get(obj) or frozenset()) - {name})
        for obj in version.objects:
            holders = self._holders.get(obj) or frozenset()
            if name not in holders:
                self._holders.set(obj, holders | {name})
        self.names.set(name, version)
        return version

    def sharing(self, objects: frozenset[ObjectId]) -> list[str]:
        """Return the names whose value may share one of the objects, sorted."""
        names: set[str] = set()
        for obj in objects:
            names |= self._holders.get(obj) or frozenset()
        return sorted(names)

    def objects_of(self, names: frozenset[str]) -> frozenset[ObjectId]:
        """Return all abstract objects that the named values may refer to."""
        found: set[ObjectId] = set()
        for name in names:
            version = self.names.get(name)
            if version is not None:
                found |= version.objects
        return frozenset(found)

    def everything(self) -> list[Version]:
        """Return the current versions of all names, by name."""
        return sorted((v for _, v in self.names.items()), key=lambda v: v.name)

    def live(self, version: Version) -> str | None:
        """Return why the value can't be stored; None if it can, as far as the page tells so far."""
        return version.live or self._live.get(version)

    def live_at_end(self, version: Version) -> str | None:
        """Return why the value can't be stored, as far as the whole page tells."""
        return version.live or self._live.peek(version)

    def keep_live(self, version: Version, why: str) -> None:
        """Note that the value of a version can't be stored, unless that is known."""
        if self.live(version) is None:
            self._live.set(version, why)
