"""Settings of a DAG that need not be kept yet: what they mean, and what is wrong with which of them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nbflow.errors import MetastoreError
from nbflow.model.ids import DagId
from nbflow.model.options import DagOptions
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.model.triggers import trigger_sentence
from nbflow.notebooks.dag_block import without_defaults
from nbflow.notebooks.notebook_metadata import read_dag_settings
from nbflow.scheduling.clock_changes import clock_changes, clock_sentence
from nbflow.scheduling.plan import over_finding, plan_deploy, watch_of
from nbflow.scheduling.schedule import parse_schedule, read_instant, read_zone
from nbflow.scheduling.slots import upcoming
from nbflow.scheduling.timetable import schedule_problems
from nbflow.service.targets import NOTIFY_CODE, NOTIFY_HINT, notify_problems

_TIMES = ("schedule", "timezone", "start_date", "end_date", "min_period")


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingProblem:
    """What is wrong with a setting; ``field`` leads to it: ``timezone``, ``on.0.metric``."""

    field: str
    code: str
    message: str
    hint: str
    is_error: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedSettings:
    """What settings mean. ``kept`` is what a notebook needs to hold; ``next`` are instants in the
    schedule's zone, none while its settings are wrong.
    """

    options: DagOptions
    kept: Mapping[str, Any]
    problems: Sequence[SettingProblem]
    next: Sequence[datetime]
    clock: Sequence[Sentence]
    triggers: Sequence[Sentence]


def check_settings(
    given: Mapping[str, Any],
    stem: str,
    now: datetime,
    *,
    count: int = 5,
    known: Callable[[DagId], ScheduleEntry | None] = lambda _: None,
) -> CheckedSettings:
    """Say what the ``dag`` object of a notebook means; ``stem`` names the DAG if it doesn't, and
    ``known`` is asked for the schedule that the DAG has.
    """
    options, found = read_dag_settings(given, stem)
    problems = [
        SettingProblem(
            field=one.place, code=one.code, message=one.message, hint=one.hint, is_error=one.error
        )
        for one in found
    ]
    problems += _of_schedule(options, now)
    problems += [
        SettingProblem(field=f"notify.{number}", code=NOTIFY_CODE, message=text, hint=NOTIFY_HINT)
        for number, text in notify_problems(options.notify)
    ]
    is_wrong = any(one.field in _TIMES and one.is_error for one in problems)
    return CheckedSettings(
        options=options,
        kept=without_defaults(given),
        problems=problems,
        next=() if is_wrong else _next(options, DagId(options.id or stem), now, count, known),
        clock=() if is_wrong else _clock(options, now),
        triggers=[trigger_sentence(one) for one in options.on],
    )


def _of_schedule(options: DagOptions, now: datetime) -> list[SettingProblem]:
    wrong = [
        SettingProblem(field=field, code=one.code, message=one.message, hint=one.hint)
        for field, one in schedule_problems(
            options.schedule,
            options.timezone,
            start_date=options.start_date,
            end_date=options.end_date,
            min_period=options.min_period,
            now=now,
        )
    ]
    over = None if wrong else over_finding(options, now)
    if over is None:
        return wrong
    return [
        SettingProblem(
            field="schedule", code=over.code, message=over.message, hint=over.hint, is_error=False
        )
    ]


def _next(
    options: DagOptions,
    dag_id: DagId,
    now: datetime,
    count: int,
    known: Callable[[DagId], ScheduleEntry | None],
) -> list[datetime]:
    before = None
    if options.schedule:
        # Settings are looked at while the metastore fails, too.
        with suppress(MetastoreError):
            before = known(dag_id)
    return coming_fires(options, now, count, known=before)


def coming_fires(
    options: DagOptions, now: datetime, count: int, *, known: ScheduleEntry | None = None
) -> list[datetime]:
    """Return the next slots that a deploy at ``now`` leaves to settings, in the schedule's zone;
    ``known`` is the schedule that the DAG has. Raises ScheduleError.
    """
    entry = plan_deploy(DagId(""), options, known, now, confirmed=True)
    if entry is None:
        return []
    goes_on = known is not None and entry.cursor == known.cursor
    after = max(entry.cursor, now) if goes_on else entry.cursor
    zone = read_zone(options.timezone)
    return [at.astimezone(zone) for at in upcoming(watch_of(entry), after, count)]


def _clock(options: DagOptions, now: datetime) -> list[Sentence]:
    zone = read_zone(options.timezone)
    start, end = (_instant(text, zone) for text in (options.start_date, options.end_date))
    schedule = parse_schedule(options.schedule, options.timezone, anchor=start)
    if schedule is None:
        return []
    changes = clock_changes(schedule, max(now, start) if start else now)
    return [clock_sentence(one, zone) for one in changes if end is None or one.at <= end]


def _instant(text: str | None, zone: ZoneInfo) -> datetime | None:
    return read_instant(text, zone) if text else None
