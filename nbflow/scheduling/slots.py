"""Which slots of a schedule are due, which of them run, and which go on record as missed.

A slot is an instant at which a schedule fires. All of this is pure: what was decided last and the
time go in, decisions come out; the metastore's unique keys make them happen once.
"""

import enum
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from nbflow.model.options import Catchup, Overlap
from nbflow.model.schedule import Pause
from nbflow.scheduling.schedule import EARLIEST, Interval, Once, Schedule
from nbflow.scheduling.timetable import fires

MIN_GRACE = timedelta(seconds=60)
MAX_GRACE = timedelta(minutes=5)
GRACE_SHARE = 0.1
"""A slot counts as on time for a tenth of its period, but at least and at most for these."""
SLOTS_A_TICK = 100
"""More slots than this are decided over several ticks, oldest first."""
CATCHUP_LIMIT = 1_000
"""More slots than this are caught up on only if somebody confirms it."""
MOST_COUNTED = 10_000
"""Slots that passed are counted up to here; a schedule of many years has millions."""
_INSTANT = timedelta(microseconds=1)
_ONE_OFF = timedelta(days=1)
_FIRST_WINDOW = timedelta(minutes=2)
_LONGEST_WINDOW = timedelta(days=366 * 10)


class MissedReason(enum.StrEnum):
    """Why a slot got no run."""

    CATCHUP = "catchup"
    """It passed while nobody looked, and the DAG's catch-up policy leaves it out."""
    PAUSED = "paused"
    """It passed while the DAG was paused."""
    OVERLAP = "overlap"
    """The run before it was still going."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """A schedule under watch: its bounds and policy, the last slot (or instant) decided, and when its
    DAG was paused since.
    """

    schedule: Schedule
    cursor: datetime
    start: datetime | None = None
    end: datetime | None = None
    catchup: Catchup = Catchup.LATEST
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A slot that gets no run, and why."""

    slot: datetime
    reason: MissedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotDecisions:
    """What a tick does with the slots it looked at, oldest first.

    ``cursor`` is the last slot decided; ``next_fire`` the first one after it, None when there is
    none; ``more`` says that further slots are due already.
    """

    run: tuple[datetime, ...] = ()
    missed: tuple[Missed, ...] = ()
    cursor: datetime
    next_fire: datetime | None
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DataInterval:
    """What a scheduled run covers: from the slot before it up to, not including, its own."""

    start: datetime
    end: datetime


class Admission(enum.StrEnum):
    """What becomes of a slot that is due while runs of its DAG are still going."""

    CREATE = "create"
    """Its run is recorded; it waits its turn if the limit is reached."""
    MISS = "miss"
    """It goes on record as missed."""
    REPLACE = "replace"
    """Its run is recorded, and the runs still going are cancelled."""


def decide_slots(watch: Watch, now: datetime, *, limit: int = SLOTS_A_TICK) -> SlotDecisions:
    """Decide on the slots in (cursor, now], the oldest ``limit`` of them.

    The newest slot runs if it is on time; for it otherwise, and for the others, the catch-up policy
    decides. Every slot looked at either runs or is missed; a pause only says why.
    """
    due, following = _due(watch, now, limit + 1)
    more = len(due) > limit
    looked_at = due[:limit]
    run: list[datetime] = []
    missed: list[Missed] = []
    for number, slot in enumerate(looked_at, start=1):
        is_newest = number == len(due)
        if _runs(watch, slot, now, is_newest=is_newest):
            run.append(slot)
        else:
            is_paused = any(pause.holds(slot) for pause in watch.pauses)
            reason = MissedReason.PAUSED if is_paused else MissedReason.CATCHUP
            missed.append(Missed(slot=slot, reason=reason))
    cursor = looked_at[-1] if looked_at else watch.cursor
    return SlotDecisions(
        run=tuple(run), missed=tuple(missed), cursor=cursor,
        next_fire=due[limit] if more else following, more=more,
    )  # fmt: skip


def newest_run(watch: Watch, now: datetime) -> tuple[datetime, ...]:
    """Return the newest slot that is due by ``now`` if it runs, however many others are due."""
    last = min(now, watch.end) if watch.end else now
    slot = previous_slot(watch.schedule, last + _INSTANT)
    if slot is None or slot <= watch.cursor:
        return ()
    return decide_slots(replace(watch, cursor=slot - _INSTANT), now).run


def next_slot(watch: Watch, after: datetime) -> datetime | None:
    """Return the first slot within the schedule's bounds strictly after ``after``, if any."""
    return next(iter(upcoming(watch, after, 1)), None)


