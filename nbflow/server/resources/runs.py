"""Runs: those there are, one of them, asking for one, cancelling and clearing."""

import base64
import json
from datetime import datetime

from nbflow.metastore.reads import RunFilter
from nbflow.metastore.rows import RunRow
from nbflow.model.ids import DagId, RunId
from nbflow.model.triggers import cause_sentence
from nbflow.server.models.fields import Changed, seconds_between
from nbflow.server.models.runs import (
    CancelRequest,
    ClearAnswer,
    ClearedTask,
    ClearRequest,
    EventForm,
    EventList,
    EventsQuery,
    MetricForm,
    MetricList,
    MetricsQuery,
    PageQuery,
    RunAnswer,
    RunForm,
    RunPage,
    RunQuery,
    RunRequest,
    Triggered,
    TriggerRequest,
)
from nbflow.server.paper import POLICY, page_of
from nbflow.server.resources.paging import bad_cursor
from nbflow.server.resources.tasks import instances
from nbflow.server.routing import FOLLOWED, NOTEBOOK_LIMIT, WATCHED, Call, File, Route
from nbflow.service.clear import ClearOptions
from nbflow.service.metrics import compared, metrics_by_task
from nbflow.service.records import run_document
from nbflow.service.run import RunOptions, submit
from nbflow.service.targets import load_one
from nbflow.texts import clean, told


def list_runs(call: Call) -> RunPage:
    """Return runs, the newest first."""
    asked: RunQuery = call.query
    before, after = _from_cursor(asked.cursor)
    wanted = RunFilter(
        dag_id=DagId(asked.dag_id) if asked.dag_id else None,
        state=asked.state,
        kind=asked.kind,
        before=before,
        after=after,
        limit=asked.limit + 1,
    )
    found = call.service.store.page_of_runs(wanted)
    here = found.rows[: asked.limit]
    more = _cursor(here[-1]) if len(found.rows) > len(here) else None
    items = [run_form(row, call.lang) for row in here]
    return RunPage(items=items, next=more, unread=[str(run_id) for run_id in found.unread])


def show_run(call: Call) -> RunAnswer:
    """Return a run with its tasks and metrics."""
    run_id = RunId(call.path["run_id"])
    store = call.service.store
    run, _ = store.show_run(run_id)
    return RunAnswer(
        run=run_form(run, call.lang),
        tasks=instances(call, run_id),
        metrics=metrics_by_task(call.service, run_id),
        goes_on=run_id in store.clears.requested(),
    )


def show_run_notebook(call: Call) -> File:
    """Return one executed notebook with the outputs of a run's tasks in page order."""
    document = run_document(call.service, RunId(call.path["run_id"]))
    text = json.dumps(document, ensure_ascii=False)
    return File(content=text.encode("utf-8", "replace"), media_type="application/json")


def show_run_page(call: Call) -> File:
    """Return the executed notebook of a run as a page that may stand in a frame."""
    document = run_document(call.service, RunId(call.path["run_id"]))
    page = page_of(document, theme=call.query.theme)
    return File(content=page, media_type="text/html", policy=POLICY)


def list_events(call: Call) -> EventList:
    """Return what happened in a run."""
    asked: EventsQuery = call.query
    run_id = RunId(call.path["run_id"])
    store = call.service.store
    rows = store.events(asked.since, run_id=run_id, limit=asked.limit)
    if not rows:
        store.show_run(run_id)
    return EventList(
        items=[
            EventForm(
                seq=row.seq,
                task=row.task,
                source=row.source,
                target=row.target,
                at=row.at,
                note=clean(told(row.note, call.lang)),
            )
            for row in rows
        ],
        last=rows[-1].seq if rows else asked.since,
    )


def compare_metrics(call: Call) -> MetricList:
    """Return a run's metrics, beside those of another run if one is named."""
    run_id, other = call.path["run_id"], call.query.other
    call.service.store.show_run(RunId(run_id))
    pairs = compared(call.service, run_id, other or run_id)
    return MetricList(
        items=[
            MetricForm(
                task=one.task,
                name=one.name,
                value=one.first,
                other=one.second if other else None,
                change=one.change if other else None,
            )
            for one in pairs
        ]
    )


def trigger_dag(call: Call) -> Triggered:
    """Record a run of what is deployed; a scheduler carries it out."""
    asked: TriggerRequest = call.body
    run_id = call.service.trigger(
        call.path["dag_id"], asked.parameters, date=asked.date, key=asked.key
    )
    return Triggered(run_id=run_id, has_scheduler=call.service.store.has_scheduler())


