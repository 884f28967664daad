"""Functions by value, with the names they look up late bound to the loading kernel's page."""

from __future__ import annotations

import importlib
import marshal
import sys
import types
from typing import Any

from .state import namespace

_EMPTY = "empty"


def reduce_function(function: Any) -> tuple[Any, ...]:
    """Return how a function is made again; cells of its closure stay shared with other functions."""
    code = function.__code__
    cells = function.__closure__ or ()
    state = {
        "attributes": {
            "__name__": function.__name__,
            "__qualname__": function.__qualname__,
            "__module__": function.__module__,
            "__doc__": function.__doc__,
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__annotations__": dict(getattr(function, "__annotations__", None) or {}),
        },
        "dict": function.__dict__,
        "contents": [_contents(cell) for cell in cells],
    }
    if getattr(function, "__type_params__", ()):
        state["attributes"]["__type_params__"] = function.__type_params__
    where = _place_of_globals(function)
    return (
        make_function,
        (marshal.dumps(code), where, tuple(cells)),
        state,
        None,
        None,
        set_function,
    )


def _contents(cell: Any) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _place_of_globals(function: Any) -> Any:
    """Return the module whose names the function sees, or those names themselves."""
    names = function.__globals__
    if names is namespace():
        return None
    module = names.get("__name__")
    if isinstance(module, str) and vars(sys.modules.get(module, types)) is names:
        return module
    return {name: names[name] for name in _loaded_names(function.__code__) if name in names}


def _loaded_names(code: Any) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _loaded_names(constant)
    return found


def make_function(code: bytes, where: Any, cells: tuple[Any, ...]) -> Any:
    """Make the bare function; `set_function` gives it what may refer back to it."""
    if where is None:
        names = namespace()
    elif isinstance(where, str):
        names = vars(importlib.import_module(where))
    else:
        names = {"__builtins__": __builtins__, **where}
    return types.FunctionType(marshal.loads(code), names, closure=cells or None)


def set_function(function: Any, state: dict[str, Any]) -> None:
    """Give a function its attributes and fill the cells of its closure."""
    for name, value in state["attributes"].items():
        setattr(function, name, value)
    function.__dict__.update(state["dict"])
    for cell, contents in zip(function.__closure__ or (), state["contents"]):
        if contents:
            cell.cell_contents = contents[0]


def make_cell() -> Any:
    """Make an empty cell of a closure."""
    return types.CellType()
