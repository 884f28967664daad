"""Schedules: what one says before it is kept, and how a deployed DAG's stands."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from nbflow.errors import NotFoundError
from nbflow.model.diagnostics import has_errors
from nbflow.model.ids import DagId
from nbflow.model.schedule import missed_reason
from nbflow.model.sentence import Sentence
from nbflow.scheduling.plan import watch_of
from nbflow.scheduling.schedule import ScheduleError, read_instant, read_zone
from nbflow.scheduling.slots import upcoming
from nbflow.scheduling.timetable import check_schedule, next_fires
from nbflow.server.models.schedules import (
    FireForm,
    MissedForm,
    PreviewAnswer,
    PreviewQuery,
    ScheduleAnswer,
)
from nbflow.server.problems import findings
from nbflow.server.resources.forms import words
from nbflow.server.routing import Call, Route
from nbflow.texts import told

_SHOWN = 5


def preview_schedule(call: Call) -> PreviewAnswer:
    """Say what a schedule means, and when it fires next; nothing is kept."""
    asked: PreviewQuery = call.query
    found = check_schedule(
        asked.expression,
        asked.timezone,
        start_date=asked.start_date,
        end_date=asked.end_date,
        min_period=asked.min_period,
    )
    fires = [] if has_errors(found) else _fires(asked, call.service.clock.wall())
    return PreviewAnswer(
        words=words(asked.expression, asked.timezone),
        next=_forms(fires, asked.timezone),
        diagnostics=findings(found, {}, call.lang),
    )


def _fires(asked: PreviewQuery, now: datetime) -> list[datetime]:
    zone = read_zone(asked.timezone)
    start = read_instant(asked.start_date, zone) if asked.start_date else None
    end = read_instant(asked.end_date, zone) if asked.end_date else None
    found = next_fires(
        asked.expression,
        asked.timezone,
        max(now, start) if start else now,
        asked.count,
        anchor=start,
    )
    return [at for at in found if end is None or at <= end]


def show_schedule(call: Call) -> ScheduleAnswer:
    """Return how a deployed DAG's schedule stands."""
    store, name = call.service.store, DagId(call.path["dag_id"])
    entry = store.schedule(name)
    if entry is None:
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
        next=_forms(fires, entry.timezone),
        missed=[
            MissedForm(slot=one.slot, reason=told(missed_reason(one.reason), call.lang))
            for one in store.missed(name)
        ],
        missed_while_paused=missed,
        will_run=will_run,
    )


def _forms(fires: Sequence[datetime], timezone: str) -> list[FireForm]:
    try:
        zone = read_zone(timezone)
    except ScheduleError:
        zone = ZoneInfo("UTC")
    return [
        FireForm(local=at.astimezone(zone).isoformat(timespec="seconds"), utc=at.astimezone(UTC))
        for at in fires
    ]


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
