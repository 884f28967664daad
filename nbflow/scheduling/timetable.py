"""When a schedule fires: pure functions of the schedule and the clock, right through clock changes.

Cron runs on the naive wall clock; each wall time is then mapped to instants. A job whose time of day
is named fires once where its wall time happens twice (the first pass) and at the first instant
after a gap that swallows it. A job with a wildcard fires on every real matching minute.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count as counting
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.sentence import Sentence
from nbflow.scheduling.schedule import (
    LATEST,
    Cron,
    Interval,
    Once,
    Schedule,
    ScheduleError,
    parse_schedule,
    read_instant,
    read_zone,
)

SETTLED = timedelta(hours=3)
"""No clock change of this size or more is made up for; nothing earlier can still turn up."""
_CALM = timedelta(hours=4)
"""So long before and after a clock change the wall clock and the instants run alike again."""
_SAMPLE = 50
_YEARS_AHEAD = 9


_ANY_DAY = ("*", "?")
"""How a day field begins that doesn't name days by itself: then both fields must hold."""


def next_fires(
    expression: str,
    timezone: str = "UTC",
    after: datetime | None = None,
    count: int = 5,
    *,
    anchor: datetime | None = None,
) -> list[datetime]:
    """Return the next ``count`` instants (aware, in the schedule's zone) strictly after ``after``.

    ``after`` is aware, by default now; ``anchor`` is where intervals start, by default ``after``.
    Fewer come back if the schedule ends. Raises ScheduleError for what is no schedule.
    """
    start = after if after is not None else datetime.now(UTC)
    if start.tzinfo is None:
        raise ScheduleError("'after' needs a time zone", hint="use an aware datetime")
    schedule = parse_schedule(expression, timezone, anchor=anchor or start)
    if schedule is None:
        return []
    found = islice(fires(schedule, start), max(0, count))
    return [at.astimezone(schedule.zone) for at in found]


