"""Propose tasks for an untagged notebook: sections or cells, merged where a border gains nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from nbflow.errors import UsageError
from nbflow.model.dag import Dag
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import Notebook
from nbflow.model.sentence import Sentence
from nbflow.notebooks.suggest import Suggestion, suggest_tasks
from nbflow.notebooks.write import TagChange, write_tags
from nbflow.scheduling.decide import upstream_of
from nbflow.service.targets import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """Which cell would belong to which task, and the DAG that would come of it."""

    notebook: Notebook
    suggestions: tuple[Suggestion, ...]
    dag: Dag

    @property
    def tasks(self) -> Mapping[TaskName, tuple[CellId, ...]]:
        """The proposed tasks with their cells, in page order."""
        found: dict[TaskName, tuple[CellId, ...]] = {}
        for one in self.suggestions:
            found[one.task] = (*found.get(one.task, ()), one.cell)
        return found

    def write(self) -> None:
        """Tag the cells in the notebook's file, and change nothing else. Raises NotebookError."""
        write_tags(self.notebook.path, _changes(self.suggestions))


def propose(target: Target, *, by: Literal["section", "cell"] = "section") -> Proposal:
    """Propose tasks for the cells of one notebook that have none.

    With ``by="section"`` neighbours that could only run one after the other anyway, or that need
    the same live kernel, become one task. Raises NotebookError, and UsageError for a folder.
    """
    from nbflow.notebooks import read_notebook

    if not isinstance(target, Notebook) and Path(target).is_dir():
        raise UsageError(
            Sentence("{target}: is a folder", target=target),
            hint="name one notebook",
            code="NBF514",
        )
    notebook = target if isinstance(target, Notebook) else read_notebook(target)
    # With its last cell tagged the page has leading cells, of which some are setup.
    last = _compiled(notebook, suggest_tasks(notebook, by="cell")[-1:])
    setup = {cell for cell, role in last.membership if role == "setup"}
    setup |= {cell for cell, role in _compiled(notebook, ()).membership if role == "setup"}
    by_cell = suggest_tasks(notebook, by="cell", setup=setup)
    cells = _compiled(notebook, by_cell)
    names = {one.cell: one.task for one in by_cell}
    binds = {
        cell: (*cells.task(name).binds, *cells.task(name).may_bind)
        for cell, name in names.items()
        if any(task.name == name for task in cells.tasks)
    }
    found = suggest_tasks(notebook, by=by, binds=binds, setup=setup)
    dag = _compiled(notebook, found)
    if by == "section":
        pairs = _gainless_borders(dag)
        found = suggest_tasks(
            notebook,
            by=by,
            binds=binds,
            setup=setup,
            merge=lambda one, other: (one, other) in pairs,
        )
        dag = _compiled(notebook, found)
    return Proposal(notebook=notebook, suggestions=found, dag=dag)


def _gainless_borders(dag: Dag) -> set[tuple[TaskName, TaskName]]:
    """Return neighbours that share a kernel group, or of which the second is the first's only
    follower and waits for it alone.
    """
    upstream = upstream_of(dag)
    followers: dict[TaskName, list[TaskName]] = {}
    for name, sources in upstream.items():
        for source in sources:
            followers.setdefault(source, []).append(name)
    pairs = set()
    for one, other in pairwise(dag.tasks):
        grouped = one.group is not None and one.group == other.group
        chain = upstream[other.name] == (one.name,) and followers[one.name] == [other.name]
        small = len(one.cells) == 1 and len(other.cells) == 1
        if grouped or (chain and small):
            pairs.add((one.name, other.name))
    return pairs


def _compiled(notebook: Notebook, suggestions: tuple[Suggestion, ...]) -> Dag:
    from nbflow.compiler import compile_notebook
    from nbflow.notebooks import read_document

    raw = write_tags(notebook.raw, _changes(suggestions))
    return compile_notebook(read_document(raw, notebook.path))


def _changes(suggestions: tuple[Suggestion, ...]) -> dict[CellId, TagChange]:
    return {one.cell: TagChange(add=(f"task:{one.task}",)) for one in suggestions}
