"""Fold the events of one cell, at its place on the page, into versions and the needs of its task.

Page order is the truth: a reader takes the latest earlier version, a change in place makes a new
one of every name that may share the object, and functions look their names up where they are called.
Here are the rules for one cell; `nbflow.compiler.page_fold` takes the cells one after another.
"""

from collections.abc import Iterable

from nbflow.compiler.drafts import AmbientVersion, CellResult, SafeOrder
from nbflow.compiler.effects import (
    Ambient,
    AmbientUse,
    Bind,
    BindKind,
    Delete,
    File,
    Mutate,
    Opaque,
    Plot,
    Read,
    SetOption,
)
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.option_names import option_names
from nbflow.compiler.page import PlacedUnit, TaskTags
from nbflow.compiler.reading import PROVIDED, CellReading
from nbflow.compiler.summaries import corrected
from nbflow.compiler.versions import Origin, UnitKey, Version, in_order
from nbflow.model.dag import CodeUnit, EdgeKind, Place
from nbflow.model.notebook import Role

INTERACTIVE_OFF = "matplotlib.pyplot.ioff"
LIVE_CODE = "function or class changed after its definition"


class CellFold(CellReading):
    """The fold of one cell. Call :meth:`run` once."""

    __slots__ = ()

    def run(self) -> CellResult:
        """Fold the cell."""
        first = self._enter()
        self._put_units()
        cell = self.placed.cell
        if first:
            self._take_what_is_set()
            self._names_of_options()
        for name in cell.reads:
            self._read(Read(name=name, line=1))
        for event in self.analysis.events:
            self._event(event)
        for name in cell.writes:
            self._bind(Bind(name=name, line=1, shares=frozenset({name})))
        summary = corrected(self.analysis.summary, cell, self._tags(), is_first=first)
        return CellResult(
            role=self.role, task=self.task, summary=summary, needs=self.needs,
            ambient_needs=self.ambient_needs, code=self.code, versions=tuple(self.versions),
            ambient=tuple(self.ambient), mutates=frozenset(self.mutates), files=tuple(self.files),
            safe=tuple(self.safe), findings=self.findings.all(), units=self._code_units(),
        )  # fmt: skip

    # ------------------------------------------------------------------ the cell

    def _enter(self) -> bool:
        """Settle whose cell it is; tell whether it is the first one of its task."""
        self.role, self.task = self.placed.role, self.placed.task
        if self.role is not Role.TASK and self._reads_what_a_task_wrote():
            above = self.page.last_task.get()
            if above is not None:
                self.findings.setup_depends(self._place(1), above)
                self.role, self.task = Role.TASK, above
        if self.task is None:
            self._warn_about_data()
            return False
        self.page.last_task.set(self.task)
        self._ignores = self._tags().ignores
        if self.page.begun.get(self.task):
            return False
        self.page.begun.set(self.task, True)
        return True

    def _take_what_is_set(self) -> None:
        """Options are set for every later task, and what is registered with a library may be called
        in any of them.
        """
        options = self.page.options.get() or ()
        self.code.update(options)
        for key, _ in options:
            self._want_late(self._unit(key).needs_when_called, self._place(1))

    def _tags(self) -> TaskTags:
        found = self.page.tags.get(self.task) if self.task is not None else None
        return found or TaskTags()

    def _reads_what_a_task_wrote(self) -> bool:
        bound: set[str] = set()
        for event in self.analysis.events:
            if isinstance(event, Read) and event.name not in bound:
                version = self.page.names.get(event.name)
                if version is not None and version.task is not None and not version.is_code:
                    return True
            elif isinstance(event, Bind):
                bound.add(event.name)
            elif isinstance(event, Ambient) and event.use is AmbientUse.DRAW:
                state = self.page.ambient.get(event.state)
                if state is not None and state.task is not None:
                    return True
        return False

    def _warn_about_data(self) -> None:
        if self.placed.role is Role.PARAMETERS:
            return
        for event in self.analysis.events:
            if isinstance(event, Bind) and event.kind is BindKind.DATA and not event.literal:
                self.findings.setup_makes_data(self._place(event.line), event.name)
                return

    def _put_units(self) -> None:
        for number, unit in enumerate(self.analysis.units):
            self.page.units.set((self.placed.cell.id, number), PlacedUnit(unit, self.task))

    def _code_units(self) -> tuple[CodeUnit, ...]:
        if self.role is not Role.TASK:
            return ()
        cell = self.placed.cell.id
        return tuple(
            CodeUnit(
                id=unit_id((cell, number)), cell=cell, first_line=unit.first_line,
                last_line=unit.last_line, source=unit.source, binds=unit.binds,
            )
            for number, unit in enumerate(self.analysis.units)
        )  # fmt: skip

    def _names_of_options(self) -> None:
        for options in self._tags().options:
            reads, item = option_names(options)
            for name in sorted(reads - PROVIDED):
                self._read(Read(name=name, line=1, guarded=False, called=True))
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
            case Plot():
                self.page.plotted.set(True)
            case Opaque():
                self._be_opaque(event)

    # ---------------------------------------------------------------- writing

    def _bind(self, event: Bind) -> None:
        place = self._place(event.line)
        previous = self.page.names.get(event.name)
        if previous is not None and previous.is_deleted:
            previous = None
        unit = (self.placed.cell.id, event.unit) if event.unit is not None else None
        if unit is not None:
            self._remember_environment(unit)
        self._touch_held({*event.code, *event.shares}, event.line)
        shared = self.page.objects_of(event.shares)
        held, late = self._code_in(event.code, event.shares)
        if not event.sure and unit is not None:
            # The whole statement is replayed, behind what the name stood for before it.
            if previous is not None:
                self._keep_in_environment(unit, previous)
        elif not event.sure and previous is not None:
            shared |= previous.objects
            held |= previous.code | ({previous} if previous.is_code else set())
            late |= previous.late
        passes = not event.sure and unit is None
        version = Version(
            name=event.name, cell=self.placed.cell.id, task=self.task, kind=event.kind,
            origin=Origin.BOUND, previous=previous if passes else None, passes=passes, unit=unit,
            objects=shared | self._fresh_object(event.name), code=frozenset(held),
            late=event.late | late,
            live=event.live or self._live_code({*event.code, *event.shares}),
        )  # fmt: skip
        if not event.sure and previous is not None:
            self._hand_on(previous, place)
        self._put(version, place)

    def _touch_held(self, names: Iterable[str], line: int) -> None:
        """A function that keeps something may be called through any value that holds it."""
        for name in sorted(names):
            version = self.page.names.get(name)
            if version is not None and version.is_code and version.kind is BindKind.FUNCTION:
                self._touch_stateful(version, line)

    def _code_in(
        self, names: Iterable[str], shares: Iterable[str]
    ) -> tuple[set[Version], frozenset[str]]:
        held: set[Version] = set()
        late: set[str] = set()
        for name in names:
            version = self.page.names.get(name)
            if version is not None and version.is_code:
                held.add(version)
        for name in shares:
            version = self.page.names.get(name)
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
            version = self.page.names.get(name)
            live = self.page.live(version) if version is not None else None
            if version is None or version.is_code or live is None:
                continue
            if version.kind in (BindKind.FUNCTION, BindKind.CLASS):
                return f"object of a changed {version.kind.value} {name}"
            if live.startswith("object of a changed"):
                return live
        return None

    def _remember_environment(self, unit: UnitKey) -> None:
        if self.page.environments.get(unit) is not None:
            return
        found: dict[str, Version] = {}
        waiting = sorted(self._unit(unit).needs_now)
        while waiting:
            name = waiting.pop()
            version = self.page.names.get(name)
            if version is None or name in found:
                continue
            found[name] = version
            # Decorators and default values are called when the statement is replayed.
            for code in (version, *in_order(version.code)):
                if code.unit is not None:
                    waiting.extend(sorted(self._unit(code.unit).needs_when_called))
        self.page.environments.set(unit, found)

    def _keep_in_environment(self, unit: UnitKey, version: Version) -> None:
        environment = self.page.environments.get(unit) or {}
        if version.name not in environment:
            self.page.environments.set(unit, {**environment, version.name: version})

    def _hand_on(self, previous: Version, place: Place) -> None:
        if self.task is None:
            return
        if previous.is_code:
            self._want_code(previous, place, called=False)
        elif previous.task is not None and not self.page.needs.get((self.task, previous.name)):
            self._need(self.task, previous, EdgeKind.PASS_THROUGH, place)

    def _mutate(self, event: Mutate) -> None:
        if event.name in self._ignores:
            return
        version = self.page.names.get(event.name)
        if version is None or version.is_deleted:
            return
        place = self._place(event.line)
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
            old = self.page.names.get(name)
            if old is None or old.is_code or name in self._ignores:
                continue
            own = name == event.name
            passes = old.task is not None or self.task is not None
            new = Version(
                name=name, cell=self.placed.cell.id, task=self.task, kind=old.kind,
                origin=Origin.MUTATED if own else Origin.ALIAS_MUTATED,
                previous=old if passes else None, passes=passes, objects=old.objects | added,
                code=old.code | held, late=old.late | late, live=self.page.live(old) or live,
            )  # fmt: skip
            self._put(new, place)
            if self.task is not None:
                self.mutates.add(name)

    def _mutate_what_is_called(self, event: Mutate, names: frozenset[str], seen: set[str]) -> None:
        """A call of functions inside a value may change whatever they look up."""
        for name in sorted(names - seen):
            seen.add(name)
            version = self.page.names.get(name)
            if version is None:
                continue
            if version.unit is not None:
                called = self._unit(version.unit).needs_when_called
                self._mutate_what_is_called(event, called, seen)
            else:
                self._mutate_what_is_called(event, version.late, seen)
                self._mutate(Mutate(name=name, line=event.line, sure=False, how=event.how))

    def _touch_stateful(self, version: Version, line: int) -> None:
        assert version.unit is not None
        why = self._unit(version.unit).stateful
        if why is not None and self.task is not None:
            self._make_live(version, self._place(line), why)

    def _make_live(self, version: Version, place: Place, why: str) -> None:
        """From here on the code's object is data that can't be stored: its users share a kernel."""
        if self.task is None:
            return
        assert version.unit is not None
        self._want_code(version, place, called=False)
        self._join_objects(version, place)
        changed = Version(
            name=version.name, cell=self.placed.cell.id, task=self.task, kind=version.kind,
            origin=Origin.MUTATED, objects=self._fresh_object(version.name),
            late=self._unit(version.unit).needs_when_called, live=why,
        )  # fmt: skip
        self._put(changed, place)

    def _join_objects(self, code: Version, place: Place) -> None:
        """Objects that hold the changed code must be there while it changes, in one kernel."""
        assert self.task is not None
        for held in self.page.everything():
            if code not in held.code or held.is_code or held.is_deleted:
                continue
            self.page.keep_live(held, f"object of a changed {code.kind.value} {code.name}")
            self._need(self.task, held, EdgeKind.MUTATION, place)

    def _delete(self, event: Delete) -> None:
        previous = self.page.names.get(event.name)
        if previous is None or previous.is_deleted:
            return
        place = self._place(event.line)
        self._want(previous, place, called=False)
        maybe = not event.sure
        gone = Version(
            name=event.name, cell=self.placed.cell.id, task=self.task, kind=BindKind.DATA,
            origin=Origin.DELETED, previous=previous if maybe else None, passes=maybe,
            objects=previous.objects if maybe else frozenset(),
            code=previous.code | ({previous} if previous.is_code else frozenset()),
            late=previous.late, live=self.page.live(previous),
        )  # fmt: skip
        self._put(gone, place)

    # -------------------------------------------------- process-wide and files

    def _use_ambient(self, event: Ambient) -> None:
        if event.state in self._ignores:
            return
        place = self._place(event.line)
        now = self.page.ambient.get(event.state)
        if event.use is not AmbientUse.SEED or not event.sure:
            if now is None and (event.state != "cwd" or event.use is AmbientUse.READ):
                if event.use is not AmbientUse.SEED:
                    return  # never seeded, or still in the first folder: nothing to carry
            elif now is not None:
                self._need_ambient(now, place)
        if event.use is AmbientUse.READ:
            return
        version = self.recycler.same(
            AmbientVersion(
                state=event.state, cell=self.placed.cell.id, task=self.task, previous=now
            )
        )
        self.page.places.set(version, place)
        self.page.ambient.set(event.state, version)
        self.ambient.append(version)

    def _need_ambient(self, now: AmbientVersion, place: Place) -> None:
        if self.task is None or now.task in (None, self.task):
            return
        if self.page.ambient_needs.get((self.task, now.state)) is None:
            self.page.ambient_needs.set((self.task, now.state), now)
            self.ambient_needs[now.state] = (now, place)

    def _use_file(self, event: File) -> None:
        path = event.path
        if path is not None and not path.startswith("/") and self.page.ambient.get("cwd"):
            path = None
        if self.task is not None:
            place = self._place(event.line)
            self.files.append(FileUse(task=self.task, action=event.action, path=path, place=place))

    def _set_option(self, event: SetOption) -> None:
        place = self._place(event.line)
        if self.task is None:
            return  # replayed with its setup cell
        if event.unit is None:
            if event.what == INTERACTIVE_OFF and not self.page.plotted.get():
                return  # the back end is yet to be chosen, which turns it on again
            self.safe.append(
                SafeOrder(task=self.task, place=place, what=event.what, binds=True, live_after=True)
            )
            return
        key = (self.placed.cell.id, event.unit)
        self._remember_environment(key)
        self.page.options.set((*(self.page.options.get() or ()), (key, place)))

    def _be_opaque(self, event: Opaque) -> None:
        if self.task is None:
            return
        place = self._place(event.line)
        self.safe.append(
            SafeOrder(
                task=self.task, place=place, what=event.what, binds=event.binds,
                live_before=event.history,
            )
        )  # fmt: skip
        for version in self.page.everything():
            if not version.is_deleted:
                self._want(version, place, called=True)
        if not event.binds:
            return
        for old in self.page.everything():
            if old.is_code or old.is_deleted:
                continue
            self.mutates.add(old.name)
            touched = Version(
                name=old.name, cell=self.placed.cell.id, task=self.task, kind=old.kind,
                origin=Origin.OPAQUE, previous=old, passes=True, objects=old.objects,
                code=old.code, late=old.late, live=self.page.live(old),
            )  # fmt: skip
            self._put(touched, place)
        marker = self.recycler.same(
            Version(
                name="", cell=self.placed.cell.id, task=self.task, kind=BindKind.DATA,
                origin=Origin.OPAQUE,
            )
        )  # fmt: skip
        self.page.places.set(marker, place)
        self.page.opaque.set(marker)


def unit_id(key: UnitKey) -> str:
    """Return the id of a unit: its cell and its number there."""
    return f"{key[0]}/{key[1]}"