def fires(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Yield the instants (UTC) at which ``schedule`` fires, strictly after ``after``, in order.

    Raises ScheduleError for a cron expression that croniter refuses.
    """
    start = after.astimezone(UTC)
    match schedule:
        case Cron():
            return _to_the_end_of_time(_cron_fires(schedule, start))
        case Interval():
            return _to_the_end_of_time(_interval_fires(schedule, start))
        case Once():
            return iter([schedule.at] if schedule.at is not None and schedule.at > start else [])


def _to_the_end_of_time(found: Iterator[datetime]) -> Iterator[datetime]:
    """Yield fires as long as there are dates for them."""
    try:
        for at in found:
            if at > LATEST:
                return
            yield at
    except OverflowError:
        return


def check_schedule(
    text: str | None,
    timezone: str = "UTC",
    *,
    start_date: str | None = None,
    end_date: str | None = None,
    min_period: float = 60.0,
    now: datetime | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong with a DAG's schedule and its dates; empty if all is well."""
    found = schedule_problems(
        text,
        timezone,
        start_date=start_date,
        end_date=end_date,
        min_period=min_period,
        now=now,
    )
    return [
        Diagnostic(
            code=problem.code, severity=Severity.ERROR, message=problem.message, hint=problem.hint
        )
        for _, problem in found
    ]


def schedule_problems(
    text: str | None,
    timezone: str = "UTC",
    *,
    start_date: str | None = None,
    end_date: str | None = None,
    min_period: float = 60.0,
    now: datetime | None = None,
) -> list[tuple[str, ScheduleError]]:
    """Return what `check_schedule` does, each problem with the name of the setting it is about."""
    problems: list[tuple[str, ScheduleError]] = []

    def attempt(setting: str, do: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return do(*arguments, **options)
        except ScheduleError as problem:
            problems.append((setting, problem))
            return None

    zone = attempt("timezone", read_zone, timezone) or ZoneInfo("UTC")
    start = attempt("start_date", read_instant, start_date, zone) if start_date else None
    end = attempt("end_date", read_instant, end_date, zone) if end_date else None
    if start and end and end < start:
        before = ScheduleError(
            "'end_date' lies before 'start_date'", hint="swap them", code="NBF222"
        )
        problems.append(("end_date", before))
    moment = now or datetime.now(UTC)
    schedule = attempt("schedule", parse_schedule, text, zone.key, anchor=start or moment)
    if schedule is not None:
        attempt("schedule", _check_fires, schedule, text, start or moment, min_period)
    return problems


def _check_days(expression: str) -> None:
    """Refuse what croniter gets wrong: such an expression means either day, but of ``#`` and ``L`` among
    the days of the week both must hold, and beside ``W`` the days of the week don't count.
    """
    fields = expression.split()
    days, weekdays = fields[2].upper(), fields[4].upper()
    if days.startswith(_ANY_DAY) or weekdays.startswith(_ANY_DAY):
        return
    sign = next((one for one in "#L" if one in weekdays), "W" if "W" in days else None)
    if sign is None:
        return
    fields[4 if sign == "W" else 2] = "*"
    raise ScheduleError(
        Sentence(
            "cron expression {words!r} has {sign} where days of the month and of the week are named: it "
            "would not fire on either of them",
            words=expression,
            sign=sign,
        ),
        hint=Sentence(
            "leave one of the two fields *, as in {example!r}; another DAG can have the other days",
            example=" ".join(fields),
        ),
    )


def _check_fires(schedule: Schedule, text: str, start: datetime, min_period: float) -> None:
    if isinstance(schedule, Once):
        return
    found = list(islice(fires(schedule, start), _SAMPLE))
    if isinstance(schedule, Cron):
        _check_days(schedule.expression)
    if not found:
        raise ScheduleError(
            Sentence("schedule {text!r} never fires", text=text), hint="check the day and the month"
        )
    shortest = min(
        ((b - a).total_seconds() for a, b in pairwise(found)),
        default=min_period,
    )
    if shortest < min_period:
        raise ScheduleError(
            Sentence(
                "schedule {text!r} fires every {shortest:g} s; the shortest period is {min_period:g} s",
                text=text,
                shortest=shortest,
                min_period=min_period,
            ),
            hint="set `min_period` in the DAG's settings if that is meant",
            code="NBF223",
        )


def _cron_fires(schedule: Cron, after: datetime) -> Iterator[datetime]:
    """Map wall times to instants; one is let go when no earlier one can turn up any more.

    Far from any clock change that is at once: wall times and instants are in the same order.
    """
    zone = schedule.zone
    begin = after.astimezone(zone).replace(tzinfo=None, microsecond=0) - timedelta(seconds=1)
    if not _is_calm(begin, zone):
        begin -= _CALM
    waiting: list[datetime] = []
    last = after
    for wall in wall_times(schedule, begin):
        found = _instants(wall, zone, fixed=schedule.is_fixed)
        if _is_calm(wall, zone):
            (safe,) = found
        else:
            safe = (wall - SETTLED).replace(tzinfo=zone).astimezone(UTC)
        waiting = sorted([*waiting, *found])
        while waiting and waiting[0] <= safe:
            first = waiting.pop(0)
            if first > last:
                last = first
                yield first
    for first in waiting:
        if first > last:
            last = first
            yield first


def _is_calm(wall: datetime, zone: ZoneInfo) -> bool:
    """Tell whether the zone's offset is one and the same around a wall time.

    Three looks are enough: no zone on record changes its clock and changes it back within hours.
    """
    here = wall.replace(tzinfo=zone)
    offset = here.utcoffset()
    return here.replace(fold=1).utcoffset() == offset and all(
        (here + way).utcoffset() == offset for way in (-_CALM, _CALM)
    )


def counted_fields(expression: str) -> list[list[Any]]:
    """Return the values of each field of a cron expression, ``["*"]`` for all. ValueError."""
    fields: list[list[Any]] = croniter.expand(expression)[0]
    return fields


def wall_times(schedule: Cron, begin: datetime) -> Iterator[datetime]:
    """Yield the naive wall times of the expression, strictly after ``begin``."""
    try:
        times = croniter(
            schedule.expression,
            begin,
            implement_cron_bug=True,
            max_years_between_matches=_YEARS_AHEAD,
        )
    except (CroniterError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ScheduleError(
            Sentence(
                "cron expression {expression!r} can't be read: {problem}",
                expression=schedule.expression,
                problem=problem,
            ),
            hint="five fields: minute hour day-of-month month day-of-week",
        ) from None
    while True:
        try:
            wall: datetime = times.get_next(datetime)
        except (CroniterError, OverflowError, ValueError):
            return
        yield wall


def _instants(wall: datetime, zone: ZoneInfo, *, fixed: bool) -> list[datetime]:
    """Return the instants at which the clock on the wall shows ``wall``, by the rules above."""
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return [first]
    if first < second:
        return [first] if fixed else [first, second]
    gap = first - second
    return [first_after_change(second, first, zone)] if fixed and gap < SETTLED else []


def first_after_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant with the offset of ``after``; it lies in (before, after]."""
    low, high = int(before.timestamp()), int(after.timestamp())
    new = after.astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == new:
            high = middle
        else:
            low = middle
    return datetime.fromtimestamp(high, UTC)


def _interval_fires(schedule: Interval, after: datetime) -> Iterator[datetime]:
    anchor = (schedule.anchor or after).astimezone(UTC)
    if schedule.seconds:
        step = timedelta(seconds=schedule.seconds)
        number = max(0, (after - anchor) // step + 1)
        yield from (anchor + step * n for n in counting(number))
        return
    local = anchor.astimezone(schedule.zone).replace(tzinfo=None)
    for number in counting(_first_number(schedule, anchor, after)):
        try:
            wall = _calendar_step(schedule, local, number)
        except ValueError:
            return
        found = _instants(wall, schedule.zone, fixed=True)
        if found and found[0] > after:
            yield found[0]


def _first_number(schedule: Interval, anchor: datetime, after: datetime) -> int:
    """Return a number of steps from the anchor that surely isn't past ``after``."""
    days = (after - anchor).days - 2
    return max(0, days // (schedule.days or 31 * schedule.months))


def _calendar_step(schedule: Interval, local: datetime, number: int) -> datetime:
    if schedule.days:
        return local + timedelta(days=schedule.days * number)
    months = local.month - 1 + schedule.months * number
    year, month = local.year + months // 12, months % 12 + 1
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]))
