"""Definitions of functions and classes, and imports."""

import ast
from abc import abstractmethod
from dataclasses import replace

from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis.assignments import Assignments
from nbflow.compiler.analysis.library import is_option_call
from nbflow.compiler.analysis.recorder import CHANGED_CODE, Scope
from nbflow.compiler.analysis.scopes import evaluated_at_definition, scope_of
from nbflow.compiler.analysis.values import (
    UNKNOWN,
    ClassInfo,
    FunctionInfo,
    Value,
    join,
)
from nbflow.compiler.effects import BindKind


class Definitions(Assignments):
    """Interprets definitions."""

    __slots__ = ()

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        value = self.define(node)
        self.bind(node.name, value)

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Value:
        """Evaluate a definition; the function itself isn't run."""
        at_once = evaluated_at_definition(node, annotations=not self.annotations_are_lazy())
        results = [self.evaluate(part, escapes=False) for part in at_once]
        self._decorate(node.decorator_list)
        made = self.function_value(node, node.name, [])
        for name in sorted(scope_of(node).global_binds):
            self.deferred.setdefault(name, self.line)
        opaque = self._contexts(node) or any(not self._steady(d) for d in node.decorator_list)
        made = replace(made, fns=tuple(replace(f, name=node.name) for f in made.fns))
        for decorator in reversed(results[: len(node.decorator_list)]):
            made = self._decorated(decorator, made)
        return replace(
            made, fns=tuple(replace(f, decorated=f.decorated or opaque) for f in made.fns)
        )

    def _decorated(self, decorator: Value, made: Value) -> Value:
        """Return what a decorator of the notebook makes of a function."""
        if decorator.type == "class" and decorator.classes:
            return self.construct(decorator.classes[0], [made], {})
        results = [self.invoke(f, [made], {}, decorator) for f in decorator.fns]
        found = [r for r in results if r.fns or r.type == "instance"]
        return join([*found]) if found else made

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

    def register(self, node: ast.stmt, unit: int) -> None:
        """A decorator that registers the definition with a library sets process-wide state."""
        for decorator in getattr(node, "decorator_list", ()):
            func = decorator.func if isinstance(decorator, ast.Call) else decorator
            self.quiet += 1
            path = self.evaluate(func).path if isinstance(func, ast.Attribute | ast.Name) else None
            self.quiet -= 1
            if path is not None and is_option_call(path):
                self.option_unit = unit
                self.option(path)
                self.option_unit = None

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
        changed = any(b.live == CHANGED_CODE for b in bases)
        return Value(
            type="class", classes=(info,), late=free, live=CHANGED_CODE if changed else None
        )  # fmt: skip

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

    @abstractmethod
    def import_unit(self, node: ast.Import | ast.ImportFrom) -> int | None:
        """Return the unit by which an import that stands inside other code is replayed."""

    @abstractmethod
    def imported(self, node: ast.Import | ast.ImportFrom) -> list[tuple[str, Value]]:
        """Return what an import binds."""
