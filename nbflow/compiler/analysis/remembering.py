"""Functions and classes that keep something between their calls."""

import ast

from nbflow.compiler.analysis.scopes import scope_of
from nbflow.compiler.analysis.tables import MUTATORS


def changes(node: ast.AST, names: set[str]) -> bool:
    """Tell whether code changes the object of one of the names in place."""
    for part in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            target = part.func.value if part.func.attr in MUTATORS else None
        elif isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load):
            target = part.value
        elif isinstance(part, ast.AugAssign):
            target = part.target
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        if isinstance(target, ast.Name) and target.id in names:
            return True
    return False


def keeps_state(node: ast.AST) -> bool:
    """Tell whether functions inside a function change what is the outer one's."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    own = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    own |= {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}
    own |= {n.name for n in ast.walk(node) if isinstance(n, functions)}
    for inner in ast.walk(node):
        if inner is node or not isinstance(inner, functions):
            continue
        if any(isinstance(part, ast.Nonlocal) for part in ast.walk(inner)):
            return True
        free = scope_of(inner).free
        if changes(inner, (own & free) | {inner.name}):
            return True
    return False


def class_state(node: ast.ClassDef) -> str | None:
    """Return why the class itself may change when it is used, None if it can't."""
    if changes(node, {node.name, "cls"}):
        return "a class attribute is changed"
    mutable = {
        t.id
        for part in node.body
        if isinstance(part, ast.Assign)
        and isinstance(part.value, ast.List | ast.Dict | ast.Set | ast.Call)
        for t in part.targets
        if isinstance(t, ast.Name)
    }
    for part in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            target = part.func.value if part.func.attr in MUTATORS else None
        elif isinstance(part, ast.Subscript) and not isinstance(part.ctx, ast.Load):
            target = part.value
        if (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
            and target.attr in mutable
        ):
            return "a class attribute is changed"
    return None
