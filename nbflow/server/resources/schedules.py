"""Schedules: what one says before it is kept, and how a deployed DAG's stands."""

from nbflow.errors import NotFoundError
from nbflow.model.diagnostics import has_errors
from nbflow.model.ids import DagId
from nbflow.model.options import DagOptions
from nbflow.model.schedule import missed_reason
from nbflow.model.sentence import Sentence
from nbflow.scheduling.plan import schedule_findings, watch_of
from nbflow.scheduling.slots import upcoming
from nbflow.server.models.schedules import (
    MissedForm,
    PreviewAnswer,
    PreviewQuery,
    ScheduleAnswer,
)
from nbflow.server.problems import findings
from nbflow.server.resources.forms import fire_forms, words
from nbflow.server.routing import Call, Route
from nbflow.service.dag_settings import coming_fires
from nbflow.service.known_dags import find_dag
from nbflow.texts import told

_SHOWN = 5


def preview_schedule(call: Call) -> PreviewAnswer:
    """Say what a schedule means, and when it fires next; nothing is kept."""
    asked: PreviewQuery = call.query
    options, now = _options(asked), call.service.clock.wall()
    found = schedule_findings(options, now)
    fires = [] if has_errors(found) else coming_fires(options, now, asked.count)
    return PreviewAnswer(
        words=words(asked.expression, asked.timezone),
        next=fire_forms(fires, asked.timezone),
        diagnostics=findings(found, {}, call.lang),
    )


def _options(asked: PreviewQuery) -> DagOptions:
    return DagOptions(
        schedule=asked.expression,
        timezone=asked.timezone,
        start_date=asked.start_date,
        end_date=asked.end_date,
        min_period=asked.min_period,
    )


def show_schedule(call: Call) -> ScheduleAnswer:
    """Return how a deployed DAG's schedule stands."""
    store, name = call.service.store, DagId(call.path["dag_id"])
    entry = store.schedule(name)
    if entry is None:
        find_dag(call.service, name)  # says it of a DAG that isn't there at all
        raise NotFoundError(
            Sentence("{dag} has no schedule: it was not deployed with one.", dag=name),
            hint="Run nbflow dags deploy NOTEBOOK.",
        )
    is_paused = any(row.paused for row in store.list_dags(name))
    missed, will_run = call.service.will_catch_up(name) if is_paused else (0, 0)
    fires = upcoming(watch_of(entry), entry.cursor, _SHOWN) if entry.expression else []
    return ScheduleAnswer(
        dag_id=name,
        expression=entry.expression,
        timezone=entry.timezone,
        words=words(entry.expression, entry.timezone),
        start=entry.start,
        end=entry.end,
        catchup=entry.catchup.value,
        overlap=entry.overlap.value,
        max_active_runs=entry.max_active_runs,
        paused=is_paused,
        next=fire_forms(fires, entry.timezone),
        missed=[
            MissedForm(slot=one.slot, reason=told(missed_reason(one.reason), call.lang))
            for one in store.missed(name)
        ],
        missed_while_paused=missed,
        will_run=will_run,
    )


ROUTES = (
    Route(
        method="GET",
        path="/schedules/preview",
        answer=preview_schedule,
        summary="Say what a schedule means, in English and Korean, and when it fires next.",
        query=PreviewQuery,
        given=PreviewAnswer,
    ),
    Route(
        method="GET",
        path="/dags/{dag_id}/schedule",
        answer=show_schedule,
        summary="Show a deployed DAG's schedule: its next fires and the slots it missed.",
        given=ScheduleAnswer,
        problems=(404,),
    ),
)
