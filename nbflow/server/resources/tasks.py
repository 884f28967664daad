"""Tasks in runs: states, attempts, logs, executed notebooks."""

from datetime import UTC, datetime

from nbflow.metastore.rows import AttemptRow, TaskValues
from nbflow.model.ids import RunId, TaskName
from nbflow.server.models.fields import seconds_between
from nbflow.server.models.runs import (
    ArtifactForm,
    Artifacts,
    AttemptForm,
    CellForm,
    ErrorForm,
    LogAnswer,
    LogQuery,
    NotebookQuery,
    TaskInstanceAnswer,
    TaskInstanceForm,
    TaskInstances,
    ValueForm,
)
from nbflow.server.routing import Call, File, Route
from nbflow.service import records
from nbflow.texts import clean, told


def list_tasks(call: Call) -> TaskInstances:
    """Return the tasks of a run."""
    return TaskInstances(items=instances(call, RunId(call.path["run_id"])))


def instances(call: Call, run_id: RunId) -> list[TaskInstanceForm]:
    """Return the tasks of a run in page order."""
    store = call.service.store
    _, tasks = store.show_run(run_id)
    reasons = {attempt.task: attempt.message for attempt in store.attempts(run_id)}
    return [
        TaskInstanceForm(
            task=task.task,
            state=task.state.value,
            tries=task.tries,
            started=task.started,
            ended=task.ended,
            seconds=seconds_between(task.started, task.ended),
            reason=clean(told(task.note or reasons.get(task.task) or "", call.lang)),
        )
        for task in tasks
    ]


def show_task(call: Call) -> TaskInstanceAnswer:
    """Return a task of a run with its attempts and what it published."""
    run_id, task = _names(call)
    store = call.service.store
    found = [one for one in instances(call, run_id) if one.task == task]
    if not found:
        raise records.no_task(run_id, task)
    published = store.values.of_run(run_id).get(task, TaskValues())
    return TaskInstanceAnswer(
        task=found[0],
        attempts=[_attempt(call, one) for one in store.attempts(run_id, task)],
        values=[ValueForm.model_validate(value) for value in published.all],
    )


def list_artifacts(call: Call) -> Artifacts:
    """Return what the tasks of a run published. Values themselves are loaded in kernels only."""
    run_id = RunId(call.path["run_id"])
    _, tasks = call.service.store.show_run(run_id)
    published = call.service.store.values.of_run(run_id)
    return Artifacts(
        items=[
            ArtifactForm(task=task.task, **ValueForm.model_validate(value).model_dump())
            for task in tasks
            for value in published.get(task.task, TaskValues()).all
        ]
    )


def show_log(call: Call) -> LogAnswer:
    """Return a part of an attempt's log."""
    asked: LogQuery = call.query
    attempt = records.attempt_of(call.service, *_names(call), asked.try_no)
    part = records.read_log(
        call.service, attempt, item=asked.item, offset=asked.offset, limit=asked.limit
    )
    return LogAnswer(
        try_no=part.try_no,
        text=clean(part.text),
        next_offset=part.next_offset,
        is_complete=part.is_complete,
    )


def show_notebook(call: Call) -> File:
    """Return the notebook that an attempt executed."""
    attempt = records.attempt_of(call.service, *_names(call), call.query.try_no)
    content = records.executed_notebook(call.service, attempt)
    return File(content=content, media_type="application/json")


def _names(call: Call) -> tuple[RunId, TaskName]:
    return RunId(call.path["run_id"]), TaskName(call.path["task"])


def _attempt(call: Call, attempt: AttemptRow) -> AttemptForm:
    return AttemptForm(
        try_no=attempt.try_no,
        claimed=attempt.claimed,
        started=attempt.started,
        ended=attempt.ended,
        seconds=seconds_between(attempt.started or attempt.claimed, attempt.ended),
        outcome=attempt.outcome,
        reason=attempt.reason.value if attempt.reason else None,
        message=clean(told(attempt.message, call.lang)),
        error=_error(attempt),
        has_notebook=records.has_notebook(call.service, attempt),
        cells=[
            CellForm(
                cell=cell.cell,
                status=cell.status.value,
                started=_instant(cell.started),
                ended=_instant(cell.ended),
            )
            for cell in call.service.store.cells(attempt.token)
        ],
    )


def _error(attempt: AttemptRow) -> ErrorForm | None:
    error = attempt.result.get("error")
    if not error:
        return None
    return ErrorForm(
        name=clean(error["name"]),
        message=clean(error["message"]),
        traceback=clean("\n".join(error.get("traceback") or ())),
        cell=error.get("cell"),
        line=error.get("line"),
    )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


ROUTES = (
    Route(
        method="GET",
        path="/runs/{run_id}/tasks",
        answer=list_tasks,
        summary="List the tasks of a run with their states.",
        given=TaskInstances,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/tasks/{task}",
        answer=show_task,
        summary="Show a task of a run: attempts cell by cell, and what it published.",
        given=TaskInstanceAnswer,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/artifacts",
        answer=list_artifacts,
        summary="List what the tasks of a run published: names, types, sizes, previews.",
        given=Artifacts,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/tasks/{task}/log",
        answer=show_log,
        summary="Read the log of an attempt, part by part, also while it grows.",
        query=LogQuery,
        given=LogAnswer,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/tasks/{task}/notebook",
        answer=show_notebook,
        summary="The notebook that an attempt executed, of its task's cells.",
        query=NotebookQuery,
        media=("application/json",),
        problems=(404,),
    ),
)
