"""What people call cells: ``[3]`` is the third code cell, as its prompt says after *Run All*.

A cell without a prompt is ``#5``, the fifth cell of the page; where there are several notebooks the
file's name stands before. Programs are given ids instead.
"""

from collections.abc import Sequence
from pathlib import Path

from nbflow.model.ids import CellId
from nbflow.model.notebook import CellType, Notebook


def cell_numbers(notebooks: Sequence[Notebook], *, named: bool | None = None) -> dict[CellId, str]:
    """Return what each cell is called; one whose id stands in several notebooks is left out.

    ``named`` puts the file's name before, as is done for several notebooks.
    """
    with_names = len(notebooks) > 1 if named is None else named
    numbers: dict[CellId, str] = {}
    twice: set[CellId] = set()
    for notebook in notebooks:
        before = Path(notebook.path).name if with_names else ""
        prompt = 0
        for cell in notebook.cells:
            source = str(notebook.raw["cells"][cell.index]["source"])
            prompted = cell.type is CellType.CODE and bool(source.strip())
            prompt += prompted
            if cell.id in numbers:
                twice.add(cell.id)
            numbers[cell.id] = before + (f"[{prompt}]" if prompted else f"#{cell.index + 1}")
    return {cell: number for cell, number in numbers.items() if cell not in twice}
