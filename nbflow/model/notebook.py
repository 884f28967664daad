"""A notebook as the compiler sees it: cells with roles, tags already read, nothing executed."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId, DagId, Digest, TaskName
from nbflow.model.names import name_from_text
from nbflow.model.options import DagOptions, NotebookTask


class CellType(enum.StrEnum):
    """nbformat's cell types."""

    CODE = "code"
    """Goes to the kernel."""
    MARKDOWN = "markdown"
    """Text."""
    RAW = "raw"
    """Passed through."""


class Role(enum.StrEnum):
    """What a cell's own tags say it is; where an untagged cell ends up is the compiler's to say."""

    TASK = "task"
    """Part of the task it names."""
    SETUP = "setup"
    """Replayed at the start of every task after it on the page."""
    PARAMETERS = "parameters"
    """The DAG's parameters and their defaults, replayed with the run's values."""
    SKIP = "skip"
    """No part of the DAG."""
    UNTAGGED = "untagged"
    """No nbflow tag; or not code, or empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell. ``source`` is what the kernel gets: an ``%%task`` line is already blanked.

    ``options`` are the cell's raw task options with the key as written; ``parameters`` tells that
    papermill's tag stands on the cell (also beside ``task:``), ``may_raise`` that nbclient's
    ``raises-exception`` does: the cells behind it run though it failed.
    """

    id: CellId
    index: int
    type: CellType
    source: str
    role: Role = Role.UNTAGGED
    task: TaskName | None = None
    parameters: bool = False
    may_raise: bool = False
    after: tuple[TaskName, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    heading: str | None = None
    """For a Markdown cell, the text of its first heading."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notebook:
    """A notebook read from a file or handed over by an editor.

    ``path`` is for messages and the working directory; ``raw`` is the nbformat 4 document as plain
    data (what is snapshotted and executed); ``diagnostics`` are the findings of the reading.
    """

    path: str
    name: str
    language: str
    kernel: str
    cells: tuple[Cell, ...]
    dag: DagOptions
    dag_given: bool
    """Whether the metadata hold a ``dag`` object at all."""
    task: NotebookTask | None
    raw: Mapping[str, Any]
    digest: Digest
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def dag_id(self) -> DagId:
        """The DAG that its cells make: the one it names, or one called after its file."""
        return self.dag.id or DagId(name_from_text(self.name, fallback="dag"))
