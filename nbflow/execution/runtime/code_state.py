"""Functions and classes that were changed after their definition: a replay would lose the change."""

from __future__ import annotations

import ast
import hashlib
import types
from typing import Any

from .code_names import CodeNames
from .pickling import dump
from .state import attempt, namespace

_MADE_BY_PYTHON = frozenset(
    {
        "__module__",
        "__dict__",
        "__weakref__",
        "__doc__",
        "__qualname__",
        "__annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "__abstractmethods__",
        "_abc_impl",
        "__hash__",
        "__parameters__",
        "__orig_bases__",
        "__match_args__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__subclasshook__",
        "__init__",
        "__is_protocol__",
        "_is_protocol",
        "_is_runtime_protocol",
        "__protocol_attrs__",
        "__type_params__",
        "__classcell__",
        "__non_callable_proto_members__",
        "__slots__",
    }
)


def remember() -> None:
    """Note how code stands before the task's cells: what a replay has set, the next replay sets, too."""
    code = CodeNames()
    held = namespace()
    attempt.code_before = {name: _look(held[name], code) for name in _changed(code)}


def changed_code(code: CodeNames) -> dict[str, str]:
    """Return why a definition, run again, would not give the object as it is now, by name."""
    held = namespace()
    return {
        name: why
        for name, why in _changed(code).items()
        if attempt.code_before.get(name) != _look(held[name], code)
    }


def _changed(code: CodeNames) -> dict[str, str]:
    found = {}
    held = namespace()
    for name in set(code.by_id.values()):
        definition = code.definitions.get(name)
        why = _why(held[name], definition) if definition is not None else None
        if why:
            found[name] = why
    return found


def _look(value: Any, code: CodeNames) -> str:
    """Return a mark that differs when what a definition holds differs."""
    if hasattr(type(value), "cache_info"):
        return repr(value.cache_info())
    if isinstance(value, type):
        own = type.__getattribute__(value, "__dict__")
        parts = {n: v for n, v in own.items() if n not in _MADE_BY_PYTHON and not callable(v)}
    else:
        parts = {"": (value.__dict__, value.__defaults__, value.__kwdefaults__)}
    try:
        return hashlib.sha256(dump(parts, code).stream).hexdigest()
    except Exception:
        return repr([(name, id(part)) for name, part in parts.items()])


def _why(value: Any, definition: Any) -> str | None:
    cache = getattr(type(value), "cache_info", None)
    if cache is not None and type(value).__module__ == "functools":
        return "its cache holds results" if value.cache_info().currsize else None
    if definition.decorator_list:
        return None
    if isinstance(value, types.FunctionType):
        return _why_function(value, definition)
    return _why_class(value, definition) if isinstance(value, type) else None


def _why_function(value: Any, definition: Any) -> str | None:
    if value.__dict__:
        return f"its attribute {next(iter(value.__dict__))!r} was set"
    written = definition.args.defaults
    kept = value.__defaults__ or ()
    named = value.__kwdefaults__ or {}
    pairs = list(zip(written, kept)) if len(written) == len(kept) else []
    for argument, node in zip(definition.args.kwonlyargs, definition.args.kw_defaults):
        if node is not None and argument.arg in named:
            pairs.append((node, named[argument.arg]))
    if len(written) != len(kept) or any(_is_other(node, now) for node, now in pairs):
        return "a default of it changed"
    return None


def _why_class(value: type, definition: Any) -> str | None:
    if definition.bases and type(value) is not type:
        return None
    written: dict[str, Any] = {}
    names = set()
    for statement in ast.walk(definition):
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(statement.name)
        if isinstance(statement, ast.alias):
            names.add((statement.asname or statement.name).partition(".")[0])
        if isinstance(statement, ast.Name) and not isinstance(statement.ctx, ast.Load):
            names.add(statement.id)
        if isinstance(statement, ast.Constant) and isinstance(statement.value, str):
            names.add(statement.value)
    for statement in definition.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target: Any = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        else:
            continue
        if isinstance(target, ast.Name):
            written[target.id] = statement.value
    own = type.__getattribute__(value, "__dict__")
    bases_add = any("__init_subclass__" in vars(base) for base in value.__mro__[1:-1])
    for name in own:
        if name not in names and name not in _MADE_BY_PYTHON and not bases_add:
            return f"its attribute {name!r} was set"
        if name in written and _is_other(written[name], own[name]):
            return f"its attribute {name!r} changed"
    return None


_ALIKE = (bool, int, float, str, bytes, list, tuple, dict, set, type(None))


def _is_other(node: Any, now: Any) -> bool:
    """Tell whether a value is surely not what the literal ``node`` gives; False for other code."""
    try:
        written = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    if type(now) not in _ALIKE:
        return type(now).__module__ == "__main__" or callable(now)
    try:
        return type(now) is not type(written) or bool(now != written)
    except Exception:
        return True
