"""Branches and loops: alternatives run from one state and are joined."""

import ast
from collections.abc import Callable

from nbflow.compiler.analysis.definitions import Definitions
from nbflow.compiler.analysis.recorder import LoopExits
from nbflow.compiler.analysis.values import (
    UNKNOWN,
    Value,
    join,
)
from nbflow.compiler.effects import BindKind


class Branches(Definitions):
    """Interprets branches and loops."""

    __slots__ = ()

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
        if orelse and exits.breaks:
            # Either the loop was left by `break`, or the `else` ran.
            self.maybe += 1
            self.run_body(orelse)
            self.maybe -= 1
        elif orelse:
            self.run_body(orelse)
        if self.dead and exits.breaks:
            self.dead, self.definite = dead, set.intersection(*exits.breaks)
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
