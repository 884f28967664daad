"""Two runs side by side, and how many runs go on or failed."""

from datetime import timedelta

from nbflow.model.ids import RunId
from nbflow.model.states import RunState
from nbflow.server.models.fields import seconds_between
from nbflow.server.models.history import (
    Activity,
    ActivityQuery,
    ComparedOutput,
    ComparedTask,
    Comparison,
    ComparisonQuery,
)
from nbflow.server.models.runs import MetricForm
from nbflow.server.resources.runs import run_form
from nbflow.server.routing import WATCHED, Call, Route
from nbflow.service.drift import has_metastore
from nbflow.service.two_runs import TaskPair, compare_runs
from nbflow.texts import clean

_DAY = timedelta(days=1)


def compare_two_runs(call: Call) -> Comparison:
    """Return two runs side by side."""
    found = compare_runs(call.service, RunId(call.path["run_id"]), RunId(call.query.other))
    return Comparison(
        run=run_form(found.first, call.lang),
        other=run_form(found.second, call.lang),
        tasks=[_task(pair) for pair in found.tasks],
        metrics=[
            MetricForm(
                task=one.task, name=one.name, value=one.first, other=one.second, change=one.change
            )
            for one in found.metrics
        ],
        outputs=None
        if found.outputs is None
        else [
            ComparedOutput(
                cell=one.cell,
                line=clean(one.line),
                what=clean(one.what),
                text=_clean(one.first),
                other_text=_clean(one.second),
            )
            for one in found.outputs
        ],
    )


def show_activity(call: Call) -> Activity:
    """Return how many runs wait, go on, and failed lately; no metastore is made for it."""
    since = call.query.since or call.service.clock.wall() - _DAY
    is_used = has_metastore(call.service)
    counts = call.service.store.run_counts(since) if is_used else {}
    return Activity(
        is_used=is_used,
        queued=counts.get(RunState.QUEUED, 0),
        running=counts.get(RunState.RUNNING, 0),
        failed=counts.get(RunState.FAILED, 0),
        since=since,
    )


def _task(pair: TaskPair) -> ComparedTask:
    first, second = pair.first, pair.second
    return ComparedTask(
        task=pair.task,
        state=first.state.value if first else None,
        seconds=seconds_between(first.started, first.ended) if first else None,
        other_state=second.state.value if second else None,
        other_seconds=seconds_between(second.started, second.ended) if second else None,
    )


def _clean(text: str | None) -> str | None:
    return None if text is None else clean(text)


ROUTES = (
    Route(
        method="GET",
        path="/runs/{run_id}/comparison",
        answer=compare_two_runs,
        summary="Two runs side by side: tasks, metrics, and where outputs of cells differ.",
        query=ComparisonQuery,
        given=Comparison,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/activity",
        answer=show_activity,
        summary="How many runs wait, go on, and failed lately.",
        query=ActivityQuery,
        given=Activity,
        follows=WATCHED,
    ),
)
