"""How wide text will be, without a font at hand: estimates in em that err on the wide side.

Hangul, Kana and ideographs are as wide as they are high; Latin follows DejaVu Sans, the widest of
the usual interface fonts, so that no label leaves its box whatever font a viewer has.
"""

import re
import unicodedata

_NARROW = frozenset("iljtf.,:;'|!()[]{}I`/\\ ")
_BROAD = frozenset("mwMW@%")
_BREAKS = re.compile(r"(?<=[_.\- /])")


def char_width(char: str) -> float:
    """Return the width of one character in em."""
    if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Mn", "Me"}:
        return 0.0
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return 1.05
    if char in _NARROW:
        return 0.38
    if char in _BROAD:
        return 0.98
    if char.isupper():
        return 0.73
    return 0.64


def text_width(text: str, size: float) -> float:
    """Return the width in pixels of ``text`` at a font size of ``size`` pixels."""
    return size * sum(map(char_width, text))


def shorten(text: str, ems: float) -> str:
    """Return ``text``, cut with an ellipsis where it would pass ``ems`` em."""
    if text_width(text, 1.0) <= ems:
        return text
    kept, width = "", 1.0
    for char in text:
        width += char_width(char)
        if width > ems:
            break
        kept += char
    return kept + "…"


def wrap(text: str, ems: float) -> tuple[str, ...]:
    """Break ``text`` into lines of at most ``ems`` em, after a separator where there is one."""
    lines, line = [], ""
    for piece in _BREAKS.split(text):
        for part in _parts(piece, ems):
            if line and text_width(line + part, 1.0) > ems:
                lines.append(line)
                line = ""
            line += part
    return (*lines, line) if line or not lines else tuple(lines)


def _parts(piece: str, ems: float) -> list[str]:
    """Cut a piece without separators wherever it gets wider than a line."""
    parts, part, width = [], "", 0.0
    for char in piece:
        wide = char_width(char)
        if part and width + wide > ems:
            parts.append(part)
            part, width = "", 0.0
        part += char
        width += wide
    return [*parts, part] if part else parts


def printable(text: str) -> str:
    """Return ``text`` without what XML can't hold and a reader can't see (control characters)."""
    return "".join(
        c if c.isprintable() or c in "\u200d" else " " for c in unicodedata.normalize("NFC", text)
    )
