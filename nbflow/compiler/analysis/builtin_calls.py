"""Calls of built-in functions."""

import ast
from collections.abc import Callable
from dataclasses import replace

from nbflow.compiler.analysis import tables
from nbflow.compiler.analysis.estimators import Keywords
from nbflow.compiler.analysis.library import Library
from nbflow.compiler.analysis.recorder import PROVIDED
from nbflow.compiler.analysis.values import (
    FRESH_NONE,
    UNKNOWN,
    Value,
    constant,
    contents,
    fresh,
    holding,
    join,
)


class BuiltinCalls(Library):
    """Evaluates calls of built-in functions."""

    __slots__ = ()

    def _builtin(
        self, word: str, node: ast.Call, args: list[Value], keywords: Keywords
    ) -> Value | None:
        every = [*args, *keywords.values()]
        special = _SPECIAL.get(word)
        if special is not None:
            return special(self, word, args, keywords)
        for value in every:
            self._shown(value)
            if word == "display":
                self.displayed(value)
        self._dunders(word, args)
        if word in _COLLECTING or word in _ITERATING:
            for value in args:
                if value.type == "instance":
                    self.iterate(value)
        if word in _COLLECTING:
            self._escape_all(every, every)
            self._feed(every)
            return self._consumed(word, args)
        if word in tables.LIVE_BUILTINS:
            self._escape_all(every, every)
            return self._iterator(word, args)
        if word in tables.BUILTIN_RESULT:
            self._escape_all(every, every)
            if word in ("any", "all"):
                self._feed(every)
            if word == "print" and "file" in keywords:
                self.mutate(keywords["file"], "print(file=)")
            if word == "str" and args and isinstance(args[0].const, str | int):
                return constant(str(args[0].const))
            return fresh(tables.BUILTIN_RESULT[word])
        if word in PROVIDED and word[:1].isupper():
            return fresh("exception")
        return None

    def _dunders(self, word: str, args: list[Value]) -> None:
        if word in ("len", "bool", "hash", "str", "repr", "abs", "iter", "next", "print"):
            for value in args:
                if value.type == "instance":
                    self.method_of(value, f"__{'str' if word == 'print' else word}__", [])

    def _iterator(self, word: str, args: list[Value]) -> Value:
        parts = [contents(a) if a.live is None else a for a in args]
        elem = join(parts) if len(parts) == 1 else holding(None, parts, loose=True)
        if word == "enumerate" and parts:
            elem = holding("tuple", parts)
        made = holding("iterator", [replace(a, same=a.shares) for a in args])
        return replace(made, live=tables.LIVE_BUILTINS[word], elem=elem)

    def _namespace(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        if args:
            return fresh("list") if word == "dir" else replace(contents(args[0]), type="dict")
        if word in ("locals", "dir", "vars") and self.stack:
            return fresh("list") if word == "dir" else holding("dict", [])
        if word == "dir":
            self.opaque("dir()", history=True, binds=False)
            return fresh("list")
        self.opaque(word)
        return UNKNOWN

    def _opened(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        self._open(args, keywords, "open")
        return Value(type="file", live="open file")

    def _get_attribute(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        if not args:
            return UNKNOWN
        if args[0].path is not None:
            name = args[1].const if len(args) > 1 else None
            return self.attribute(args[0], name) if isinstance(name, str) else UNKNOWN
        return replace(contents(args[0]), loose=True)

    def _next(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        if not args:
            return UNKNOWN
        self.need_late(args[0])
        self.method_of(args[0], "__next__", [])
        self.mutate(args[0], "next()")
        return replace(contents(args[0]), live=None)

    def _set_named_attribute(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        if args and args[0].type in ("module", "library"):
            self.option(args[0].path or "setattr")
        elif args:
            self.mutate(args[0], f"{word}()", stores=holding(None, args[1:]))
        return FRESH_NONE

    def _nothing_known(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        return UNKNOWN

    def _consumed(self, word: str, args: list[Value]) -> Value:
        if word == "sum":
            return fresh(None)
        if not args:
            return fresh("set" if word == "frozenset" else word)
        if word in ("min", "max"):
            return join([contents(args[0])]) if len(args) == 1 else holding(None, args, loose=True)
        kind = {"sorted": "list", "frozenset": "set"}.get(word, word)
        if args[0].type == "class" or args[0].type == "library":
            return fresh(kind)
        elem = contents(args[0])
        if elem.immutable:
            return Value(type=kind, elem=elem)
        return replace(
            holding(kind, [elem]), elem=replace(elem, same=elem.same, const=UNKNOWN.const)
        )

    def _dynamic(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        texts = sorted(args[0].strings) if word == "eval" and len(args) == 1 else []
        if not texts:
            self.opaque(word)
            return UNKNOWN
        outer = self.fixed, self.quiet
        self.fixed, self.quiet = True, 0  # nobody but the text knows these names
        values = [self._evaluated(text, sure=len(texts) == 1) for text in texts]
        self.fixed, self.quiet = outer
        return join(values)

    def _evaluated(self, text: str, *, sure: bool) -> Value:
        """Evaluate the text of `eval`, which may be one of several."""
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError):
            return UNKNOWN
        self.guard += not sure
        value = self.evaluate(tree.body)
        self.guard -= not sure
        return value


_COLLECTING = frozenset(
    {"sorted", "list", "tuple", "set", "frozenset", "dict", "min", "max", "sum"}
)
_ITERATING = frozenset({"any", "all", "zip", "map", "filter", "enumerate"})
_SPECIAL: dict[str, Callable[[BuiltinCalls, str, list[Value], Keywords], Value]] = {
    "exec": BuiltinCalls._dynamic, "eval": BuiltinCalls._dynamic,
    "compile": BuiltinCalls._nothing_known, "globals": BuiltinCalls._namespace,
    "dir": BuiltinCalls._namespace, "vars": BuiltinCalls._namespace, "locals": BuiltinCalls._namespace,
    "__import__": BuiltinCalls._nothing_known, "breakpoint": BuiltinCalls._nothing_known,
    "super": BuiltinCalls._nothing_known, "open": BuiltinCalls._opened,
    "getattr": BuiltinCalls._get_attribute, "next": BuiltinCalls._next,
    "anext": BuiltinCalls._next, "setattr": BuiltinCalls._set_named_attribute,
    "delattr": BuiltinCalls._set_named_attribute,
}  # fmt: skip
