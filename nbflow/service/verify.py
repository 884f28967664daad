"""Does the pipeline say what the page says? Run it both ways and compare every cell's output."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.model.dag import Dag
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import CellType, Role
from nbflow.model.states import TaskState
from nbflow.service.compare import CellDifference, compare_outputs
from nbflow.service.pages import Page, open_pages
from nbflow.service.plain_runs import PlainRuns
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

    ``uncompared`` are mapped tasks and their readers; ``cells`` counts the compared code cells.
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
    cell that raises does so in both. Whole notebooks run one after another, in the DAG's order, and
    hand over what they store. Plain runs start from copies of the folder, made before the pipeline
    ran.
    Raises what `run_notebook` raises.
    """
    compiled = load_one(target, dag, now=service.clock.wall()).check(strict=options.strict)
    folders = [str(Path(n.path).absolute().parent) for n in compiled.notebooks]
    with pristine(os.path.commonpath(folders)) as files:
        return _verified(service, compiled, options, files)


def _verified(
    service: "Service", compiled: Compiled, options: RunOptions, files: Pristine
) -> Verification:
    report = run_compiled(service, compiled, replace(options, select=None))
    assert report.context is not None
    sources = overrides(compiled, options.parameters, report.context)
    pages = open_pages(compiled.notebooks, sources)
    left_out = _uncompared(compiled.dag)
    alone = {task.notebook for task in compiled.dag.tasks if task.name in left_out} - {None}
    skipped = {p: _skipped(compiled.dag, report, page) for p, page in pages.pages.items()}
    runs = PlainRuns(
        dag=compiled.dag, pages=pages, skipped=skipped, left_out=frozenset(map(str, alone))
    )
    plain = [runs.run(files) for _ in range(PLAIN_RUNS)]
    ours, without = {}, {}
    for notebook in compiled.notebooks:
        path = notebook.path
        if path in plain[0]:
            one = Compiled(dag=compiled.dag, notebooks=(notebook,))
            ours[path] = merged_notebook(one, pages, report)
            _close_ranks(ours[path], skipped[path] - _scratch(pages.pages[path]))
            without[path] = _cells_of(compiled.dag, left_out, path)
    found = _compared(plain, ours, without)
    while any(found.values()) and len(plain) < MOST_PLAIN_RUNS:
        plain.append(runs.run(files))
        found = _compared(plain, ours, without)
    return Verification(
        dag_id=compiled.dag.id,
        run=report,
        differences=found,
        uncompared=tuple(t.name for t in compiled.dag.tasks if t.name in left_out),
        cells=sum(
            cell.type is CellType.CODE and cell.id not in without[notebook.path]
            for notebook in compiled.notebooks
            if notebook.path in ours
            for cell in notebook.cells
        ),
    )


def _compared(
    plain: Sequence[Mapping[str, dict[str, Any]]],
    ours: Mapping[str, dict[str, Any]],
    without: Mapping[str, set[str]],
) -> dict[str, tuple[CellDifference, ...]]:
    return {
        path: compare_outputs([run[path] for run in plain], mine, leave_out=without[path])
        for path, mine in ours.items()
    }


def _cells_of(dag: Dag, names: set[TaskName], path: str) -> set[str]:
    """Return the cells that tasks have in one notebook."""
    return {
        str(cell)
        for task in dag.tasks
        if task.name in names and task.notebook in (None, path)
        for cell in task.cells
    }


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
    """Return the cells that didn't run in the pipeline since they were skipped; of whole notebooks
    also those whose sources failed.
    """
    states = {task.name: task.state for task in report.tasks}
    skipped = _scratch(page)
    for task in dag.tasks:
        state = states.get(task.name)
        is_here = task.notebook in (None, page.notebook.path)
        fell_out = state is TaskState.UPSTREAM_FAILED and task.notebook is not None
        if is_here and (state is TaskState.SKIPPED or fell_out):
            skipped |= set(task.cells)
    return skipped


def _scratch(page: Page) -> set[CellId]:
    return {cell.id for cell in page.cells.values() if cell.role is Role.SKIP}


def _uncompared(dag: Dag) -> set[TaskName]:
    """Return mapped tasks, and all that read what they leave, directly or not."""
    found = {task.name for task in dag.tasks if task.options.foreach is not None}
    for task in dag.tasks:
        if any(source in found for wanted in inputs_of(task) for source in wanted.sources):
            found.add(task.name)
    return found
