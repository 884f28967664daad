"""Does the pipeline say what the page says? Run it both ways and compare every cell's output."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.model.dag import Dag
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import CellType, Role
from nbflow.model.states import TaskState
from nbflow.service.compare import CellDifference, compare_outputs
from nbflow.service.pages import Page, open_pages
from nbflow.service.pristine import Pristine, pristine
from nbflow.service.published import inputs_of
from nbflow.service.reports import RunReport
from nbflow.service.run import RunOptions, merged_notebook, run_compiled
from nbflow.service.targets import Compiled, Target, load_one, overrides

if TYPE_CHECKING:
    from nbflow.service.service import Service

PLAIN_RUNS = 2
MOST_PLAIN_RUNS = 5
"""Two runs may agree by chance on what varies: as long as something differs, more are made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The outcome: ``differences`` by notebook path, the pipeline's run, what was not compared.

    ``uncompared`` are mapped tasks, whole notebooks with inputs, and their readers; ``cells`` counts
    the compared code cells.
    """

    dag_id: str
    run: RunReport
    differences: Mapping[str, tuple[CellDifference, ...]]
    uncompared: tuple[TaskName, ...] = ()
    cells: int = 0

    @property
    def is_equal(self) -> bool:
        """Tell whether both ways gave the same."""
        return not any(self.differences.values())


def verify_notebook(
    service: "Service", target: Target, options: RunOptions, *, dag: str | None = None
) -> Verification:
    """Run ``target`` as a pipeline and twice or more top to bottom, and compare the outputs.

    The pipeline runs first: the plain runs leave out the cells that a condition skipped in it. A
    cell that raises does so in both. Whole notebooks run one after another, in the DAG's order.
    A single notebook's plain runs start from copies of its folder, made before the pipeline ran.
    Raises what `run_notebook` raises.
    """
    compiled = load_one(target, dag).check(strict=options.strict)
    paths = [notebook.path for notebook in compiled.notebooks]
    folder = str(Path(paths[0]).absolute().parent)
    with pristine(folder, copied=len(paths) == 1) as files:
        return _verified(service, compiled, options, files)


def _verified(
    service: "Service", compiled: Compiled, options: RunOptions, files: Pristine
) -> Verification:
    report = run_compiled(service, compiled, replace(options, select=None))
    assert report.context is not None
    sources = overrides(compiled, options.parameters, report.context)
    pages = open_pages(compiled.notebooks, sources)
    left_out = _uncompared(compiled.dag)
    differences: dict[str, tuple[CellDifference, ...]] = {}
    count = 0
    alone = {task.notebook for task in compiled.dag.tasks if task.name in left_out}
    for notebook in compiled.notebooks:
        if notebook.path in alone:
            continue
        one = Compiled(dag=compiled.dag, notebooks=(notebook,))
        page = pages.pages[notebook.path]
        skipped = _skipped(compiled.dag, report, page)
        ours = merged_notebook(one, pages, report)
        _close_ranks(ours, skipped - _scratch(page))
        without = {
            str(cell)
            for task in compiled.dag.tasks
            if task.name in left_out and task.notebook in (None, notebook.path)
            for cell in task.cells
        }
        plain = [_plain(page, skipped, files) for _ in range(PLAIN_RUNS)]
        found = compare_outputs(plain, ours, leave_out=without)
        while found and len(plain) < MOST_PLAIN_RUNS:
            plain.append(_plain(page, skipped, files))
            found = compare_outputs(plain, ours, leave_out=without)
        differences[notebook.path] = found
        count += sum(c.type is CellType.CODE and c.id not in without for c in notebook.cells)
    return Verification(
        dag_id=compiled.dag.id,
        run=report,
        differences=differences,
        uncompared=tuple(t.name for t in compiled.dag.tasks if t.name in left_out),
        cells=count,
    )


def _plain(page: Page, skipped: set[CellId], files: Pristine) -> dict[str, Any]:
    from nbflow.execution.plain import run_plain

    sources = {cell.id: page.source(cell.id) for cell in page.cells.values()}
    is_alone = str(Path(page.folder)) == files.folder
    cwd = files.take() if is_alone else str(Path(page.folder))
    executed = run_plain(
        page.notebook.raw,
        cwd=cwd,
        kernel=page.notebook.kernel,
        skip_cells=skipped,
        sources=sources,
    )
    return files.as_if_here(executed, cwd) if is_alone else executed


def _close_ranks(document: dict[str, Any], skipped: set[CellId]) -> None:
    """Number the cells as if those that a condition skipped were not on the page."""
    missing = 0
    for cell in document["cells"]:
        if cell["cell_type"] != "code" or not cell["source"].strip():
            continue
        if cell["id"] in skipped:
            missing += 1
        elif cell["execution_count"]:
            cell["execution_count"] -= missing


def _skipped(dag: Dag, report: RunReport, page: Page) -> set[CellId]:
    """Return the cells that didn't run in the pipeline since they were skipped."""
    states = {task.name: task.state for task in report.tasks}
    skipped = _scratch(page)
    for task in dag.tasks:
        if states.get(task.name) is TaskState.SKIPPED and task.notebook in (
            None,
            page.notebook.path,
        ):
            skipped |= set(task.cells)
    return skipped


def _scratch(page: Page) -> set[CellId]:
    return {cell.id for cell in page.cells.values() if cell.role is Role.SKIP}


def _uncompared(dag: Dag) -> set[TaskName]:
    """Return mapped tasks, and all that read what they leave, directly or not.

    Whole notebooks that take inputs count, too: on their own they have nothing to read.
    """
    found = {
        task.name
        for task in dag.tasks
        if task.options.foreach is not None or (task.notebook is not None and task.inputs)
    }
    for task in dag.tasks:
        if any(source in found for wanted in inputs_of(task) for source in wanted.sources):
            found.add(task.name)
    return found
