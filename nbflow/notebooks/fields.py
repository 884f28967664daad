"""The kinds of values that options have in ``metadata.nbflow``: how they may be spelled."""

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from nbflow.model.names import name_problem, normalise_name
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*"
_BYTES = r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)[bB]?\s*"
_LONGEST = 366 * 86400.0
_FOREACH = re.compile(r"\s*([^\W\d]\w*)\s+in\s+(\S.*)", re.DOTALL)


def seconds(value: object) -> float:
    """Return a duration (a number of seconds, or ``90s 15m 2h 1d``) in seconds; ValueError."""
    if isinstance(value, str):
        match = re.fullmatch(_DURATION, value)
        if not match:
            raise ValueError(Sentence("must be seconds or a duration like 90s, 15m, 2h, 1d"))
        number = float(match[1]) * _UNITS[match[2]]
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(Sentence("must be seconds or a duration like 90s, 15m, 2h, 1d"))
    else:
        number = float(value)
    if not 0 <= number <= _LONGEST:
        raise ValueError(Sentence("must be between 0 and 366 days"))
    return number


def _positive_seconds(value: object) -> float | None:
    if value is None:
        return None
    number = seconds(value)
    if number <= 0:
        raise ValueError(Sentence("must be more than 0 seconds"))
    return number


def _size(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(_BYTES, value) if isinstance(value, str) else None
    if not match:
        raise ValueError(Sentence("must be bytes or a size like 512M, 2G, 2GiB"))
    step = 1024 if match[3] else 1000
    return int(float(match[1]) * step ** " KMGT".index(match[2].upper() or " "))


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(Sentence("must be a number"))
    return value


def words(value: object) -> object:
    """Accept ``A,B`` where a list of strings is meant."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _name(value: object) -> str:
    problem = name_problem(value) if isinstance(value, str) else Sentence("is not text")
    if problem:
        raise ValueError(
            Sentence("the name {name!r} {problem}", name=str(value)[:60], problem=problem)
        )
    return normalise_name(str(value))


def read_switch(value: object) -> object:
    """Accept true and false (what YAML makes of ``on`` and ``off``)."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _date_text(value: object) -> object:
    """Accept the dates that YAML makes of unquoted ones."""
    return value.isoformat() if isinstance(value, datetime.date) else value


def read_foreach(value: object) -> object:
    """Accept what is written ``NAME in EXPRESSION``."""
    if value is not None and not (isinstance(value, str) and split_foreach(value)):
        raise ValueError(Sentence('must be written "NAME in EXPRESSION"'))
    return value


def read_schedule(value: object) -> object:
    """Accept ``manual`` for no schedule."""
    return None if isinstance(value, str) and value.strip().lower() == RunKind.MANUAL else value


def split_foreach(text: str) -> tuple[str, str] | None:
    """Return the name and the expression of ``NAME in EXPRESSION``, None for anything else."""
    found = _FOREACH.fullmatch(text)
    return (found[1], found[2].strip()) if found else None


def as_list(value: object) -> object:
    """Accept one entry where a list of them is meant."""
    return [value] if isinstance(value, Mapping | str) else value


_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[smhd]?\s*$"},
    ]
}
_OPTIONAL_DURATION = {"anyOf": [*_DURATION_SCHEMA["anyOf"], {"type": "null"}]}
Seconds = Annotated[float, BeforeValidator(seconds), WithJsonSchema(_DURATION_SCHEMA)]
Timeout = Annotated[
    float | None, BeforeValidator(_positive_seconds), WithJsonSchema(_OPTIONAL_DURATION)
]
Bytes = Annotated[
    int | None, BeforeValidator(_size), WithJsonSchema({"type": ["integer", "string", "null"]})
]
Whole = Annotated[int, BeforeValidator(_not_bool)]
Number = Annotated[float, BeforeValidator(_not_bool)]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
Name = Annotated[str, BeforeValidator(_name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(words)]
DateText = Annotated[str | None, BeforeValidator(_date_text)]


class Model(BaseModel):
    """What all our models have in common."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)
