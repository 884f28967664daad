"""Settings of a DAG that need not be kept yet: what they mean, and what is wrong with which of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nbflow.model.options import DagOptions
from nbflow.model.sentence import Sentence
from nbflow.model.triggers import trigger_sentence
from nbflow.notebooks.dag_block import without_defaults
from nbflow.notebooks.notebook_metadata import read_dag_settings
from nbflow.scheduling.clock_changes import clock_changes, clock_sentence
from nbflow.scheduling.plan import over_finding
from nbflow.scheduling.schedule import parse_schedule, read_instant, read_zone
from nbflow.scheduling.timetable import next_fires, schedule_problems
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
    given: Mapping[str, Any], stem: str, now: datetime, *, count: int = 5
) -> CheckedSettings:
    """Say what the ``dag`` object of a notebook means; ``stem`` names the DAG if it doesn't."""
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
        next=() if is_wrong else coming_fires(options, now, count),
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


def coming_fires(options: DagOptions, now: datetime, count: int) -> list[datetime]:
    """Return the next instants at which settings fire, within their dates. Raises ScheduleError."""
    zone = read_zone(options.timezone)
    start, end = (_instant(text, zone) for text in (options.start_date, options.end_date))
    found = next_fires(
        options.schedule or "",
        options.timezone,
        max(now, start) if start else now,
        count,
        anchor=start,
    )
    return [at for at in found if end is None or at <= end]


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
