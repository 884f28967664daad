"""Values of parameters: read by type, and written as Python source that gives them back."""

import ast
import datetime
import json
import math
import pathlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from nbflow.model.dag import Parameter
from nbflow.model.sentence import Sentence

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_OPTIONAL = re.compile(r"(?:typing\.)?Optional\[(.*)\]|(.*?)\s*\|\s*None|None\s*\|\s*(.*)")
_MEMBER = re.compile(r"(?:(.*)\.)?([^\W\d]\w*)")


class BadValueError(ValueError):
    """A value that does not fit; the text is half a sentence after the parameter's name."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A value known by its source only: the member of an enum of the notebook."""

    source: str


def codify(value: object) -> str:
    """Return Python source, on one line and without imports, whose value equals ``value``.

    Takes None, bool, numbers, text, bytes, dates, times, paths, `Expression`, and lists, tuples,
    sets and dicts of them; BadValueError for anything else.
    """
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, Expression):
        return value.source
    if isinstance(value, list | tuple | set | frozenset | dict):
        return _codify_container(value)
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    raise BadValueError(
        Sentence(
            "has a value of type {type}, which can't be handed over", type=type(value).__name__
        )
    )


def read_value(parameter: Parameter, value: object) -> object:
    """Return a Python or JSON value as one of the parameter's type; BadValueError if it isn't."""
    kind, optional = _kind(parameter)
    if value is None and (optional or kind in ("None", "any")):
        return None
    if kind == "None":
        return value
    if kind in ("date", "datetime", "path", "enum") and isinstance(value, str):
        return _READERS[kind](value, parameter)
    accepted = _ACCEPTED.get(kind)
    if kind == "tuple" and isinstance(value, list):
        return tuple(value)
    if accepted is None or _fits(value, kind, accepted):
        return float(value) if kind == "float" and isinstance(value, int) else value
    raise BadValueError(
        Sentence(
            "is {kind}, but {value} is {type}",
            kind=kind,
            value=_short(value),
            type=type(value).__name__,
        )
    )


def read_text(parameter: Parameter, text: str) -> object:
    """Return what was typed at a command line as a value of the parameter's type."""
    kind, optional = _kind(parameter)
    if optional and kind != "str" and text.strip() in ("None", "null", ""):
        return None
    if optional and text == "None":
        return None
    reader = _READERS.get(kind)
    if reader is None:
        return _guess(text)
    return reader(text, parameter)


def _kind(parameter: Parameter) -> tuple[str, bool]:
    """Return the type's key (``any`` where we don't know it) and whether None fits too."""
    text = parameter.type.strip()
    optional = parameter.default == "None"
    match = _OPTIONAL.fullmatch(text)
    if match:
        text, optional = next(group for group in match.groups() if group is not None), True
    text = text.split("[", maxsplit=1)[0].lower() if "|" not in text else "any"
    text = {"none": "None", "pathlib.path": "path"}.get(text, text)
    return (text if text in _READERS or text == "None" else "any"), optional


