"""A compiled DAG for people: cells by their numbers, findings and messages in their language."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from nbflow.model.dag import Dag, Edge, Place
from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId
from nbflow.model.notebook import Notebook
from nbflow.model.sentence import CellName, Sentence
from nbflow.notebooks.numbers import cell_numbers
from nbflow.render.fold import Folded, fold
from nbflow.service.targets import Compiled
from nbflow.texts import language, told


class OnPage:
    """A compiled DAG as somebody who reads ``lang`` has it before their eyes."""

    def __init__(self, compiled: Compiled, lang: str | None = None) -> None:
        self._compiled = compiled
        self._lang = language(lang)
        self._numbers = cell_numbers(compiled.notebooks)
        by_path = {notebook.path: notebook for notebook in compiled.notebooks}
        self._own_numbers = {
            str(task.name): cell_numbers([by_path[task.notebook]], named=len(by_path) > 1)
            for task in compiled.dag.tasks
            if task.notebook in by_path
        }
        self._task_of = {cell: str(task.name) for task in compiled.dag.tasks for cell in task.cells}

    def number(self, cell: str, task: str | None = None) -> str:
        """Return what people call a cell; its id where nothing better is known.

        ``task`` tells cells of one id in several notebooks apart.
        """
        numbers = self._own_numbers.get(task or "", self._numbers)
        return numbers.get(CellId(cell), str(cell))

    def spot(self, cell: str, line: int | None) -> str:
        """Return a cell and a line in words."""
        return self._told_spot(self.number(cell), line)

    @property
    def dag(self) -> Dag:
        """The DAG for people to look at: its cells go by their numbers."""
        dag = self._compiled.dag
        return replace(
            dag,
            edges=tuple(self._edge(one) for one in dag.edges),
            tasks=tuple(
                replace(
                    task,
                    cells=tuple(CellId(self.number(cell, str(task.name))) for cell in task.cells),
                )
                for task in dag.tasks
            ),
            membership=tuple(
                (CellId(self.number(cell, role)), role) for cell, role in dag.membership
            ),
        )

    @property
    def sections(self) -> dict[str, str]:
        """The heading that each task's first cell stands under; of whole notebooks, their folder."""
        found: dict[str, str] = {}
        for notebook in self._compiled.notebooks:
            heading = ""
            for cell in notebook.cells:
                heading = cell.heading or heading
                name = self._task_of.get(cell.id)
                if name is not None and notebook.task is None:
                    found.setdefault(name, heading)
        for task in self._compiled.dag.tasks:
            if task.notebook is not None:
                found[str(task.name)] = Path(task.notebook).parent.name
        return found

    def folded(self, unfold: Collection[str] = ()) -> Folded:
        """The DAG to draw: above 60 tasks its sections are folded but those in ``unfold``."""
        return fold(self.dag, self.sections, unfold)

    def told(self, text: str) -> str:
        """Return a message or hint in the reader's language, with its cells by number."""
        return told(text, self._lang, seen=self._seen)

    def place(self, finding: Diagnostic) -> str:
        """Return where a finding is: its cell's number, or the file where there are several."""
        if finding.cell is not None:
            notebook = self._notebook(finding)
            if notebook is None or len(self._compiled.notebooks) == 1:
                return self.number(finding.cell)
            return cell_numbers([notebook], named=True)[finding.cell]
        if finding.path is not None and len(self._compiled.notebooks) > 1:
            return Path(finding.path).name
        return ""

    def finding(self, finding: Diagnostic) -> str:
        """Return a finding for people: what is wrong, the line of code it is about, the way out."""
        place = self.place(finding)
        if finding.cell is not None:
            place = self._told_spot(place, finding.line)
        severity = told(finding.severity.value, self._lang)
        head = f"{finding.code} {severity}" + (f" · {place}" if place else "")
        lines = [f"{head}: {self.told(finding.message)}"]
        code = self._code(finding)
        if code:
            lines.append(f"    {code}")
        if finding.hint:
            lines.append(f"  → {self.told(finding.hint)}")
        return "\n".join(lines)

    def _told_spot(self, number: str, line: int | None) -> str:
        if line is None:
            return told(Sentence("cell {cell}", cell=number), self._lang)
        return told(Sentence("cell {cell}, line {line}", cell=number, line=line), self._lang)

    def _seen(self, cell: CellName) -> str:
        return self.number(cell)

    def _spot(self, place: Place | None) -> Place | None:
        return place and replace(place, cell=CellId(self.number(place.cell)))

    def _edge(self, edge: Edge) -> Edge:
        return replace(edge, writer=self._spot(edge.writer), reader=self._spot(edge.reader))

    def _notebook(self, finding: Diagnostic) -> Notebook | None:
        """Return the one notebook that a finding's cell is in."""
        found = [
            notebook
            for notebook in self._compiled.notebooks
            if finding.path in (None, notebook.path)
            and any(cell.id == finding.cell for cell in notebook.cells)
        ]
        return found[0] if len(found) == 1 else None

    def _code(self, finding: Diagnostic) -> str:
        notebook = self._notebook(finding)
        if notebook is None or finding.line is None:
            return ""
        cell = next(cell for cell in notebook.cells if cell.id == finding.cell)
        lines = str(notebook.raw["cells"][cell.index]["source"]).split("\n")
        return lines[finding.line - 1].strip() if finding.line <= len(lines) else ""