def upcoming(watch: Watch, after: datetime, count: int) -> list[datetime]:
    """Return the next ``count`` slots within the schedule's bounds, fewer if it ends."""
    start = _just_before(watch.start)
    found = fires(watch.schedule, max(after, start) if start else after)
    return list(islice(_until(found, watch.end) if watch.end else found, count))


def slots_between(
    schedule: Schedule, first: datetime, last: datetime, *, limit: int | None = None
) -> list[datetime]:
    """Return the slots from ``first`` to ``last``, both ends included, at most ``limit``."""
    found = _until(fires(schedule, first - _INSTANT), last)
    return list(islice(found, limit))


def previous_slot(
    schedule: Schedule, before: datetime, *, near: datetime | None = None
) -> datetime | None:
    """Return the last slot strictly before ``before``; the inverse of the next one.

    Found by looking forward from further and further back, so that both directions keep one rule;
    first from ``near``, where that is likely to be the slot.
    """
    if near is not None and near < before:
        found = _last_slot(schedule, near - _INSTANT, before)
        if found is not None:
            return found
    window = _FIRST_WINDOW
    while True:
        found = _last_slot(schedule, before - window, before)
        if found is not None or window == _LONGEST_WINDOW:
            return found
        window = min(window * 4, _LONGEST_WINDOW)


def _last_slot(schedule: Schedule, after: datetime, before: datetime) -> datetime | None:
    last = deque(_until(fires(schedule, after), before - _INSTANT), maxlen=1)
    return last[0] if last else None


def data_interval(
    schedule: Schedule, slot: datetime, *, near: datetime | None = None
) -> DataInterval:
    """Return what the run of ``slot`` covers, told from the schedule alone; never empty.

    The first slot of an interval schedule covers one step before its anchor; a schedule that fires
    once, the day before. ``near`` only saves time: an instant that probably is the slot before.
    """
    if isinstance(schedule, Once):
        return DataInterval(start=slot - _ONE_OFF, end=slot)
    before = previous_slot(schedule, slot, near=near)
    if before is None and isinstance(schedule, Interval):
        before = _step_before(schedule, slot)
    return DataInterval(start=before if before is not None else slot - _ONE_OFF, end=slot)


def grace(schedule: Schedule, slot: datetime) -> timedelta:
    """Return how long after ``slot`` its run still counts as on time."""
    interval = data_interval(schedule, slot)
    period = interval.end - interval.start
    return min(MAX_GRACE, max(MIN_GRACE, period * GRACE_SHARE))


def admit(overlap: Overlap, *, active: int, max_active_runs: int) -> Admission:
    """Say what becomes of a due slot while ``active`` runs of its DAG have not ended."""
    if active < max_active_runs:
        return Admission.CREATE
    match overlap:
        case Overlap.QUEUE:
            return Admission.CREATE
        case Overlap.SKIP:
            return Admission.MISS
        case Overlap.CANCEL_OTHER:
            return Admission.REPLACE


def depends_on_active(overlap: Overlap) -> bool:
    """Tell whether what becomes of a slot depends on how many runs of its DAG have not ended."""
    return overlap is not Overlap.QUEUE


def first_cursor(deployed: datetime, *, start: datetime | None, catchup: Catchup) -> datetime:
    """Return where a newly deployed schedule begins: nothing old fires, unless ``start_date`` lies
    in the past and every slot since is wanted.
    """
    if start is not None and start < deployed and catchup is Catchup.ALL:
        return start - _INSTANT
    return deployed


def _due(watch: Watch, now: datetime, limit: int) -> tuple[list[datetime], datetime | None]:
    """Return the slots in (cursor, now], at most ``limit``, and the first after ``now``."""
    start = _just_before(watch.start)
    begin = max(watch.cursor, start) if start else watch.cursor
    found: list[datetime] = []
    for slot in fires(watch.schedule, begin):
        if (watch.end and slot > watch.end) or len(found) == limit:
            break
        if slot > now:
            return found, slot
        found.append(slot)
    return found, None


def _runs(watch: Watch, slot: datetime, now: datetime, *, is_newest: bool) -> bool:
    if watch.catchup is Catchup.ALL:
        return True
    if not is_newest:
        return False
    return watch.catchup is Catchup.LATEST or now - slot <= grace(watch.schedule, slot)


def _until(found: Iterator[datetime], last: datetime) -> Iterator[datetime]:
    for slot in found:
        if slot > last:
            return
        yield slot


def _just_before(instant: datetime | None) -> datetime | None:
    return instant.astimezone(UTC) - _INSTANT if instant else None


def _step_before(schedule: Interval, slot: datetime) -> datetime:
    days = schedule.days or 31 * schedule.months
    try:
        return max(EARLIEST, slot - timedelta(days=days, seconds=schedule.seconds))
    except OverflowError:
        return EARLIEST
