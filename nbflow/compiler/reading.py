"""What reading a name means: which version, which code with it, and what that code looks up."""

import builtins
from dataclasses import dataclass, field

from nbflow.compiler.drafts import AmbientVersion, Need, SafeOrder
from nbflow.compiler.effects import BindKind, CellAnalysis, Read, Unit
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.findings import Findings
from nbflow.compiler.grouping import Placed
from nbflow.compiler.page import Page
from nbflow.compiler.recycling import Recycler
from nbflow.compiler.versions import ObjectId, Origin, UnitKey, Version, in_order
from nbflow.model.dag import EdgeKind, Place
from nbflow.model.ids import TaskName
from nbflow.model.notebook import Role

PROVIDED = frozenset(dir(builtins)) | {
    "get_ipython", "display", "exit", "quit", "In", "Out", "_", "__", "___", "_i", "_ii", "_iii",
    "_dh", "_oh", "_ih", "_sh", "__name__", "__doc__", "__builtins__", "__builtin__", "__file__",
    "__annotations__", "__loader__", "__spec__", "__package__", "__session__",
}  # fmt: skip
"""Names that Python or IPython bind before the first cell."""


@dataclass(slots=True)
class CellReading:
    """One cell at its place on the page, and what reading a name means there.

    Everything that comes from other cells is looked up in ``page``, which notes it.
    """

    page: Page
    placed: Placed
    analysis: CellAnalysis
    recycler: Recycler = field(default_factory=Recycler)
    role: Role = Role.SKIP
    task: TaskName | None = None
    findings: Findings = field(default_factory=Findings)
    needs: dict[str, Need] = field(default_factory=dict)
    ambient_needs: dict[str, tuple[AmbientVersion, Place]] = field(default_factory=dict)
    code: dict[UnitKey, Place] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    ambient: list[AmbientVersion] = field(default_factory=list)
    mutates: set[str] = field(default_factory=set)
    files: list[FileUse] = field(default_factory=list)
    safe: list[SafeOrder] = field(default_factory=list)
    _ignores: frozenset[str] = frozenset()
    _late: set[str] = field(default_factory=set)
    _called: set[Version] = field(default_factory=set)
    _objects: dict[str, int] = field(default_factory=dict)

    def _read(self, event: Read) -> None:
        version = self.page.names.get(event.name)
        place = self._place(event.line)
        if version is None:
            version = self._unbound(event, place)
            if version is None:
                return
        if version.is_deleted:
            if event.name in PROVIDED:
                return  # Python's own shows again
            if event.guarded:
                self.findings.unbound(event.name, place, guarded=True)
                return
            self.findings.deleted(event.name, place, self.page.places.get(version) or place)
            return
        self._want(version, place, called=event.called or event.escapes)
        if (event.called or event.escapes) and version.is_code:
            self._touch_stateful(version, event.line)

    def _unbound(self, event: Read, place: Place) -> Version | None:
        if event.name in PROVIDED:
            return None
        source = self.page.opaque.get()
        if source is None:
            self.findings.unbound(event.name, place, guarded=event.guarded)
            return None
        version = Version(
            name=event.name, cell=source.cell, task=source.task, kind=BindKind.DATA,
            origin=Origin.OPAQUE, passes=True, objects=self._fresh_object(event.name),
        )  # fmt: skip
        return self._put(version, self.page.places.get(source) or place)

    def _put(self, version: Version, place: Place) -> Version:
        """Make it the current version of its name, and the last one of its task."""
        version = self.recycler.same(version)
        if version.task is not None:
            self.page.written.set((version.task, version.name), version)
        self.versions.append(version)
        self.page.places.set(version, place)
        return self.page.bind(version)

    def _want(self, version: Version, place: Place, *, called: bool) -> None:
        """Give the cell's task (or every later one, for a setup cell) this version."""
        if version.is_code:
            self._want_code(version, place, called=called)
            return
        if self.task is not None:
            self._need(self.task, version, EdgeKind.DATA, place)
        for owner in in_order(version.code):
            if self.page.names.get(owner.name) is not owner:
                why = f"object of an older {owner.kind.value} {owner.name}"
                self.page.keep_live(version, why)
            self._want_code(owner, place, called=True)
        self._want_late(version.late, place)

    def _want_code(self, version: Version, place: Place, *, called: bool) -> None:
        assert version.unit is not None
        if version.task is not None and version.task != self.task:
            self.code.setdefault(version.unit, place)
        if called and version not in self._called:
            self._called.add(version)
            self._want_late(self._unit(version.unit).needs_when_called, place)
            environment = self.page.environments.get(version.unit) or {}
            for used in environment.values():
                if used.is_code:  # a base class, a decorator, a default
                    self._want_code(used, place, called=True)

    def _want_late(self, names: frozenset[str], place: Place) -> None:
        for name in sorted(names - self._late):
            self._late.add(name)
            version = self.page.names.get(name)
            if version is None and name not in PROVIDED and self.page.opaque.get() is not None:
                version = self._unbound(Read(name=name, line=place.line, guarded=True), place)
            if version is not None and not version.is_deleted:
                self._want(version, place, called=True)

    def _need(self, task: TaskName, version: Version, kind: EdgeKind, place: Place) -> None:
        while version.task == task and version.passes and version.previous is not None:
            version = version.previous  # its own version may still be the one from outside
        known = self.page.needs.get((task, version.name))
        if version.task is None or version.task == task or version.is_code:
            if version.task is None and known is not None and known.version is not version:
                self.findings.two_versions(task, version.name, known, version, place)
            return
        if known is not None and known.version is not version:
            self.findings.two_versions(task, version.name, known, version, place)
            return
        own = self.page.written.get((task, version.name))
        if known is None and own is not None and not _follows(own, version):
            self.findings.between(task, version.name, own, version, place)
            return
        if kind is EdgeKind.DATA and version.origin in (Origin.MUTATED, Origin.ALIAS_MUTATED):
            kind = EdgeKind.MUTATION
        if known is None or known.kind is EdgeKind.PASS_THROUGH:
            need = Need(version=version, kind=kind, reader=place)
            self.page.needs.set((task, version.name), need)
            self.needs[version.name] = need

    def _touch_stateful(self, version: Version, line: int) -> None:
        raise AssertionError("the fold says what calling stateful code means")

    def _unit(self, key: UnitKey) -> Unit:
        found = self.page.units.get(key)
        assert found is not None
        return found.unit

    def _fresh_object(self, name: str) -> frozenset[ObjectId]:
        """Return an abstract object, made for a name, that nothing refers to yet."""
        number = self._objects[name] = self._objects.get(name, 0) + 1
        return frozenset({(self.placed.cell.id, name, number)})

    def _place(self, line: int) -> Place:
        return Place(cell=self.placed.cell.id, line=line)


def _follows(own: Version, other: Version) -> bool:
    """Tell whether ``own`` may still be the object of ``other``: then it is loaded, not made."""
    version: Version | None = own
    while version is not None and version is not other:
        version = version.previous if version.passes else None
    return version is other