def _codify_container(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{codify(k)}: {codify(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(codify(item) for item in value) + "]"
    if isinstance(value, tuple):
        comma = "," if len(value) == 1 else ""
        return "(" + ", ".join(codify(item) for item in value) + comma + ")"
    assert isinstance(value, set | frozenset)
    inner = ", ".join(sorted(codify(item) for item in value))
    if isinstance(value, frozenset):
        return f"frozenset({{{inner}}})" if inner else "frozenset()"
    return "{" + inner + "}" if inner else "set()"


def _int(value: int) -> str:
    # beyond 4,300 digits Python refuses decimal text
    return hex(value) if value.bit_length() > 10_000 else int.__repr__(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "float('nan')"
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return float.__repr__(value)


def _date(value: datetime.date) -> str:
    if isinstance(value, datetime.datetime):
        return f"__import__('datetime').datetime.fromisoformat({value.isoformat()!r})"
    return f"__import__('datetime').date({value.year}, {value.month}, {value.day})"


def _timedelta(value: datetime.timedelta) -> str:
    parts = f"{value.days}, {value.seconds}, {value.microseconds}"
    return f"__import__('datetime').timedelta({parts})"


_WRITERS: tuple[tuple[type, Callable[..., str]], ...] = (
    (int, _int),
    (float, _float),
    (str, str.__repr__),
    (bytes, bytes.__repr__),
    (datetime.date, _date),
    (datetime.time, lambda v: f"__import__('datetime').time.fromisoformat({v.isoformat()!r})"),
    (datetime.timedelta, _timedelta),
    (pathlib.PurePath, lambda v: f"__import__('pathlib').Path({str(v)!r})"),
)

_ACCEPTED: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bytes": (bytes,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "set": (set, frozenset, list),
    "tuple": (tuple,),
    "date": (datetime.date,),
    "datetime": (datetime.datetime,),
    "path": (pathlib.PurePath,),
    "enum": (Expression,),
}


def _fits(value: object, kind: str, accepted: tuple[type, ...]) -> bool:
    if isinstance(value, bool) and kind != "bool":
        return False
    if kind == "date" and isinstance(value, datetime.datetime):
        return False
    return isinstance(value, accepted)


def _read_bool(text: str, _: Parameter) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise BadValueError(Sentence("is bool: write true or false, not {text}", text=_short(text)))
    return word in _TRUE


def _read_number(kind: type[int] | type[float]) -> Callable[[str, Parameter], object]:
    def read(text: str, _: Parameter) -> object:
        try:
            return kind(text)
        except ValueError:
            raise BadValueError(
                Sentence("is {type}, and {text} is not", type=kind.__name__, text=_short(text))
            ) from None

    return read


def _read_container(kind: type) -> Callable[[str, Parameter], object]:
    def read(text: str, _: Parameter) -> object:
        value = _guess(text)
        if kind is tuple and isinstance(value, list):
            value = tuple(value)
        if kind is set and isinstance(value, list):
            value = set(value)
        if not isinstance(value, kind):
            raise BadValueError(
                Sentence("is {type}, and {text} is not", type=kind.__name__, text=_short(text))
            )
        return value

    return read


def _read_date(text: str, _: Parameter) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text.strip())
    except ValueError:
        raise BadValueError(
            Sentence("is a date: write 2024-12-31, not {text}", text=_short(text))
        ) from None


def _read_datetime(text: str, _: Parameter) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadValueError(
            Sentence("is a date and time: write 2024-12-31T09:30, not {text}", text=_short(text))
        ) from None


def _read_path(text: str, _: Parameter) -> pathlib.PurePath:
    if "\0" in text:
        raise BadValueError(Sentence("is a path, and holds a NUL"))
    return pathlib.PurePath(text)


def _read_member(text: str, parameter: Parameter) -> Expression:
    owner = parameter.default.rpartition(".")[0]
    match = _MEMBER.fullmatch(text.strip())
    if not match or (match[1] and match[1] not in (owner, owner.rpartition(".")[2])):
        raise BadValueError(
            Sentence("is a member of {owner}, and {text} is not", owner=owner, text=_short(text))
        )
    return Expression(f"{owner}.{match[2]}")


def _guess(text: str) -> object:
    """Read JSON or a Python literal; what is neither is text."""
    for read in (ast.literal_eval, json.loads):
        try:
            value: object = read(text.strip())
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        return value
    return text


_READERS: dict[str, Callable[[str, Parameter], object]] = {
    "int": _read_number(int),
    "float": _read_number(float),
    "str": lambda text, _: text,
    "bytes": _read_container(bytes),
    "bool": _read_bool,
    "list": _read_container(list),
    "dict": _read_container(dict),
    "set": _read_container(set),
    "tuple": _read_container(tuple),
    "date": _read_date,
    "datetime": _read_datetime,
    "path": _read_path,
    "enum": _read_member,
}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
