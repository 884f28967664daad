"""A cell's top level: what travels as code becomes a unit, everything else is interpreted."""

import ast
import importlib.metadata
import sys
from dataclasses import replace
from functools import lru_cache

from nbflow.compiler.analysis import libraries as lib
from nbflow.compiler.analysis.magics import Magics, fragment
from nbflow.compiler.analysis.recorder import CHANGED_CODE, CODE_KINDS
from nbflow.compiler.analysis.remembering import changes, class_state, keeps_state
from nbflow.compiler.analysis.scopes import class_free_names, scope_of
from nbflow.compiler.analysis.star_imports import exported_names
from nbflow.compiler.analysis.transform import Parsed
from nbflow.compiler.analysis.values import NOTHING, UNKNOWN, Value
from nbflow.compiler.effects import (
    Ambient,
    Bind,
    BindKind,
    File,
    FileAction,
    Plot,
    Read,
    SetOption,
    Unit,
)
from nbflow.model.sentence import Sentence

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


class Cells(Magics):
    """Interprets the statements of a cell and makes their units."""

    __slots__ = ("_lines", "_parsed", "only_code")

    _parsed: Parsed
    _lines: list[str]
    only_code: bool

    def cell(self, parsed: Parsed) -> None:
        """Interpret a whole cell."""
        self._parsed = parsed
        self._lines = parsed.text.split("\n")
        self.only_code = not parsed.magics and parsed.foreign is None
        if parsed.foreign is not None:
            self.line = parsed.foreign.line
            self.foreign_magic(parsed.foreign)
            return
        assert parsed.tree is not None
        timed: list[ast.stmt] | None = None
        for magic in parsed.magics:
            self.line = magic.line
            if magic.name == "timeit":
                timed = fragment(magic.name, magic.rest)
            elif magic.name == "prun":
                self.run_text(magic.name, magic.rest)
        if timed is not None:
            self.run_locally(timed, parsed.tree.body)
        else:
            for statement in parsed.tree.body:
                if self.dead:
                    break
                self.top(statement)
        for magic in parsed.magics:
            if magic.name == "capture":
                self.capture(magic.rest)

    def cell_line(self, line: int) -> int:
        """Return the cell's line for a line of the tree."""
        return self._parsed.cell_line(line)

    def text_of(self, node: ast.AST) -> str:
        """Return the text of a node as it stands in the cell."""
        if self.fixed or not hasattr(node, "lineno"):
            return ast.unparse(node)
        found = ast.get_source_segment(self._parsed.text, node)
        return found if found is not None else ast.unparse(node)

    # ---------------------------------------------------------------- statements

    def top(self, node: ast.stmt) -> None:
        """Interpret a top-level statement."""
        self.line = self.cell_line(node.lineno)
        self.statement_reads = set()
        if isinstance(node, _DEFINITIONS):
            self._definition(node)
        elif isinstance(node, ast.If | ast.Try) and _only_code(node.body) and self._all_code(node):
            self._compound(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and self._code_assignment(node):
            return
        else:
            self._plain(node)

    def _plain(self, node: ast.stmt) -> None:
        before = len(self.events)
        number = len(self.units)
        self.literal = _is_literal(node)
        self.option_unit = (
            number if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) else None
        )
        self.run(node)
        self.option_unit = None
        was_literal, self.literal = self.literal, False
        new = self.events[before:]
        options = [e for e in new if isinstance(e, SetOption)]
        if options:
            reads = frozenset(self.statement_reads)
            calm: tuple[type, ...] = (SetOption, Read, Plot, Ambient, File)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                calm = (*calm, Bind)  # `old = np.seterr(...)`
            quiet = all(isinstance(event, calm) for event in new)
            if quiet and all(e.unit is not None for e in options):
                names = _names_of_pylab() if options[0].what == "%pylab" else {}
                number = self._unit(node, tuple(names), reads, option=True)
                for name, value in names.items():
                    self.bind_page(name, value, kind=BindKind.IMPORT, unit=number)
                    self.starred.add(name)
            else:
                self.events[before:] = [
                    SetOption(line=e.line, unit=None, what=e.what)
                    if isinstance(e, SetOption) else e
                    for e in new
                ]  # fmt: skip
            for event in options:
                self._warn_option(event.what)
        if not was_literal and not (options and self.units and self.units[-1].option):
            self.only_code = self.only_code and isinstance(node, ast.Pass | ast.Assert)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                self.only_code = self.only_code and True

    def _warn_option(self, what: str) -> None:
        if what.startswith(("os.environ", "sys.")):
            words = what.split(".")
            self.warn(
                "ambient",
                ".".join(words[:2]),
                "NBF308",
                Sentence("{what} sets process-wide state.", what=what),
            )

    def _unit(
        self, node: ast.stmt, binds: tuple[str, ...], now: frozenset[str], *,
        later: frozenset[str] = NOTHING, option: bool = False, stateful: str | None = None,
    ) -> int:  # fmt: skip
        first = node.lineno
        decorators = getattr(node, "decorator_list", [])
        if decorators:
            first = min(d.lineno for d in decorators)
        last = node.end_lineno or node.lineno
        self.units.append(
            Unit(
                first_line=self.cell_line(first), last_line=self.cell_line(last),
                source=self._source(node, first, last), binds=binds, needs_now=now,
                needs_when_called=later, option=option, stateful=stateful,
            )
        )  # fmt: skip
        return len(self.units) - 1

    def _source(self, node: ast.stmt, first: int, last: int) -> str:
        magic = isinstance(node, ast.Expr) and "get_ipython()" in self._lines[first - 1]
        if magic:
            start = self.cell_line(first)
            if 0 < start <= len(self._parsed.original):
                text = self._parsed.original[start - 1].strip()
                if text.startswith("%"):
                    return text
        segment = self.text_of(node)
        if getattr(node, "decorator_list", []):
            return "\n".join(self._lines[first - 1 : last])
        return segment

    def _definition(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            pairs = self.imported(node)
            future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
            number = self._unit(node, tuple(n for n, _ in pairs), NOTHING, option=future)
            if future:
                self.events.append(SetOption(line=self.line, unit=number, what="__future__"))
            star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
            for name, value in pairs:
                self.bind_page(name, value, kind=BindKind.IMPORT, unit=number)
                if star:
                    self.starred.add(name)
            return
        if isinstance(node, ast.ClassDef):
            value = self.define_class(node)
            kind, later = BindKind.CLASS, class_free_names(node)
        else:
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            value = self.define(node)
            kind = BindKind.FUNCTION
            later = scope_of(node).free.union(*(f.free for f in value.fns))
        now = frozenset(self.statement_reads)
        stateful = self._stateful(node)
        number = self._unit(node, (node.name,), now, later=later, stateful=stateful)
        self.register(node, number)
        value = _named_code(value, kind)
        self.made.add(node.name)
        if value.live == CHANGED_CODE:
            # Its base was changed since it was written: a replay would give another class.
            self.bind_page(node.name, replace(value, late=later))
            return
        self.bind_page(node.name, value, kind=kind, unit=number)

    def _stateful(self, node: ast.stmt) -> str | None:
        for decorator in getattr(node, "decorator_list", ()):
            func = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(func, ast.Name | ast.Attribute):
                self.quiet += 1
                path = self.evaluate(func).path
                self.quiet -= 1
                if path in lib.CACHES:
                    return f"{path} keeps results"
                if self._decorator_keeps(func):
                    return "its decorator keeps something"
        if isinstance(node, ast.FunctionDef):
            names = {
                a.arg
                for a, d in zip(
                    reversed([*node.args.posonlyargs, *node.args.args]),
                    reversed(node.args.defaults), strict=False,
                )
                if isinstance(d, ast.List | ast.Dict | ast.Set | ast.Call)
            }  # fmt: skip
            if names and changes(node, names):
                return "a mutable default is changed"
        if isinstance(node, ast.ClassDef):
            return class_state(node)
        return None

    def _decorator_keeps(self, func: ast.expr) -> bool:
        """Tell whether what a decorator of the notebook makes remembers its calls."""
        self.quiet += 1
        value = self.evaluate(func)
        self.quiet -= 1
        return bool(value.classes) or any(keeps_state(f.node) for f in value.fns)

    def _compound(self, node: ast.stmt) -> None:
        before, hidden = len(self.events), len(self.units)
        self.only_code = self.only_code and True
        self.option_unit = hidden
        self.run(node)
        self.option_unit = None
        new = self.events[before:]
        del self.units[hidden:]
        binds = tuple(dict.fromkeys(e.name for e in new if isinstance(e, Bind)))
        now = frozenset(self.statement_reads) - frozenset(binds)
        later = frozenset(n for part in ast.walk(node) for n in _later(part))
        number = self._unit(node, binds, now, later=later,
                            option=any(isinstance(e, SetOption) for e in new))  # fmt: skip
        kept = [e for e in new if not isinstance(e, Bind)]
        self.events[before:] = kept
        for name in binds:
            value = self.env.get(name, UNKNOWN)
            kind = self.kinds.get(name, BindKind.DATA)
            if value.fns and kind is BindKind.DATA:
                kind, value = BindKind.FUNCTION, _named_code(value, BindKind.FUNCTION)
            elif value.type == "class":
                kind = BindKind.CLASS
            sure = name in self.definite
            if kind in (BindKind.FUNCTION, BindKind.CLASS):
                self.made.add(name)
            if not sure:
                self.maybe += 1
            self.bind_page(name, value, kind=kind, unit=number)
            if not sure:
                self.maybe -= 1
                self.definite.discard(name)

    def _all_code(self, node: ast.If | ast.Try) -> bool:
        parts: list[ast.stmt] = [*node.orelse]
        if isinstance(node, ast.Try):
            parts += [*node.finalbody, *(s for h in node.handlers for s in h.body)]
        return _only_code(parts) and _has_code([*node.body, *parts])

    def _code_assignment(self, node: ast.Assign | ast.AnnAssign) -> bool:
        """A named lambda, a class made by a call, or another name for code."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or node.value is None:
            return False
        kind = self._code_kind(node.value)
        if kind is None:
            return False
        if isinstance(node, ast.AnnAssign) and not self.annotations_are_lazy():
            self.evaluate(node.annotation)
        value = self.evaluate(node.value)
        name = targets[0].id
        now = frozenset(self.statement_reads)
        later = value.late if isinstance(node.value, ast.Lambda) else NOTHING
        number = self._unit(node, (name,), now, later=later)
        if kind is BindKind.FUNCTION and value.fns:
            value = _named_code(value, kind)
            self.made.add(name)
        self.bind_page(name, value, kind=kind, unit=number)
        return True

    def _code_kind(self, node: ast.expr) -> BindKind | None:
        if isinstance(node, ast.Lambda):
            return BindKind.FUNCTION
        root = node.func if isinstance(node, ast.Call) else node
        base = root
        while isinstance(base, ast.Attribute):
            base = base.value
        if not isinstance(base, ast.Name) or not isinstance(root, ast.Name | ast.Attribute):
            return None
        kind = self.kind_of(base.id)
        if kind not in CODE_KINDS or self.env.get(base.id, UNKNOWN).live:
            return None
        self.quiet += 1
        value = self.evaluate(root)
        self.quiet -= 1
        if isinstance(node, ast.Call):
            return BindKind.CLASS if value.path in lib.CLASS_MAKERS else None
        if isinstance(node, ast.Name):
            return kind
        if kind is BindKind.IMPORT and value.path is not None:
            return BindKind.IMPORT
        return None

    # -------------------------------------------------------------------- imports

    def import_unit(self, node: ast.Import | ast.ImportFrom) -> int | None:
        """Return the unit by which an import that stands inside other code is replayed."""
        if self.scope is not None or self.fixed:
            return None
        text = ast.unparse(node)
        if self.maybe:
            text = f"try:\n    {text}\nexcept ImportError:\n    pass"
        names = tuple(a.asname or a.name.partition(".")[0] for a in node.names)
        self.units.append(Unit(first_line=self.line, last_line=self.line, source=text, binds=names))
        return len(self.units) - 1

    def imported(self, node: ast.Import | ast.ImportFrom) -> list[tuple[str, Value]]:
        """Return what an import binds; a local module's file is read."""
        found: list[tuple[str, Value]] = []
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._local_module(alias.name)
                root = alias.name.partition(".")[0]
                path = alias.name if alias.asname else root
                found.append((alias.asname or root, Value(type="module", path=path)))
            return found
        module = "." * node.level + (node.module or "")
        self._local_module(module)
        for alias in node.names:
            if alias.name == "*":
                found += self._starred_names(module)
            else:
                value = Value(type="library", path=f"{module}.{alias.name}")
                found.append((alias.asname or alias.name, value))
        return found

    def _starred_names(self, module: str) -> list[tuple[str, Value]]:
        self.warn(
            "star-import",
            module,
            "NBF306",
            Sentence("Everything in {module} is imported by name.", module=module),
        )
        names = exported_names(module)
        if names is None:
            self.opaque(f"from {module} import *")
            return []
        return [(name, Value(type="library", path=path)) for name, path in names.items()]

    def _local_module(self, module: str) -> None:
        root = module.lstrip(".").partition(".")[0]
        if module.startswith(".") or (root and not is_installed(root)):
            path = module.lstrip(".").replace(".", "/")
            self.file(FileAction.READ, f"{path}.py", "import")
            self.file(FileAction.READ, f"{path}/*", "import")


@lru_cache(maxsize=1)
def _installed() -> frozenset[str]:
    return frozenset(importlib.metadata.packages_distributions())


def is_installed(root: str) -> bool:
    """Tell whether a top-level module belongs to Python or an installed package."""
    return root in sys.stdlib_module_names or root in lib.QUIET_ROOTS or root in _installed()


def _names_of_pylab() -> dict[str, Value]:
    """Return what `%pylab` binds."""
    modules = {
        "np": "numpy", "numpy": "numpy", "plt": "matplotlib.pyplot", "pyplot": "matplotlib.pyplot",
        "mlab": "matplotlib.mlab", "matplotlib": "matplotlib", "pylab": "pylab",
    }  # fmt: skip
    paths = {**(exported_names("pylab") or {}), **(exported_names("numpy") or {})}
    found = {name: Value(type="library", path=path) for name, path in paths.items()}
    return found | {name: Value(type="module", path=path) for name, path in modules.items()}


def _named_code(value: Value, kind: BindKind) -> Value:
    if value.type == "instance":
        return replace(value, same=NOTHING, deep=NOTHING)
    word = "class" if kind is BindKind.CLASS else "function"
    return Value(
        type=word, fns=value.fns, classes=value.classes, path=value.path, live=value.live
    )  # fmt: skip


def _is_literal(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if value is None:
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
    return all(isinstance(t, ast.Name | ast.Tuple) for t in targets) and _literal(value)


def _literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return _literal(node.operand)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return all(_literal(e) for e in node.elts)
    if isinstance(node, ast.Dict):
        return all(k is not None and _literal(k) for k in node.keys) and all(
            _literal(v) for v in node.values
        )
    if isinstance(node, ast.BinOp):
        return _literal(node.left) and _literal(node.right)
    return False


def _only_code(body: list[ast.stmt]) -> bool:
    return all(_is_code(node) for node in body)


def _is_code(node: ast.stmt) -> bool:
    if isinstance(node, (*_DEFINITIONS, ast.Pass)):
        return True
    if isinstance(node, ast.If):
        return _only_code(node.body) and _only_code(node.orelse)
    if isinstance(node, ast.Try):
        return _only_code([*node.body, *node.orelse, *node.finalbody]) and all(
            _only_code(h.body) for h in node.handlers
        )
    return _is_literal(node)


def _has_code(body: list[ast.stmt]) -> bool:
    return any(isinstance(n, _DEFINITIONS) for part in body for n in ast.walk(part))


def _later(node: ast.AST) -> frozenset[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return scope_of(node).free
    return NOTHING
