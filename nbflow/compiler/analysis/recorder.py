"""The state of one cell's analysis: events in order, what is bound on this path, what is shared."""

import ast
import builtins
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nbflow.compiler.analysis.environment import Environment
from nbflow.compiler.analysis.scopes import scope_of
from nbflow.compiler.analysis.values import (
    NOTHING,
    UNKNOWN,
    UNKNOWN_CONST,
    ClassInfo,
    FunctionInfo,
    Value,
    join,
)
from nbflow.compiler.effects import (
    Ambient,
    AmbientUse,
    Bind,
    BindKind,
    Delete,
    Event,
    File,
    FileAction,
    Finding,
    Mutate,
    NameInfo,
    Opaque,
    Plot,
    Read,
    SetOption,
    Unit,
)
from nbflow.model.sentence import Sentence

BUILTINS = frozenset(dir(builtins))
PROVIDED = BUILTINS | {
    "get_ipython", "display", "exit", "quit", "__file__", "__session__", "_dh", "_sh",
    "__annotations__", "__builtin__",
}  # fmt: skip
CODE_KINDS = (BindKind.IMPORT, BindKind.FUNCTION, BindKind.CLASS)
MAX_STEPS = 20_000
FILE_WORDS = frozenset({"open file", "memory map", "csv writer"})
"""Words of live objects through which a file is written later on."""
CHANGED_CODE = "function or class changed after its definition"


@dataclass(slots=True)
class Scope:
    """A function's, class's or comprehension's names while its body is interpreted."""

    kind: str
    parent: "Scope | None" = None
    vars: dict[str, Value] = field(default_factory=dict)
    own: frozenset[str] = NOTHING
    page: frozenset[str] = NOTHING
    callee: Value = UNKNOWN
    returns: list[Value] = field(default_factory=list)


@dataclass(slots=True)
class LoopExits:
    """What is definitely bound where a loop is left or begun anew."""

    breaks: list[set[str]] = field(default_factory=list)
    continues: list[set[str]] = field(default_factory=list)


