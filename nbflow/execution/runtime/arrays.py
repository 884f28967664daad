"""How numpy arrays are stored: large ones out of band, views as views where that can be seen.

A view is stored through its root (the array that owns the memory) when another array of the same
bundle overlaps it, or when the root is hardly larger; a lone view of a huge root is a copy.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

SMALL = 1 << 20
"""Arrays up to this size own their memory after loading, as those that code makes do."""
_CHEAP_ROOT = 1 << 16

Extent = tuple[int, int, int]
"""Root's id, first and last-plus-one address."""


def array_type() -> Any:
    """Return numpy's array type, None as long as nobody imported numpy."""
    numpy = sys.modules.get("numpy")
    return getattr(numpy, "ndarray", None)


def root_of(array: Any) -> Any:
    """Return the plain array that owns the memory of ``array``; itself if there is none."""
    kind = array_type()
    while type(array.base) is kind:
        array = array.base
    return array


def extent(array: Any, root: Any) -> Extent:
    """Return which part of its root's memory an array spans."""
    start = end = array.__array_interface__["data"][0]
    for length, stride in zip(array.shape, array.strides):
        if length == 0:
            return (id(root), start, start)
        if stride > 0:
            end += (length - 1) * stride
        else:
            start += (length - 1) * stride
    return (id(root), start, end + array.itemsize)


def is_view(array: Any, root: Any, kept_roots: set[int]) -> bool:
    """Tell whether the array is to be stored through its root."""
    if root is array or not (root.flags.c_contiguous or root.flags.f_contiguous):
        return False
    if root.dtype.hasobject != array.dtype.hasobject:
        return False
    if id(root) in kept_roots:
        return True
    return bool(root.nbytes <= max(_CHEAP_ROOT, 2 * array.nbytes))


def reduce_view(array: Any, root: Any) -> tuple[Any, ...]:
    """Return how to make the view from its root again."""
    offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    how = (array.dtype, array.shape, array.strides, int(offset), bool(array.flags.writeable))
    return make_view, (root, *how)


def make_view(
    root: Any, dtype: Any, shape: Any, strides: Any, offset: int, is_writable: bool
) -> Any:
    """Rebuild a view; for arrays of objects, which have no buffer, over the flat root."""
    import numpy

    if dtype.hasobject:
        flat = root.reshape(-1, order="A")[offset // dtype.itemsize :]
        view = numpy.lib.stride_tricks.as_strided(flat, shape, strides)
    else:
        kind: Any = numpy.ndarray
        view = kind(shape, dtype, buffer=root, offset=offset, strides=strides)
    if not is_writable:
        view.flags.writeable = False
    return view


def reduce_owner(array: Any) -> Any:
    """Return how an array that owns its memory is stored."""
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous
    if array.nbytes <= SMALL or array.dtype.hasobject or not contiguous or not array.itemsize:
        function, arguments, state = array.__reduce__()
        if array.flags.writeable:
            return function, arguments, state
        return function, arguments, state, None, None, set_readonly_state
    order = "C" if array.flags.c_contiguous else "F"
    flat = array.reshape(-1, order="A").view("u1")
    return from_buffer, (pickle.PickleBuffer(flat), array.dtype, array.shape, order)


def loses_attributes(kind: type, value: Any, array: Any) -> bool:
    """Tell whether a value is of a class of arrays whose attributes numpy's own way leaves out."""
    return (
        issubclass(kind, array)
        and getattr(kind, "__reduce__", None) is array.__reduce__
        and getattr(kind, "__setstate__", None) is array.__setstate__
        and bool(getattr(value, "__dict__", None))
    )


def reduce_with_attributes(array: Any) -> tuple[Any, ...]:
    """Return how an array is made again with the attributes that its class gave it."""
    function, arguments, state = array.__reduce__()
    return function, arguments, (state, array.__dict__), None, None, set_state_and_attributes


def set_state_and_attributes(array: Any, state: Any) -> None:
    """Fill an array and give it its attributes."""
    array.__setstate__(state[0])
    array.__dict__.update(state[1])


def set_readonly_state(array: Any, state: Any) -> None:
    """Fill an array that nobody may write to."""
    array.__setstate__(state)
    array.flags.writeable = False


def from_buffer(buffer: Any, dtype: Any, shape: Any, order: str) -> Any:
    """Rebuild a large array on the mapped pages."""
    import numpy

    kind: Any = numpy.ndarray
    return kind(shape, dtype, buffer=buffer, order=order)


def overlapping_roots(extents: list[Extent]) -> set[int]:
    """Return the roots of which two of the arrays overlap."""
    found = set()
    end_of: dict[int, int] = {}
    for root, start, end in sorted(set(extents)):
        if root in end_of and start < end_of[root]:
            found.add(root)
        end_of[root] = max(end, end_of.get(root, end))
    return found