def run_notebook(call: Call) -> Triggered:
    """Record a run of a notebook as it is now; a scheduler carries it out."""
    asked: RunRequest = call.body
    places = call.tools.places
    if asked.notebook is None:
        compiled = load_one(places.notebook(asked.path), now=call.service.clock.wall())
    else:
        compiled = call.tools.compiler.compile(asked.notebook, str(places.file(asked.path)))
    options = RunOptions(parameters=asked.parameters, select=asked.tasks or None, date=asked.date)
    run_id = submit(call.service, compiled, options)
    return Triggered(run_id=run_id, has_scheduler=call.service.store.has_scheduler())


def cancel_run(call: Call) -> Changed:
    """Ask whoever drives a run to end it."""
    run_id = RunId(call.path["run_id"])
    call.service.store.show_run(run_id)
    return Changed(id=run_id, changed=call.service.store.request_cancel(run_id))


def clear_run(call: Call) -> ClearAnswer:
    """Let an ended run go on; what succeeded stays unless it is named."""
    asked: ClearRequest = call.body
    call.service.store.show_run(RunId(call.path["run_id"]))
    options = ClearOptions(
        select=asked.tasks or None,
        every=asked.every,
        downstream=asked.downstream,
        only_failed=asked.only_failed,
        deployed=asked.deployed,
    )
    done = call.service.clear(call.path["run_id"], options, dry_run=asked.dry_run)
    cleared = [
        ClearedTask(task=task, state=state.value, becomes="cleared") for task, state in done.tasks
    ]
    removed = [ClearedTask(task=task, state=None, becomes="removed") for task in done.removed]
    return ClearAnswer(run_id=done.run_id, tasks=[*cleared, *removed], has_scheduler=done.is_driven)


def run_form(run: RunRow, lang: str) -> RunForm:
    """Return a run for clients."""
    return RunForm(
        run_id=run.id,
        dag_id=run.dag_id,
        version=run.version,
        kind=run.kind.value,
        state=run.state.value,
        created=run.created,
        started=run.started,
        ended=run.ended,
        seconds=seconds_between(run.started or run.created, run.ended),
        logical_date=run.logical_date,
        parameters=dict(run.parameters),
        note=clean(told(run.note, lang)),
        cause=told(cause_sentence(run.cause), lang) if run.cause else None,
        timezone=run.timezone,
    )


def _cursor(run: RunRow) -> str:
    return base64.urlsafe_b64encode(f"{run.created.isoformat()}|{run.id}".encode()).decode()


def _from_cursor(cursor: str | None) -> tuple[datetime | None, RunId | None]:
    if cursor is None:
        return None, None
    try:
        at, _, run_id = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").partition("|")
        before = datetime.fromisoformat(at)
    except ValueError:
        raise bad_cursor() from None
    if before.tzinfo is None or not run_id:
        raise bad_cursor()
    return before, RunId(run_id)


ROUTES = (
    Route(
        method="GET",
        path="/runs",
        answer=list_runs,
        summary="List runs, the newest first.",
        query=RunQuery,
        given=RunPage,
        follows=WATCHED,
    ),
    Route(
        method="POST",
        path="/runs",
        answer=run_notebook,
        summary="Ask for a run of a notebook as it is now, of all or some tasks; nothing is deployed.",
        action="execute",
        body=RunRequest,
        given=Triggered,
        status=202,
        limit=NOTEBOOK_LIMIT,
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/dags/{dag_id}/runs",
        answer=trigger_dag,
        summary="Ask for a run of what is deployed, with parameters.",
        action="execute",
        body=TriggerRequest,
        given=Triggered,
        status=202,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}",
        answer=show_run,
        summary="Show a run with its tasks and metrics.",
        given=RunAnswer,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/notebook",
        answer=show_run_notebook,
        summary="The executed notebook of a run: the outputs of its tasks in page order.",
        media=("application/json",),
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/page",
        answer=show_run_page,
        summary="The executed notebook of a run as a page for a sandboxed frame.",
        query=PageQuery,
        media=("text/html",),
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/events",
        answer=list_events,
        summary="What happened in a run since the last look: ask again while it goes on.",
        query=EventsQuery,
        given=EventList,
        problems=(404,),
        follows=FOLLOWED,
    ),
    Route(
        method="GET",
        path="/runs/{run_id}/metrics",
        answer=compare_metrics,
        summary="The metrics of a run, beside those of another.",
        query=MetricsQuery,
        given=MetricList,
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/runs/{run_id}/cancel",
        answer=cancel_run,
        summary="End a run that goes on, or withdraw a clear.",
        action="execute",
        body=CancelRequest,
        given=Changed,
        status=202,
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path="/runs/{run_id}/clear",
        answer=clear_run,
        summary="Let an ended run go on: run some of its tasks again.",
        action="execute",
        body=ClearRequest,
        given=ClearAnswer,
        status=202,
        problems=(404, 409),
    ),
)
