"""pandas objects: copy-on-write means that no two of them may share memory after loading.

What pandas shares, it tracks in references that no pickle carries. So the arrays of blocks and
indexes are stored as if nobody else had them; an index as a whole keeps its identity.
"""

from __future__ import annotations

import sys
from typing import Any

_block_types: dict[type, bool] = {}


def is_block(kind: type) -> bool:
    """Tell whether a type is one of pandas' blocks or indexes."""
    known = _block_types.get(kind)
    if known is None:
        known = _block_types[kind] = _look(kind)
    return known


def _look(kind: type) -> bool:
    if kind.__module__.partition(".")[0] != "pandas":
        return False
    pandas, internals = sys.modules.get("pandas"), sys.modules.get("pandas._libs.internals")
    if pandas is None or internals is None or not hasattr(pandas, "Index"):
        return False
    return issubclass(kind, (pandas.Index, internals.Block))


def reduce_block(block: Any, keep: list[Any], unshared: set[int]) -> Any:
    """Return the reduction of a block or index with arrays of its own."""
    reduced = list(block.__reduce__())

    def own(value: Any) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)([own(item) for item in value])
        if type(value) is dict:
            return {key: own(item) for key, item in value.items()}
        if type(value) is sys.modules["numpy"].ndarray:
            value = value.view()
        elif _is_extension_array(value):
            value = value.copy()
        else:
            return value
        keep.append(value)
        unshared.add(id(value))
        return value

    reduced[1] = own(reduced[1])
    return tuple(reduced)


def own_attributes(value: Any) -> dict[str, Any]:
    """Return the attributes that code set on a frame or series (`df.note = 1`): pandas leaves them
    out of its pickles.
    """
    generic = sys.modules.get("pandas.core.generic")
    if generic is None or not isinstance(value, generic.NDFrame):
        return {}
    return {name: one for name, one in vars(value).items() if not name.startswith("_")}


def list_of_class(kind: type) -> Any:
    """Return the list that pickles of frames and series carry though it belongs to their class."""
    if kind.__module__.partition(".")[0] == "pandas":
        return getattr(kind, "_metadata", None)
    return None


def _is_extension_array(value: Any) -> bool:
    api = sys.modules.get("pandas.core.arrays.base")
    return api is not None and isinstance(value, api.ExtensionArray)


def is_immutable(value: Any) -> bool:
    """Tell whether a pandas object can't change, so that sharing it doesn't matter."""
    kind = type(value)
    if kind.__module__.partition(".")[0] != "pandas":
        return False
    base = sys.modules.get("pandas.core.dtypes.base")
    if base is not None and isinstance(value, base.ExtensionDtype):
        return True
    return is_block(kind) or kind.__name__ in _SCALARS


_SCALARS = frozenset(
    {"Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType", "BlockPlacement"}
)
