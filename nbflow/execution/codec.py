"""Values of `nbflow.model.attempt` as JSON lines at the pipe, and back.

Written by hand since a slot's start counts: it needs no validation library, only the two ends of
our own pipe agree on it.
"""

import dataclasses
import enum
import functools
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

V = TypeVar("V")


def encode(value: Any) -> Any:
    """Return a frozen value as plain JSON data; None and defaults are kept as they are."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value


def decode(kind: type[V], data: Any) -> V:
    """Return JSON data as a value of the dataclass ``kind``; unknown keys are left out.

    Raises KeyError, TypeError or ValueError where the data don't fit.
    """
    return typing.cast(V, _decode(kind, data))


def dumps(value: Any) -> str:
    """Return a frozen value as one line of JSON."""
    return json.dumps(encode(value), ensure_ascii=True)


@functools.cache
def _fields(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, data: Any) -> Any:
    if isinstance(kind, typing.NewType):
        return _decode(kind.__supertype__, data)
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        if data is None:
            return None
        kind = next(k for k in typing.get_args(kind) if k is not type(None))
        return _decode(kind, data)
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), data)
    if origin is Mapping:
        item = typing.get_args(kind)[1]
        return {key: _decode(item, value) for key, value in data.items()}
    if dataclasses.is_dataclass(kind):
        hints = _fields(typing.cast(type, kind))
        given = {k: _decode(hints[k], v) for k, v in data.items() if k in hints}
        return typing.cast(type, kind)(**given)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(data)
    return data


def _decode_tuple(kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decode(kinds[0], item) for item in data)
    return tuple(_decode(kind, item) for kind, item in zip(kinds, data, strict=True))
