"""Which DAG a notebook belongs to, without compiling it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import NotFoundError
from nbflow.model.ids import CellId, DagId
from nbflow.service.drift import has_metastore
from nbflow.service.known_dags import ListedDag, find_dag

if TYPE_CHECKING:
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class NotebookDag:
    """The DAG of a notebook; ``about`` is None if nobody deployed or ran it. ``numbers`` are what
    people call the notebook's cells.
    """

    dag_id: DagId
    about: ListedDag | None
    numbers: dict[CellId, str]


def dag_of_notebook(service: "Service", path: Path) -> NotebookDag:
    """Return which DAG a saved notebook belongs to; no metastore is made for it.

    Raises NotebookError, MetastoreError.
    """
    from nbflow.notebooks import read_notebook
    from nbflow.notebooks.numbers import cell_numbers

    notebook = read_notebook(path)
    name = notebook.task.dag if notebook.task is not None else notebook.dag_id
    about: ListedDag | None = None
    if has_metastore(service):
        try:
            about = find_dag(service, name).about
        except NotFoundError:
            about = None
    return NotebookDag(dag_id=name, about=about, numbers=cell_numbers([notebook]))
