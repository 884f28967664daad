"""Frozen values of the model to plain JSON data and back, led by their annotations."""

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from nbflow.errors import is_contained

T = TypeVar("T")


def to_data(value: Any) -> Any:
    """Return ``value`` as lists, dicts, text and numbers; fields with their default are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_data(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.default is dataclasses.MISSING or getattr(value, field.name) != field.default
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_data(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_data(item) for item in value]
    return value


def from_data(kind: type[T], data: Any) -> T:
    """Rebuild a value of type ``kind``; fields that ``kind`` doesn't know are dropped."""
    result: T = _build(kind, data)
    return result


def if_readable(kind: type[T], data: Any) -> T | None:
    """Rebuild a value as `from_data` does; None if what is stored can't be read any more."""
    try:
        return from_data(kind, data)
    except Exception as problem:
        if not is_contained(problem):
            raise
        return None


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, data: Any) -> Any:
    if isinstance(kind, typing.NewType):
        return _build(kind.__supertype__, data)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _build_union(arguments, data)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_build(arguments[0], item) for item in data)
        return tuple(_build(one, item) for one, item in zip(arguments, data, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(arguments[1], item) for key, item in data.items()}
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(type, kind))
        known = {f.name for f in dataclasses.fields(kind)}
        made = {key: _build(hints[key], item) for key, item in data.items() if key in known}
        return typing.cast(Any, kind)(**made)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(data)
    return float(data) if kind is float else data


def _build_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    wanted = [kind for kind in kinds if kind is not type(None)]
    return _build(wanted[0], data) if len(wanted) == 1 else data
