"""DAGs of several notebooks, each of them one task: order by ``after``, inputs and files."""

from collections.abc import Sequence

from nbflow.compiler.analysis import Analyser
from nbflow.compiler.assemble import analyse_cells
from nbflow.compiler.edges import EdgeList, order_edges, report_cycle
from nbflow.compiler.effects import File
from nbflow.compiler.file_edges import FileUse, file_edges
from nbflow.compiler.findings import Findings
from nbflow.compiler.grouping import is_code
from nbflow.compiler.parameters import find_parameters
from nbflow.compiler.version import version_digest
from nbflow.model.dag import Dag, Edge, EdgeKind, Input, Parameter, Place, Task
from nbflow.model.ids import CellId, TaskName
from nbflow.model.names import name_key
from nbflow.model.notebook import Cell, Notebook, Role
from nbflow.model.options import DagOptions, NotebookTask
from nbflow.model.sentence import Sentence


def compile_whole_notebooks(notebooks: Sequence[Notebook], analyser: Analyser) -> Dag:
    """Assemble notebooks that name the same DAG. Tasks stand in the order of their inputs, then of
    their paths, since there is no page to order them.
    """
    findings = Findings(d for notebook in notebooks for d in notebook.diagnostics)
    tasks = _unique(notebooks, findings)
    edges = EdgeList()
    order = [task.name for task, _ in tasks]
    edges.extend(_input_edges(tasks, findings))
    after = {
        task.name: [(name, Place(cell=CellId(notebook.path), line=1)) for name in task.after]
        for task, notebook in tasks
    }
    edges.extend(order_edges(after, order, findings))
    order = _topological(order, edges)
    by_name = {task.name: (task, notebook) for task, notebook in tasks}
    tasks = [by_name[name] for name in order]
    edges.extend(file_edges(_file_uses(tasks, analyser, findings)))
    ordered = edges.sorted(order)
    report_cycle(ordered, order, findings)
    first = tasks[0][1]
    return Dag(
        id=tasks[0][0].dag,
        notebooks=tuple(notebook.path for _, notebook in tasks),
        options=_options(tasks, findings),
        tasks=tuple(_task(task, notebook, tasks) for task, notebook in tasks),
        edges=ordered,
        parameters=_parameters(tasks),
        membership=tuple(
            (cell.id, task.name) for task, notebook in tasks for cell in notebook.cells
            if is_code(cell) and cell.role is not Role.SKIP
        ),
        language=first.language,
        kernel=first.kernel,
        digest=version_digest(tasks[0][0].dag, [(n.path, n.digest) for _, n in tasks]),
        diagnostics=findings.all(),
    )  # fmt: skip


Member = tuple[NotebookTask, Notebook]


def _unique(notebooks: Sequence[Notebook], findings: Findings) -> list[Member]:
    seen: dict[str, Notebook] = {}
    result: list[Member] = []
    for notebook in sorted(notebooks, key=lambda n: n.path):
        assert notebook.task is not None
        other = seen.setdefault(name_key(notebook.task.name), notebook)
        if other is not notebook:
            findings.add(
                "NBF214",
                Sentence(
                    "task '{name}' stands in two notebooks: {path} and {path2}",
                    name=notebook.task.name,
                    path=other.path,
                    path2=notebook.path,
                ),
            )
            continue
        result.append((notebook.task, notebook))
        if any(cell.task or cell.role is Role.SETUP for cell in notebook.cells):
            findings.add(
                "NBF213", Sentence("the cell tags of {path} don't count", path=notebook.path)
            )
    return result


def _writer_of(
    name: str, source: tuple[TaskName, str] | None, tasks: Sequence[Member], reader: TaskName
) -> tuple[TaskName, str] | None:
    if source is not None:
        wanted, variable = source
        for task, _ in tasks:
            if name_key(task.name) == name_key(wanted) and variable in task.outputs:
                return task.name, variable
        return None
    writers = [t.name for t, _ in tasks if name in t.outputs and t.name != reader]
    return (writers[0], name) if len(writers) == 1 else None


