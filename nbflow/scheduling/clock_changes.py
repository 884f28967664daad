"""What a schedule does where its zone's clock is set forward or back."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from nbflow.model.sentence import Sentence
from nbflow.scheduling.schedule import LATEST, Cron, Schedule
from nbflow.scheduling.timetable import SETTLED, first_after_change, wall_times

_AHEAD = timedelta(days=400)
_STEP = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class ClockEffect(enum.StrEnum):
    """What becomes of times that a clock change takes away or brings twice."""

    MOVED = "moved"
    """They don't come that day: the run is at the first instant after the gap."""
    SKIPPED = "skipped"
    """They don't come that day, and have no run."""
    ONCE = "once"
    """They come twice: the first time runs."""
    TWICE = "twice"
    """They come twice: each time runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockChange:
    """A clock change that matters to a schedule: the instant after it, and the first and the last of
    the wall times that it takes away or brings twice.
    """

    effect: ClockEffect
    at: datetime
    first: datetime
    last: datetime


def clock_changes(schedule: Schedule, after: datetime) -> list[ClockChange]:
    """Return the changes of the clock within about a year that touch times of a cron schedule."""
    if not isinstance(schedule, Cron):
        return []
    found = [_effect(schedule, at) for at in _changes(schedule.zone, after.astimezone(UTC))]
    return [one for one in found if one is not None]


def clock_sentence(change: ClockChange, zone: ZoneInfo) -> Sentence:
    """Return in words what a clock change does to a schedule."""
    first, last = change.first.strftime("%H:%M"), change.last.strftime("%H:%M")
    times = first if first == last else f"{first} – {last}"
    runs = change.at.astimezone(zone).strftime("%H:%M")
    template = {
        ClockEffect.MOVED: Sentence(
            "{day}: the clock is set forward, {times} does not come; it runs at {runs}"
        ).template,
        ClockEffect.SKIPPED: Sentence(
            "{day}: the clock is set forward, {times} does not come and has no run"
        ).template,
        ClockEffect.ONCE: Sentence(
            "{day}: the clock is set back, {times} comes twice; only the first time runs"
        ).template,
        ClockEffect.TWICE: Sentence(
            "{day}: the clock is set back, {times} comes twice and runs both times"
        ).template,
    }[change.effect]
    return Sentence(template, day=change.first.date().isoformat(), times=times, runs=runs)


def _changes(zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the first instants with another offset than just before."""
    here, end = after, min(after, LATEST - _AHEAD - _STEP) + _AHEAD
    while here < end:
        there = here + _STEP
        if here.astimezone(zone).utcoffset() != there.astimezone(zone).utcoffset():
            yield first_after_change(here, there, zone)
        here = there


def _effect(schedule: Cron, at: datetime) -> ClockChange | None:
    old, new = _wall(at - _INSTANT, schedule.zone) + _INSTANT, _wall(at, schedule.zone)
    begin, end = min(old, new), max(old, new)
    times = list(
        takewhile(lambda wall: wall < end, wall_times(schedule, begin - timedelta(seconds=1)))
    )
    if not times:
        return None
    if new > old:
        effect = ClockEffect.MOVED if _is_made_up(schedule, end - begin) else ClockEffect.SKIPPED
    else:
        effect = ClockEffect.ONCE if schedule.is_fixed else ClockEffect.TWICE
    return ClockChange(effect=effect, at=at, first=times[0], last=times[-1])


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _is_made_up(schedule: Cron, gap: timedelta) -> bool:
    return schedule.is_fixed and gap < SETTLED
