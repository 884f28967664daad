"""Statements: binding, changing, branching, in the order they run."""

import ast
from collections.abc import Callable
from dataclasses import replace

from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis.methods import Methods
from nbflow.compiler.analysis.recorder import LoopExits, Scope
from nbflow.compiler.analysis.scopes import evaluated_at_definition, scope_of
from nbflow.compiler.analysis.values import (
    NOTHING,
    UNKNOWN,
    UNKNOWN_CONST,
    ClassInfo,
    FunctionInfo,
    Value,
    contents,
    holding,
    join,
)
from nbflow.compiler.effects import BindKind


class Statements(Methods):
    """Interprets statements."""

    __slots__ = ()

    def run_body(self, body: list[ast.stmt]) -> None:
        """Interpret statements until the path ends."""
        for statement in body:
            if self.dead:
                return
            self.run(statement)

    def run(self, node: ast.stmt) -> None:
        """Interpret one statement."""
        self.steps += 1
        if not self.fixed:
            self.line = self.cell_line(node.lineno)
        visit = _STATEMENTS.get(type(node).__name__)
        if visit is not None:
            visit(self, node)

    # -------------------------------------------------------------------- binding

    def bind(self, name: str, value: Value, kind: BindKind | None = None) -> None:
        """Bind a plain name to a value in the scope that owns it."""
        if self.assign_local(name, value):
            return
        silent = False
        if kind is None:
            kind = BindKind.DATA
        if value.live is not None and kind is BindKind.DATA and not self.unsure:
            self._warn_live(name, value)
        self.bind_page(name, value, kind=kind, literal=self.literal, silent=silent)

    def _warn_live(self, name: str, value: Value) -> None:
        if self.hides_live:
            return
        self.warn("unpicklable", name, "NBF305", f"{name} holds a {value.live}, which can't be stored.",
                  "The tasks that share it run in one kernel; keep a list or the path instead.")  # fmt: skip

    @property
    def hides_live(self) -> bool:
        """Tell whether a live value is closed by the statement itself (`with`)."""
        return False

    def assign(self, target: ast.expr, value: Value) -> None:
        """Assign a value to a target of any form."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, replace(holding("list", [value]), elem=contents(value)))
        elif isinstance(target, ast.Attribute):
            base = self.evaluate(target.value)
            if self.set_attribute(base, target.attr, value, target):
                return
            self._change(base, target, f".{target.attr} = …", value)
        elif isinstance(target, ast.Subscript):
            base = self._base_of(target.value)
            self.evaluate(target.slice)
            if base.type == "instance" and self.method_of(base, "__setitem__", [UNKNOWN, value]):
                return
            self._change(base, target, "[…] = …", value)

    def _base_of(self, node: ast.expr) -> Value:
        """What an item is set in: for chains on pandas objects, the root itself."""
        value = self.evaluate(node)
        root = node
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        if root is not node and isinstance(root, ast.Name) and value.type in ("pandas", None):
            quiet = self.quiet
            self.quiet += 1
            own = self.name(root.id)
            self.quiet = quiet
            if own.type in ("pandas", None, "ndarray"):
                return replace(value, same=value.same | own.same)
        return value

    def _unpack(self, target: ast.Tuple | ast.List, value: Value) -> None:
        parts = value.const if isinstance(value.const, tuple) else None
        if isinstance(parts, tuple) and len(parts) == len(target.elts):
            from nbflow.compiler.analysis.values import constant

            for part, const in zip(target.elts, parts, strict=True):
                self.assign(part, constant(const))
            return
        self._use_iterator(value)
        item = self.iterate(value) if value.type != "scalar" else contents(value)
        if value.type == "tuple" and value.elem is not None:
            item = contents(value)
        elif value.live is not None and value.elem is None:
            item = replace(item, live=None)
        for part in target.elts:
            self.assign(part, item)

    def _use_iterator(self, value: Value) -> None:
        if value.live is not None:
            self.need_late(value)
            self.mutate(value, "iteration")

    def _change(self, base: Value, target: ast.expr, how: str, value: Value | None) -> None:
        if base.type in ("module", "library"):
            path = base.path or "module"
            if isinstance(target, ast.Attribute):
                path = f"{path}.{target.attr}"
            if path.startswith("builtins"):
                return
            self.option(path)
            return
        stores = value
        if value is not None and value.immutable:
            stores = replace(value, type=None, deep=NOTHING, same=NOTHING)
        self.mutate(base, how, stores=stores)
        if value is not None:
            self.absorb(target, value)

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1 and self._swap(node.targets[0], node.value):
            return
        value = self.evaluate(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _swap(self, target: ast.expr, value: ast.expr) -> bool:
        """`a, b = b, a`: each name gets its own value."""
        if not (
            isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)
        ):
            return False
        if len(target.elts) != len(value.elts) or any(
            isinstance(e, ast.Starred) for e in (*target.elts, *value.elts)
        ):
            return False
        values = [self.evaluate(part) for part in value.elts]
        names = {e.id for e in target.elts if isinstance(e, ast.Name)}
        if any(v.shares & names for v in values):
            # Bound one after the other, a swap would look like two names for one object.
            both = join(values)
            values = [replace(v, same=both.same, deep=both.deep) for v in values]
        for part, one in zip(target.elts, values, strict=True):
            self.assign(part, one)
        return True

    def _annotated(self, node: ast.AnnAssign) -> None:
        if (
            self.scope is None
            or self.scope.kind == "class"
            or not isinstance(node.target, ast.Name)
        ):
            self.evaluate(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value))

    def _augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name):
            old = self.name(target.id)
            value = self.evaluate(node.value)
            made = self._arithmetic_result(node, old, value)
            if not old.immutable and not made.immutable:
                self.mutate(old, "+=", sure=False, stores=value)
                made = replace(made, same=old.same, deep=old.deep | value.shares, loose=old.loose)
            self.bind(target.id, made)
            return
        if isinstance(target, ast.Attribute):
            base = self.evaluate(target.value)
        else:
            base = self._base_of(target.value)
            self.evaluate(target.slice)
        value = self.evaluate(node.value)
        self._change(base, target, "[…] += …", value)

    def _arithmetic_result(self, node: ast.AugAssign, old: Value, value: Value) -> Value:
        from nbflow.compiler.analysis.expressions import _arithmetic

        if old.type == "instance":
            found = self.method_of(old, "__iadd__", [value])
            if found is not None:
                return found
        return _arithmetic(node.op, old, value)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._delete_one(target)

    def _delete_one(self, target: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self._delete_one(part)
        elif isinstance(target, ast.Name):
            scope = self.scope
            if scope is not None and scope.kind != "comp" and target.id not in scope.page:
                scope.vars.pop(target.id, None)
                return
            self.delete(target.id)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            base = self.evaluate(target.value)
            if isinstance(target, ast.Subscript):
                self.evaluate(target.slice)
                self.method_of(base, "__delitem__", [UNKNOWN])
            self._change(base, target, "del", None)

    def _expression(self, node: ast.Expr) -> None:
        outer = self.statement
        value_node = node.value
        self.statement = value_node if self.scope is None or self.stack else None
        value = self.evaluate(value_node)
        self.statement = outer
        if self.scope is None and not isinstance(value_node, ast.Call):
            self._shown(value)

    # ---------------------------------------------------------------- definitions

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        value = self.define(node)
        self.bind(node.name, value)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Value:
        """Evaluate a definition; the function itself isn't run."""
        results = [self.evaluate(part, escapes=False) for part in evaluated_at_definition(node)]
        self._decorate(node.decorator_list)
        made = self.function_value(node, node.name, results[len(node.decorator_list) :][:0])
        for name in sorted(scope_of(node).global_binds):
            self.deferred.setdefault(name, self.line)
        decorated = any(not self._steady(d) for d in node.decorator_list)
        fns = tuple(replace(f, name=node.name, decorated=decorated) for f in made.fns)
        if self._contexts(node):
            fns = tuple(replace(f, decorated=True) for f in fns)
        return replace(made, fns=fns)

    def _contexts(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        return any("contextmanager" in ast.unparse(d) for d in node.decorator_list)

    def _decorate(self, decorators: list[ast.expr]) -> None:
        for decorator in decorators:
            func = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(func, ast.Name):
                self.name(func.id, called=True)

    def _steady(self, decorator: ast.expr) -> bool:
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        self.quiet += 1
        value = self.evaluate(func) if isinstance(func, ast.Name | ast.Attribute) else UNKNOWN
        self.quiet -= 1
        return value.path in lib.STEADY_DECORATORS or value.path in lib.CACHES

    def _class(self, node: ast.ClassDef) -> None:
        self.bind(node.name, self.define_class(node))

    def define_class(self, node: ast.ClassDef) -> Value:
        """Run a class body and return the class."""
        from nbflow.compiler.analysis.scopes import class_free_names

        for decorator in node.decorator_list:
            self.evaluate(decorator)
        self._decorate(node.decorator_list)
        bases = [self.evaluate(base, escapes=True) for base in node.bases]
        for keyword in node.keywords:
            self.evaluate(keyword.value)
        outer, loops = self.scope, self.loops
        self.scope = Scope(kind="class", parent=outer)
        self.loops = []
        self.run_body(node.body)
        inside = self.scope
        self.scope, self.loops = outer, loops
        known = tuple(c for b in bases for c in b.classes)
        methods = tuple(
            (part.name, self._method_info(part, node.name, inside))
            for part in node.body
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        )
        free = class_free_names(node)
        info = ClassInfo(
            name=node.name, source=self.text_of(node), methods=methods, bases=known, free=free,
            foreign=any(not b.classes and b.path != "builtins.object" for b in bases)
            or bool(node.keywords),
            base_path=next((b.path for b in bases if b.path), None),
        )  # fmt: skip
        return Value(type="class", classes=(info,), late=free)

    def _method_info(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str, inside: Scope | None
    ) -> FunctionInfo:
        setter = any(
            isinstance(d, ast.Attribute) and d.attr == "setter" for d in node.decorator_list
        )
        return FunctionInfo(
            name=node.name, source=f"{owner}.{node.name}:{self.text_of(node)}", node=node,
            free=scope_of(node).free, scope=inside.parent if inside is not None else None,
            owner=owner, decorated=setter,
        )  # fmt: skip

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, value in self.imported(node):
            if not self.assign_local(name, value):
                self.bind_page(name, value, kind=BindKind.IMPORT, unit=self.import_unit(node))

    def import_unit(self, node: ast.Import | ast.ImportFrom) -> int | None:
        """Return the unit by which an import that stands inside other code is replayed."""
        raise NotImplementedError

    def imported(self, node: ast.Import | ast.ImportFrom) -> list[tuple[str, Value]]:
        """Return what an import binds."""
        raise NotImplementedError

    # ------------------------------------------------------------------- branches

    def branches(self, runs: list[Callable[[], None]], *, exhaustive: bool) -> None:
        """Run alternatives from one state and join them."""
        start, dead = set(self.definite), self.dead
        env = dict(self.env)
        ends: list[set[str]] = []
        values: list[dict[str, Value]] = []
        locals_before = self._locals()
        locals_after: list[dict[str, Value]] = []
        bound: set[str] = set()
        self.maybe += 1
        for run in runs:
            self.definite, self.dead = set(start), False
            self.env = dict(env)
            self._loaded.clear()
            self._set_locals(locals_before)
            run()
            bound |= {n for n in self.env if self.env[n] is not env.get(n)}
            if not self.dead:
                ends.append(self.definite)
                values.append(self.env)
                locals_after.append(self._locals())
        self.maybe -= 1
        if not exhaustive:
            ends.append(start)
            values.append(env)
            locals_after.append(locals_before)
        self.dead = dead or not ends
        self._join(start, ends, values, bound, env)
        self._join_locals(locals_after)

    def _locals(self) -> dict[str, Value]:
        return dict(self.scope.vars) if self.scope is not None else {}

    def _set_locals(self, found: dict[str, Value]) -> None:
        if self.scope is not None:
            self.scope.vars = dict(found)

    def _join_locals(self, found: list[dict[str, Value]]) -> None:
        if self.scope is None or not found:
            return
        merged: dict[str, list[Value]] = {}
        for one in found:
            for name, value in one.items():
                merged.setdefault(name, []).append(value)
        self.scope.vars = {n: join(v) for n, v in merged.items()}

    def _join(
        self, start: set[str], ends: list[set[str]], values: list[dict[str, Value]],
        bound: set[str], env: dict[str, Value],
    ) -> None:  # fmt: skip
        self._loaded.clear()
        merged: dict[str, Value] = dict(env)
        for name in bound:
            found = [v[name] for v in values if name in v]
            if found:
                merged[name] = join(found)
        self.env = merged
        common = set.intersection(*ends) if ends else set(start)
        self.definite = common
        if not ends:
            return
        for name in sorted((common - start) | (bound & start & self._rebound(values, env))):
            if name in merged and not self.maybe and name in self.ever and name not in self.sure:
                kinds = self.kinds.get(name, BindKind.DATA)
                kind = kinds if kinds is BindKind.IMPORT else BindKind.DATA
                if kind is BindKind.DATA:
                    self.bind_page(name, merged[name], kind=kind)

    def _rebound(self, values: list[dict[str, Value]], env: dict[str, Value]) -> set[str]:
        names: set[str] = set()
        for name in env:
            if all(v.get(name) is not env[name] for v in values):
                names.add(name)
        return names

    def _if(self, node: ast.If) -> None:
        self.evaluate(node.test)
        self.guard += 1
        runs = [lambda: self.run_body(node.body), lambda: self.run_body(node.orelse)]
        taken = _decided(node.test)
        if taken is not None:
            self.guard -= 1
            runs[0 if taken else 1]()
            return
        self.branches(runs, exhaustive=True)
        self.guard -= 1

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        iterable = self.evaluate(node.iter)
        self._use_iterator(iterable)
        item = self.iterate(iterable)

        def body() -> None:
            self.assign(node.target, item)
            self.run_body(node.body)

        self._loop(body, node.orelse, sure=_surely_runs(node.iter, iterable))

    def _while(self, node: ast.While) -> None:
        self.evaluate(node.test)
        forever = _decided(node.test) is True
        self.guard += not forever

        def body() -> None:
            self.run_body(node.body)

        self._loop(body, node.orelse, sure=forever)
        self.guard -= not forever

    def _loop(self, body: Callable[[], None], orelse: list[ast.stmt], *, sure: bool) -> None:
        exits = LoopExits()
        self.loops.append(exits)
        start, dead = set(self.definite), self.dead
        if not sure:
            self.maybe += 1
        before_env, before_locals = dict(self.env), self._locals()
        body()
        ends = [] if self.dead else [self.definite]
        self._again(body, before_env, before_locals)
        if not sure:
            self.maybe -= 1
        self.loops.pop()
        self.dead = dead
        ends += exits.continues
        if not sure:
            ends.append(start)
        done = set.intersection(*ends) if ends else set(start)
        self.definite = done
        if orelse:
            if exits.breaks:
                self.branches([lambda: self.run_body(orelse)], exhaustive=False)
            else:
                self.run_body(orelse)
            done = self.definite
        for left in exits.breaks:
            self.definite &= left
        for name in sorted(self.definite - start):
            if name in self.ever and name not in self.sure and not self.maybe and name in self.env:
                self.bind_page(name, self.env[name])

    def _again(
        self, body: Callable[[], None], env: dict[str, Value], local: dict[str, Value]
    ) -> None:
        """What the body leaves behind is there when it runs again: once more, joined."""
        self._loaded.clear()
        changed = False
        for name, value in env.items():
            now = self.env.get(name, value)
            if now is not value and now.shares != value.shares:
                self.env[name] = join((value, now))
                changed = True
        changed = changed or any(n not in env and v.shares for n, v in self.env.items())
        if self.scope is not None:
            for name, value in self.scope.vars.items():
                old = local.get(name)
                if old is None or old.shares != value.shares:
                    changed = changed or bool(value.shares)
                    if old is not None:
                        self.scope.vars[name] = join((old, value))
        if not changed or self.steps > 4000 or len(self.loops) > 2:
            return
        kept = (set(self.definite), self.dead, len(self.findings))
        self.dead = False
        exits = self.loops[-1]
        breaks, continues = list(exits.breaks), list(exits.continues)
        body()
        self.definite, self.dead = kept[0], kept[1]
        exits.breaks, exits.continues = breaks, continues

    def _break(self, node: ast.Break) -> None:
        if self.loops:
            self.loops[-1].breaks.append(set(self.definite))
        self.dead = True

    def _continue(self, node: ast.Continue) -> None:
        if self.loops:
            self.loops[-1].continues.append(set(self.definite))
        self.dead = True

    def _return(self, node: ast.Return) -> None:
        value = self.evaluate(node.value) if node.value is not None else UNKNOWN
        scope = self.scope
        while scope is not None and scope.kind != "function":
            scope = scope.parent
        if scope is not None and node.value is not None:
            scope.returns.append(value)
        self.dead = True

    def _raise(self, node: ast.Raise) -> None:
        for part in (node.exc, node.cause):
            if part is not None:
                self.evaluate(part)
        self.dead = True

    def _try(self, node: ast.Try) -> None:
        self.guard += bool(node.handlers)
        if not node.handlers:
            self.run_body(node.body)
            self.run_body(node.orelse)
        else:
            start = set(self.definite)

            def body() -> None:
                self.run_body(node.body)
                self.run_body(node.orelse)

            runs: list[Callable[[], None]] = [body]
            runs += [lambda h=h: self._handler(h, start) for h in node.handlers]  # type: ignore[misc]
            self.branches(runs, exhaustive=True)
        self.guard -= bool(node.handlers)
        dead = self.dead
        self.dead = False
        self.run_body(node.finalbody)
        self.dead = self.dead or dead

    def _handler(self, node: ast.ExceptHandler, start: set[str]) -> None:
        if node.type is not None:
            self.evaluate(node.type)
        if node.name:
            value = Value(type="exception")
            if not self.assign_local(node.name, value):
                self.bind_page(node.name, value, silent=True)
        self.run_body(node.body)
        if node.name and self.scope is None:
            self.definite.discard(node.name)
            self.env.pop(node.name, None)
            self.kinds.pop(node.name, None)
            self._loaded.clear()

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        hidden = suppress = 0
        for item in node.items:
            value = self.evaluate(item.context_expr)
            path = self._context_path(item.context_expr)
            hidden += path in lib.CONTEXTS
            suppress += path == "contextlib.suppress"
            if value.type == "instance":
                value = self.method_of(value, "__enter__", []) or value
                self.method_of(value, "__exit__", [UNKNOWN] * 3)
            if value.live is not None and value.same:
                self.mutate(value, "with")
            if item.optional_vars is not None:
                self.assign_context(item.optional_vars, value)
        self.hides_options += bool(hidden)
        if suppress:
            self.branches([lambda: self.run_body(node.body)], exhaustive=False)
        else:
            self.run_body(node.body)
        self.hides_options -= bool(hidden)

    def assign_context(self, target: ast.expr, value: Value) -> None:
        """Bind the name of `with … as`: what is closed at its end is no reason for a warning."""
        if isinstance(target, ast.Name) and not self.assign_local(target.id, value):
            self.bind_page(target.id, value)
        elif not isinstance(target, ast.Name):
            self.assign(target, value)

    def _context_path(self, node: ast.expr) -> str | None:
        if not isinstance(node, ast.Call):
            return None
        self.quiet += 1
        value = (
            self.evaluate(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else UNKNOWN
        )
        self.quiet -= 1
        return value.path

    def _match(self, node: ast.Match) -> None:
        subject = self.evaluate(node.subject)
        self.guard += 1
        runs: list[Callable[[], None]] = []
        exhaustive = False
        for case in node.cases:
            runs.append(lambda c=case: self._case(c, subject))  # type: ignore[misc]
            if case.guard is None and _irrefutable(case.pattern):
                exhaustive = True
        self.branches(runs, exhaustive=exhaustive)
        self.guard -= 1

    def _case(self, case: ast.match_case, subject: Value) -> None:
        part = contents(subject)
        for node in ast.walk(case.pattern):
            if isinstance(node, ast.MatchValue):
                self.evaluate(node.value)
            elif isinstance(node, ast.MatchClass):
                self.evaluate(node.cls)
            elif isinstance(node, ast.MatchMapping):
                for key in node.keys:
                    self.evaluate(key)
                if node.rest:
                    self.bind(node.rest, holding("dict", [subject]))
            elif isinstance(node, ast.MatchStar) and node.name:
                self.bind(node.name, holding("list", [part]))
            elif isinstance(node, ast.MatchAs) and node.name:
                self.bind(node.name, join((subject, part)))
        if case.guard is not None:
            self.evaluate(case.guard)
        self.run_body(case.body)

    def _assert(self, node: ast.Assert) -> None:
        self.evaluate(node.test)
        if node.msg is not None:
            self.evaluate(node.msg)

    def _alias(self, node: ast.stmt) -> None:
        target = getattr(node, "name", None)
        if isinstance(target, ast.Name):
            self.bind(target.id, Value(type="library"))

    def _nothing(self, node: ast.stmt) -> None:
        """`pass`, `global` and `nonlocal` do nothing when they run."""


def _decided(test: ast.expr) -> bool | None:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
        return False
    if (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and isinstance(test.comparators[0], ast.Constant)
    ):
        return test.comparators[0].value == "__main__"
    return None


def _surely_runs(node: ast.expr, value: Value) -> bool:
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return any(not isinstance(e, ast.Starred) for e in node.elts)
    if isinstance(node, ast.Dict):
        return any(k is not None for k in node.keys)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value)
    if isinstance(value.const, str | tuple):
        return bool(value.const)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        if node.func.id == "range":
            try:
                numbers = [ast.literal_eval(a) for a in node.args]
                return len(range(*numbers)) > 0
            except (ValueError, TypeError, OverflowError):
                return False
        if node.func.id in ("enumerate", "reversed", "sorted", "list") and node.args:
            return _surely_runs(node.args[0], UNKNOWN)
        if node.func.id == "zip" and node.args:
            return all(_surely_runs(a, UNKNOWN) for a in node.args)
    return False


def _irrefutable(pattern: ast.pattern) -> bool:
    if isinstance(pattern, ast.MatchAs):
        return pattern.pattern is None or _irrefutable(pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        return any(_irrefutable(p) for p in pattern.patterns)
    return False


_STATEMENTS: dict[str, Callable[..., None]] = {
    "Assign": Statements._assign, "AnnAssign": Statements._annotated,
    "AugAssign": Statements._augmented, "Delete": Statements._delete,
    "Expr": Statements._expression, "FunctionDef": Statements._function,
    "AsyncFunctionDef": Statements._function, "ClassDef": Statements._class,
    "Import": Statements._import, "ImportFrom": Statements._import, "If": Statements._if,
    "For": Statements._for, "AsyncFor": Statements._for, "While": Statements._while,
    "Break": Statements._break, "Continue": Statements._continue, "Return": Statements._return,
    "Raise": Statements._raise, "Try": Statements._try, "TryStar": Statements._try,
    "With": Statements._with, "AsyncWith": Statements._with, "Match": Statements._match,
    "Assert": Statements._assert, "TypeAlias": Statements._alias,
}  # fmt: skip
_ = UNKNOWN_CONST
