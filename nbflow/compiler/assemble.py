"""From one notebook to its DAG: analyse, place, fold, settle, and put together."""

import hashlib
from collections.abc import Mapping, Sequence

from nbflow.compiler.analysis import Analyser
from nbflow.compiler.build import build_tasks, code_units
from nbflow.compiler.demand import Demand
from nbflow.compiler.edges import (
    EdgeList,
    group_edges,
    need_edges,
    order_edges,
    report_cycle,
    safe_edges,
)
from nbflow.compiler.effects import CellAnalysis, NameInfo
from nbflow.compiler.fallbacks import add_fallbacks
from nbflow.compiler.file_edges import FileUse, file_edges
from nbflow.compiler.findings import Findings
from nbflow.compiler.fold import PageFold
from nbflow.compiler.grouping import Placed, is_code, place_cells
from nbflow.compiler.kernel_groups import kernel_groups, one_group
from nbflow.compiler.parameters import find_parameters
from nbflow.model.dag import Dag, KernelGroup, Parameter, Place
from nbflow.model.ids import CellId, DagId, Digest, TaskName
from nbflow.model.names import name_from_text
from nbflow.model.notebook import Cell, Notebook, Role
from nbflow.model.sentence import Sentence

MEANING = "1"
"""Changes whenever the same notebook would compile to something else."""


def compile_pages(notebook: Notebook, analyser: Analyser) -> Dag:
    """Compile a notebook whose cells are tasks. Never raises for what a notebook may hold."""
    findings = Findings(notebook.diagnostics)
    dag_id = notebook.dag.id or DagId(name_from_text(notebook.name, fallback="dag"))
    cells = [cell for cell in notebook.cells if is_code(cell)]
    analyses = analyse_cells(notebook, cells, analyser)
    placed = place_cells(notebook, lambda cell: analyses[cell.id].only_code)
    _report_analysis(placed, analyses, findings)
    fold = PageFold(
        placed=placed, analyses=[analyses[p.cell.id] for p in placed], findings=findings
    )
    fold.run()
    demand = Demand(fold, findings)
    demand.run()
    order = page_order(fold)
    after = _after(placed)
    add_fallbacks(fold, demand, order)
    groups = _groups(notebook, fold, order, findings)
    edges = EdgeList()
    for draft in fold.drafts.values():
        for edge in need_edges(draft):
            edges.add(edge)
    for source in (
        order_edges(after, order, findings),
        file_edges(_in_page_order(fold)),
        safe_edges(fold.safe, order),
        group_edges(groups),
    ):
        for edge in source:
            edges.add(edge)
    ordered = edges.sorted(order)
    report_cycle(ordered, order, findings)
    for safe in fold.safe:
        findings.add(
            "NBF210",
            Sentence("'{what}': task '{task}' keeps page order", what=safe.what, task=safe.task),
            place=safe.place,
        )
    return Dag(
        id=dag_id,
        notebooks=(notebook.path,),
        options=notebook.dag,
        tasks=build_tasks(notebook, fold, order, groups),
        edges=ordered,
        groups=groups,
        code=code_units(fold),
        parameters=_parameters(placed),
        membership=tuple(
            (p.cell.id, task or role.value)
            for p, (role, task) in zip(placed, fold.roles, strict=True)
        ),
        language=notebook.language,
        kernel=notebook.kernel,
        digest=Digest(
            hashlib.sha256(
                f"{MEANING}:{dag_id}:{notebook.path}:{notebook.digest}".encode()
            ).hexdigest()
        ),
        diagnostics=findings.all(),
    )


def analyse_cells(
    notebook: Notebook, cells: Sequence[Cell], analyser: Analyser
) -> dict[CellId, CellAnalysis]:
    """Analyse all code cells in page order, each knowing what the page above told about names."""
    analyses: dict[CellId, CellAnalysis] = {}
    names: dict[str, NameInfo] = {}
    for cell in cells:
        if notebook.language != "python":
            analyses[cell.id] = CellAnalysis()
            continue
        analysis = analyses[cell.id] = analyser.analyse(cell.source, names)
        if cell.role is Role.SKIP:
            continue
        for name, info in analysis.exports.items():
            if info is None:
                names.pop(name, None)
            else:
                names[name] = info
    return analyses


def page_order(fold: PageFold) -> list[TaskName]:
    """Return the tasks by their first cell."""
    return [d.name for d in sorted(fold.drafts.values(), key=lambda d: d.cells[0])]


def _in_page_order(fold: PageFold) -> list[FileUse]:
    """Return the uses of files in page order: what a task must replay is known late."""
    at = {placed.cell.id: index for index, placed in enumerate(fold.placed)}
    return sorted(fold.files, key=lambda use: at[use.place.cell])


def _report_analysis(
    placed: Sequence[Placed], analyses: Mapping[CellId, CellAnalysis], findings: Findings
) -> None:
    for one in placed:
        if one.role is Role.SKIP:
            continue
        analysis = analyses[one.cell.id]
        if analysis.syntax_error is not None:
            findings.of_analysis(one.cell.id, [analysis.syntax_error])
        findings.of_analysis(one.cell.id, analysis.findings)


def _after(placed: Sequence[Placed]) -> dict[TaskName, list[tuple[TaskName, Place]]]:
    after: dict[TaskName, list[tuple[TaskName, Place]]] = {}
    for one in placed:
        if one.task is not None:
            for name in one.cell.after:
                place = Place(cell=one.cell.id, line=1)
                after.setdefault(one.task, []).append((name, place))
    return after


def _groups(
    notebook: Notebook, fold: PageFold, order: Sequence[TaskName], findings: Findings
) -> tuple[KernelGroup, ...]:
    if notebook.language != "python" and len(order) > 1:
        findings.add(
            "NBF217",
            Sentence(
                "dependencies of {language} cells can't be inferred; the tasks keep page order",
                language=notebook.language,
            ),
        )
        return one_group(order, "all variables", notebook.language)
    groups = kernel_groups(fold.drafts, order, fold.safe)
    for group in groups:
        findings.add(
            "NBF211",
            Sentence(
                "tasks {tasks} share one kernel because of '{variable}' ({type}); they run one after another, and a retry starts with {tasks2}",
                tasks=", ".join(group.tasks),
                variable=group.variable,
                type=group.type,
                tasks2=group.tasks[0],
            ),
        )
    return groups


def _parameters(placed: Sequence[Placed]) -> tuple[Parameter, ...]:
    for one in placed:
        if one.cell.parameters and one.role is not Role.SKIP:
            return find_parameters(one.cell)
    return ()
