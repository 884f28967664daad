"""DAGs: compiled from an open document, listed, shown, deployed."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from nbflow.server.models.fields import (
    Asked,
    DigestText,
    Finding,
    Given,
    KeepsIds,
    Name,
    NotebookPath,
    Page,
    Paged,
    SeenDigestText,
)

Theme = Literal["light", "dark", "auto"]
DriftWord = Literal["same", "differs", "never", "missing"]
PictureForm = Literal["svg", "dot", "text"]


class PlaceForm(Given):
    """A line of a cell; `line` counts from 1."""

    cell: str
    line: int


class EdgeForm(Given):
    """`target` waits for `source`; `why` says it in words."""

    source: str
    target: str
    kind: str
    variable: str | None
    writer: PlaceForm | None
    reader: PlaceForm | None
    why: str


class TaskForm(Given):
    """A task with its cells and what the analysis found."""

    name: str
    cells: list[str]
    notebook: str | None
    waits_for: list[str]
    section: str
    group: str | None
    when: str | None
    foreach: str | None
    trigger_rule: str
    retries: int
    pool: str
    needs: list[str]
    binds: list[str]
    mutates: list[str]


class ParameterForm(Given):
    """A parameter; `default` is Python source."""

    name: str
    type: str
    default: str
    cell: str
    line: int
    help: str


class MembershipForm(Given):
    """Where a code cell ended up: in `task`, or as `role` says. `tagged`: by its own tag or line."""

    cell: str
    role: str
    task: str | None
    tagged: bool
    number: str


class GroupForm(Given):
    """Tasks that share one live kernel, because of `variable`."""

    name: str
    tasks: list[str]
    variable: str
    type: str


class DagForm(Given):
    """A DAG in full."""

    dag_id: str
    digest: str
    notebooks: list[str]
    description: str
    owner: str
    tags: list[str]
    schedule: str | None
    timezone: str
    tasks: list[TaskForm]
    edges: list[EdgeForm]
    groups: list[GroupForm]
    parameters: list[ParameterForm]
    membership: list[MembershipForm]
    diagnostics: list[Finding]


class BoxForm(Given):
    """A task to draw, or a folded section with the tasks in `members`. `id` is made up; sizes are in
    pixels and hold the text, in Korean too; `look` is a state.
    """

    id: str
    task: str
    members: list[str]
    lines: list[str]
    note: str
    look: str | None
    width: float
    height: float
    folded: bool = Field(description="A whole notebook: drawn with a folded corner.")
    stacked: bool = Field(description="Stands for several: drawn as a stack.")
    condition: str | None
    title: str


class LineForm(Given):
    """All edges between two boxes, drawn as one line; `title` says why."""

    id: str
    source: str
    target: str
    kind: str
    label: str
    label_width: float
    dot: bool
    page: bool
    bold: bool
    title: str


class FrameForm(Given):
    """Boxes that share one live kernel."""

    id: str
    label: str
    boxes: list[str]


class ChipForm(Given):
    """Cells beside the tasks: `setup`, `parameters`, `skip`, `broken`; `folded` hints at sections."""

    kind: str
    label: str
    title: str


class SketchForm(Given):
    """What there is to see of a DAG, before any place is known; clients place and paint it."""

    title: str
    summary: str
    boxes: list[BoxForm]
    lines: list[LineForm]
    frames: list[FrameForm]
    chips: list[ChipForm]
    roomy: bool = Field(description="Boxes have room for one more line.")


class CompileRequest(Asked):
    """A notebook as an editor holds it, saved or not."""

    notebook: dict[str, Any] = Field(description="The document: nbformat 4 as plain JSON.")
    path: NotebookPath
    keeps_ids: KeepsIds = True
    pictures: list[PictureForm] = Field(default=[], max_length=3)
    sketch: bool = Field(default=False, description="What to draw, for clients that place it.")
    roomy: bool = Field(
        default=False, description="Leave room in the sketch's boxes to say how each task stands."
    )
    theme: Theme = "auto"
    direction: Literal["LR", "TB"] = "LR"
    unfold: list[str] = Field(
        default=[], max_length=200, description="Sections to draw open; `all` opens all."
    )


class CompileAnswer(Given):
    """What the document means. `drift` tells how it stands to what is deployed."""

    dag: DagForm
    drift: DriftWord
    pictures: dict[str, str]
    sketch: SketchForm | None


class SuggestRequest(Asked):
    """A notebook without tasks; `by` says whether headings or cells make one."""

    notebook: dict[str, Any] = Field(description="The document: nbformat 4 as plain JSON.")
    path: NotebookPath
    by: Literal["section", "cell"] = "section"


class SuggestionForm(Given):
    """Tag the cell with `task:` and this name."""

    cell: str
    task: str


class Suggestions(Given):
    """Proposed tags, and the DAG that would come of them; nothing is written."""

    items: list[SuggestionForm]
    dag: DagForm


class MakeTask(Asked):
    """Make cells a task, or part of one."""

    kind: Literal["task"]
    cells: list[str] = Field(min_length=1, max_length=10_000)
    task: Name


class CellTask(Asked):
    """A cell and its task."""

    cell: str
    task: Name


class MakeTasks(Asked):
    """Give several cells their tasks, as suggestions do."""

    kind: Literal["tasks"]
    items: list[CellTask] = Field(min_length=1, max_length=10_000)


class MakeRole(Asked):
    """Make cells setup, parameters or scratch work, or nothing special."""

    kind: Literal["role"]
    cells: list[str] = Field(min_length=1, max_length=10_000)
    role: Literal["setup", "parameters", "skip", "none"]


class RenameTask(Asked):
    """Rename a task; what is ordered after it follows."""

    kind: Literal["rename"]
    task: Name
    name: Name


class OrderTask(Asked):
    """Order a task after others, and after no more than these."""

    kind: Literal["after"]
    task: Name
    others: list[Name] = Field(max_length=1_000)


class SplitTask(Asked):
    """Let a new task begin at a cell."""

    kind: Literal["split"]
    cell: str
    task: Name


Change = MakeTask | MakeTasks | MakeRole | RenameTask | OrderTask | SplitTask


class MarkRequest(Asked):
    """A notebook as an editor holds it, and what shall become of its cells."""

    notebook: dict[str, Any] = Field(description="The document: nbformat 4 as plain JSON.")
    path: NotebookPath
    change: Change = Field(discriminator="kind")


class CellMarksForm(Given):
    """A cell's tags and source as they shall be; everything else of it stays."""

    cell: str
    tags: list[str]
    source: str


