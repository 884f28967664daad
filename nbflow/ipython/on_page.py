"""Cells as people see them: ``[3]`` is the third code cell, as its prompt says after *Run All*."""

from dataclasses import replace

from nbflow.model.dag import Dag, Edge, Place
from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId
from nbflow.model.notebook import CellType
from nbflow.service.targets import Compiled


def cell_number(compiled: Compiled, cell: str) -> str:
    """Return a cell's number in brackets; its id where the DAG has several notebooks."""
    return _numbers(compiled).get(CellId(cell), cell)


def as_seen(compiled: Compiled) -> Dag:
    """Return the DAG for people to look at: cells of a single notebook go by their numbers."""
    numbers = _numbers(compiled)
    dag = compiled.dag
    if not numbers:
        return dag

    def seen(place: Place | None) -> Place | None:
        return place and replace(place, cell=CellId(numbers.get(place.cell, place.cell)))

    def edge(one: Edge) -> Edge:
        return replace(one, writer=seen(one.writer), reader=seen(one.reader))

    return replace(
        dag,
        edges=tuple(edge(one) for one in dag.edges),
        tasks=tuple(
            replace(task, cells=tuple(CellId(numbers.get(c, c)) for c in task.cells))
            for task in dag.tasks
        ),
        membership=tuple((CellId(numbers.get(c, c)), where) for c, where in dag.membership),
    )


def finding_text(compiled: Compiled, finding: Diagnostic) -> str:
    """Return a finding for people: what is wrong, the line of code it is about, the way out."""
    place = ""
    if finding.cell is not None:
        place = f" · cell {cell_number(compiled, finding.cell)}"
        place += f", line {finding.line}" if finding.line is not None else ""
    elif finding.path is not None and len(compiled.notebooks) > 1:
        place = f" · {finding.path}"
    lines = [f"{finding.code} {finding.severity.value}{place}: {finding.message}"]
    code = _code(compiled, finding)
    if code:
        lines.append(f"    {code}")
    if finding.hint:
        lines.append(f"  → {finding.hint}")
    return "\n".join(lines)


def _code(compiled: Compiled, finding: Diagnostic) -> str:
    for notebook in compiled.notebooks:
        for cell in notebook.cells:
            if cell.id == finding.cell and finding.line is not None:
                lines = str(notebook.raw["cells"][cell.index]["source"]).split("\n")
                return lines[finding.line - 1].strip() if finding.line <= len(lines) else ""
    return ""


def _numbers(compiled: Compiled) -> dict[CellId, str]:
    if len(compiled.notebooks) != 1:
        return {}
    raw = compiled.notebooks[0].raw["cells"]
    shown = [
        cell.id
        for cell in compiled.notebooks[0].cells
        if cell.type is CellType.CODE and str(raw[cell.index]["source"]).strip()
    ]
    return {cell: f"[{number}]" for number, cell in enumerate(shown, 1)}
