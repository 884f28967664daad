"""Calls: functions of the notebook are followed, libraries looked up, the rest is unknown."""

import ast
from abc import abstractmethod
from dataclasses import replace

from nbflow.compiler.analysis.builtin_calls import BuiltinCalls
from nbflow.compiler.analysis.estimators import Keywords
from nbflow.compiler.analysis.values import (
    UNKNOWN,
    FunctionInfo,
    Value,
    contents,
    holding,
    join,
)


class Calls(BuiltinCalls):
    """Evaluates calls."""

    __slots__ = ()

    @abstractmethod
    def magic_call(self, node: ast.Call, name: str) -> Value:
        """Evaluate a call on `get_ipython()`."""

    def call(self, node: ast.Call) -> Value:
        """Evaluate a call: its function, its arguments, then what it does."""
        self.steps += 1
        func = node.func
        receiver: Value | None = None
        if isinstance(func, ast.Attribute):
            if _is_get_ipython(func.value):
                return self.magic_call(node, func.attr)
            if isinstance(func.value, ast.Name):
                receiver = self.name(func.value.id, called=True)
            elif _is_super(func.value):
                receiver = self.name("self") if self.stack else UNKNOWN
                return self._super_call(node, func.attr, receiver)
            else:
                receiver = self.evaluate(func.value)
            callee = (
                self.attribute(receiver, func.attr)
                if receiver.type in ("module", "library", "class", "function")
                else UNKNOWN
            )
        elif isinstance(func, ast.Name):
            callee = self.name(func.id, called=True)
        else:
            callee = self.evaluate(func, escapes=True)
        args, keywords, starred = self._arguments(node)
        line = self.line
        if not self.fixed:
            self.line = self.cell_line(node.lineno)
        try:
            return self._dispatch(node, callee, receiver, args, keywords, starred)
        finally:
            self.line = line if self.fixed else self.line

    def _dispatch(
        self, node: ast.Call, callee: Value, receiver: Value | None, args: list[Value],
        keywords: Keywords, starred: bool,
    ) -> Value:  # fmt: skip
        if receiver is not None and receiver.type == "class" and receiver.classes:
            found = self._class_method(node, receiver, args, keywords, starred)
            if found is not None:
                return found
        if callee.path is not None:
            return self.library(callee.path, node, args, keywords)
        if receiver is not None and callee is UNKNOWN:
            assert isinstance(node.func, ast.Attribute)
            return self.method(node, receiver, node.func.attr, args, keywords, starred)
        if callee.type == "class" and callee.classes:
            made = [self.construct(c, args, keywords, starred=starred) for c in callee.classes]
            self._escape_all([a for a in args if callee.classes[0].foreign], args)
            return join(made)
        if callee.type == "class":
            made_of = holding(None, [*args, *keywords.values()])
            return replace(made_of, code=made_of.code | callee.same)
        if callee.fns:
            return self._follow(node, callee, args, keywords, starred)
        if callee.type == "instance":
            found = self.method_of(callee, "__call__", args)
            if found is not None:
                return found
        return self._unknown_function(node, callee, args, keywords)

    def _arguments(self, node: ast.Call) -> tuple[list[Value], Keywords, bool]:
        args: list[Value] = []
        starred = False
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                starred = True
                items = self.evaluate(arg.value, escapes=True)
                args.append(self.iterate(items) if items.type == "instance" else contents(items))
            else:
                args.append(self.evaluate(arg, escapes=True))
        keywords: Keywords = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, escapes=True)
            keywords[keyword.arg] = value if keyword.arg is not None else contents(value)
        return args, keywords, starred

    # ------------------------------------------------------- notebook functions

    def _follow(
        self, node: ast.Call, callee: Value, args: list[Value], keywords: Keywords, starred: bool
    ) -> Value:
        outer = self.via
        if outer is None and isinstance(node.func, ast.Name) and not self.quiet:
            self.via = node.func.id
        several = len(callee.fns) > 1
        if several:
            self.maybe += 1
        try:
            given = args
            if callee.type == "method":
                given = [replace(callee, type="instance", fns=()), *args]
            results = [self.invoke(f, given, keywords, callee, starred=starred) for f in callee.fns]
            if any(f.decorated for f in callee.fns):
                results.append(holding(None, [*args, *keywords.values()], loose=True))
        finally:
            self.via = outer
            if several:
                self.maybe -= 1
        return join(results)

    def _class_method(
        self, node: ast.Call, receiver: Value, args: list[Value], keywords: Keywords, starred: bool
    ) -> Value | None:
        assert isinstance(node.func, ast.Attribute)
        results = []
        for cls in receiver.classes:
            method = cls.find(node.func.attr)
            if method is None:
                continue
            kind = _method_kind(method)
            given = [receiver, *args] if kind == "classmethod" else args
            results.append(self.invoke(method, given, keywords, receiver, starred=starred))
        return join(results) if results else None

    def _super_call(self, node: ast.Call, name: str, receiver: Value) -> Value:
        args, keywords, starred = self._arguments(node)
        results = []
        for cls in receiver.classes:
            for base in cls.bases:
                method = base.find(name)
                if method is not None:
                    results.append(
                        self.invoke(method, [receiver, *args], keywords, receiver, starred=starred)
                    )
        return join(results) if results else holding(None, [receiver, *args], loose=True)

    def _unknown_function(
        self, node: ast.Call, callee: Value, args: list[Value], keywords: Keywords
    ) -> Value:
        every = [*args, *keywords.values()]
        if callee.same and callee.type not in ("function", "class"):
            name = next(iter(callee.same))
            if name in self.env or name in self.names:
                self.mutate(callee, f"{name}()", sure=False, stores=holding(None, every))
        if isinstance(node.func, ast.Name) or callee.loose or callee.same:
            self.may_draw(ast.unparse(node.func))
        self._escape_all(every, every)
        self._feed(every)
        made = holding(None, [*every, callee], loose=True)
        if isinstance(node.func, ast.Name):
            # Nothing is known of the name here, but it may be a class of the page all the same.
            made = replace(made, code=made.code | {node.func.id})
        return made

    @abstractmethod
    def method(
        self, node: ast.Call, receiver: Value, name: str, args: list[Value], keywords: Keywords,
        starred: bool,
    ) -> Value:  # fmt: skip
        """Evaluate a method call on a value."""


def _is_get_ipython(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "get_ipython"
    )


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    )


def _method_kind(method: FunctionInfo) -> str:
    if isinstance(method.node, ast.Lambda):
        return "plain"
    for decorator in method.node.decorator_list:
        if isinstance(decorator, ast.Name) and decorator.id in ("classmethod", "staticmethod"):
            return decorator.id
    return "plain"
