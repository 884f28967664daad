"""What is imported when it is first asked for: a verb shouldn't wait for what it doesn't use."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


class Later:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


_UNUSED = (
    "fqdn",
    "isoduration",
    "jsonpointer",
    "jupytext.async_contentsmanager",
    "jupytext.sync_contentsmanager",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987_syntax",
    "uri_template",
    "webcolors",
)
"""Modules that other libraries look for, and do without."""


def leave_out_unused() -> None:
    """Import the libraries for notebooks, from now on, without what takes seconds and nobody uses.

    jsonschema looks for its optional format checkers by import; the parsers of some of them take
    longer than all the rest, and no notebook schema has a format that needs them. jupytext looks for
    a server that it could be part of. Only for processes that are all ours: in a kernel or a server
    others may need it.
    """
    for name in _UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def names_of(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose modules hold these names, parted by spaces."""
    modules = {name: module for module, names in places.items() for name in names.split()}

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return find
