"""The visual language: states, edges and surfaces as read from ``tokens.json``, its only home.

The same file feeds the pictures, the terminal, the live view and the TypeScript views.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

Theme = Literal["light", "dark", "auto"]
"""``auto`` follows the page that the picture stands in (Jupyter, VS Code, Colab)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StateLook:
    """How a state looks: ``icon`` is a path in a 16 x 16 box, drawn as a stroke; ``light`` and
    ``dark`` hold the colours ``ink``, ``fill`` and ``line``; ``terminal`` is a rich style.
    """

    name: str
    words: dict[str, str]
    glyph: str
    icon: str
    terminal: str
    light: dict[str, str]
    dark: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeLook:
    """How an edge kind looks: SVG dash pattern, width in pixels, mark (``dot`` or ``page``)."""

    name: str
    words: dict[str, str]
    dash: str
    width: float
    mark: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """The whole table."""

    font: str
    surfaces: dict[str, dict[str, str]]
    states: dict[str, StateLook]
    edges: dict[str, EdgeLook]
    marks: dict[str, str]


def raw_tokens() -> dict[str, Any]:
    """Return the table as plain JSON data, for views that are not written in Python."""
    text = resources.files(__package__).joinpath("tokens.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@lru_cache(maxsize=1)
def tokens() -> Tokens:
    """Return the table; read once per process."""
    raw = raw_tokens()
    states = {
        name: StateLook(name=name, words=entry.pop("word"), **entry)
        for name, entry in raw["states"].items()
    }
    edges = {
        name: EdgeLook(name=name, words=entry.pop("word"), **entry)
        for name, entry in raw["edges"].items()
    }
    return Tokens(
        font=raw["font"],
        surfaces=raw["surfaces"],
        states=states,
        edges=edges,
        marks=raw["marks"],
    )
