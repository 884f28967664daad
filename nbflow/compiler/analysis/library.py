"""Calls of library functions: files, process-wide state, changed arguments, results."""

import ast
import re
from abc import abstractmethod
from dataclasses import replace

from nbflow.compiler.analysis import files, tables
from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis.estimators import Estimators, Keywords, seeded
from nbflow.compiler.analysis.values import (
    UNKNOWN,
    Value,
    constant,
    contents,
    fresh,
    holding,
)
from nbflow.compiler.effects import AmbientUse, BindKind, FileAction
from nbflow.model.sentence import Sentence

_QUERY_NAME = re.compile(r"@([^\W\d]\w*)")
_WORD = re.compile(r"[^\W\d]\w*")

_EVALUATE = ("pandas.eval", "numexpr.evaluate")


class Library(Estimators):
    """Evaluates calls of libraries."""

    __slots__ = ()

    @abstractmethod
    def _builtin(
        self, word: str, node: ast.Call, args: list[Value], keywords: Keywords
    ) -> Value | None:
        """Evaluate the call of a built-in function; None if nothing special is known of it."""

    def escape(self, value: Value, context: Value) -> None:
        """A function is handed to code that may call it, with anything of the context."""
        self.guard += 1  # it may be called later only (`np.vectorize(f)`)
        self.need_late(value)
        self.guard -= 1
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
                self.method_of(value, "__next__", [])
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

    def _feed(self, values: list[Value]) -> None:
        """Generators, iterators and generators of random numbers change when they are used."""
        for value in values:
            used = value.live is not None and (value.same or value.draws)
            if value.type == "rng" or used:
                self.mutate(value, "use")

    def library(self, path: str, node: ast.Call, args: list[Value], keywords: Keywords) -> Value:
        """Evaluate the call of a library's function or class."""
        every = [*args, *keywords.values()]
        word = path.rpartition(".")[2]
        root = path.partition(".")[0]
        if root == "builtins":
            found = self._builtin(word, node, args, keywords)
            if found is not None:
                return found
        if (root in lib.PLOTTING or root not in lib.QUIET_ROOTS) and not is_option_call(path):
            self.plot()
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
        if (self.statement is node and is_option_call(path)) or (
            is_option_call(path) and path in lib.OPTION_CALLS
        ):
            self.option(option_words(path), kept=path in lib.KEEPING_OPTIONS)
        if path in lib.FIRST_USES and self.statement is node and all(v.known for v in every):
            self.option(path)
        if path in lib.PAGE_READERS:
            self.opaque(path, binds=False)
        self._formulas(path, root, every)
        if path in lib.UNPICKLING:
            return replace(fresh(None), code=self._unpickled())
        return self._library_result(path, root, word, args, keywords)

    def _unpickled(self) -> frozenset[str]:
        """Return the code that what is loaded may hold: any class or function of the notebook."""
        names = sorted({*(name for name, _ in self.names.items()), *self.env})
        own = [n for n in names if self.kind_of(n) in (BindKind.FUNCTION, BindKind.CLASS)]
        self.guard += 1
        for name in own:
            self.read(name, called=True)
        self.guard -= 1
        return frozenset(own)

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
            self.warn(
                "ambient",
                "cwd",
                "NBF308",
                Sentence("{path} changes the working directory.", path=path),
            )
        elif path in ("os.getcwd", "pathlib.Path.cwd", "os.path.abspath"):
            self.ambient("cwd", AmbientUse.READ, path)
        elif root == "sklearn":
            self.sklearn_draws(path, word, args, keywords)
        elif path in lib.DRAWS or (root == "scipy" and word in ("rvs", "resample")):
            if not seeded(keywords):
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

    def _formulas(self, path: str, root: str, values: list[Value]) -> None:
        """Patsy, pandas and numexpr look up the names of a formula in the notebook."""
        for value in values:
            text = value.const
            if isinstance(text, str) and (
                path in _EVALUATE or (root == "statsmodels" and "~" in text)
            ):
                self._names_in_text(_WORD.findall(text))

    def _names_in_text(self, words: list[str]) -> None:
        """Read the names of the page that stand in a text, which may hold other words, too."""
        self.guard += 1
        for word in words:
            if self.bound(word):
                self._read_from_text(word)
        self.guard -= 1

    def _names_of_query(self, values: list[Value]) -> None:
        """Pandas looks up ``@name`` of a query where the query is called, then on the page."""
        for value in values:
            if isinstance(value.const, str):
                for word in _QUERY_NAME.findall(value.const):
                    self._read_from_text(word)

    def _read_from_text(self, word: str) -> None:
        # No look-up that a function's free names tell of, so that a followed call says it, too.
        quiet, self.quiet = self.quiet, 0
        self.name(word, called=True)
        self.quiet = quiet

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
            return self.sklearn_result(word, args, keywords)
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
            return Value(type="class")
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
        if known in ("dict", "defaultdict", "deque"):
            return replace(
                holding(known, [contents(a) for a in args]), late=holding(None, args).late
            )
        if path == "matplotlib.pyplot.subplots":
            return Value(type="figure-and-axes", elem=fresh("axes"))
        return fresh(known)

    def _numpy_result(self, path: str, word: str, args: list[Value]) -> Value:
        if word in ("vectorize", "frompyfunc"):
            return holding(None, args)
        if word in lib.NUMPY_VIEWS or path.startswith("numpy.lib"):
            shares = holding(None, args).deep
            return Value(type="ndarray", same=shares, deep=shares)
        if word in ("load",):
            return fresh(None)
        return fresh("ndarray")


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
