"""Fold the events of all cells, in page order, into versions and the needs of each task.

Page order is the truth: a reader takes the latest earlier version, a change in place makes a new
one of every name that may share the object, and functions look their names up where they are called.
"""

import builtins
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nbflow.compiler.drafts import AmbientVersion, Draft, Need, SafeOrder, UnitKey
from nbflow.compiler.effects import (
    Ambient,
    AmbientUse,
    Bind,
    BindKind,
    CellAnalysis,
    Delete,
    File,
    Mutate,
    Opaque,
    Read,
    SetOption,
)
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.findings import Findings
from nbflow.compiler.grouping import Placed
from nbflow.compiler.option_names import option_names
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

LIVE_CODE = "function or class changed after its definition"


@dataclass(slots=True)
class PageFold:
    """The fold's state. Call :meth:`run` once; the results are the public fields."""

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

    def run(self) -> None:
        """Fold all cells."""
        for index, placed in enumerate(self.placed):
            role, task = placed.role, placed.task
            if role is Role.SKIP:
                self.roles.append((role, None))
                continue
            if role is not Role.TASK and self._reads_what_a_task_wrote(index):
                above = self._task_above(index)
                if above is not None:
                    self.findings.setup_depends(self._place(index, 1), above)
                    role, task = Role.TASK, above
            self.roles.append((role, task))
            self._enter(index, task)
            if task is None:
                self.setup_cells.append(index)
                self.setup_units[index] = []
                self._warn_about_data(index)
            self._cell(index)

    def version_place(self, index: int, line: int) -> Place:
        """Return the place of a line of the cell with that index."""
        return self._place(index, line)

    # ------------------------------------------------------------------ cells

    def _enter(self, index: int, task: TaskName | None) -> None:
        self._index = index
        self._late.clear()
        self._called.clear()
        self._draft = None
        if task is not None:
            draft = self.drafts.get(task)
            if draft is None:
                draft = self.drafts[task] = Draft(name=task, ignores=self._ignored(task))
                for key, place in self.options:
                    self.need_unit(draft, key, place)
            elif draft.cells[-1] + 1 != index:
                self._setup_between(draft, index)
            draft.cells.append(index)
            self._draft = draft

    def _setup_between(self, draft: Draft, index: int) -> None:
        # Setup cells between a task's cells run in their place, as part of the task.
        for between in range(draft.cells[-1] + 1, index):
            if self.roles[between][0] in (Role.SETUP, Role.PARAMETERS):
                draft.cells.append(between)

    def _ignored(self, task: TaskName) -> frozenset[str]:
        return frozenset(name for p in self.placed if p.task == task for name in p.cell.ignores)

    def _task_above(self, index: int) -> TaskName | None:
        for before in range(index - 1, -1, -1):
            if self.roles[before][1] is not None:
                return self.roles[before][1]
        return None

    def _reads_what_a_task_wrote(self, index: int) -> bool:
        bound: set[str] = set()
        for event in self.analyses[index].events:
            if isinstance(event, Read) and event.name not in bound:
                version = self.page.current.get(event.name)
                if version is not None and version.task is not None and not version.is_code:
                    return True
            elif isinstance(event, Bind):
                bound.add(event.name)
            elif isinstance(event, Ambient) and event.use is not AmbientUse.SEED:
                state = self._ambient.get(event.state)
                if state is not None and state.task is not None and event.use is AmbientUse.DRAW:
                    return True
        return False

    def _warn_about_data(self, index: int) -> None:
        if self.placed[index].role is Role.PARAMETERS:
            return
        for event in self.analyses[index].events:
            if isinstance(event, Bind) and event.kind is BindKind.DATA and not event.literal:
                self.findings.setup_makes_data(self._place(index, event.line), event.name)
                return

    def _cell(self, index: int) -> None:
        analysis = self.analyses[index]
        cell = self.placed[index].cell
        if self._draft is not None:
            self._draft.summaries.append(analysis.summary)
            if self._draft.cells[0] == index:
                self._names_of_options(self._draft)
        for name in cell.reads:
            self._read(Read(name=name, line=1))
        for event in analysis.events:
            self._event(event)
        for name in cell.writes:
            self._bind(Bind(name=name, line=1, shares=frozenset({name})))

    def _names_of_options(self, draft: Draft) -> None:
        for placed in self.placed:
            if placed.task == draft.name:
                reads, item = option_names(placed.cell.options)
                for name in sorted(reads - PROVIDED):
                    self._read(Read(name=name, line=1, guarded=True, called=True))
                if item is not None:
                    self._bind(Bind(name=item, line=1, shares=frozenset(reads)))

    def _event(self, event: object) -> None:
        match event:
            case Read():
                self._read(event)
            case Bind():
                self._bind(event)
            case Mutate():
                self._mutate(event)
            case Delete():
                self._delete(event)
            case Ambient():
                self._use_ambient(event)
            case File():
                self._use_file(event)
            case SetOption():
                self._set_option(event)
            case Opaque():
                self._be_opaque(event)

    def _place(self, index: int, line: int) -> Place:
        return Place(cell=self.placed[index].cell.id, line=line)

    # ---------------------------------------------------------------- reading

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
        own = draft.unit_needs.setdefault(key, {})
        for name, version in self.unit_env[key].items():
            if version.is_code:
                assert version.unit is not None
                self.need_unit(draft, version.unit, place)
            elif version.task is not None:
                own[name] = Need(version=version, kind=EdgeKind.DATA, reader=place)

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

    # ---------------------------------------------------------------- writing

    def _bind(self, event: Bind) -> None:
        place = self._place(self._index, event.line)
        previous = self.page.current.get(event.name)
        if previous is not None and previous.is_deleted:
            previous = None
        unit = (self._index, event.unit) if event.unit is not None else None
        if unit is not None:
            self._remember_environment(unit)
        shared = self.page.objects_of(event.shares)
        held, late = self._code_in(event.code, event.shares)
        if not event.sure and previous is not None:
            shared |= previous.objects
            held |= previous.code | ({previous} if previous.is_code else set())
            late |= previous.late
            unit = None
        version = Version(
            name=event.name, cell=self._index, place=place, task=self._task_name(),
            kind=event.kind, origin=Origin.BOUND, previous=previous, passes=not event.sure,
            unit=unit, objects=shared | {self.page.fresh_object()}, code=frozenset(held),
            late=event.late | late, live=event.live,
        )  # fmt: skip
        if not event.sure and previous is not None:
            self._hand_on(previous, place)
        self._write(version)

    def _code_in(
        self, names: Iterable[str], shares: Iterable[str]
    ) -> tuple[set[Version], frozenset[str]]:
        held: set[Version] = set()
        late: set[str] = set()
        for name in names:
            version = self.page.current.get(name)
            if version is not None and version.is_code:
                held.add(version)
        for name in shares:
            version = self.page.current.get(name)
            if version is None:
                continue
            if version.is_code and version.kind is not BindKind.IMPORT:
                held.add(version)
            held |= version.code
            late |= version.late
        return held, frozenset(late)

    def _remember_environment(self, unit: UnitKey) -> None:
        if unit in self.unit_env:
            return
        found: dict[str, Version] = {}
        waiting = sorted(self.analyses[unit[0]].units[unit[1]].needs_now)
        while waiting:
            name = waiting.pop()
            version = self.page.current.get(name)
            if version is None or name in found:
                continue
            found[name] = version
            # Decorators and default values are called when the statement is replayed.
            for code in (version, *version.code):
                if code.unit is not None:
                    cell, number = code.unit
                    waiting.extend(sorted(self.analyses[cell].units[number].needs_when_called))
        self.unit_env[unit] = found

    def _hand_on(self, previous: Version, place: Place) -> None:
        if self._draft is None:
            return
        if previous.is_code:
            self._want_code(previous, place, called=False)
        elif previous.task is not None and self._draft.needs.get(previous.name) is None:
            self._need(self._draft, previous, EdgeKind.PASS_THROUGH, place)

    def _mutate(self, event: Mutate) -> None:
        if self._draft is not None and event.name in self._draft.ignores:
            return
        version = self.page.current.get(event.name)
        if version is None or version.is_deleted:
            return
        place = self._place(self._index, event.line)
        if version.is_code:
            if version.kind is not BindKind.IMPORT:
                self._make_live(version, place, LIVE_CODE)
            return
        added = self.page.objects_of(event.stores)
        held, late = self._code_in(event.code, event.stores)
        for name in self.page.sharing(version.objects) or [event.name]:
            old = self.page.current[name]
            if old.is_code or (self._draft is not None and name in self._draft.ignores):
                continue
            own = name == event.name
            new = Version(
                name=name, cell=self._index, place=place, task=self._task_name(), kind=old.kind,
                origin=Origin.MUTATED if own else Origin.ALIAS_MUTATED, previous=old,
                passes=True, objects=old.objects | added, code=old.code | held,
                late=old.late | late, live=old.live or event.live,
            )  # fmt: skip
            if old.task is None and new.task is None:
                new.passes = False
            self._write(new)
            if self._draft is not None:
                self._draft.mutates.add(name)

    def _touch_stateful(self, version: Version, line: int) -> None:
        assert version.unit is not None
        why = self.analyses[version.unit[0]].units[version.unit[1]].stateful
        if why is not None and self._draft is not None:
            self._make_live(version, self._place(self._index, line), why)

    def _make_live(self, version: Version, place: Place, why: str) -> None:
        """From here on the code's object is data that can't be stored: its users share a kernel."""
        if self._draft is None:
            return
        assert version.unit is not None
        unit = self.analyses[version.unit[0]].units[version.unit[1]]
        self._want_code(version, place, called=False)
        self._write(
            Version(
                name=version.name, cell=self._index, place=place, task=self._draft.name,
                kind=version.kind, origin=Origin.MUTATED, previous=version,
                objects=frozenset({self.page.fresh_object()}), late=unit.needs_when_called,
                live=why,
            )
        )  # fmt: skip

    def _delete(self, event: Delete) -> None:
        previous = self.page.current.get(event.name)
        if previous is None or previous.is_deleted:
            return
        place = self._place(self._index, event.line)
        self._want(previous, place, called=False)
        maybe = not event.sure
        self._write(
            Version(
                name=event.name, cell=self._index, place=place, task=self._task_name(),
                kind=BindKind.DATA, origin=Origin.DELETED, previous=previous, passes=maybe,
                objects=previous.objects if maybe else frozenset(),
                code=previous.code | ({previous} if previous.is_code else frozenset()),
                late=previous.late, live=previous.live,
            )
        )  # fmt: skip

    def _write(self, version: Version) -> None:
        self.page.set(version)
        if self._draft is not None:
            self._draft.last[version.name] = version

    def _task_name(self) -> TaskName | None:
        return self._draft.name if self._draft is not None else None

    # -------------------------------------------------- process-wide and files

    def _use_ambient(self, event: Ambient) -> None:
        draft = self._draft
        if draft is not None and event.state in draft.ignores:
            return
        place = self._place(self._index, event.line)
        now = self._ambient.get(event.state)
        if event.use is not AmbientUse.SEED or not event.sure:
            if now is None and (event.state != "cwd" or event.use is AmbientUse.READ):
                if event.use is not AmbientUse.SEED:
                    return  # never seeded, or still in the first folder: nothing to carry
            elif (
                draft is not None
                and now is not None
                and now.task not in (None, draft.name)
                and event.state not in draft.ambient_needs
            ):
                draft.ambient_needs[event.state] = (now, place)
        if event.use is AmbientUse.READ:
            return
        version = AmbientVersion(
            state=event.state, task=self._task_name(), place=place, previous=now
        )
        self._ambient[event.state] = version
        if draft is not None:
            draft.ambient_last[event.state] = version

    def _use_file(self, event: File) -> None:
        moved = "cwd" in self._ambient
        path = event.path
        if path is not None and moved and not path.startswith("/"):
            path = None
        task = self._task_name()
        if task is not None:
            self.files.append(
                FileUse(
                    task=task, action=event.action, path=path,
                    place=self._place(self._index, event.line),
                )
            )  # fmt: skip

    def _set_option(self, event: SetOption) -> None:
        place = self._place(self._index, event.line)
        if self._draft is None:
            return  # replayed with its setup cell
        if event.unit is None:
            self.safe.append(
                SafeOrder(
                    task=self._draft.name, place=place, what=event.what, binds=True, live_after=True
                )
            )
            return
        key = (self._index, event.unit)
        self._remember_environment(key)
        self.options.append((key, place))

    def _be_opaque(self, event: Opaque) -> None:
        place = self._place(self._index, event.line)
        draft = self._draft
        if draft is None:
            return
        self.safe.append(
            SafeOrder(
                task=draft.name, place=place, what=event.what, binds=event.binds,
                live_before=event.history,
            )
        )  # fmt: skip
        for version in list(self.page.current.values()):
            if not version.is_deleted:
                self._want(version, place, called=True)
        if not event.binds:
            return
        marker: Version | None = None
        for name, old in list(self.page.current.items()):
            if old.is_code or old.is_deleted:
                continue
            self._write(
                Version(
                    name=name, cell=self._index, place=place, task=draft.name, kind=old.kind,
                    origin=Origin.OPAQUE, previous=old, passes=True, objects=old.objects,
                    code=old.code, late=old.late, live=old.live,
                )
            )  # fmt: skip
        marker = Version(
            name="", cell=self._index, place=place, task=draft.name, kind=BindKind.DATA,
            origin=Origin.OPAQUE,
        )  # fmt: skip
        self._opaque = marker


def _follows(own: Version, other: Version) -> bool:
    """Tell whether ``own`` may still be the object of ``other``: then it is loaded, not made."""
    version: Version | None = own
    while version is not None and version is not other:
        version = version.previous if version.passes else None
    return version is other
