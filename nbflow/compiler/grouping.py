"""Which task each code cell belongs to, where the cell's own tags leave it open."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from nbflow.model.ids import TaskName
from nbflow.model.names import name_from_text, name_key
from nbflow.model.notebook import Cell, CellType, Notebook, Role

START_TASK = "start"


class Placed(NamedTuple):
    """A code cell with its final role: ``TASK`` (then ``task`` is set), ``SETUP``, ``PARAMETERS``
    or ``SKIP``.
    """

    cell: Cell
    role: Role
    task: TaskName | None = None


def is_code(cell: Cell) -> bool:
    """Tell whether the cell is code that does something; empty cells belong to no task."""
    return cell.type is CellType.CODE and bool(cell.source) and not cell.source.isspace()


def place_cells(
    notebook: Notebook, cells: Sequence[Cell], only_code: Callable[[Cell], bool]
) -> tuple[Placed, ...]:
    """Assign every one of the notebook's code ``cells``, in page order.

    Without any ``task:`` the notebook is one task named after the file. Else untagged cells belong
    to the task above them; leading ones are ``setup`` if ``only_code`` says that they do nothing
    but import, define and set options, and form one task ``start`` otherwise.
    """
    cells = _second_parameters_are_ordinary(cells)
    names = {name_key(cell.task) for cell in cells if cell.task}
    whole = None if names else TaskName(name_from_text(notebook.name, fallback="notebook"))
    start = TaskName(_free_name(START_TASK, names))
    placed: list[Placed] = []
    above: TaskName | None = whole
    for cell in cells:
        role, task = cell.role, cell.task
        if role is Role.UNTAGGED:
            if above is None and only_code(cell):
                role = Role.SETUP
            else:
                role, task = Role.TASK, above or start
        if role is Role.TASK and cell.role is Role.TASK:
            above = task
        placed.append(Placed(cell, role, task if role is Role.TASK else None))
    return tuple(placed)


def _second_parameters_are_ordinary(cells: Sequence[Cell]) -> list[Cell]:
    # papermill reads the first parameters cell only; a further one is an ordinary cell.
    result: list[Cell] = []
    seen = False
    for cell in cells:
        if cell.role is Role.PARAMETERS and seen:
            cell = replace(cell, role=Role.UNTAGGED, parameters=False)
        seen = seen or cell.parameters
        result.append(cell)
    return result


def _free_name(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name_key(name) in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
