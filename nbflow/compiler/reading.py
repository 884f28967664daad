"""What reading a name means: which version, which code with it, and what that code looks up."""

import builtins
from collections.abc import Sequence
from dataclasses import dataclass, field

from nbflow.compiler.drafts import AmbientVersion, Draft, Need, SafeOrder, UnitKey
from nbflow.compiler.effects import BindKind, CellAnalysis, File, FileAction, Read
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.findings import Findings
from nbflow.compiler.grouping import Placed
from nbflow.compiler.versions import Origin, Page, Version
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
class PageReading:
    """The fold's state, and what reading a name means for the task at hand."""

    placed: Sequence[Placed]
    analyses: Sequence[CellAnalysis]
    findings: Findings
    drafts: dict[TaskName, Draft] = field(default_factory=dict)
    page: Page = field(default_factory=Page)
    unit_env: dict[UnitKey, dict[str, Version]] = field(default_factory=dict)
    setup_cells: list[int] = field(default_factory=list)
    setup_units: dict[int, list[tuple[Version, Place]]] = field(default_factory=dict)
    options: list[tuple[UnitKey, Place]] = field(default_factory=list)
    safe: list[SafeOrder] = field(default_factory=list)
    files: list[FileUse] = field(default_factory=list)
    roles: list[tuple[Role, TaskName | None]] = field(default_factory=list)
    _ambient: dict[str, AmbientVersion] = field(default_factory=dict)
    _opaque: Version | None = None
    _index: int = 0
    _draft: Draft | None = None
    _late: set[str] = field(default_factory=set)
    _called: set[int] = field(default_factory=set)

    def _read(self, event: Read) -> None:
        version = self.page.current.get(event.name)
        place = self._place(self._index, event.line)
        if version is None:
            version = self._unbound(event, place)
            if version is None:
                return
        if version.is_deleted:
            self.findings.deleted(event.name, place, version.place)
            return
        self._want(version, place, called=event.called or event.escapes)
        if (event.called or event.escapes) and version.is_code:
            self._touch_stateful(version, event.line)

    def _unbound(self, event: Read, place: Place) -> Version | None:
        if event.name in PROVIDED:
            return None
        if self._opaque is None:
            self.findings.unbound(event.name, place, guarded=event.guarded)
            return None
        source = self._opaque
        version = Version(
            name=event.name, cell=source.cell, place=source.place, task=source.task,
            kind=BindKind.DATA, origin=Origin.OPAQUE, passes=True,
            objects=frozenset({self.page.fresh_object()}),
        )  # fmt: skip
        if source.task is not None:
            self.drafts[source.task].last[event.name] = version
        return self.page.set(version)

    def _want(self, version: Version, place: Place, *, called: bool) -> None:
        """Give the current cell's task (or every later one, for a setup cell) this version."""
        if version.is_code:
            self._want_code(version, place, called=called)
            return
        if self._draft is not None:
            self._need(self._draft, version, EdgeKind.DATA, place)
        for owner in sorted(version.code, key=lambda v: v.name):
            if self.page.current.get(owner.name) is not owner and version.live is None:
                version.live = f"object of an older {owner.kind.value} {owner.name}"
            self._want_code(owner, place, called=True)
        self._want_late(version.late, place)

    def _want_code(self, version: Version, place: Place, *, called: bool) -> None:
        assert version.unit is not None
        cell, number = version.unit
        if self._draft is None:
            self.setup_units[self._index].append((version, place))
        elif version.task != self._draft.name:
            self.need_unit(self._draft, version.unit, place)
        if called and id(version) not in self._called:
            self._called.add(id(version))
            self._want_late(self.analyses[cell].units[number].needs_when_called, place)
            for used in self.unit_env.get(version.unit, {}).values():
                if used.is_code:  # a base class, a decorator, a default
                    self._want_code(used, place, called=True)

    def _want_late(self, names: frozenset[str], place: Place) -> None:
        for name in sorted(names - self._late):
            self._late.add(name)
            version = self.page.current.get(name)
            if version is None and self._opaque is not None and name not in PROVIDED:
                version = self._unbound(Read(name=name, line=place.line, guarded=True), place)
            if version is not None and not version.is_deleted:
                self._want(version, place, called=True)

    def need_unit(self, draft: Draft, key: UnitKey, place: Place) -> None:
        """Have the task replay a unit, with everything that the unit reads at its own place."""
        if key in draft.units or key[0] in draft.cells:
            return
        if self.roles[key[0]][0] is not Role.TASK:
            return  # a setup cell is replayed as a whole
        draft.units[key] = place
        self._files_of_unit(draft, key, place)
        own = draft.unit_needs.setdefault(key, {})
        for name, version in self.unit_env[key].items():
            if version.is_code:
                assert version.unit is not None
                self.need_unit(draft, version.unit, place)
            elif version.task is not None:
                own[name] = Need(version=version, kind=EdgeKind.DATA, reader=place)

    def _files_of_unit(self, draft: Draft, key: UnitKey, place: Place) -> None:
        """A replay reads files as its statement does: the module that it imports, say."""
        unit = self.analyses[key[0]].units[key[1]]
        first = draft.cells[0] if draft.cells else self._index
        place = self._place(first, place.line if place.cell == self.placed[first].cell.id else 1)
        for event in self.analyses[key[0]].events:
            if (
                isinstance(event, File)
                and event.action is FileAction.READ
                and unit.first_line <= event.line <= unit.last_line
            ):
                self.files.append(
                    FileUse(task=draft.name, action=event.action, path=event.path, place=place)
                )

    def _need(self, draft: Draft, version: Version, kind: EdgeKind, place: Place) -> None:
        while version.task == draft.name and version.passes and version.previous is not None:
            version = version.previous  # its own version may still be the one from outside
        if version.task is None or version.task == draft.name or version.is_code:
            self._check_own(draft, version, place)
            return
        known = draft.needs.get(version.name)
        if known is not None and known.version is not version:
            self.findings.two_versions(draft.name, version.name, known, version, place)
            return
        own = draft.last.get(version.name)
        if known is None and own is not None and not _follows(own, version):
            self.findings.between(draft.name, version.name, own.place, version, place)
            return
        if kind is EdgeKind.DATA and version.origin in (Origin.MUTATED, Origin.ALIAS_MUTATED):
            kind = EdgeKind.MUTATION
        if known is None or known.kind is EdgeKind.PASS_THROUGH:
            draft.needs[version.name] = Need(version=version, kind=kind, reader=place)

    def _check_own(self, draft: Draft, version: Version, place: Place) -> None:
        known = draft.needs.get(version.name)
        if version.task is None and known is not None and known.version is not version:
            self.findings.two_versions(draft.name, version.name, known, version, place)

    def _touch_stateful(self, version: Version, line: int) -> None:
        raise AssertionError("the fold says what calling stateful code means")

    def _place(self, index: int, line: int) -> Place:
        return Place(cell=self.placed[index].cell.id, line=line)


def _follows(own: Version, other: Version) -> bool:
    """Tell whether ``own`` may still be the object of ``other``: then it is loaded, not made."""
    version: Version | None = own
    while version is not None and version is not other:
        version = version.previous if version.passes else None
    return version is other
