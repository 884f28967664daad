"""The DAG in a terminal: one line per task with what it waits for, in page order."""

import unicodedata
from collections.abc import Mapping

from nbflow.model.dag import Dag
from nbflow.render.picture import Box, Line, States, picture_of
from nbflow.render.tokens import tokens

_ANSI = {
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bold": "1",
}
_ARROWS = {"order": "⇠", "safe": "⇠", "ambient": "⇠"}


def to_text(
    dag: Dag,
    states: States | None = None,
    *,
    color: bool = False,
    lang: str = "en",
    members: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """Return the DAG as text, e.g. ``features  ← clean (df)``.

    A task that changes what it reads in place shows ``•``; ``⇠`` is an order without data.
    ``color`` adds ANSI colours; the words and icons say the same without.
    """
    picture = picture_of(dag, states, lang=lang, members=members)
    names = {box.id: box.task for box in picture.boxes}
    rows = [_paint(f"{picture.title}: {picture.summary}", "bold", color=color)]
    width = max((columns(box.task) for box in picture.boxes), default=0)
    notes = max((columns(box.note) for box in picture.boxes), default=0)
    for box in picture.boxes:
        waits = [_wait(x, names[x.source]) for x in picture.lines if x.target == box.id]
        row = _head(box, color=color) + box.task + " " * (width - columns(box.task))
        if box.note:
            style = tokens().states[box.look].terminal if box.look else "dim"
            row += "  " + _paint(box.note, style, color=color) + " " * (notes - columns(box.note))
        rows.append((row + ("  " + ", ".join(waits) if waits else "") + _marks(box)).rstrip())
    for frame in picture.frames:
        inside = ", ".join(names[b] for b in frame.boxes)
        rows.append(_paint(f"  {frame.label}: {inside}", "dim", color=color))
    if picture.chips:
        chips = "  ".join(f"[{chip.label}]" for chip in picture.chips)
        rows.append(_paint(f"  {chips}", "dim", color=color))
    return "\n".join(rows)


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _head(box: Box, *, color: bool) -> str:
    if box.look is None:
        return "  "
    look = tokens().states[box.look]
    return _paint(look.glyph, look.terminal, color=color) + " "


def _wait(line: Line, source: str) -> str:
    arrow = _ARROWS.get(line.kind.value, "←•" if line.dot else "←")
    return f"{arrow} {source}" + (f" ({line.label})" if line.label else "")


def _marks(box: Box) -> str:
    return f"  ◇ {' '.join(box.condition.split())}" if box.condition else ""


def _paint(text: str, style: str, *, color: bool) -> str:
    if not color or not style:
        return text
    codes = ";".join(_ANSI[part] for part in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"
