"""Which cells of a notebook differ from those of an earlier one, told by nbdime; outputs don't count."""

import difflib
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


def cell_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[CellChange]:
    """Return the cells that differ, in the order of the page. Raises NoNbdimeError."""
    try:
        from nbdime.diffing.notebooks import diff_notebooks
    except ImportError:
        raise NoNbdimeError from None
    walk = _Walk(_bare(before), _bare(after))
    for part in diff_notebooks({"cells": walk.before}, {"cells": walk.after}):
        for step in part.diff:
            walk.take(step)
    return walk.found


@dataclass(slots=True)
class _Walk:
    """Both pages, read from top to bottom; ``shift`` is how much further down the new one is."""

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
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
            place=place,
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
    found: list[tuple[Sign, str]] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for word, a, b, c, d in matcher.get_opcodes():
        if word == "equal":
            found += [(" ", line) for line in old[a:b]]
        else:
            found += [("-", line) for line in old[a:b]]
            found += [("+", line) for line in new[c:d]]
    return found


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key for key in sorted({*old, *new}) if old.get(key) != new.get(key))
