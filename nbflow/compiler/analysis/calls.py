"""Calls: functions of the notebook are followed, libraries looked up, the rest is unknown."""

import ast
import re
from dataclasses import replace

from nbflow.compiler.analysis import files, tables
from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis.functions import Functions
from nbflow.compiler.analysis.recorder import PROVIDED
from nbflow.compiler.analysis.values import (
    FRESH_NONE,
    IMMUTABLE,
    UNKNOWN,
    FunctionInfo,
    Value,
    constant,
    contents,
    fresh,
    holding,
    join,
)
from nbflow.compiler.effects import AmbientUse, BindKind, FileAction

Keywords = dict[str | None, Value]
_QUERY_NAME = re.compile(r"@([^\W\d]\w*)")
_WORD = re.compile(r"[^\W\d]\w*")


class Calls(Functions):
    """Evaluates calls."""

    __slots__ = ()

    def magic_call(self, node: ast.Call, name: str) -> Value:
        """Evaluate a call on `get_ipython()`."""
        raise NotImplementedError

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
                args.append(contents(self.evaluate(arg.value, escapes=True)))
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

    def escape(self, value: Value, context: Value) -> None:
        """A function is handed to code that may call it, with anything of the context."""
        self.need_late(value)
        if not value.fns and value.type != "instance":
            return
        self.unsure += 1
        self.maybe += 1
        try:
            for info in value.fns:
                count = 8
                given = [replace(context, loose=True)] * count
                if value.type == "method":
                    given[0] = replace(value, type="instance", fns=())
                spec = info.node.args
                given = given[: len(spec.posonlyargs) + len(spec.args)]
                self.invoke(info, given, {}, value)
            if value.type == "instance":
                self.method_of(value, "__call__", [context, context])
        finally:
            self.unsure -= 1
            self.maybe -= 1

    def _escape_all(self, values: list[Value], others: list[Value]) -> None:
        if not any(v.fns or v.type == "instance" or v.late for v in values):
            return
        shares = holding(None, others)
        context = Value(same=shares.deep, deep=shares.deep, loose=True)
        for value in values:
            self.escape(value, context)
            if value.elem is not None and value.elem.fns:
                self.escape(value.elem, context)

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
        return holding(None, [*every, callee], loose=True)

    def _feed(self, values: list[Value]) -> None:
        """Generators, iterators and generators of random numbers change when they are used."""
        for value in values:
            if value.type == "rng" or (value.live is not None and value.same):
                self.mutate(value, "use")

    # ------------------------------------------------------------------ libraries

    def library(self, path: str, node: ast.Call, args: list[Value], keywords: Keywords) -> Value:
        """Evaluate the call of a library's function or class."""
        every = [*args, *keywords.values()]
        word = path.rpartition(".")[2]
        root = path.partition(".")[0]
        if root == "builtins":
            found = self._builtin(word, node, args, keywords)
            if found is not None:
                return found
        self._file_use(path, args, keywords)
        self._library_state(path, root, word, args, keywords)
        for position in lib.MUTATED_ARGUMENTS.get(path, ()):
            if position < len(args):
                stores = holding(None, args[position + 1 :])
                keep = path in lib.STORED_ARGUMENTS
                self.mutate(args[position], f"{word}()", stores=stores if keep else None)
        for key in ("out", "ax"):
            if key in keywords:
                self.mutate(keywords[key], f"{key}=")
        if path == "builtins.print" and "file" in keywords:
            self.mutate(keywords["file"], "print(file=)")
        self._escape_all(every, every)
        if path not in ("builtins.isinstance", "builtins.type", "builtins.id", "builtins.len"):
            self._feed(every)
        if self.statement is node and is_option_call(path):
            self.option(option_words(path))
        elif is_option_call(path) and path in lib.OPTION_CALLS:
            self.option(option_words(path))
        self._formulas(root, every)
        return self._library_result(path, root, word, args, keywords)

    def _library_state(
        self, path: str, root: str, word: str, args: list[Value], keywords: Keywords
    ) -> None:
        if root == "random" and path != "random.Random" and word not in ("SystemRandom",):
            use = {"seed": AmbientUse.SEED, "setstate": AmbientUse.SEED,
                   "getstate": AmbientUse.READ}.get(word, AmbientUse.DRAW)  # fmt: skip
            self.ambient("random", use, path)
        elif path.startswith("numpy.random.") and path not in lib.RESULTS:
            use = {"seed": AmbientUse.SEED, "set_state": AmbientUse.SEED,
                   "get_state": AmbientUse.READ}.get(word, AmbientUse.DRAW)  # fmt: skip
            self.ambient("numpy.random", use, path)
        elif path in ("os.chdir", "contextlib.chdir"):
            absolute = args and isinstance(args[0].const, str) and args[0].const.startswith("/")
            if not absolute:
                self.ambient("cwd", AmbientUse.READ, path)
            self.ambient("cwd", AmbientUse.SEED if absolute else AmbientUse.DRAW, path)
            self.warn("ambient", "cwd", "NBF308", f"{path} changes the working directory.")
        elif path in ("os.getcwd", "pathlib.Path.cwd", "os.path.abspath"):
            self.ambient("cwd", AmbientUse.READ, path)
        elif root == "sklearn":
            if _sklearn_draws(word) and not _seeded(keywords):
                self.ambient("numpy.random", AmbientUse.DRAW, path)
            elif any(v.type == "estimator?" for v in args) and word[:1].islower():
                self.ambient("numpy.random", AmbientUse.DRAW, path)
        elif path in lib.DRAWS or (root == "scipy" and word in ("rvs", "resample")):
            if not _seeded(keywords):
                self.ambient("numpy.random", AmbientUse.DRAW, path)
        elif root in ("subprocess",) or path in ("os.system", "os.popen", "os.spawnl", "os.execv"):
            self.file(FileAction.READ, None, "shell")
            self.file(FileAction.WRITE, None, "shell")
        elif root not in lib.QUIET_ROOTS:
            self.may_draw(path)

    def _file_use(self, path: str, args: list[Value], keywords: Keywords) -> None:
        word = path.rpartition(".")[2]
        if path in files.OPENERS:
            self._open(args, keywords, word)
        elif path in files.FUNCTIONS:
            at, keys, actions = files.FUNCTIONS[path]
            target = (
                args[at]
                if at < len(args)
                else next((keywords[k] for k in keys if k in keywords), None)
            )
            if target is None and word in ("listdir", "scandir"):
                target = constant(".")
            self._touch(target, actions, path)
        elif path in files.TWO_PATHS:
            for value, action in zip(args, files.TWO_PATHS[path], strict=False):
                self._touch(value, (action,), path)
        elif path in ("glob.glob", "glob.iglob") and args:
            text = args[0].const
            self.file(FileAction.READ, files.pattern(text) if isinstance(text, str) else None, path)

    def _open(self, args: list[Value], keywords: Keywords, word: str) -> None:
        target = args[0] if args else keywords.get("file", keywords.get("filename"))
        mode = args[1] if len(args) > 1 else keywords.get("mode", constant("r"))
        self._touch(target, files.modes(mode.const), word)

    def _touch(self, target: Value | None, actions: tuple[FileAction, ...], what: str) -> None:
        is_file, path = files.path_of(target)
        if target is not None and target.live is not None:
            self.mutate(target, what)
            return
        if not is_file:
            return
        for action in actions:
            self.file(action, path, what)
            if what in files.WHOLE_FOLDERS:
                self.file(action, files.below(path), what)

    def _formulas(self, root: str, values: list[Value]) -> None:
        """patsy looks up the names of a formula in the notebook."""
        if root != "statsmodels":
            return
        for value in values:
            if isinstance(value.const, str) and "~" in value.const:
                self._names_in_text(_WORD.findall(value.const))

    def _names_in_text(self, words: list[str]) -> None:
        self.guard += 1
        for word in words:
            if self.bound(word) and not self.quiet:
                self.read(word, called=True)
        self.guard -= 1

    def _library_result(
        self, path: str, root: str, word: str, args: list[Value], keywords: Keywords
    ) -> Value:
        every = [*args, *keywords.values()]
        live = tables.LIVE_LIBRARY.get(path)
        if live is not None:
            return replace(holding("live", every), live=live)
        if path.startswith("itertools."):
            return replace(holding("iterator", every), live=f"{path} iterator")
        known = lib.RESULTS.get(path)
        if known is not None:
            return self._known_result(path, known, args, every)
        if root == "matplotlib":
            return holding("axes", [v for v in every if v.type in ("axes", "figure")])
        if root == "numpy":
            return self._numpy_result(path, word, args)
        if root == "sklearn":
            return self._sklearn_result(word, args, keywords)
        if root == "pandas":
            reads = word.startswith("read_") and "chunksize" not in keywords
            if word.startswith("read_") and not reads:
                return Value(type="live", live="file reader")
            return fresh("pandas" if reads else None)
        if root in ("math", "cmath", "statistics", "time"):
            return fresh("scalar")
        if path == "copy.copy" and args:
            return replace(args[0], same=frozenset(), deep=args[0].shares)
        if root == "seaborn":
            return holding("axes", [keywords["ax"]] if "ax" in keywords else [])
        if path in lib.CLASS_MAKERS:
            return Value(type="class", path=path)
        return replace(holding(None, every, loose=True), quiet=root in lib.QUIET_ROOTS)

    def _known_result(self, path: str, known: str, args: list[Value], every: list[Value]) -> Value:
        if known == "path":
            texts = [a.const for a in args]
            if texts and all(isinstance(t, str) for t in texts):
                return Value(type="path", const="/".join(str(t) for t in texts))
            return Value(type="path", const="." if not args else UNKNOWN.const)
        if known == "str" and path == "os.path.join":
            texts = [a.const for a in args]
            if texts and all(isinstance(t, str) for t in texts):
                return constant("/".join(str(t) for t in texts))
        if known == "copy":
            return replace(args[0], same=frozenset(), deep=frozenset()) if args else UNKNOWN
        if known == "unknown":
            return holding(None, every, loose=True)
        if known in ("dict", "deque"):
            return replace(
                holding(known, [contents(a) for a in args]), late=holding(None, args).late
            )
        if path == "matplotlib.pyplot.subplots":
            return Value(type="tuple", elem=fresh("axes"))
        return fresh(known)

    def _numpy_result(self, path: str, word: str, args: list[Value]) -> Value:
        if word in lib.NUMPY_VIEWS or path.startswith("numpy.lib"):
            shares = holding(None, args).deep
            return Value(type="ndarray", same=shares, deep=shares)
        if word in ("load",):
            return fresh(None)
        return fresh("ndarray")

    def _sklearn_result(self, word: str, args: list[Value], keywords: Keywords) -> Value:
        every = [*args, *keywords.values()]
        if word[:1].isupper() or word in ("make_pipeline", "make_union", "make_column_transformer"):
            steady = word in lib.SKLEARN_STEADY or _seeded(keywords)
            if word in ("StratifiedKFold", "KFold") and "shuffle" in keywords:
                steady = _seeded(keywords)
            inner = any(_holds_drawing(v) for v in every)
            kept = holding("estimator" if steady and not inner else "estimator?", every)
            return replace(kept, elem=None)
        if word.startswith("load_") or word.startswith("fetch_"):
            return fresh(None)
        if word == "train_test_split":
            return Value(type="list", elem=fresh(_common([a for a in args])))
        if word.startswith("make_"):
            return Value(type="tuple", elem=fresh("ndarray"))
        return fresh(None)

    def _builtin(
        self, word: str, node: ast.Call, args: list[Value], keywords: Keywords
    ) -> Value | None:
        every = [*args, *keywords.values()]
        if word in ("exec", "eval", "compile"):
            return self._dynamic(word, args)
        if word in ("globals", "vars", "locals") and not args:
            if word == "locals" and self.stack:
                return holding("dict", [])
            self.opaque(word)
            return UNKNOWN
        if word == "__import__" or word == "breakpoint":
            return UNKNOWN
        for value in every:
            self._shown(value)
        if word in ("len", "bool", "hash", "str", "repr", "abs", "iter", "next", "print"):
            for value in args:
                if value.type == "instance":
                    self.method_of(value, f"__{'str' if word == 'print' else word}__", [])
        if word in ("open",):
            self._open(args, keywords, "open")
            return Value(type="file", live="open file")
        if word in ("getattr",) and args:
            return replace(contents(args[0]), loose=True)
        if word in ("sorted", "list", "tuple", "set", "frozenset", "dict", "min", "max", "sum"):
            self._escape_all(every, every)
            self._feed(every)
            return self._consumed(word, args)
        if word in tables.LIVE_BUILTINS:
            self._escape_all(every, every)
            parts = [contents(a) if a.live is None else a for a in args]
            elem = join(parts) if len(parts) == 1 else holding(None, parts, loose=True)
            if word == "enumerate" and parts:
                elem = holding("tuple", parts)
            made = holding("iterator", [replace(a, same=a.shares) for a in args])
            return replace(made, live=tables.LIVE_BUILTINS[word], elem=elem)
        if word == "next":
            self.mutate(args[0], "next()") if args else None
            return contents(args[0]) if args else UNKNOWN
        if word == "setattr" and args:
            self.mutate(args[0], "setattr()", stores=holding(None, args[1:]))
            if args[0].type in ("module", "library"):
                self.option(args[0].path or "setattr")
            return FRESH_NONE
        if word == "super":
            return UNKNOWN
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

    def _dynamic(self, word: str, args: list[Value]) -> Value:
        if word == "compile":
            return UNKNOWN
        text = args[0].const if args else None
        if word == "eval" and isinstance(text, str) and len(args) == 1:
            try:
                tree = ast.parse(text.strip(), mode="eval")
            except (SyntaxError, ValueError):
                return UNKNOWN
            outer, self.fixed = self.fixed, True
            value = self.evaluate(tree.body)
            self.fixed = outer
            return value
        self.opaque(word)
        return UNKNOWN

    # -------------------------------------------------------------------- methods

    def method(
        self, node: ast.Call, receiver: Value, name: str, args: list[Value], keywords: Keywords,
        starred: bool,
    ) -> Value:  # fmt: skip
        """Evaluate a method call on a value."""
        raise NotImplementedError


def _common(values: list[Value]) -> str | None:
    types = {v.type for v in values}
    return types.pop() if len(types) == 1 else None


def _holds_drawing(value: Value) -> bool:
    if value.type == "estimator?":
        return True
    return value.elem is not None and _holds_drawing(value.elem)


def _sklearn_draws(word: str) -> bool:
    return word in lib.SKLEARN_DRAWS


def _seeded(keywords: Keywords) -> bool:
    for key in lib.SEED_KEYWORDS:
        if key in keywords:
            value = keywords[key]
            return value.type != "None" and not (value.type == "library")
    shuffle = keywords.get("shuffle")
    return shuffle is not None and shuffle.const is False


def is_option_call(path: str) -> bool:
    """Tell whether calling this sets process-wide options."""
    if path in lib.OPTION_CALLS:
        return True
    module, _, word = path.rpartition(".")
    if not module or module in lib.NO_OPTIONS or module.startswith("builtins"):
        return False
    if word.startswith(lib.OPTION_PREFIXES) or word in lib.OPTION_WORDS:
        return not any(part[:1].isupper() for part in module.split("."))
    return False


def option_words(path: str) -> str:
    """Return the option's name for people."""
    return path


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


_ = (IMMUTABLE, BindKind)