def _input_edges(tasks: Sequence[Member], findings: Findings) -> list[Edge]:
    edges: list[Edge] = []
    for task, notebook in tasks:
        for name, source in task.inputs.items():
            place = Place(cell=CellId(notebook.path), line=1)
            found = _writer_of(name, source, tasks, task.name)
            if found is None:
                wanted = ".".join(source) if source else name
                findings.add(
                    "NBF215",
                    Sentence(
                        "task '{name}' takes '{wanted}', which not exactly one task puts out",
                        name=task.name,
                        wanted=wanted,
                    ),
                    hint="Add it to one notebook's `outputs`, or write `NAME: TASK.VARIABLE`.",
                )
                continue
            edges.append(
                Edge(source=found[0], target=task.name, kind=EdgeKind.DATA,
                     variable=found[1], reader=place)
            )  # fmt: skip
    return edges


def _topological(order: Sequence[TaskName], edges: EdgeList) -> list[TaskName]:
    upstream: dict[TaskName, set[TaskName]] = {name: set() for name in order}
    for edge in edges.sorted(order):
        upstream[edge.target].add(edge.source)
    result: list[TaskName] = []
    waiting = list(order)
    while waiting:
        # In a cycle nobody is ready: then page order, and the cycle is reported.
        ready = next((n for n in waiting if upstream[n] <= set(result)), waiting[0])
        result.append(ready)
        waiting.remove(ready)
    return result


def _file_uses(tasks: Sequence[Member], analyser: Analyser, findings: Findings) -> list[FileUse]:
    uses: list[FileUse] = []
    for task, notebook in tasks:
        cells = _cells(notebook)
        for cell_id, analysis in analyse_cells(notebook, cells, analyser).items():
            if analysis.syntax_error is not None:
                findings.of_analysis(cell_id, [analysis.syntax_error], notebook.path)
            uses.extend(
                FileUse(
                    task=task.name, action=event.action, path=event.path,
                    place=Place(cell=cell_id, line=event.line),
                )
                for event in analysis.events
                if isinstance(event, File)
            )  # fmt: skip
    return uses


def _cells(notebook: Notebook) -> list[Cell]:
    return [c for c in notebook.cells if is_code(c) and c.role is not Role.SKIP]


def _task(task: NotebookTask, notebook: Notebook, tasks: Sequence[Member]) -> Task:
    inputs: list[Input] = []
    renames: list[tuple[str, str]] = []
    for name, source in sorted(task.inputs.items()):
        found = _writer_of(name, source, tasks, task.name)
        if found is not None:
            inputs.append(Input(name=name, sources=(found[0],)))
            renames.append((name, found[1]))
    return Task(
        name=task.name,
        cells=tuple(cell.id for cell in _cells(notebook)),
        notebook=notebook.path,
        options=task.options,
        inputs=tuple(inputs),
        input_keys=tuple(r for r in renames if r[0] != r[1]),
        outputs=tuple(task.outputs),
        mutates_inputs=tuple(one.name for one in inputs),
        params=tuple(task.params.items()),
    )


def _parameters(tasks: Sequence[Member]) -> tuple[Parameter, ...]:
    found: dict[str, Parameter] = {}
    for _, notebook in tasks:
        for cell in notebook.cells:
            if cell.parameters and is_code(cell):
                for parameter in find_parameters(cell):
                    found.setdefault(parameter.name, parameter)
                break
    return tuple(found.values())


def _options(tasks: Sequence[Member], findings: Findings) -> DagOptions:
    given = [notebook for _, notebook in tasks if notebook.dag_given]
    if not given:
        return tasks[0][1].dag
    for other in given[1:]:
        if other.dag != given[0].dag:
            findings.add(
                "NBF216",
                Sentence(
                    "the settings of DAG '{dag}' differ in {path} and {path2}",
                    dag=tasks[0][0].dag,
                    path=given[0].path,
                    path2=other.path,
                ),
            )
    return given[0].dag
