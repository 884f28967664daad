"""Which names of the page are code: bound by a top-level ``def`` or ``class``, so a replay makes them.

An object of such a name is stored by reference to the name, anything else by value.
"""

from __future__ import annotations

import ast
from typing import Any, Iterator

from .state import attempt, namespace, shell


class CodeNames:
    """The definitions that this kernel has run, by name; the last one counts."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        for source in _sources():
            for statement in _definitions(source):
                self.definitions[statement.name] = statement
        self.by_id: dict[int, str] = {}
        held = namespace()
        assigned = [name for source in _sources() for name in _assigned_calls(source)]
        for name in [*self.definitions, *assigned, *(attempt.spec.get("lazy") or ())]:
            if name in held and name in assigned and not isinstance(held[name], type):
                continue
            if name in held and _is_named(held[name], name):
                self.by_id[id(held[name])] = name

    def name_of(self, value: Any) -> str | None:
        """Return the name under which a replay makes this very object."""
        return self.by_id.get(id(value))


_parsed: dict[str, list[Any]] = {}


def _sources() -> list[str]:
    history = shell().user_ns.get("In")
    cells = [text for text in history if isinstance(text, str)] if isinstance(history, list) else []
    lazy = [step["source"] for step in (attempt.spec.get("lazy") or {}).values()]
    return [*lazy, *attempt.sources, *cells]


def _definitions(source: str) -> list[Any]:
    found = _parsed.get(source)
    if found is None:
        try:
            found = list(_walk(ast.parse(source).body))
        except (SyntaxError, ValueError, RecursionError):
            found = []
        _parsed[source] = found
    return found


def _assigned_calls(source: str) -> list[str]:
    """Return the names that a cell binds to the result of a call: `namedtuple` makes a class so."""
    if "namedtuple" not in source and "Enum" not in source and "dataclass" not in source:
        return []
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):
        return []
    return [
        target.id
        for statement in body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def _walk(body: list[Any]) -> Iterator[Any]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement
            continue
        yield from _definitions(_body_of_magic(statement))
        for part in ("body", "orelse", "finalbody"):
            yield from _walk(getattr(statement, part, None) or [])
        for handler in getattr(statement, "handlers", None) or []:
            yield from _walk(handler.body)


def _body_of_magic(statement: Any) -> str:
    """Return the cell that a transformed ``%%time`` runs in the page's namespace; else nothing."""
    call = getattr(statement, "value", None)
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return ""
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if call.func.attr != "run_cell_magic" or len(texts) != 3 or texts[0] not in _MAGICS:
        return ""
    return str(texts[2])


_MAGICS = frozenset({"time", "capture", "prun", "task", "setup"})


def _is_named(value: Any, name: str) -> bool:
    """Tell whether a value looks like what ``def name`` or ``class name`` (decorated, maybe) makes."""
    if isinstance(value, type):
        return value.__name__ == name and value.__module__ == "__main__"
    try:
        own = vars(value)
    except TypeError:
        own = {}
    if callable(value) and "__wrapped__" in own:
        return True
    return (
        callable(value)
        and getattr(type(value), "__name__", "") in _CALLABLES
        and (getattr(value, "__name__", None) == name)
    )


_CALLABLES = frozenset({"function", "_lru_cache_wrapper", "builtin_function_or_method", "cell"})
