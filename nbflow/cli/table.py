"""A table as lines of text: columns as wide as the screen allows, a thousand rows at once."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.text import Text

_GAP = "  "
_LONGEST_HEADING = 12
"""A column is not narrowed below its heading, if that is no longer than this."""
_LONGEST_WORD = 24
"""A word that is no longer than this is not torn."""
_LEAST_ROOM = 20
"""How wide a value may be in any case."""


def table_lines(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Sequence[Sequence[str]],
    whole: Sequence[bool],
    screen: Console,
) -> Iterator[str]:
    """Yield the lines of a table for a screen.

    ``styles`` holds a style, or nothing, for each cell; columns marked ``whole`` are not broken.
    Where columns would be so narrow that words are torn, each row is a block instead, with a line
    for each column.
    """
    widths = _widths(headings, rows, whole, screen.width)
    colours = _colours(screen)
    if _is_torn(widths, rows, screen.width):
        yield from _blocks(headings, rows, styles, screen)
        return
    yield _line([_painted(h, w, "bold", colours) for h, w in zip(headings, widths, strict=True)])
    yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    # The same words come again and again in a column.
    folded = lru_cache(maxsize=4096)(partial(_folded, screen=screen))
    for row, looks in zip(rows, styles, strict=True):
        cells = [folded(cell, width) for cell, width in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            parts = [cell[number] if number < len(cell) else "" for cell in cells]
            found = zip(parts, widths, looks, strict=True)
            yield _line([_painted(part, width, look, colours) for part, width, look in found])


def _widths(
    headings: Sequence[str], rows: Sequence[Sequence[str]], whole: Sequence[bool], most: int
) -> list[int]:
    """Return how wide each column is; the widest that may be broken are narrowed until all fit."""
    widths = [cell_len(heading) for heading in headings]
    least = [min(width, _LONGEST_HEADING) for width in widths]
    for row in rows:
        for at, cell in enumerate(row):
            widths[at] = max(widths[at], _widest(cell))
    room = most - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        broken = [n for n, width in enumerate(widths) if not whole[n] and width > max(1, least[n])]
        if not broken:
            break
        widest = max(broken, key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _is_torn(widths: Sequence[int], rows: Sequence[Sequence[str]], most: int) -> bool:
    """Return whether the columns don't fit, or a word that is not very long stands in two lines."""
    if sum(widths) + len(_GAP) * (len(widths) - 1) > most:
        return True
    return any(
        width < cell_len(word) <= _LONGEST_WORD
        for row in rows
        for cell, width in zip(row, widths, strict=True)
        if _widest(cell) > width
        for word in cell.split()
    )


def _blocks(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    styles: Sequence[Sequence[str]],
    screen: Console,
) -> Iterator[str]:
    first = max(map(cell_len, headings))
    room = max(_LEAST_ROOM, screen.width - first - len(_GAP))
    colours = _colours(screen)
    for number, (row, looks) in enumerate(zip(rows, styles, strict=True)):
        if number:
            yield ""
        for heading, cell, look in zip(headings, row, looks, strict=True):
            begin = _painted(heading, first, "bold", colours)
            for part in _folded(cell, room, screen) if cell else ():
                yield _line([begin, _painted(part, 0, look, colours)])
                begin = " " * first


def _widest(cell: str) -> int:
    # Most text is ASCII: its length is its width.
    if cell.isascii() and "\n" not in cell:
        return len(cell)
    return max((cell_len(line) for line in cell.splitlines()), default=0)


def _folded(cell: str, width: int, screen: Console) -> list[str]:
    if cell.isascii() and len(cell) <= width and "\n" not in cell:
        return [cell]
    if _widest(cell) <= width:
        return cell.splitlines() or [""]
    if cell.isascii() and "\n" not in cell:
        return wrap(cell, width, break_on_hyphens=False)
    return [line.plain.rstrip() for line in Text(cell).wrap(screen, width, overflow="fold")]


def _painted(text: str, width: int, style: str, colours: ColorSystem | None) -> str:
    padded = (
        text.ljust(width) if text.isascii() else set_cell_size(text, max(width, cell_len(text)))
    )
    if not style or colours is None or not text:
        return padded
    end = len(padded.rstrip())
    return Style.parse(style).render(padded[:end], color_system=colours) + padded[end:]


def _colours(screen: Console) -> ColorSystem | None:
    names = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT}
    known = {**names, "truecolor": ColorSystem.TRUECOLOR, "windows": ColorSystem.WINDOWS}
    return None if screen.no_color else known.get(screen.color_system or "")


def _line(cells: Sequence[str]) -> str:
    return _GAP.join(cells).rstrip()