class MarkAnswer(Given):
    """The cells that change. Nothing is written: the editor holds the document."""

    cells: list[CellMarksForm]


class GraphQuery(Asked):
    """How to draw a DAG; with `run` its tasks have the states of that run."""

    format: Literal["svg", "dot", "text", "json"] = "svg"
    theme: Theme = "auto"
    direction: Literal["LR", "TB"] = "LR"
    run: str | None = Field(default=None, max_length=100)


class DagRowForm(Given):
    """A DAG in a list. `paused` is null for one that is not deployed. `drift` tells how its notebook
    stands to what is deployed: `missing` if it is not where it was deployed from.
    """

    dag_id: str
    owner: str
    description: str
    tasks: int
    paused: bool | None
    schedule: str | None
    timezone: str
    schedule_in_words: str
    triggers: list[str]
    next_run: datetime | None
    last_run: str | None
    last_state: str | None
    last_run_at: datetime | None
    drift: DriftWord | None
    path: str | None


class DagsQuery(Paged):
    """Which DAGs to list, by name."""

    limit: int = Field(default=1000, ge=1, le=1000, description="How many at most.")
    paused: bool | None = Field(
        default=None, description="Those that are paused, or else those that are deployed and not."
    )
    search: str | None = Field(
        default=None, max_length=200, description="Stands in the name, owner or description."
    )


class DagList(Page[DagRowForm]):
    """DAGs of the DAGs folder and the metastore; `broken` counts notebooks with errors."""

    broken: int


class DagAnswer(Given):
    """A DAG as it is deployed, or else as it lies in the DAGs folder."""

    dag: DagForm
    about: DagRowForm


class VersionForm(Given):
    """A version of a DAG that was deployed or run."""

    version: str
    number: int
    created: datetime
    is_current: bool


class VersionList(Given):
    """The versions of a DAG, the newest first."""

    items: list[VersionForm]


class NotebooksQuery(Asked):
    """Which version's notebooks, by default those of the current one."""

    version: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")


class NotebookForm(Given):
    """A notebook as it was deployed; `path` is null outside of the server's root."""

    path: str | None
    name: str
    notebook: dict[str, Any]


class DeployedNotebooks(Given):
    """The notebooks that a version was made of."""

    version: str
    items: list[NotebookForm]


class ImportErrorForm(Given):
    """A notebook of the DAGs folder that can't be deployed as it is."""

    path: str
    code: str
    message: str
    hint: str
    since: datetime | None


class ImportErrors(Given):
    """What hinders notebooks of the DAGs folder."""

    items: list[ImportErrorForm]


class DeployRequest(Asked):
    """A saved notebook to deploy; `confirmed` agrees to a catch-up on more than a thousand slots.

    With what a comparison told, nothing is deployed that was not looked at.
    """

    path: NotebookPath
    dag_id: Name | None = None
    confirmed: bool = False
    replaces: SeenDigestText | None = Field(
        default="any",
        description="The version that is deployed, `version` of a comparison: null if none is, `any`"
        " if it does not matter. 412 if another one is.",
    )
    becomes: DigestText | None = Field(
        default=None,
        description="The version that the notebook is to be, `becomes` of a comparison. 412 if the"
        " saved notebook is another one.",
    )


class DeploymentForm(Given):
    """A DAG that was deployed; `is_new` tells whether its content was not deployed already. One that is
    `paused` makes no runs by itself: a deploy leaves it paused.
    """

    dag_id: str
    version: str
    is_new: bool
    paused: bool
    schedule: str | None
    next_run: datetime | None


class Deployments(Given):
    """The DAGs of the notebook that was deployed."""

    items: list[DeploymentForm]


class DagChange(Asked):
    """What can be changed of a deployed DAG; `confirmed` agrees to a catch-up on more than a thousand
    slots where it is let run again: 422 NBF224 else.
    """

    paused: bool
    confirmed: bool = False


class DagChanged(Given):
    """What became of it: slots missed meanwhile, and how many of them will run."""

    dag_id: str
    paused: bool
    changed: bool
    missed: int
    will_run: int
