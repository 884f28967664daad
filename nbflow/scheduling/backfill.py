"""Which slots a backfill is about, what it does with each of them, and why: pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from nbflow.model.backfill import Backfill, BackfillSlot, Reprocess, SlotAction, SlotWhy
from nbflow.model.ids import RunId
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState
from nbflow.scheduling.plan import schedule_of
from nbflow.scheduling.schedule import (
    Schedule,
    ScheduleError,
    parse_schedule,
    read_instant,
    too_far,
)
from nbflow.scheduling.slots import previous_slot, slots_between

CONFIRMED_ABOVE = 1_000
"""More slots than this are run only if somebody confirms it."""
MOST_SLOTS = 100_000
"""A range of more slots than this is refused."""
_INSTANT = timedelta(microseconds=1)
_OF_ENDED = {
    RunState.SUCCESS: SlotWhy.SUCCEEDED,
    RunState.FAILED: SlotWhy.FAILED,
    RunState.CANCELLED: SlotWhy.CANCELLED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotRange:
    """The ends of a backfill, both included, and whether slots before the start date count."""

    first: datetime
    last: datetime
    before_start: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotRun:
    """The run that a slot has."""

    run_id: RunId
    state: RunState


def read_range(first: str, last: str, zone: ZoneInfo, *, before_start: bool = False) -> SlotRange:
    """Return the range between two dates or instants in ISO form; a day counts from its begin to
    its end in ``zone``.

    Raises ScheduleError for what is neither, and for a range that ends before it begins.
    """
    begin, end = read_instant(first, zone), read_instant(last, zone)
    if _is_day(last):
        end = _end_of_day(last, zone)
    if end < begin:
        raise ScheduleError(
            Sentence(
                "the range from {first} to {last} ends before it begins", first=first, last=last
            ),
            hint="--from is the earlier end; --reverse runs the newest slot first",
            code="NBF225",
        )
    return SlotRange(first=begin, last=end, before_start=before_start)


def _end_of_day(text: str, zone: ZoneInfo) -> datetime:
    try:
        following = date.fromisoformat(text.strip()) + timedelta(days=1)
    except OverflowError:
        raise too_far(text) from None
    return read_instant(following.isoformat(), zone) - _INSTANT


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def plan_backfill(
    entry: ScheduleEntry,
    wanted: SlotRange,
    runs: Mapping[datetime, SlotRun],
    reprocess: Reprocess,
    now: datetime,
) -> tuple[BackfillSlot, ...]:
    """Say for every slot of a schedule in a range what a backfill would do with it, and why.

    ``runs`` are the runs that slots have. Oldest slot first. Raises ScheduleError for a schedule
    that can't be read, and for more slots than can be meant.
    """
    found = slots_between(schedule_of(entry), wanted.first, wanted.last, limit=MOST_SLOTS + 1)
    if len(found) > MOST_SLOTS:
        raise ScheduleError(
            Sentence("the range has more than {most} slots", most=MOST_SLOTS),
            hint="choose a shorter range",
            code="NBF225",
        )
    return tuple(_planned(entry, wanted, slot, runs.get(slot), reprocess, now) for slot in found)


def _planned(
    entry: ScheduleEntry,
    wanted: SlotRange,
    slot: datetime,
    run: SlotRun | None,
    reprocess: Reprocess,
    now: datetime,
) -> BackfillSlot:
    outside = None
    if slot > now:
        outside = SlotWhy.FUTURE
    elif entry.end is not None and slot > entry.end:
        outside = SlotWhy.AFTER_END
    elif entry.start is not None and slot < entry.start and not wanted.before_start:
        outside = SlotWhy.BEFORE_START
    if outside is not None:
        return BackfillSlot(
            slot=slot, action=SlotAction.SKIPPED, why=outside, run_id=run.run_id if run else None
        )
    action, why = decide_slot(run.state if run else None, reprocess)
    return BackfillSlot(slot=slot, action=action, why=why, run_id=run.run_id if run else None)


def decide_slot(state: RunState | None, reprocess: Reprocess) -> tuple[SlotAction, SlotWhy]:
    """Say what a backfill does with a slot whose run is in ``state`` (None: it has none)."""
    if state is None:
        return SlotAction.NEW, SlotWhy.NO_RUN
    if not state.is_final:
        return SlotAction.IN_FLIGHT, SlotWhy.GOES_ON
    again = reprocess is Reprocess.COMPLETED or (
        reprocess is Reprocess.FAILED and state is not RunState.SUCCESS
    )
    return (SlotAction.RERUN if again else SlotAction.SKIPPED), _OF_ENDED[state]


def will_run(slots: Iterable[BackfillSlot]) -> tuple[BackfillSlot, ...]:
    """Return the slots that get a run, or run again."""
    return tuple(one for one in slots if one.action in (SlotAction.NEW, SlotAction.RERUN))


def refuse_flood(slots: Iterable[BackfillSlot]) -> None:
    """Raise ScheduleError if more slots would run than anybody asks for by mistake."""
    count = len(will_run(slots))
    if count > CONFIRMED_ABOVE:
        raise ScheduleError(
            Sentence("the backfill would run {count} slots", count=count),
            hint="look at them with --dry-run; confirm with --yes, or choose a shorter range",
            code="NBF226",
        )


def backfill_schedule(entry: Backfill) -> Schedule:
    """Return the schedule that a backfill was asked for. Raises ScheduleError if unreadable here."""
    found = parse_schedule(entry.expression, entry.timezone, anchor=entry.anchor)
    if found is None:
        raise ScheduleError(Sentence("{dag} has no schedule", dag=entry.dag_id))
    return found


def next_slots(entry: Backfill, limit: int) -> list[datetime]:
    """Return the slots that a backfill decides on next, in its own order, at most ``limit``."""
    schedule = backfill_schedule(entry)
    if entry.reverse:
        return list(islice(_backwards(schedule, entry), limit))
    first = entry.first if entry.cursor is None else entry.cursor + _INSTANT
    return slots_between(schedule, first, entry.last, limit=limit)


def _backwards(schedule: Schedule, entry: Backfill) -> Iterable[datetime]:
    before = entry.last + _INSTANT if entry.cursor is None else entry.cursor
    while (slot := previous_slot(schedule, before)) is not None and slot >= entry.first:
        yield slot
        before = slot
