"""What was run: which DAG a notebook belongs to, two runs side by side, how many fail."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from nbflow.model.sentence import Sentence
from nbflow.server.models.dags import DagRowForm
from nbflow.server.models.fields import Asked, Given, Instant, NotebookPath, RunIdText
from nbflow.server.models.runs import MetricForm, RunForm


class NotebookQuery(Asked):
    """Which notebook."""

    path: NotebookPath


class NotebookDagAnswer(Given):
    """The DAG that a saved notebook belongs to; `about` is null if nobody deployed or ran it.
    `numbers` are what people call its cells, by id.
    """

    dag_id: str
    about: DagRowForm | None
    numbers: dict[str, str]


class ComparisonQuery(Asked):
    """The run to compare with."""

    other: RunIdText


class ComparedTask(Given):
    """A task in two runs; null where a run has none of that name, or it took no time yet."""

    task: str
    state: str | None
    seconds: float | None
    other_state: str | None
    other_seconds: float | None


class ComparedOutput(Given):
    """The first place where the outputs of a cell differ. `what` is `outputs` (their number or
    kinds), `missing`, or an output and its part; a text is null where a run has no such cell.
    """

    cell: str
    line: str
    what: str
    text: str | None
    other_text: str | None


class Comparison(Given):
    """Two runs side by side; `outputs` is null if there is nothing of one of them to compare."""

    run: RunForm
    other: RunForm
    tasks: list[ComparedTask]
    metrics: list[MetricForm]
    outputs: list[ComparedOutput] | None


def _no_figure(value: object) -> object:
    if isinstance(value, str) and value.replace(".", "", 1).lstrip("+-").isdigit():
        raise ValueError(Sentence("{text!r} is no instant in ISO form.", text=value))
    return value


class ActivityQuery(Asked):
    """From when on failed runs are counted; by default of the last day."""

    since: Annotated[Instant, BeforeValidator(_no_figure)] | None = None


class Activity(Given):
    """How many runs wait, how many go on, how many failed since `since`; `is_used` tells whether
    there is anything to ask for at all.
    """

    is_used: bool
    queued: int
    running: int
    failed: int
    since: datetime
