"""Which cells of a notebook differ from those of an earlier one, told by nbdime; outputs don't count."""

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Sign = Literal[" ", "-", "+"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CellChange:
    """A cell that is new, gone, or another one. ``place`` counts cells of the page that it is on now,
    before if it is gone, from 0. ``lines`` are those of its source with a sign each; ``settings``
    are keys of its metadata that differ.
    """

    kind: Literal["added", "removed", "changed"]
    cell: str
    place: int
    lines: tuple[tuple[Sign, str], ...]
    settings: tuple[str, ...] = ()


class NoNbdimeError(Exception):
    """nbdime is not installed."""


class TooManyCellsError(Exception):
    """Lining up the cells of so large pages would take too long."""


_MOST_PAIRS = 1_000_000
"""Cells of one page times those of the other that nbdime lines up."""
_MOST_LINE_PAIRS = 4_000_000
"""Lines of one cell times those of the other that are compared."""
_HEAD = 20
"""Lines of a cell by which nbdime tells what it became: it takes a minute for a thousand."""


def cell_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[CellChange]:
    """Return the cells that differ, in the order of the page.

    Raises NoNbdimeError, or TooManyCellsError.
    """
    try:
        from nbdime.diffing.notebooks import diff_notebooks
    except ImportError:
        raise NoNbdimeError from None
    old, new = _bare(before), _bare(after)
    start, end = _common(old, new)
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    if len(old) * len(new) > _MOST_PAIRS:
        raise TooManyCellsError
    walk = _Walk(old, new, start)
    for part in diff_notebooks(_in_short(old), _in_short(new)):
        for step in part.diff:
            walk.take(step)
    return walk.found


@dataclass(slots=True)
class _Walk:
    """Both pages from cell ``start`` on, where they differ first, read from top to bottom; ``shift``
    is how much further down the new one is.
    """

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    start: int = 0
    shift: int = 0
    found: list[CellChange] = field(default_factory=list)

    def take(self, step: Any) -> None:
        """Note what a step of nbdime's changes."""
        match step.op:
            case "addrange":
                for number, cell in enumerate(step.valuelist):
                    lines = tuple(("+", line) for line in _lines(cell))
                    place = step.key + self.shift + number
                    self._note("added", cell, place, lines)
                self.shift += len(step.valuelist)
            case "removerange":
                for place in range(step.key, step.key + step.length):
                    cell = self.before[place]
                    lines = tuple(("-", line) for line in _lines(cell))
                    self._note("removed", cell, place, lines)
                self.shift -= step.length
            case "patch":
                self._compare(self.before[step.key], step.key + self.shift)

    def _compare(self, old: Mapping[str, Any], place: int) -> None:
        new = self.after[place]
        settings = _different(old["metadata"], new["metadata"])
        if old["cell_type"] != new["cell_type"]:
            settings = ("cell_type", *settings)
        lines = _changed_lines(_lines(old), _lines(new))
        if settings or any(sign != " " for sign, _ in lines):
            self._note("changed", new, place, lines, settings)

    def _note(
        self,
        kind: Literal["added", "removed", "changed"],
        cell: Mapping[str, Any],
        place: int,
        lines: Sequence[tuple[Any, str]],
        settings: tuple[str, ...] = (),
    ) -> None:
        change = CellChange(
            kind=kind,
            cell=str(cell.get("id", "")),
            place=self.start + place,
            lines=tuple(lines),
            settings=settings,
        )
        self.found.append(change)


def _bare(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    kept = ("id", "cell_type")
    return [
        {key: cell[key] for key in kept if key in cell}
        | {
            "source": "".join(cell["source"]),
            "metadata": {k: v for k, v in cell["metadata"].items() if k in ("tags", "nbflow")},
        }
        | ({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})
        for cell in document["cells"]
    ]


def _lines(cell: Mapping[str, Any]) -> list[str]:
    return str(cell["source"]).splitlines()


def _changed_lines(old: Sequence[str], new: Sequence[str]) -> list[tuple[Sign, str]]:
    start, end = _common(old, new)
    head, tail = old[:start], old[len(old) - end :]
    old, new = old[start : len(old) - end], new[start : len(new) - end]
    return [
        *((" ", line) for line in head),
        *_middle(old, new),
        *((" ", line) for line in tail),
    ]


def _middle(old: Sequence[str], new: Sequence[str]) -> list[tuple[Sign, str]]:
    if len(old) * len(new) > _MOST_LINE_PAIRS:
        return [*(("-", line) for line in old), *(("+", line) for line in new)]
    found: list[tuple[Sign, str]] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for word, a, b, c, d in matcher.get_opcodes():
        if word == "equal":
            found += [(" ", line) for line in old[a:b]]
        else:
            found += [("-", line) for line in old[a:b]]
            found += [("+", line) for line in new[c:d]]
    return found


def _common(old: Sequence[object], new: Sequence[object]) -> tuple[int, int]:
    """Return how many items are the same at the start, and of the others at the end."""
    most = min(len(old), len(new))
    start = next((n for n in range(most) if old[n] != new[n]), most)
    most -= start
    end = next((n for n in range(most) if old[-n - 1] != new[-n - 1]), most)
    return start, end


def _in_short(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a page whose long cells are cut, with a mark that tells the same from others."""
    return {"cells": [{**cell, "source": _cut(cell)} for cell in cells]}


def _cut(cell: Mapping[str, Any]) -> str:
    source, lines = str(cell["source"]), _lines(cell)
    if len(lines) <= _HEAD:
        return source
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    return "\n".join([*lines[:_HEAD], digest])


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
