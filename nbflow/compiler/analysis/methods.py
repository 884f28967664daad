"""Method calls: by the receiver's type where it is known, by the method's name otherwise."""

import ast
from dataclasses import replace

from nbflow.compiler.analysis import files, tables
from nbflow.compiler.analysis.calls import Calls
from nbflow.compiler.analysis.estimators import Keywords, seeded
from nbflow.compiler.analysis.values import (
    FRESH_NONE,
    IMMUTABLE,
    NOTHING,
    UNKNOWN_CONST,
    Value,
    constant,
    contents,
    fresh,
    holding,
    join,
)
from nbflow.compiler.effects import AmbientUse, FileAction

_GETTERS = ("get_", "has_", "is_")


class Methods(Calls):
    """Evaluates method calls."""

    __slots__ = ()

    def method(
        self, node: ast.Call, receiver: Value, name: str, args: list[Value], keywords: Keywords,
        starred: bool,
    ) -> Value:  # fmt: skip
        """Evaluate a method call on a value."""
        every = [*args, *keywords.values()]
        if receiver.type == "instance":
            found = self._notebook_method(receiver, name, args, keywords, starred)
            if found is not None:
                return found
        if name in tables.PLOTTING or name.startswith(("plot_", "from_")):
            self.plot()
        self._method_files(receiver, name, args, keywords)
        self._escape_all(every, [receiver, *every])
        self._feed(every)
        if "inplace" in keywords and keywords["inplace"].const is not False:
            self.mutate(receiver, f".{name}(inplace=True)", sure=keywords["inplace"].const is True)
            return FRESH_NONE
        draws = name in ("rvs", "sample") or (name == "resample" and receiver.type != "pandas")
        if draws and not seeded(keywords) and receiver.type != "rng":
            self.ambient("numpy.random", AmbientUse.DRAW, f".{name}()")
        for key in ("ax", "out"):
            if key in keywords:
                self.mutate(keywords[key], f"{key}=")
        if receiver.type in IMMUTABLE:
            return self._of_immutable(receiver, name, args)
        typed = self._typed(receiver, name, args, keywords)
        if typed is not None:
            self._put(node, receiver, name, every)
            return typed
        return self._untyped(node, receiver, name, args, keywords, starred)

    def _notebook_method(
        self, receiver: Value, name: str, args: list[Value], keywords: Keywords, starred: bool
    ) -> Value | None:
        methods = list(dict.fromkeys(m for c in receiver.classes if (m := c.find(name))))
        if not methods:
            return None
        return join(
            self.invoke(m, self._with_self(m.node, receiver, args), keywords, receiver,
                        starred=starred)
            for m in methods
        )  # fmt: skip

    def _with_self(self, node: ast.AST, receiver: Value, args: list[Value]) -> list[Value]:
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Name) and decorator.id == "staticmethod":
                return args
        return [receiver, *args]

    # ---------------------------------------------------------------------- files

    def _method_files(
        self, receiver: Value, name: str, args: list[Value], keywords: Keywords
    ) -> None:
        if receiver.type == "path" and name in files.PATH_METHODS:
            actions = files.PATH_METHODS[name]
            if name in ("glob", "rglob"):
                root = receiver.const
                path = files.below(files.normalised(root)) if isinstance(root, str) else None
                self.file(FileAction.READ, path, f".{name}()")
                return
            self._touch(receiver, actions, name)
            if name in ("rename", "replace") and args:
                self._touch(args[0], actions, name)
            return
        if name == "open" and receiver.type == "path":
            mode = args[0] if args else keywords.get("mode", constant("r"))
            self._touch(receiver, files.modes(mode.const), "open")
            return
        if (
            receiver.type in (None, "path")
            and name in files.PATH_METHODS
            and (
                name.startswith(("read_", "write_"))
                or name in ("mkdir", "unlink", "rmdir", "touch")
            )
        ):
            for action in files.PATH_METHODS[name]:
                self.file(action, None, f".{name}()")
            return
        use = files.METHODS.get(name)
        if use is None or (name in ("save", "dump") and receiver.type in ("dict", "list")):
            return
        at, keys, actions = use
        target = (
            args[at] if at < len(args) else next((keywords[k] for k in keys if k in keywords), None)
        )
        if target is not None and target.type not in ("file", "live"):
            self._touch(target, actions, f".{name}()")
        elif target is not None:
            self.mutate(target, f".{name}()")

    # ---------------------------------------------------------------------- types

    def _of_immutable(self, receiver: Value, name: str, args: list[Value]) -> Value:
        if receiver.type == "path":
            text = receiver.const
            if name == "joinpath" and isinstance(text, str):
                parts = [a.const for a in args]
                if all(isinstance(p, str) for p in parts):
                    return Value(type="path", const="/".join([text, *map(str, parts)]))
            if name == "open":
                return Value(type="file", live="open file")
            if name in ("glob", "rglob", "iterdir"):
                return Value(type="iterator", live="iterator", elem=Value(type="path"))
            return Value(type="str" if name in ("read_text", "as_posix") else "path")
        if name in ("split", "rsplit", "splitlines", "findall"):
            return Value(type="list", elem=Value(type="str"))
        if name == "format" and isinstance(receiver.const, str) and all(a.known for a in args):
            try:
                return constant(receiver.const.format(*(a.const for a in args)))
            except (IndexError, KeyError, ValueError, AttributeError, TypeError):
                return Value(type="str")
        if name == "join":
            return Value(type="str")
        word = tables.TYPE_OF_METHOD.get(name)
        if name == "finditer":
            return Value(type="iterator", live="iterator")
        return fresh(word or ("str" if receiver.type == "str" else "scalar"))

    def _typed(
        self, receiver: Value, name: str, args: list[Value], keywords: Keywords
    ) -> Value | None:
        type_ = receiver.type
        if type_ == "rng":
            self.mutate(receiver, f".{name}()")
            if name == "shuffle" and args:
                self.mutate(args[0], ".shuffle()")
            return (
                fresh("list" if name in ("choices", "sample") else None)
                if name in ("choices", "sample", "random", "randint", "uniform", "gauss")
                else fresh("ndarray")
            )
        if type_ == "pandas":
            return self._pandas(receiver, name, args, keywords)
        if type_ in ("axes", "figure"):
            if not name.startswith(_GETTERS):
                self.mutate(receiver, f".{name}()")
            word = "axes" if name != "get_figure" else "figure"
            return Value(type=word, same=receiver.same, deep=receiver.shares)
        if type_ == "styler":
            if name.startswith("to_"):
                return fresh("str")
            self.mutate(receiver, f".{name}()", stores=holding(None, [*args, *keywords.values()]))
            return receiver
        if type_ == "estimator":
            return self.estimator_method(receiver, name, args)
        if type_ == "ndarray":
            if name in tables.TYPE_MUTATORS["ndarray"]:
                self.mutate(receiver, f".{name}()")
                return FRESH_NONE
            if name in tables.NDARRAY_VIEWS:
                return replace(receiver, const=UNKNOWN_CONST)
            return fresh(tables.TYPE_OF_METHOD.get(name, "ndarray"))
        if type_ in tables.TYPE_MUTATORS:
            assert type_ is not None
            return self._container(receiver, type_, name, args)
        return None

    def _container(self, receiver: Value, type_: str, name: str, args: list[Value]) -> Value:
        if name in tables.TYPE_MUTATORS[type_]:
            self.mutate(
                receiver, f".{name}()",
                stores=holding(None, args) if name in tables.PUTTING else None,
            )  # fmt: skip
        elif name not in tables.PURE_METHODS and name not in tables.STR_METHODS:
            self.mutate(receiver, f".{name}()", sure=False)
        if name in ("append", "extend", "sort", "reverse", "clear", "update", "add", "remove"):
            return FRESH_NONE
        if name == "copy":
            return replace(receiver, same=NOTHING, deep=receiver.shares - receiver.same)
        if name in ("keys", "count", "index"):
            return Value(type="view", elem=Value(type="scalar")) if name == "keys" else fresh("int")
        if name == "items" and receiver.elem is not None:
            pair = replace(holding("tuple", [contents(receiver)]), elem=contents(receiver))
            return Value(type="view", deep=receiver.shares, elem=pair)
        if name == "values":
            return Value(type="view", deep=receiver.shares, elem=receiver.elem)
        extra = [contents(receiver), *args]
        if name in ("get", "pop", "setdefault", "popleft"):
            return (
                join(extra)
                if receiver.elem is not None and len(args) < 2
                else holding(None, [replace(v, same=v.shares) for v in extra], loose=True)
            )
        return holding(None, [receiver, *args], loose=True)

    def _pandas(self, receiver: Value, name: str, args: list[Value], keywords: Keywords) -> Value:
        if name in tables.TYPE_MUTATORS["pandas"]:
            self.mutate(receiver, f".{name}()")
            return fresh("pandas")
        if name in ("query", "eval"):
            self._names_of_query(args)
        if name in ("plot", "hist", "boxplot", "bar", "line", "scatter"):
            return holding("axes", [keywords["ax"]] if "ax" in keywords else [])
        if name in ("iterrows", "itertuples"):
            return Value(type="iterator", live="iterator", elem=fresh("pandas"))
        if name == "items":
            return Value(type="iterator", live="iterator", elem=fresh(None))
        if name == "to_numpy":
            return Value(type="ndarray", same=receiver.shares, deep=receiver.shares)
        if name in tables.PANDAS_SHARING:
            return replace(receiver, same=NOTHING, deep=receiver.shares, loose=True)
        return fresh(tables.TYPE_OF_METHOD.get(name, "pandas"))

    # -------------------------------------------------------------------- untyped

    def _untyped(
        self, node: ast.Call, receiver: Value, name: str, args: list[Value], keywords: Keywords,
        starred: bool,
    ) -> Value:  # fmt: skip
        every = [*args, *keywords.values()]
        if receiver.live is not None and (receiver.same or receiver.loose):
            self.mutate(receiver, f".{name}()", stores=holding(None, every))
            return self._from_live(receiver, name)
        followed = self._any_class(receiver, name, args, keywords, starred)
        if name in ("query", "eval"):
            self._names_of_query(args)
        if name in tables.MUTATORS and not (name == "update" and receiver.type == "view"):
            put = name in tables.PUTTING
            self.mutate(receiver, f".{name}()", stores=holding(None, every) if put else None)
            if put and not receiver.same:
                self.absorb(node.func, holding(None, every))
            return (
                contents(receiver)
                if name in ("pop", "popleft", "setdefault")
                else (Value() if receiver.type is None and not put else FRESH_NONE)
            )
        if receiver.live is not None:
            return self._from_live(receiver, name)
        live = tables.LIVE_METHODS.get(name)
        if live is not None and receiver.type is None:
            return replace(holding("live", [receiver, *every]), live=live)
        if name in tables.PURE_METHODS or name in tables.STR_METHODS:
            return self._pure(receiver, name, args)
        unknown_self = receiver.type == "instance" and bool(receiver.classes)
        if followed is None or unknown_self:
            if receiver.type not in ("module", "library"):
                self.mutate(receiver, f".{name}()", sure=False, stores=holding(None, every))
                self._absorb_unsure(node, receiver, every)
            if receiver.draws or not receiver.quiet:
                self.may_draw(f".{name}()")
        out = holding(None, [replace(receiver, same=receiver.shares), *every], loose=True)
        out = replace(out, quiet=receiver.quiet)
        return out if followed is None else join((followed, out))

    def _absorb_unsure(self, node: ast.Call, receiver: Value, every: list[Value]) -> None:
        if not receiver.same:
            self.absorb(node.func, holding(None, every))

    def _from_live(self, receiver: Value, name: str) -> Value:
        if name in ("read", "readline", "fetchone", "getvalue", "strip", "recv", "result"):
            return fresh("str" if receiver.live == "open file" and name != "result" else None)
        if name in ("readlines", "fetchall"):
            return fresh("list")
        if name in tables.LIVE_METHODS or name in ("execute", "executemany"):
            return Value(
                type="live", same=receiver.shares, deep=receiver.shares, live=receiver.live
            )
        if name in ("write", "close", "commit", "start", "join", "release", "flush", "writelines"):
            return FRESH_NONE
        return Value(deep=receiver.shares, loose=True)

    def _any_class(
        self, receiver: Value, name: str, args: list[Value], keywords: Keywords, starred: bool
    ) -> Value | None:
        """The receiver may be of any class of the notebook that has the method."""
        if receiver.type is not None and receiver.type not in ("instance", "tuple"):
            return None
        methods = dict.fromkeys(m for c in self.notebook_classes() if (m := c.find(name)))
        if not methods:
            return None
        self.unsure += 1
        self.maybe += 1
        results = [
            self.invoke(m, self._with_self(m.node, replace(receiver, type=None), args), keywords,
                        receiver, starred=starred)
            for m in methods
        ]  # fmt: skip
        self.unsure -= 1
        self.maybe -= 1
        return join(results)

    def _pure(self, receiver: Value, name: str, args: list[Value]) -> Value:
        word = tables.TYPE_OF_METHOD.get(name)
        if name in tables.STR_METHODS or name in tables.FRESH_METHODS or word in IMMUTABLE:
            return fresh(word)
        return replace(
            holding(word, [replace(receiver, same=receiver.shares), *args], loose=True),
            quiet=receiver.quiet,
        )

    def _put(self, node: ast.Call, receiver: Value, name: str, every: list[Value]) -> None:
        if name in tables.PUTTING and not receiver.same:
            self.absorb(node.func, holding(None, every))

    def absorb(self, target: ast.expr, stored: Value) -> None:
        """A local variable's object now holds what was put into it."""
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if not isinstance(target, ast.Name):
            return
        scope = self.scope
        while scope is not None:
            if target.id in scope.vars:
                old = scope.vars[target.id]
                scope.vars[target.id] = replace(
                    old, deep=old.deep | stored.shares, code=old.code | stored.code,
                    late=old.late | stored.late, live=old.live or stored.live, elem=None,
                    draws=old.draws or stored.draws,
                )  # fmt: skip
                return
            scope = scope.parent
