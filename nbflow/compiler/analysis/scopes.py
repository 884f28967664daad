"""Names by scope: what a function binds itself and what it looks up on the page."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbflow.compiler.analysis.values import NOTHING

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class ScopeInfo:
    """``own``: names bound here; ``free``: names looked up on the page, by it or what it contains;
    ``global_binds``: names of the page it binds; ``outer``: ``nonlocal`` names.
    """

    own: frozenset[str]
    free: frozenset[str]
    global_binds: frozenset[str]
    outer: frozenset[str]
    is_generator: bool


def scope_of(node: FunctionNode) -> ScopeInfo:
    """Return the scope of a function or lambda, worked out once per node."""
    known = getattr(node, "_nbflow_scope", None)
    if isinstance(known, ScopeInfo):
        return known
    raw = _function(node)
    info = ScopeInfo(
        own=frozenset(raw.own), free=frozenset(raw.unresolved | raw.to_page),
        global_binds=frozenset(raw.page_binds), outer=frozenset(raw.nonlocals),
        is_generator=raw.yields,
    )  # fmt: skip
    node._nbflow_scope = info  # type: ignore[union-attr]
    return info


def free_of_expression(node: ast.expr) -> frozenset[str]:
    """Return the names an expression looks up outside itself (walrus targets count as such)."""
    raw = _Raw()
    _visit(node, raw)
    return frozenset((raw.loads | raw.unresolved | raw.to_page) - NOTHING)


def names_in_targets(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the names that assignment targets bind, in order."""
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Name):
            found.append(node.id)
        elif isinstance(node, ast.Tuple | ast.List):
            found.extend(names_in_targets(node.elts))
        elif isinstance(node, ast.Starred):
            found.extend(names_in_targets([node.value]))
    return found


class _Raw:
    """What one scope says, before names are resolved outwards."""

    __slots__ = (
        "loads",
        "nonlocals",
        "own",
        "page",
        "page_binds",
        "to_page",
        "unresolved",
        "yields",
    )

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.loads: set[str] = set()
        self.page: set[str] = set()
        self.page_binds: set[str] = set()
        self.nonlocals: set[str] = set()
        self.unresolved: set[str] = set()
        self.to_page: set[str] = set()
        self.yields = False


def _function(node: FunctionNode) -> _Raw:
    raw = _Raw()
    args = node.args
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs):
        raw.own.add(arg.arg)
    for star in (args.vararg, args.kwarg):
        if star is not None:
            raw.own.add(star.arg)
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    for part in body:
        _visit(part, raw)
    raw.own -= raw.page | raw.nonlocals
    inner = raw.unresolved
    raw.unresolved = ((inner | raw.loads) - raw.own) - raw.page
    raw.to_page |= (raw.loads | inner) & raw.page
    return raw


def _visit(node: ast.AST, raw: _Raw) -> None:
    if isinstance(node, ast.Name):
        _name(node, raw)
    elif isinstance(node, _FUNCTIONS):
        _nested_function(node, raw)
    elif isinstance(node, ast.ClassDef):
        _nested_class(node, raw)
    elif isinstance(node, _COMPREHENSIONS):
        _comprehension(node, raw)
    elif isinstance(node, ast.Global):
        raw.page |= set(node.names)
        raw.page_binds |= set(node.names)
    elif isinstance(node, ast.Nonlocal):
        raw.nonlocals |= set(node.names)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            raw.own.add(alias.asname or alias.name.partition(".")[0])
    else:
        _other(node, raw)


def _other(node: ast.AST, raw: _Raw) -> None:
    if isinstance(node, ast.Yield | ast.YieldFrom):
        raw.yields = True
    elif (isinstance(node, ast.ExceptHandler) and node.name) or (
        isinstance(node, ast.MatchAs | ast.MatchStar) and node.name
    ):
        raw.own.add(node.name)
    elif isinstance(node, ast.MatchMapping) and node.rest:
        raw.own.add(node.rest)
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        raw.loads.add(node.target.id)  # the tree says Store only
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        # Annotations of a function's own variables are never evaluated.
        raw.own.add(node.target.id)
        if node.value is not None:
            _visit(node.value, raw)
        return
    for child in ast.iter_child_nodes(node):
        _visit(child, raw)


def _name(node: ast.Name, raw: _Raw) -> None:
    if isinstance(node.ctx, ast.Load):
        raw.loads.add(node.id)
    else:
        raw.own.add(node.id)


def _nested_function(node: FunctionNode, raw: _Raw) -> None:
    if not isinstance(node, ast.Lambda):
        raw.own.add(node.name)
    for now in evaluated_at_definition(node):
        _visit(now, raw)
    inner = _function(node)
    raw.unresolved |= inner.unresolved
    raw.to_page |= inner.to_page
    raw.page_binds |= inner.page_binds


def _nested_class(node: ast.ClassDef, raw: _Raw) -> None:
    raw.own.add(node.name)
    for now in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
        _visit(now, raw)
    inner = _Raw()
    for part in node.body:
        _visit(part, inner)
    raw.unresolved |= inner.unresolved | (inner.loads - inner.own)
    raw.to_page |= inner.to_page | (inner.loads & inner.page)
    raw.page_binds |= inner.page_binds


def _comprehension(node: ast.AST, raw: _Raw) -> None:
    inner = _Raw()
    targets: set[str] = set()
    for generator in node.generators:  # type: ignore[attr-defined]
        targets.update(names_in_targets([generator.target]))
    for child in ast.iter_child_nodes(node):
        _visit(child, inner)
    walrus = {
        n.target.id
        for n in ast.walk(node)
        if isinstance(n, ast.NamedExpr) and isinstance(n.target, ast.Name)
    }
    raw.own |= walrus
    raw.loads |= (inner.loads - targets) | (inner.loads & walrus)
    raw.unresolved |= inner.unresolved - targets
    raw.to_page |= inner.to_page
    raw.yields = raw.yields or inner.yields


def evaluated_at_definition(node: FunctionNode, *, annotations: bool = True) -> Iterator[ast.expr]:
    """Yield the expressions of a definition that run at once: decorators, defaults, annotations."""
    if not isinstance(node, ast.Lambda):
        yield from node.decorator_list
    args = node.args
    yield from args.defaults
    yield from (d for d in args.kw_defaults if d is not None)
    if isinstance(node, ast.Lambda) or not annotations:
        return
    every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
    for arg in every:
        if arg is not None and arg.annotation is not None:
            yield arg.annotation
    if node.returns is not None:
        yield node.returns


def class_free_names(node: ast.ClassDef) -> frozenset[str]:
    """Return the names of the page that a class's methods look up when called."""
    found: frozenset[str] = NOTHING
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            found |= scope_of(part).free
        elif isinstance(part, ast.ClassDef):
            found |= class_free_names(part)
        elif isinstance(part, ast.Assign | ast.AnnAssign) and part.value is not None:
            for inner in ast.walk(part.value):
                if isinstance(inner, ast.Lambda):
                    found |= scope_of(inner).free
    return found
