"""What people see of a value: its type in words, and a small JSON preview.

No code of the user's runs for it: only exact types that are known to be harmless are looked into.
"""

from __future__ import annotations

import json
import sys
from typing import Any

LIMIT = 4000
ROWS = 5
_DEPTH = 3
_WIDTH = 20


def type_words(value: Any) -> str:
    """Return ``module.Type`` of a value; builtins and ``__main__`` go without the module."""
    kind = type(value)
    name = str(type.__getattribute__(kind, "__qualname__"))
    module = type.__dict__["__module__"].__get__(kind)
    if module in ("builtins", "__main__") or not isinstance(module, str):
        return name
    return f"{module}.{name}"


def preview(value: Any) -> str | None:
    """Return JSON text of at most 4 kB, None for what has no harmless preview."""
    try:
        shown = _shown(value, 0)
        if shown is None and value is not None:
            return None
        text = json.dumps(shown, ensure_ascii=False)
    except (_NoPreviewError, RecursionError, ValueError, TypeError, AttributeError, IndexError):
        return None
    return text if len(text.encode("utf-8", "surrogatepass")) <= LIMIT else None


class _NoPreviewError(Exception):
    """The value holds something that is not looked into."""


def _shown(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) < 10**300 else "(a large number)"
    if kind is float:
        return value if value == value and abs(value) != float("inf") else str(value)
    if kind is str:
        return value if len(value) <= 200 else value[:200] + "…"
    if depth > _DEPTH:
        raise _NoPreviewError
    if kind in (list, tuple):
        more = ["…"] if len(value) > _WIDTH else []
        return [_shown(item, depth + 1) for item in value[:_WIDTH]] + more
    if kind is dict:
        if len(value) > _WIDTH or any(type(key) not in (str, int, bool) for key in value):
            raise _NoPreviewError
        return {str(key): _shown(item, depth + 1) for key, item in value.items()}
    return _shown_array(value, depth)


def _shown_array(value: Any, depth: int) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        raise _NoPreviewError
    kind = type(value)
    if kind is numpy.ndarray:
        shown: dict[str, Any] = {"shape": list(value.shape), "dtype": str(value.dtype)}
        if value.dtype.kind in "biufU" and value.size:
            shown["values"] = [_shown(item, depth + 1) for item in value.flat[:_WIDTH].tolist()]
        return shown
    if (
        issubclass(kind, numpy.generic)
        and kind.__module__ == "numpy"
        and value.dtype.kind in "biufU"
    ):
        return _shown(value.item(), depth)
    pandas = sys.modules.get("pandas")
    if pandas is not None and kind is getattr(pandas, "DataFrame", None):
        return _frame(value)
    if pandas is not None and kind is getattr(pandas, "Series", None):
        return {"rows": len(value), "values": _column(value)}
    raise _NoPreviewError


def _frame(frame: Any) -> dict[str, Any]:
    rows, columns = frame.shape
    head = frame.iloc[:ROWS, :_WIDTH]
    names = [_cell(name) for name in head.columns.tolist()]
    values = [_column(head.iloc[:, number]) for number in range(head.shape[1])]
    return {
        "rows": rows,
        "columns": columns,
        "head": {"columns": names, "data": [list(row) for row in zip(*values)]},
    }


def _column(series: Any) -> list[Any]:
    return [_cell(item) for item in series.iloc[:ROWS].tolist()]


def _cell(item: Any) -> Any:
    if item is None or type(item) in (bool, int, float, str):
        return _shown(item, 0)
    if type(item).__module__.partition(".")[0] in ("pandas", "datetime", "numpy", "decimal"):
        return str(item)[:200]
    return f"({type(item).__name__})"
