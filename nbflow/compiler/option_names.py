"""The names that a task's ``when`` and ``foreach`` options read and bind."""

import ast
from collections.abc import Mapping
from typing import Any

from nbflow.notebooks.fields import split_foreach


def option_names(options: Mapping[str, Any]) -> tuple[set[str], str | None]:
    """Return the names that the options read, and the name that ``foreach`` binds, if any.

    Text that can't be parsed reads nothing: that is another check's finding.
    """
    reads: set[str] = set()
    item: str | None = None
    when, foreach = options.get("when"), options.get("foreach")
    if isinstance(when, str):
        reads |= _names(when)
    split = split_foreach(foreach) if isinstance(foreach, str) else None
    if split is not None:
        item = split[0]
        reads |= _names(split[1])
    return reads, item


def _names(text: str) -> set[str]:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_store(n)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - stored


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)
