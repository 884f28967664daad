"""Slots: which are due, which run, which are missed, and what a run of each covers."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.model.options import Catchup, Overlap
from nbflow.scheduling.schedule import Schedule, parse_schedule
from nbflow.scheduling.slots import (
    Admission,
    MissedReason,
    Watch,
    admit,
    data_interval,
    decide_slots,
    first_cursor,
    grace,
    next_slot,
    previous_slot,
    slots_between,
)
from nbflow.scheduling.timetable import fires


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def schedule(text: str, zone: str = "UTC", anchor: str = "2026-01-01T00:00") -> Schedule:
    found = parse_schedule(text, zone, anchor=at(anchor, zone))
    assert found is not None
    return found


def watch(text: str, cursor: str, catchup: Catchup = Catchup.LATEST, **bounds: datetime) -> Watch:
    return Watch(schedule=schedule(text), cursor=at(cursor), catchup=catchup, **bounds)


def hours(slots: object) -> list[int]:
    return [slot.hour for slot in slots]  # type: ignore[attr-defined]


def test_nothing_is_due_before_its_time():
    found = decide_slots(watch("@hourly", "2026-03-01T06:00"), at("2026-03-01T06:59"))
    assert (found.run, found.missed) == ((), ())
    assert found.cursor == at("2026-03-01T06:00")
    assert found.next_fire == at("2026-03-01T07:00")


def test_a_slot_is_due_at_its_very_instant():
    found = decide_slots(watch("@hourly", "2026-03-01T06:00"), at("2026-03-01T07:00"))
    assert found.run == (at("2026-03-01T07:00"),)
    assert found.cursor == at("2026-03-01T07:00")


@pytest.mark.parametrize("catchup", Catchup)
def test_a_slot_on_time_runs_whatever_the_policy(catchup):
    found = decide_slots(watch("@hourly", "2026-03-01T06:00", catchup), at("2026-03-01T07:05"))
    assert hours(found.run) == [7]


@pytest.mark.parametrize(
    ("catchup", "run", "missed"),
    [
        (Catchup.ALL, [7, 8, 9], []),
        (Catchup.LATEST, [9], [7, 8]),
        (Catchup.NONE, [], [7, 8, 9]),
    ],
)
def test_the_policy_decides_on_what_is_late_and_nothing_disappears(catchup, run, missed):
    found = decide_slots(watch("@hourly", "2026-03-01T06:00", catchup), at("2026-03-01T09:30"))
    assert hours(found.run) == run
    assert [m.slot.hour for m in found.missed] == missed
    assert {m.reason for m in found.missed} <= {MissedReason.CATCHUP}
    assert found.cursor == at("2026-03-01T09:00")


def test_with_no_catch_up_the_newest_still_runs_if_it_is_on_time():
    state = watch("@hourly", "2026-03-01T06:00", Catchup.NONE)
    found = decide_slots(state, at("2026-03-01T09:04"))
    assert hours(found.run) == [9]
    assert [m.slot.hour for m in found.missed] == [7, 8]


def test_many_slots_are_decided_over_several_ticks_in_order():
    state = watch("*/15 * * * *", "2026-03-01T00:00", Catchup.LATEST)
    now = at("2026-03-01T03:05")
    seen: list[datetime] = []
    missed = 0
    while True:
        found = decide_slots(state, now, limit=5)
        seen.extend([*found.run, *(m.slot for m in found.missed)])
        missed += len(found.missed)
        if not found.more:
            break
        assert found.next_fire is not None
        assert found.next_fire <= now
        state = Watch(schedule=state.schedule, cursor=found.cursor)
    assert sorted(seen) == slots_between(state.schedule, at("2026-03-01T00:01"), now)
    assert missed == len(seen) - 1


def test_start_and_end_are_slots_themselves_and_bound_the_rest():
    bounds = {"start": at("2026-03-02T00:00"), "end": at("2026-03-03T00:00")}
    state = watch("@daily", "2026-02-20T00:00", Catchup.ALL, **bounds)
    found = decide_slots(state, at("2026-03-10T00:00"))
    assert [slot.day for slot in found.run] == [2, 3]
    assert found.next_fire is None
    assert next_slot(state, at("2026-02-20T00:00")) == at("2026-03-02T00:00")


@pytest.mark.fault(25)
def test_a_clock_that_goes_back_fires_nothing_twice():
    state = watch("@hourly", "2026-03-01T09:00", Catchup.ALL)
    found = decide_slots(state, at("2026-03-01T06:00"))
    assert (found.run, found.missed, found.cursor) == ((), (), at("2026-03-01T09:00"))
    assert found.next_fire == at("2026-03-01T10:00")


@pytest.mark.parametrize(
    ("start", "catchup", "expected"),
    [
        (None, Catchup.ALL, "2026-03-05T10:00:00"),
        ("2026-03-01T00:00", Catchup.LATEST, "2026-03-05T10:00:00"),
        ("2026-03-09T00:00", Catchup.ALL, "2026-03-05T10:00:00"),
        ("2026-03-01T00:00", Catchup.ALL, "2026-02-28T23:59:59.999999"),
    ],
)
def test_a_deploy_fires_no_old_slot_unless_all_since_the_start_are_wanted(start, catchup, expected):
    begin = at(start) if start else None
    found = first_cursor(at("2026-03-05T10:00"), start=begin, catchup=catchup)
    assert found == at(expected)


@pytest.mark.parametrize(
    ("overlap", "active", "expected"),
    [
        (Overlap.QUEUE, 0, Admission.CREATE),
        (Overlap.QUEUE, 2, Admission.CREATE),
        (Overlap.SKIP, 1, Admission.CREATE),
        (Overlap.SKIP, 2, Admission.MISS),
        (Overlap.CANCEL_OTHER, 1, Admission.CREATE),
        (Overlap.CANCEL_OTHER, 2, Admission.REPLACE),
    ],
)
def test_a_slot_due_while_runs_are_going(overlap, active, expected):
    assert admit(overlap, active=active, max_active_runs=2) is expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("* * * * *", 60), ("*/15 * * * *", 90), ("@hourly", 300), ("@daily", 300)],
)
def test_the_grace_is_a_tenth_of_the_period_within_a_minute_and_five(text, seconds):
    slot = at("2026-03-02T00:00")
    assert grace(schedule(text), slot) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "zone", "slot", "start"),
    [
        ("@daily", "UTC", "2026-03-02T00:00", "2026-03-01T00:00"),
        ("0 6 * * 1-5", "UTC", "2026-03-02T06:00", "2026-02-27T06:00"),
        ("@monthly", "Asia/Seoul", "2026-03-01T00:00", "2026-02-01T00:00"),
        ("30 2 * * *", "America/New_York", "2026-03-09T02:30", "2026-03-08T03:00"),
        ("every 6h", "UTC", "2026-01-01T06:00", "2026-01-01T00:00"),
        ("every 6h", "UTC", "2026-01-01T00:00", "2025-12-31T18:00"),
        ("once 2026-12-01T09:00", "UTC", "2026-12-01T09:00", "2026-11-30T09:00"),
    ],
)
def test_a_run_covers_what_lies_between_its_slot_and_the_one_before(text, zone, slot, start):
    found = data_interval(schedule(text, zone), at(slot, zone))
    assert (found.start, found.end) == (at(start, zone), at(slot, zone))


ZONES = [
    "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo",
    "America/Sao_Paulo", "America/St_Johns", "Africa/Casablanca", "Asia/Tehran", "Asia/Seoul",
    "America/Santiago", "UTC",
]  # fmt: skip
"""Zones with every sort of clock change: half hours, midnight, none, a whole day."""
EXPRESSIONS = [
    "30 2 * * *", "0 0 * * *", "*/20 1 * * *", "15 * * * *", "*/30 * * * *", "0 1,2,3 * * 0",
    "45 23 * * *", "0 12 1 * *", "5 0-3 * * *",
]  # fmt: skip


def clock_changes(zone: str) -> list[datetime]:
    """Return the first minute after each clock change of some years."""
    info = ZoneInfo(zone)
    found = []
    hour = datetime(2009, 1, 1, tzinfo=UTC)
    while hour.year < 2027:
        later = hour + timedelta(hours=6)
        if hour.astimezone(info).utcoffset() != later.astimezone(info).utcoffset():
            found.append(later)
        hour = later
    return found


CHANGES = [(zone, change) for zone in ZONES for change in clock_changes(zone)] + [
    ("UTC", datetime(2026, 3, 1, tzinfo=UTC)),
    ("Asia/Seoul", datetime(2026, 3, 1, tzinfo=UTC)),
]


def scan(expression: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """Fires told minute by minute, by the words of the rule and without the code under test."""
    info = ZoneInfo(zone)
    minute, hour = expression.split()[:2]
    fixed = not minute.startswith("*") and not hour.startswith("*")
    seen: set[datetime] = set()
    found: set[datetime] = set()
    moment = begin - timedelta(hours=30)
    before = moment.astimezone(info).replace(tzinfo=None) - timedelta(minutes=1)
    while moment <= end:
        wall = moment.astimezone(info).replace(tzinfo=None)
        gap = wall - before - timedelta(minutes=1)
        if fixed and timedelta(0) < gap < timedelta(hours=3):
            skipped = (before + timedelta(minutes=n) for n in range(1, gap.seconds // 60 + 1))
            if any(matches(expression, one) for one in skipped):
                found.add(moment)
        if matches(expression, wall) and not (fixed and wall in seen):
            found.add(moment)
        seen.add(wall)
        before = wall
        moment += timedelta(minutes=1)
    return sorted(one for one in found if begin < one <= end)


def matches(expression: str, wall: datetime) -> bool:
    minutes, hours, days, months, weekdays = expanded(expression)
    return (
        wall.minute in minutes
        and wall.hour in hours
        and wall.day in days
        and wall.month in months
        and (wall.weekday() + 1) % 7 in weekdays
    )


@cache
def expanded(expression: str) -> list[set[int]]:
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    fields = zip(expression.split(), ranges, strict=True)
    return [expand(field, *bounds) for field, bounds in fields]


def expand(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (int(first), int(last or first))
        found.update(range(begin, end + 1, int(step or 1)))
    return found


@pytest.mark.fault(26, 27)
@settings(max_examples=100)
@given(st.sampled_from(CHANGES), st.sampled_from(EXPRESSIONS), st.integers(0, 36 * 60))
def test_around_clock_changes_a_minute_by_minute_scan_finds_the_same(change, expression, before):
    zone, instant = change
    begin = instant - timedelta(minutes=before)
    end = begin + timedelta(hours=50)
    found = slots_between(schedule(expression, zone), begin + timedelta(minutes=1), end)
    assert found == scan(expression, zone, begin, end)


@given(
    st.sampled_from(CHANGES),
    st.sampled_from([*EXPRESSIONS, "every 7m", "every 1d", "every 1mo", "0 0 29 2 *"]),
    st.integers(-3 * 24 * 60, 3 * 24 * 60),
)
def test_next_and_previous_are_inverse_and_slots_strictly_increase(change, expression, offset):
    zone, instant = change
    line = schedule(expression, zone, "2005-01-01T02:30")
    found = list(islice(fires(line, instant + timedelta(minutes=offset)), 4))
    assert all(a < b for a, b in pairwise(found))
    for earlier, later in pairwise(found):
        assert previous_slot(line, later) == earlier
        assert next(fires(line, earlier)) == later


@settings(max_examples=60)
@given(
    st.sampled_from(["*/7 * * * *", "@hourly", "30 2 * * *", "every 45m"]),
    st.lists(st.integers(0, 2_000), min_size=1, max_size=12),
    st.sampled_from(Catchup),
)
def test_however_the_ticks_fall_every_slot_is_decided_once(expression, waits, catchup):
    state = watch(expression, "2026-03-01T00:00", catchup)
    now, decided = at("2026-03-01T00:00"), []
    for wait in waits:
        now += timedelta(minutes=wait)
        more = True
        while more:
            found = decide_slots(state, now)
            decided += [*found.run, *(m.slot for m in found.missed)]
            state = Watch(schedule=state.schedule, cursor=found.cursor, catchup=catchup)
            more = found.more
    first = at("2026-03-01T00:00") + timedelta(microseconds=1)
    assert sorted(decided) == slots_between(state.schedule, first, now)
