"""The cells of a DAG's notebooks as a kernel gets them, with their place on the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbflow.model.attempt import CellToRun
from nbflow.model.dag import Task
from nbflow.model.ids import CellId
from nbflow.model.notebook import Cell, CellType, Notebook, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One notebook: its cells by id, and the prompt number each has when all run top to bottom."""

    notebook: Notebook
    cells: Mapping[CellId, Cell]
    prompts: Mapping[CellId, int]
    overrides: Mapping[CellId, str] = field(default_factory=dict)
    """Sources that differ in this run: the parameters cell with the run's values."""
    base: str = ""
    """Where the notebook's path begins if it is relative: by default here."""

    def source(self, cell: CellId) -> str:
        """Return what the kernel gets for a cell."""
        return self.overrides.get(cell, self.cells[cell].source)

    def to_run(self, cell: CellId) -> CellToRun:
        """Return a cell as an attempt takes it: its document without outputs, its prompt number."""
        raw: dict[str, Any] = dict(self.notebook.raw["cells"][self.cells[cell].index])
        raw |= {"id": cell, "source": self.source(cell), "outputs": [], "execution_count": None}
        return CellToRun(cell=cell, document=raw, prompt=self.prompts[cell])

    def as_run(self, cell: CellId, written: str) -> str:
        """Return the text of a cell with the run's values; its ``%%`` line stays as it was written."""
        source = self.source(cell)
        if written.lstrip().startswith("%%") and not source.partition("\n")[0].strip():
            return written.partition("\n")[0] + "\n" + source.partition("\n")[2]
        return source

    @property
    def folder(self) -> str:
        """The kernel's working directory: the notebook's folder."""
        return str(Path(self.base, self.notebook.path).absolute().parent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """The notebooks of a DAG; the first is the page of tasks that are groups of cells."""

    pages: Mapping[str, Page]
    first: str

    def of(self, task: Task) -> Page:
        """Return the page that a task's cells stand on."""
        return self.pages[task.notebook or self.first]


def open_pages(
    notebooks: Iterable[Notebook],
    overrides: Mapping[str, Mapping[CellId, str]] | None = None,
    *,
    base: str = "",
) -> Pages:
    """Index notebooks by path; ``overrides`` are sources that differ in this run, by path; ``base``
    is where relative paths begin.
    """
    found = {n.path: _page(n, (overrides or {}).get(n.path, {}), base) for n in notebooks}
    return Pages(pages=found, first=next(iter(found)))


def _page(notebook: Notebook, overrides: Mapping[CellId, str], base: str) -> Page:
    prompts: dict[CellId, int] = {}
    number = 1
    for cell in notebook.cells:
        prompts[cell.id] = number
        if cell.type is CellType.CODE and cell.source.strip() and cell.role is not Role.SKIP:
            number += 1
    cells = {cell.id: cell for cell in notebook.cells}
    return Page(notebook=notebook, cells=cells, prompts=prompts, overrides=overrides, base=base)
