"""A DAG's notebooks run top to bottom in plain kernels, each after those it takes values from."""

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from nbflow.model.attempt import Load, StoredValue
from nbflow.model.dag import Dag, Task
from nbflow.model.ids import CellId, TaskName
from nbflow.scheduling.decide import upstream_of
from nbflow.service.pages import Page, Pages
from nbflow.service.pristine import Pristine


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainRuns:
    """Plain runs of a DAG: ``skipped`` are cells to leave out, by path; ``left_out`` paths of
    notebooks that can't be run so.
    """

    dag: Dag
    pages: Pages
    skipped: Mapping[str, Collection[CellId]]
    left_out: Collection[str] = ()

    def run(self, files: Pristine) -> dict[str, dict[str, Any]]:
        """Run every notebook once, in a folder of its own if there is a copy; return them by path."""
        from nbflow.execution.plain import run_plain

        folder = files.take()
        done: dict[str, dict[str, Any]] = {}
        stored: dict[TaskName, dict[str, StoredValue]] = {}
        with tempfile.TemporaryDirectory(prefix="nbflow-values-") as values:
            for path, task in self._order():
                page = self.pages.pages[path]
                cwd = str(Path(folder, Path(page.folder).relative_to(files.folder)))
                plain = run_plain(
                    page.notebook.raw,
                    cwd=cwd,
                    kernel=page.notebook.kernel,
                    skip_cells=self.skipped[path],
                    sources={cell.id: page.source(cell.id) for cell in page.cells.values()},
                    handover=_handover(task, page, stored, values) if task else None,
                )
                if task is not None:
                    stored[task.name] = {value.name: value for value in plain.values}
                done[path] = files.as_if_here(plain.notebook, folder)
        return done

    def _order(self) -> list[tuple[str, Task | None]]:
        """Return the notebooks, each with its task if the whole of it is one that hands values."""
        tasks = {task.name: task for task in self.dag.tasks}
        found: dict[str, Task | None] = {}
        for name in TopologicalSorter(upstream_of(self.dag)).static_order():
            task = tasks[name]
            path = task.notebook or self.pages.first
            hands = task.notebook is not None and (task.inputs or task.outputs)
            if path not in self.left_out:
                found.setdefault(path, task if hands else None)
        return list(found.items())


def _handover(
    task: Task, page: Page, stored: Mapping[TaskName, Mapping[str, StoredValue]], values: str
) -> Any:
    from nbflow.execution.plain import Handover

    keys = dict(task.input_keys)
    loads = []
    for wanted in task.inputs:
        name = keys.get(wanted.name, wanted.name)
        there = (stored[s][name] for s in wanted.sources if name in stored.get(s, {}))
        value = next(there, None)
        if value is not None:
            loads.append(Load(name=wanted.name, value=value))
    after = next((cell for cell in task.cells if page.cells[cell].parameters), None)
    return Handover(values=values, loads=tuple(loads), after=after, outputs=task.outputs)