@dataclass(slots=True)
class Recorder(ABC):
    """Everything one analysis gathers. The walker classes build on it."""

    names: Environment
    bound_here: frozenset[str] = NOTHING
    events: list[Event] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    env: dict[str, Value] = field(default_factory=dict)
    kinds: dict[str, BindKind] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    definite: set[str] = field(default_factory=set)
    sure: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)
    starred: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    roots: dict[str, frozenset[str]] = field(default_factory=dict)
    needs_now: set[str] = field(default_factory=set)
    statement_reads: set[str] = field(default_factory=set)
    """Names loaded by the statement at hand, wherever they were bound: what a replay needs."""
    mutated: set[str] = field(default_factory=set)
    called_units: set[str] = field(default_factory=set)
    deferred: dict[str, int] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)
    warned: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    own_units: dict[str, int] = field(default_factory=dict)
    maybe: int = 0
    guard: int = 0
    unsure: int = 0
    quiet: int = 0
    via: str | None = None
    dead: bool = False
    scope: Scope | None = None
    loops: list[LoopExits] = field(default_factory=list)
    stack: list[FunctionInfo] = field(default_factory=list)
    steps: int = 0
    line: int = 1
    fixed: bool = False
    literal: bool = False
    hides_options: int = 0
    statement: ast.AST | None = None
    option_unit: int | None = None
    opaque_binds: bool = False
    plots: bool = False
    last_scope: Scope | None = None
    _reads: dict[str, tuple[bool, bool, bool]] = field(default_factory=dict)
    _loaded: dict[str, Value] = field(default_factory=dict)

    # ------------------------------------------------------------- what is known

    def known(self, name: str) -> NameInfo | None:
        """Return what earlier cells told of a name."""
        return self.names.get(name)

    def bound(self, name: str) -> bool:
        """Tell whether the notebook binds the name, here so far or in an earlier cell."""
        return name in self.env or name in self.names

    def kind_of(self, name: str) -> BindKind | None:
        """Return the sort of thing the name is bound to now, None if nothing is known."""
        if name in self.kinds:
            return self.kinds[name]
        info = self.known(name)
        return info.kind if info is not None else None

    def value_of(self, name: str) -> Value:
        """Return the value of a page name, with the name itself as what it shares."""
        cached = self._loaded.get(name)
        if cached is not None:
            return cached
        value = self.env.get(name)
        if value is None:
            info = self.known(name)
            detail = info.detail if info is not None else None
            value = detail if isinstance(detail, Value) else UNKNOWN
        if not (value.immutable or value.type in ("function", "class", "library")):
            own = frozenset((name,))
            value = replace(value, same=own, deep=own, loose=False)
        elif value.type in ("function", "class"):
            value = replace(value, same=frozenset((name,)))
        self._loaded[name] = value
        return value

    def annotations_are_lazy(self) -> bool:
        """Tell whether ``from __future__ import annotations`` holds here: IPython keeps it on."""
        return self.value_of("annotations").path == "__future__.annotations"

    def notebook_classes(self) -> list[ClassInfo]:
        """Return all classes of the notebook so far."""
        return classes_of(self.names.classes(), self.env)

    # ------------------------------------------------------------------ recording

    def at(self, node: ast.AST) -> int:
        """Return the cell line to record for a node."""
        return self.line

    def read(self, name: str, *, called: bool = False, escapes: bool = False) -> None:
        """Record that the page name is loaded now."""
        if self.quiet:
            if name in PROVIDED and name in self.names:
                self._emit_read(name, called, escapes)
            if self._runs_code_of_this_cell() and name not in self.definite:
                self.needs_now.add(name)
            return
        self.statement_reads.add(name)
        if name not in self.definite or name in self.foreign:
            self.needs_now.add(name)
        if called or escapes:
            self.called_units.add(name)
        if name in self.definite and name not in self.sure:
            # Bound on this very path: nothing is needed from outside, but what it calls is.
            self.need_late(self.value_of(name))
            return
        self._emit_read(name, called, escapes)

    def _runs_code_of_this_cell(self) -> bool:
        """Tell whether a function that this cell defines runs for a call here; the body of one that
        makes a generator runs later.
        """
        if not self.stack or any(scope_of(info.node).is_generator for info in self.stack):
            return False
        return (self.stack[0].owner or self.stack[0].name) in self.made

    def _emit_read(self, name: str, called: bool, escapes: bool) -> None:
        guarded = bool(self.guard or self.unsure) or (name in PROVIDED and name not in self.names)
        last = self._reads.get(name)
        if last is not None and last[0] <= guarded and last[1] >= called and last[2] >= escapes:
            return
        self._reads[name] = (guarded, called, escapes)
        self.events.append(
            Read(name=name, line=self.line, guarded=guarded, called=called, escapes=escapes)
        )

    def need_late(self, value: Value) -> None:
        """Record that functions inside the value run now: what they look up is read now."""
        if self.quiet:
            return
        for name in sorted(value.late):
            if name in PROVIDED and not self.bound(name):
                continue
            if self.scope is None or not self._is_local(name):
                self.read(name, called=True)

    def _is_local(self, name: str) -> bool:
        scope = self.scope
        while scope is not None:
            if scope.kind == "comp" and name in scope.vars:
                return True
            scope = scope.parent
        return False

    def bind_page(
        self, name: str, value: Value, *, kind: BindKind = BindKind.DATA, unit: int | None = None,
        literal: bool = False, silent: bool = False,
    ) -> None:  # fmt: skip
        """Record that the page name is bound to the value; ``silent``: on this path only."""
        sure = not self.maybe and not self.unsure
        live = value.live
        if kind is BindKind.DATA and live is None and value.code:
            # An object of a class that was changed since means nothing beside the class as written.
            live = next((f"object of a changed {n}" for n in sorted(value.code)
                         if self.value_of(n).live == CHANGED_CODE), None)  # fmt: skip
        if not silent:
            self.events.append(
                Bind(
                    name=name, line=self.line, kind=kind, sure=sure,
                    shares=value.shares if kind is BindKind.DATA else NOTHING,
                    code=value.code if kind is BindKind.DATA else NOTHING,
                    late=value.late if kind is BindKind.DATA else NOTHING,
                    unit=unit, live=live if kind is BindKind.DATA else None, via=self.via,
                    literal=literal,
                )
            )  # fmt: skip
            self.ever.add(name)
            self.touched.add(name)
        self.roots[name] = self._roots_of(value)
        previous = self.env.get(name)
        if previous is None and not sure:
            info = self.known(name)
            previous = info.detail if info and isinstance(info.detail, Value) else None
        unconditional = not self.unsure
        self.env[name] = value if unconditional or previous is None else join((previous, value))
        self.kinds[name] = kind
        self.gone.discard(name)
        self._reads.pop(name, None)
        self._loaded.pop(name, None)
        if self.unsure:
            return
        self.definite.add(name)
        if self.via is not None and self.via not in self.made:
            self.foreign.add(name)
        else:
            self.foreign.discard(name)
        if silent:
            self.sure.discard(name)
        elif sure:
            self.sure.add(name)
        else:
            self.sure.discard(name)
        if unit is not None and kind in (BindKind.FUNCTION, BindKind.CLASS):
            self.own_units[name] = unit
        else:
            self.own_units.pop(name, None)

    def _roots_of(self, value: Value) -> frozenset[str]:
        found: set[str] = set()
        for name in value.same:
            found |= self.roots.get(name, frozenset((name,)))
        return frozenset(found)

    def mutate(
        self, value: Value, how: str, *, sure: bool = True, stores: Value | None = None,
        live: str | None = None,
    ) -> None:  # fmt: skip
        """Record that the object behind the value is changed in place."""
        if value.live is not None and value.draws:
            self.may_draw(how)
        for name in sorted(value.same):
            self._mutate_name(name, how, sure and not self.unsure, stores, live)
        if value.loose:
            for name in sorted(value.deep - value.same):
                self._mutate_name(name, how, False, stores, live, warn=False)

    def _mutate_name(
        self, name: str, how: str, sure: bool, stores: Value | None, live: str | None,
        warn: bool = True,
    ) -> None:  # fmt: skip
        known = self.env.get(name)
        if known is None:
            info = self.known(name)
            known = info.detail if info and isinstance(info.detail, Value) else UNKNOWN
        if known.live in FILE_WORDS:
            self.file(FileAction.WRITE, None, how)
        stored = stores if stores is not None else UNKNOWN
        late, code = stored.late, stored.code
        put = (stored.shares - {name}) if not stored.immutable else NOTHING
        if name in self.definite and name not in self.sure:
            for root in sorted(self.roots.get(name, NOTHING) - self.definite):
                self._emit_mutate(root, how, sure, put, code, late, live)
        else:
            self._emit_mutate(name, how, sure, put, code, late, live)
        if known.type not in ("function", "class", "module", "library"):
            # What is inside may be something else now; the type's word stays.
            self.env[name] = replace(
                known, const=UNKNOWN_CONST, elem=None if stores is not None else known.elem,
                code=known.code | code, late=known.late | late,
                live=known.live or live or (stored.live if stores is not None else None),
                draws=known.draws or stored.draws,
            )  # fmt: skip
            self.kinds.setdefault(name, self.kind_of(name) or BindKind.DATA)
            self.touched.add(name)
            self._loaded.pop(name, None)
        elif known.type in ("function", "class") and known.live is None:
            self.env[name] = replace(known, live=CHANGED_CODE)
            self.kinds.setdefault(name, self.kind_of(name) or BindKind.DATA)
            self.touched.add(name)
            self._loaded.pop(name, None)
        self._reads.pop(name, None)
        self._note_mutation(name, how, sure, warn)

    def _emit_mutate(
        self, name: str, how: str, sure: bool, stores: frozenset[str], code: frozenset[str],
        late: frozenset[str], live: str | None,
    ) -> None:  # fmt: skip
        event = Mutate(
            name=name, line=self.line, sure=sure, how=how, stores=stores, code=code, late=late,
            live=live, via=self.via,
        )  # fmt: skip
        if not self.events or self.events[-1] != event:
            self.events.append(event)

    def _note_mutation(self, name: str, how: str, sure: bool, warn: bool) -> None:
        roots = self.roots.get(name)
        for root in sorted(roots if roots is not None else frozenset((name,))):
            if not sure:
                if warn and how != "+=" and (how != f"{name}()" or self._is_known(root)):
                    self.warn("maybe-mutates", root, "NBF301", Sentence("{how} may change {root} in place.", how=how, root=root),
                              "Say `writes:NAME` or `ignores:NAME` if you know better.")  # fmt: skip
                continue
            if self.via is not None and self.via not in self.made:
                self.warn("interprocedural", f"{self.via} mutates {root}", "NBF304",
                          Sentence("{via}() changes {root} in place.", via=self.via, root=root))  # fmt: skip
            self.mutated.add(root)
            if root != name:
                self.warn("alias", f"{name}->{root}", "NBF302",
                          Sentence("{name} and {root} are one object: this changes both.", name=name, root=root),
                          Sentence("Copy {root} first if only {name} is meant.", root=root, name=name))  # fmt: skip

    def _is_known(self, name: str) -> bool:
        return name in self.names or name in self.env

    def delete(self, name: str) -> None:
        """Record that the page name is unbound."""
        sure = not self.maybe and not self.unsure
        if name not in self.definite:
            self.needs_now.add(name)
            self._emit_read(name, False, False)
        self.events.append(Delete(name=name, line=self.line, sure=sure))
        if name not in self.ever:
            self.gone.add(name)
        if sure:
            self.ever.discard(name)
        self.touched.add(name)
        self.env.pop(name, None)
        self.kinds[name] = BindKind.DATA
        self.definite.discard(name)
        self.sure.discard(name)
        self.own_units.pop(name, None)
        self._reads.pop(name, None)
        self._loaded.pop(name, None)

    def ambient(self, state: str, use: AmbientUse, what: str) -> None:
        """Record a use of process-wide state, once per state, use and line."""
        event = Ambient(
            state=state, use=use, line=self.line, sure=not self.maybe and not self.unsure, what=what
        )
        for other in reversed(self.events[-12:]):
            if (
                isinstance(other, Ambient)
                and other.state == state
                and other.line == self.line
                and (other.use is use or use is AmbientUse.MAYBE_DRAW)
            ):
                return
        self.events.append(event)
        if use is AmbientUse.SEED:
            self.warn(
                "ambient",
                state,
                "NBF308",
                Sentence("{what} changes process-wide state ({state}).", what=what, state=state),
            )

    def may_draw(self, what: str) -> None:
        """Record that unknown library code may draw from the global generators."""
        self.ambient("random", AmbientUse.MAYBE_DRAW, what)
        self.ambient("numpy.random", AmbientUse.MAYBE_DRAW, what)

    def drew_since(self, count: int) -> bool:
        """Tell whether any event from the number ``count`` on is a draw."""
        draws = (AmbientUse.DRAW, AmbientUse.MAYBE_DRAW)
        return any(isinstance(e, Ambient) and e.use in draws for e in self.events[count:])

    def file(self, action: FileAction, path: str | None, what: str) -> None:
        """Record the use of a file, and of the working directory if the path is relative."""
        event = File(action=action, path=path, line=self.line, what=what)
        if event not in self.events[-6:]:
            self.events.append(event)
        if path is None or not path.startswith("/"):
            self.ambient("cwd", AmbientUse.READ, what)

    def plot(self) -> None:
        """Record that something may be plotted, once in a cell."""
        if not self.plots:
            self.plots = True
            self.events.append(Plot(line=self.line))

    def option(self, what: str, *, kept: bool = False) -> None:
        """Record that process-wide options are set; ``kept``: objects outlive their cell with them,
        so that later tasks need the kernel itself.
        """
        if self.hides_options:
            return
        unit = None if kept else self.option_unit
        event = SetOption(line=self.line, unit=unit, what=what)
        if event not in self.events[-4:]:
            self.events.append(event)

    def opaque(self, what: str, *, history: bool = False, binds: bool = True) -> None:
        """Record code that nobody can look into."""
        event = Opaque(line=self.line, what=what, history=history, binds=binds)
        if event in self.events[-8:]:
            return
        self.events.append(event)
        self.opaque_binds = self.opaque_binds or binds
        if not what.startswith("from "):
            code = "NBF311" if history else "NBF310"
            self.warn("history" if history else "opaque", what, code,
                      Sentence("Nobody can list the names that {what} uses: safe order.", what=what))  # fmt: skip

    def warn(self, kind: str, name: str, code: str, message: str, hint: str = "") -> None:
        """Record a finding, once per kind and name."""
        key = f"{kind}:{name}" if name else kind
        if key in self.warned:
            return
        self.warned.add(key)
        self.findings.append(
            Finding(kind=key, line=self.line, code=code, message=message, hint=hint)
        )


def classes_of(names: Mapping[str, NameInfo], env: Mapping[str, Value]) -> list[ClassInfo]:
    """Return the notebook's classes that names stand for, in the order of the page."""
    found: dict[str, tuple[ClassInfo, ...]] = {}
    for name, info in names.items():
        if info is not None and info.kind is BindKind.CLASS and isinstance(info.detail, Value):
            found[name] = info.detail.classes
    for name, value in env.items():
        if value.type == "class":
            found[name] = value.classes
    return [cls for classes in found.values() for cls in classes]
