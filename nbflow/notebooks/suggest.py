"""Propose tasks for a notebook that has none, with names people would choose."""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nbflow.model.ids import CellId, TaskName
from nbflow.model.names import MAX_NAME_LENGTH, name_from_text, name_key
from nbflow.model.notebook import Cell, CellType, Notebook, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """Tag ``cell`` with ``task:`` and this name."""

    cell: CellId
    task: TaskName


def suggest_tasks(
    notebook: Notebook,
    *,
    by: Literal["section", "cell"],
    merge: Callable[[TaskName, TaskName], bool] | None = None,
    binds: Mapping[CellId, Sequence[str]] | None = None,
    setup: Collection[CellId] = (),
) -> tuple[Suggestion, ...]:
    """Propose a task for every untagged code cell, in page order.

    ``section``: the cells below one Markdown heading are a task; ``cell``: each cell is one. Names
    come from headings, else from what a cell binds (``binds``, the last name), and are unique.
    ``setup`` are cells that only import or define: the leading ones stay untagged. ``merge`` says
    of two neighbouring tasks whether a border between them gains nothing; they become one task
    under the first's name.
    """
    taken = {name_key(cell.task) for cell in notebook.cells if cell.task is not None}
    found: list[Suggestion] = []
    heading: str | None = None
    fresh = True
    leading = True
    for cell in notebook.cells:
        if cell.type is CellType.MARKDOWN and cell.heading:
            heading, fresh = cell.heading, True
        if not _is_open(cell):
            continue
        if leading and cell.id in setup:
            continue
        leading = False
        if fresh or by == "cell":
            base = heading if heading and fresh else _bound(cell, binds)
            name = _unique(base, taken)
        fresh = False
        found.append(Suggestion(cell=cell.id, task=name))
    return _merged(found, merge) if merge is not None else tuple(found)


def _is_open(cell: Cell) -> bool:
    return (
        cell.type is CellType.CODE
        and cell.role is Role.UNTAGGED
        and not cell.parameters
        and bool(cell.source.strip())
    )


def _bound(cell: Cell, binds: Mapping[CellId, Sequence[str]] | None) -> str:
    names = [name for name in (binds or {}).get(cell.id, ()) if not name.startswith("_")]
    return names[-1] if names else f"cell_{cell.index + 1}"


def _unique(text: str, taken: set[str]) -> TaskName:
    base = name_from_text(text)
    for number in itertools.count(1):
        ending = f"-{number}" if number > 1 else ""
        name = base[: MAX_NAME_LENGTH - len(ending)] + ending
        if name_key(name) not in taken:
            break
    taken.add(name_key(name))
    return TaskName(name)


def _merged(
    found: Sequence[Suggestion], merge: Callable[[TaskName, TaskName], bool]
) -> tuple[Suggestion, ...]:
    names = list(dict.fromkeys(one.task for one in found))
    kept: dict[TaskName, TaskName] = {}
    for before, name in zip([None, *names], names, strict=False):
        joins = before is not None and merge(before, name)
        kept[name] = kept[before] if joins and before is not None else name
    return tuple(Suggestion(cell=one.cell, task=kept[one.task]) for one in found)
