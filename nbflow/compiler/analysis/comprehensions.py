"""Comprehensions and generator expressions, and what iterating gives."""

import ast
from abc import abstractmethod
from dataclasses import replace

from nbflow.compiler.analysis.recorder import Recorder, Scope
from nbflow.compiler.analysis.scopes import free_of_expression, names_in_targets
from nbflow.compiler.analysis.values import UNKNOWN, UNKNOWN_CONST, Value, contents, holding


class Comprehensions(Recorder):
    """Evaluates comprehensions."""

    __slots__ = ()

    @abstractmethod
    def evaluate(self, node: ast.expr, *, escapes: bool = False) -> Value:
        """Record what an expression does and return its value."""

    @abstractmethod
    def method_of(self, value: Value, name: str, args: list[Value]) -> Value | None:
        """Run the notebook's method of that name if the value has one."""

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp) -> Value:
        word = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}[type(node)]
        outer, before = self.scope, set(self.definite)
        self._enter_comprehension(node.generators)
        if isinstance(node, ast.DictComp):
            parts = [self.evaluate(node.key), self.evaluate(node.value)]
        else:
            parts = [self.evaluate(node.elt)]
        self.scope = outer
        self.maybe -= 1
        self.definite &= before
        return replace(holding(word, parts), elem=parts[-1])

    def _enter_comprehension(self, generators: list[ast.comprehension]) -> None:
        first = self.evaluate(generators[0].iter)
        self.scope = Scope(kind="comp", parent=self.scope)
        self.maybe += 1
        for number, generator in enumerate(generators):
            iterable = first if number == 0 else self.evaluate(generator.iter)
            self.need_late_items(iterable)
            item = self.iterate(iterable)
            for name in names_in_targets([generator.target]):
                self.scope.vars[name] = (
                    item if isinstance(generator.target, ast.Name) else contents(item)
                )
            for test in generator.ifs:
                self.evaluate(test)

    def need_late_items(self, iterable: Value) -> None:
        """Iterating a live value runs what is in it."""
        if iterable.live is not None:
            self.need_late(iterable)
            self.mutate(iterable, "iteration")

    def iterate(self, iterable: Value) -> Value:
        """Return what a loop variable over the value may be."""
        if iterable.type == "instance":
            found = self.method_of(iterable, "__iter__", [])
            item = self.method_of(found or iterable, "__next__", [])
            if item is not None:
                return item
            if found is not None:
                return contents(found)
        if iterable.type == "pandas":
            return Value(type=None)
        if iterable.type in ("dict", "defaultdict"):
            return Value(type=None) if not iterable.shares else Value(type="scalar")
        return replace(contents(iterable), const=UNKNOWN_CONST)

    def _generator(self, node: ast.GeneratorExp) -> Value:
        first = self.evaluate(node.generators[0].iter)
        late = free_of_expression(node) - free_of_expression(node.generators[0].iter)
        late |= self._loaded_inside(node)
        outer = self.scope
        self.scope = Scope(kind="comp", parent=self.scope)
        self.maybe += 1
        self.quiet += 1
        before = set(self.definite)
        count = len(self.events)
        parts = self._inside_generator(node, first)
        self.quiet -= 1
        self.maybe -= 1
        self.definite = before
        self.scope = outer
        late = frozenset(n for n in late if not self._found_locally(n))
        value = holding("generator", [first, *parts])
        draws = value.draws or self.drew_since(count)
        return replace(value, live="generator", late=value.late | late, elem=parts[0], draws=draws)

    def _loaded_inside(self, node: ast.GeneratorExp) -> frozenset[str]:
        copy = ast.GeneratorExp(
            elt=node.elt,
            generators=[
                ast.comprehension(
                    target=node.generators[0].target, iter=ast.Tuple(elts=[], ctx=ast.Load()),
                    ifs=node.generators[0].ifs, is_async=0,
                ),
                *node.generators[1:],
            ],
        )  # fmt: skip
        return free_of_expression(copy)

    def _inside_generator(self, node: ast.GeneratorExp, first: Value) -> list[Value]:
        assert self.scope is not None
        for number, generator in enumerate(node.generators):
            item = self.iterate(first if number == 0 else self.evaluate(generator.iter))
            for name in names_in_targets([generator.target]):
                self.scope.vars[name] = (
                    item if isinstance(generator.target, ast.Name) else contents(item)
                )
            for test in generator.ifs:
                self.evaluate(test)
        return [self.evaluate(node.elt)]

    def _found_locally(self, name: str) -> bool:
        scope = self.scope
        while scope is not None:
            if scope.kind != "class" and (name in scope.vars or name in scope.own):
                return name not in scope.page
            scope = scope.parent
        return False

    def _local(self, name: str) -> Value:
        scope = self.scope
        while scope is not None:
            if name in scope.vars:
                return scope.vars[name]
            scope = scope.parent
        return UNKNOWN
