"""Sentences as text of one column, so that each reader gets them in a language of their own."""

import json
from collections.abc import Mapping
from typing import Any

from nbflow.model.sentence import CellName, Sentence

MARK = "\x1e"
"""Begins a sentence that was stored with its values; no other text in a column does."""


def stored(text: str) -> str:
    """Return text for a column: a sentence with values as template and values, other text as is."""
    if isinstance(text, Sentence) and text.values:
        return MARK + json.dumps(_data(text), ensure_ascii=False, separators=(",", ":"))
    return "\ufffd" + text[1:] if text.startswith(MARK) else str(text)


def restored(text: str) -> str:
    """Return text from a column, and a sentence as the sentence it was; one that is damaged as it
    stands there.
    """
    if not text.startswith(MARK):
        return text
    try:
        return _sentence(json.loads(text[1:]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return text[1:]


def _data(value: Any) -> Any:
    if isinstance(value, Sentence):
        values: Mapping[str, Any] = value.values
        return {
            "template": value.template,
            "values": {name: _data(one) for name, one in values.items()},
        }
    if isinstance(value, CellName):
        return {"cell": str(value)}
    if isinstance(value, tuple):
        return [_data(one) for one in value]
    return value if isinstance(value, int | float | None) else str(value)


def _value(data: Any) -> Any:
    if isinstance(data, dict):
        return CellName(data["cell"]) if "cell" in data else _sentence(data)
    return tuple(_value(one) for one in data) if isinstance(data, list) else data


def _sentence(data: Mapping[str, Any]) -> Sentence:
    values = {name: _value(one) for name, one in data["values"].items()}
    return Sentence(data["template"], **values)
