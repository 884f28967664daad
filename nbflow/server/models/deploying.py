"""What a deploy would change."""

from typing import Any, Literal

from pydantic import Field

from nbflow.server.models.dags import DriftWord
from nbflow.server.models.fields import Asked, Given, KeepsIds, NotebookPath


class CompareRequest(Asked):
    """A notebook as an editor holds it, to compare with what is deployed."""

    notebook: dict[str, Any] = Field(description="The document: nbformat 4 as plain JSON.")
    path: NotebookPath
    keeps_ids: KeepsIds = True


class SettingChangeForm(Given):
    """A setting of the DAG that differs, as text; empty where it is not set."""

    setting: str
    before: str
    after: str


class EdgeChangeForm(Given):
    """An edge that is new or gone; `why` says in words why it is there."""

    source: str
    target: str
    new: bool
    why: str


class LineChangeForm(Given):
    """A line of a cell: `+` new, `-` gone, or a space."""

    sign: Literal[" ", "-", "+"]
    text: str


class CellChangeForm(Given):
    """A cell that differs; `place` is what people call it, `settings` are keys of its metadata."""

    kind: Literal["added", "removed", "changed"]
    cell: str
    place: str
    lines: list[LineChangeForm]
    settings: list[str]


class CompareAnswer(Given):
    """How a notebook stands to what is deployed. `version` is null if nothing is, `becomes` the version
    that a deploy would make; `cells` is null where nbdime is not installed on the server, or for the
    reason that `no_cells` says.
    """

    dag_id: str
    drift: DriftWord
    version: str | None
    becomes: str
    added: list[str]
    removed: list[str]
    changed: list[str]
    edges: list[EdgeChangeForm]
    settings: list[SettingChangeForm]
    cells: list[CellChangeForm] | None
    no_cells: str | None
