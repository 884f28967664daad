"""Runs: listed, shown, asked for, cancelled, cleared; their tasks, attempts and what they wrote."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind, RunState
from nbflow.server.models.fields import (
    MAX_PARAMETERS,
    Asked,
    Given,
    Instant,
    Name,
    NotebookPath,
    Page,
    Paged,
    TryNo,
)


def _small(given: dict[str, Any]) -> dict[str, Any]:
    if len(repr(given)) > MAX_PARAMETERS:
        raise ValueError(Sentence("The parameters are larger than 1 MB."))
    return given


Parameters = Annotated[dict[str, Any], Field(max_length=1000), AfterValidator(_small)]


class RunQuery(Paged):
    """Which runs to list; the newest come first."""

    dag_id: Name | None = None
    state: RunState | None = None
    kind: RunKind | None = None


class RunForm(Given):
    """A run. `cause` says in words which trigger made it; `timezone` is that of the schedule
    which its DAG has now, null without one.
    """

    run_id: str
    dag_id: str
    version: str
    kind: str
    state: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    logical_date: datetime | None
    parameters: dict[str, Any]
    note: str
    cause: str | None
    timezone: str | None


class TaskInstanceForm(Given):
    """A task in a run, with the times of its last attempt."""

    task: str
    state: str
    tries: int
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    reason: str


class RunAnswer(Given):
    """A run with its tasks; `goes_on` tells that it was cleared and waits for a scheduler."""

    run: RunForm
    tasks: list[TaskInstanceForm]
    metrics: dict[str, dict[str, float]]
    goes_on: bool


class TaskInstances(Given):
    """The tasks of a run in page order."""

    items: list[TaskInstanceForm]


class CellForm(Given):
    """A cell of an attempt."""

    cell: str
    status: str
    started: datetime | None
    ended: datetime | None


class ErrorForm(Given):
    """A cell's exception; the traceback is plain text."""

    name: str
    message: str
    traceback: str
    cell: str | None
    line: int | None


class AttemptForm(Given):
    """One try of a task; `outcome` is null while it runs."""

    try_no: int
    claimed: datetime
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    outcome: str | None
    reason: str | None
    message: str
    error: ErrorForm | None
    has_notebook: bool
    cells: list[CellForm]


class ValueForm(Given):
    """A value that the task published; `preview` is text."""

    name: str
    type: str
    size: int
    preview: str | None


class ArtifactForm(ValueForm):
    """A value that a task of a run published, with the task's name."""

    task: str


class Artifacts(Given):
    """What the tasks of a run published, in page order."""

    items: list[ArtifactForm]


class TaskInstanceAnswer(Given):
    """A task in a run with its attempts, oldest first, and what it published."""

    task: TaskInstanceForm
    attempts: list[AttemptForm]
    values: list[ValueForm]


class EventsQuery(Asked):
    """What happened after event `since`, the `last` of the part before."""

    since: int = Field(default=0, ge=0, le=2**62)
    limit: int = Field(default=200, ge=1, le=1000)


class EventForm(Given):
    """A task went from one state to another, or the run if `task` is null."""

    seq: int
    task: str | None
    source: str
    target: str
    at: datetime
    note: str


class EventList(Given):
    """What happened, oldest first; `last` is where to go on."""

    items: list[EventForm]
    last: int


class LogQuery(Asked):
    """Which try's log, by default the last one's; `offset` is the `next_offset` of the part before."""

    try_no: TryNo | None = None
    item: int | None = Field(default=None, ge=0, description="Of a mapped task, which item.")
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=1_000_000, ge=1, le=4_000_000)


class LogAnswer(Given):
    """Part of a log; control characters are left out. `is_complete` tells that nothing follows."""

    try_no: int
    text: str
    next_offset: int
    is_complete: bool


class NotebookQuery(Asked):
    """Which try's executed notebook, by default the last one's."""

    try_no: TryNo | None = None


class PageQuery(Asked):
    """How the page of a run looks."""

    theme: Literal["light", "dark"] = "light"


class TriggerRequest(Asked):
    """A run to make of what is deployed. Two calls with one `key` make one run."""

    parameters: Parameters = Field(default={})
    date: Instant | None = None
    key: str | None = Field(default=None, min_length=1, max_length=100)


class RunRequest(Asked):
    """A run of a notebook as it is now, whatever is deployed.

    Without `notebook` the saved file is run. `tasks` are selectors: `train`, `+train`, `train+`;
    what they leave out must have been stored by an earlier run.
    """

    path: NotebookPath
    notebook: dict[str, Any] | None = None
    tasks: list[str] = Field(default=[], max_length=1000)
    parameters: Parameters = Field(default={})
    date: Instant | None = None


class Triggered(Given):
    """The run that was made; null if the key has made one before."""

    run_id: str | None
    has_scheduler: bool


class RunPage(Page[RunForm]):
    """Part of the list of runs; `unread` are ids of runs that can't be read, and are left out."""

    unread: list[str]


class CancelRequest(Asked):
    """Nothing needs to be said."""


class ClearRequest(Asked):
    """Which tasks of an ended run to run again; a selector is `train`, `+train` or `train+`."""

    tasks: list[str] = Field(default=[], max_length=1000)
    every: bool = False
    downstream: bool = False
    only_failed: bool = False
    deployed: bool = Field(default=False, description="Go on with the version deployed now.")
    dry_run: bool = False


class ClearedTask(Given):
    """A task that is cleared, with the state it leaves."""

    task: str
    state: str | None
    becomes: Literal["cleared", "removed"]


class ClearAnswer(Given):
    """What goes on."""

    run_id: str
    tasks: list[ClearedTask]
    has_scheduler: bool


class MetricsQuery(Asked):
    """With `other` the metrics of two runs are compared."""

    other: str | None = Field(default=None, max_length=100)


class MetricForm(Given):
    """A metric of a run, and of the other one."""

    task: str
    name: str
    value: float | None
    other: float | None
    change: float | None


class MetricList(Given):
    """Metrics in page order."""

    items: list[MetricForm]
