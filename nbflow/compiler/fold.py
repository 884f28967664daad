"""Fold the events of all cells, in page order, into versions and the needs of each task.

Page order is the truth: a reader takes the latest earlier version, a change in place makes a new
one of every name that may share the object, and functions look their names up where they are called.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nbflow.compiler.drafts import AmbientVersion, Draft, SafeOrder, UnitKey
from nbflow.compiler.effects import (
    Ambient,
    AmbientUse,
    Bind,
    BindKind,
    Delete,
    File,
    Mutate,
    Opaque,
    Read,
    SetOption,
)
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.grouping import Placed
from nbflow.compiler.option_names import option_names
from nbflow.compiler.reading import PROVIDED, PageReading
from nbflow.compiler.versions import Origin, Version
from nbflow.model.dag import EdgeKind, Place
from nbflow.model.ids import TaskName
from nbflow.model.notebook import Role

LIVE_CODE = "function or class changed after its definition"


@dataclass(slots=True)
class PageFold(PageReading):
    """The fold. Call :meth:`run` once; the results are the public fields."""

    _by_task: dict[TaskName, list[Placed]] = field(default_factory=dict)

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
            if draft.cells[0] == index:
                self._call_registered(index)

    def _call_registered(self, index: int) -> None:
        """What earlier cells registered with a library may be called anywhere."""
        for (cell, number), _ in self.options:
            self._want_late(
                self.analyses[cell].units[number].needs_when_called, self._place(index, 1)
            )

    def _setup_between(self, draft: Draft, index: int) -> None:
        # Setup cells between a task's cells run in their place, as part of the task.
        for between in range(draft.cells[-1] + 1, index):
            if self.roles[between][0] in (Role.SETUP, Role.PARAMETERS):
                draft.cells.append(between)

    def _ignored(self, task: TaskName) -> frozenset[str]:
        return frozenset(name for p in self._cells_of(task) for name in p.cell.ignores)

    def _cells_of(self, task: TaskName) -> Sequence[Placed]:
        if not self._by_task:
            for placed in self.placed:
                if placed.task is not None:
                    self._by_task.setdefault(placed.task, []).append(placed)
        return self._by_task.get(task, ())

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
        for placed in self._cells_of(draft.name):
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

    # ---------------------------------------------------------------- writing

    def _bind(self, event: Bind) -> None:
        place = self._place(self._index, event.line)
        previous = self.page.current.get(event.name)
        if previous is not None and previous.is_deleted:
            previous = None
        unit = (self._index, event.unit) if event.unit is not None else None
        if unit is not None:
            self._remember_environment(unit)
        self._touch_held({*event.code, *event.shares}, event.line)
        shared = self.page.objects_of(event.shares)
        held, late = self._code_in(event.code, event.shares)
        if not event.sure and unit is not None:
            # The whole statement is replayed, behind what the name stood for before it.
            if previous is not None:
                self.unit_env[unit].setdefault(event.name, previous)
        elif not event.sure and previous is not None:
            shared |= previous.objects
            held |= previous.code | ({previous} if previous.is_code else set())
            late |= previous.late
        version = Version(
            name=event.name, cell=self._index, place=place, task=self._task_name(),
            kind=event.kind, origin=Origin.BOUND, previous=previous,
            passes=not event.sure and unit is None, unit=unit, objects=shared | {self.page.fresh_object()}, code=frozenset(held),
            late=event.late | late, live=event.live or self._live_code({*event.code, *event.shares}),
        )  # fmt: skip
        if not event.sure and previous is not None:
            self._hand_on(previous, place)
        self._write(version)

    def _touch_held(self, names: Iterable[str], line: int) -> None:
        """A function that keeps something may be called through any value that holds it."""
        for name in sorted(names):
            version = self.page.current.get(name)
            if version is not None and version.is_code and version.kind is BindKind.FUNCTION:
                self._touch_stateful(version, line)

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

    def _live_code(self, names: Iterable[str]) -> str | None:
        """Objects of code that changed after its definition live where that code does."""
        for name in sorted(names):
            version = self.page.current.get(name)
            if version is None or version.is_code or version.live is None:
                continue
            if version.kind in (BindKind.FUNCTION, BindKind.CLASS):
                return f"object of a changed {version.kind.value} {name}"
            if version.live.startswith("object of a changed"):
                return version.live
        return None

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
            if event.sure and version.kind is not BindKind.IMPORT:
                self._make_live(version, place, LIVE_CODE)
            return
        if not event.sure and event.how == f"{event.name}()":
            self._mutate_what_is_called(event, version.late, {event.name})
        self._touch_held({*event.code, *event.stores}, event.line)
        live = event.live or self._live_code({*event.code, *event.stores})
        added = self.page.objects_of(event.stores)
        held, late = self._code_in(event.code, event.stores)
        late |= event.late
        for name in self.page.sharing(version.objects) or [event.name]:
            old = self.page.current[name]
            if old.is_code or (self._draft is not None and name in self._draft.ignores):
                continue
            own = name == event.name
            new = Version(
                name=name, cell=self._index, place=place, task=self._task_name(), kind=old.kind,
                origin=Origin.MUTATED if own else Origin.ALIAS_MUTATED, previous=old,
                passes=True, objects=old.objects | added, code=old.code | held,
                late=old.late | late, live=old.live or live,
            )  # fmt: skip
            if old.task is None and new.task is None:
                new.passes = False
            self._write(new)
            if self._draft is not None:
                self._draft.mutates.add(name)

    def _mutate_what_is_called(self, event: Mutate, names: frozenset[str], seen: set[str]) -> None:
        """A call of functions inside a value may change whatever they look up."""
        for name in sorted(names - seen):
            seen.add(name)
            version = self.page.current.get(name)
            if version is None:
                continue
            if version.unit is not None:
                cell, number = version.unit
                called = self.analyses[cell].units[number].needs_when_called
                self._mutate_what_is_called(event, called, seen)
            else:
                self._mutate_what_is_called(event, version.late, seen)
                self._mutate(Mutate(name=name, line=event.line, sure=False, how=event.how))

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
        self._join_objects(version, place)
        self._write(
            Version(
                name=version.name, cell=self._index, place=place, task=self._draft.name,
                kind=version.kind, origin=Origin.MUTATED, previous=version,
                objects=frozenset({self.page.fresh_object()}), late=unit.needs_when_called,
                live=why,
            )
        )  # fmt: skip

    def _join_objects(self, code: Version, place: Place) -> None:
        """Objects that hold the changed code must be there while it changes, in one kernel."""
        assert self._draft is not None
        for held in list(self.page.current.values()):
            if code not in held.code or held.is_code or held.is_deleted:
                continue
            held.live = held.live or f"object of a changed {code.kind.value} {code.name}"
            self._need(self._draft, held, EdgeKind.MUTATION, place)

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
            draft.mutates.add(name)
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
