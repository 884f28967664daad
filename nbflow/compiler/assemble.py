"""From one notebook to its DAG: analyse, place, fold, settle, and put together."""

from collections.abc import Mapping, Sequence

from nbflow.compiler.analysis import Analyser, PageNames
from nbflow.compiler.build import TaskBuilder
from nbflow.compiler.demand import Demand
from nbflow.compiler.drafts import SafeOrder
from nbflow.compiler.edges import (
    EdgeList,
    group_edges,
    order_edges,
    report_cycle,
    safe_edges,
)
from nbflow.compiler.effects import CellAnalysis
from nbflow.compiler.fallbacks import add_fallbacks
from nbflow.compiler.file_edges import file_edges
from nbflow.compiler.findings import Findings
from nbflow.compiler.grouping import Placed, is_code, place_cells
from nbflow.compiler.kernel_groups import kernel_groups, one_group
from nbflow.compiler.page_fold import PageFold
from nbflow.compiler.page_tasks import PageTasks
from nbflow.compiler.parameters import find_parameters
from nbflow.compiler.pausing import collector_paused
from nbflow.compiler.raising import allowed_to_raise
from nbflow.compiler.version import version_digest
from nbflow.model.dag import Dag, Edge, KernelGroup, Parameter, Place
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import Cell, Notebook, Role
from nbflow.model.sentence import Sentence


class PageCompiler:
    """Compiles one notebook whose cells are tasks, again and again; what an edit leaves as it was is
    taken from the last time.
    """

    def __init__(self, analyser: Analyser) -> None:
        self.fold = PageFold()
        self._analyser = analyser
        self._builder = TaskBuilder()

    @collector_paused()
    def compile(self, notebook: Notebook) -> Dag:
        """Compile the notebook. Never raises for what a notebook may hold."""
        findings = Findings(notebook.diagnostics)
        cells = [cell for cell in notebook.cells if is_code(cell)]
        analyses = analyse_cells(notebook, cells, self._analyser)
        placed = place_cells(notebook, cells, lambda cell: analyses[cell.id].only_code)
        _report_analysis(placed, analyses, findings)
        in_order = [analyses[one.cell.id] for one in placed]
        results = self.fold.run(placed, in_order)
        for result in results:
            findings.extend(result.findings)
        tasks = PageTasks(placed, in_order, self.fold.page, results)
        demand = Demand(tasks, findings)
        demand.run()
        add_fallbacks(tasks, demand)
        safe = [one for result in results for one in result.safe]
        groups = _groups(notebook, tasks, safe, findings)
        edges = self._edges(tasks, safe, groups, findings)
        report_cycle(edges, tasks.order, findings)
        for one in safe:
            findings.add(
                "NBF210",
                Sentence("'{what}': task '{task}' keeps page order", what=one.what, task=one.task),
                place=one.place,
            )
        return Dag(
            id=notebook.dag_id,
            notebooks=(notebook.path,),
            options=notebook.dag,
            tasks=self._builder.tasks(tasks, groups, notebook.dag.defaults),
            edges=edges,
            groups=groups,
            code=tuple(unit for result in results for unit in result.units),
            parameters=_parameters(placed),
            membership=tuple(
                (one.cell.id, result.task or result.role.value)
                for one, result in zip(placed, results, strict=True)
            ),
            language=notebook.language,
            kernel=notebook.kernel,
            digest=version_digest(notebook.dag_id, [(notebook.path, notebook.digest)]),
            diagnostics=findings.all(),
        )

    def _edges(
        self,
        tasks: PageTasks,
        safe: Sequence[SafeOrder],
        groups: Sequence[KernelGroup],
        findings: Findings,
    ) -> tuple[Edge, ...]:
        edges = EdgeList()
        for source in (
            self._builder.edges(tasks),
            order_edges(_after(tasks.placed), tasks.order, findings),
            file_edges(tasks.file_uses()),
            safe_edges(safe, tasks.order),
            group_edges(groups),
        ):
            edges.extend(source)
        return edges.sorted(tasks.order)


def analyse_cells(
    notebook: Notebook, cells: Sequence[Cell], analyser: Analyser
) -> dict[CellId, CellAnalysis]:
    """Analyse all code cells in page order, each knowing what the page above told about names."""
    analyses: dict[CellId, CellAnalysis] = {}
    names = PageNames()
    for cell in cells:
        if notebook.language != "python":
            analyses[cell.id] = CellAnalysis()
            continue
        analysis = analyser.analyse(cell.source, names)
        if cell.may_raise:
            analysis = allowed_to_raise(analysis)
        analyses[cell.id] = analysis
        if cell.role is Role.SKIP:
            continue
        names.tell(analysis)
    return analyses


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
    notebook: Notebook, tasks: PageTasks, safe: Sequence[SafeOrder], findings: Findings
) -> tuple[KernelGroup, ...]:
    order = tasks.order
    if notebook.language != "python" and len(order) > 1:
        findings.add(
            "NBF217",
            Sentence(
                "dependencies of {language} cells can't be inferred; the tasks keep page order",
                language=notebook.language,
            ),
        )
        return one_group(order, "all variables", notebook.language)
    groups = kernel_groups(tasks.drafts, order, safe)
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
