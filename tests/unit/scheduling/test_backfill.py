"""Which slots a backfill is about, what it does with each, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.model.backfill import Backfill, Reprocess, SlotAction, SlotWhy
from nbflow.model.ids import DagId, RunId
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunState
from nbflow.scheduling.backfill import (
    SlotRange,
    SlotRun,
    decide_slot,
    next_slots,
    plan_backfill,
    read_range,
    refuse_flood,
    will_run,
)
from nbflow.scheduling.schedule import ScheduleError

SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY = ScheduleEntry(
    dag_id=DagId("etl"), expression="@daily", timezone="UTC", cursor=NOON, next_fire=None, id=7
)


def day(number: int) -> datetime:
    return datetime(2026, 3, number, tzinfo=UTC)


def plan(first=1, last=10, entry=DAILY, runs=None, reprocess=Reprocess.NONE, before_start=False):
    wanted = SlotRange(first=day(first), last=day(last), before_start=before_start)
    return plan_backfill(entry, wanted, runs or {}, reprocess, NOON)


def told(slots):
    return [(one.slot.day, one.action, one.why) for one in slots]


def test_both_ends_are_included():
    assert [one.slot for one in plan(1, 3)] == [day(1), day(2), day(3)]


def test_a_day_as_an_end_counts_to_its_end_in_the_zone_of_the_schedule():
    found = read_range("2026-03-01", "2026-03-01", SEOUL)
    assert found.first == datetime(2026, 2, 28, 15, tzinfo=UTC)
    assert found.last == datetime(2026, 3, 1, 15, tzinfo=UTC) - timedelta(microseconds=1)
    exact = read_range("2026-03-01T06:00", "2026-03-01T06:00", SEOUL)
    assert exact.first == exact.last


def test_a_range_that_ends_before_it_begins_or_is_no_date_is_refused():
    with pytest.raises(ScheduleError, match="ends before it begins") as caught:
        read_range("2026-03-02", "2026-03-01", SEOUL)
    assert caught.value.code == "NBF225"
    with pytest.raises(ScheduleError, match="not a date"):
        read_range("yesterday", "2026-03-01", SEOUL)


@pytest.mark.parametrize("last", ["9999-12-31", "0001-01-01", "9999-12-31T23:59-12:00"])
def test_a_range_up_to_the_ends_of_the_calendar_is_refused(last):
    with pytest.raises(ScheduleError, match="too far") as caught:
        read_range(last, last, SEOUL)
    assert caught.value.code == "NBF222"


def test_slots_outside_of_the_bounds_and_in_the_future_are_left_out_with_the_reason():
    bounded = replace(DAILY, start=day(3), end=day(5))
    assert told(plan(2, 6, bounded)) == [
        (2, SlotAction.SKIPPED, SlotWhy.BEFORE_START),
        (3, SlotAction.NEW, SlotWhy.NO_RUN),
        (4, SlotAction.NEW, SlotWhy.NO_RUN),
        (5, SlotAction.NEW, SlotWhy.NO_RUN),
        (6, SlotAction.SKIPPED, SlotWhy.AFTER_END),
    ]
    assert told(plan(2, 2, bounded, before_start=True))[0][1] is SlotAction.NEW
    assert told(plan(11, 11))[0] == (11, SlotAction.SKIPPED, SlotWhy.FUTURE)


CASES = {
    (None, "none"): "new", (None, "failed"): "new", (None, "completed"): "new",
    ("queued", "none"): "in flight", ("queued", "completed"): "in flight",
    ("running", "failed"): "in flight", ("running", "completed"): "in flight",
    ("success", "none"): "skipped", ("success", "failed"): "skipped",
    ("success", "completed"): "re-run",
    ("failed", "none"): "skipped", ("failed", "failed"): "re-run", ("failed", "completed"): "re-run",
    ("cancelled", "none"): "skipped", ("cancelled", "failed"): "re-run",
    ("cancelled", "completed"): "re-run",
}  # fmt: skip


@pytest.mark.parametrize(("case", "action"), CASES.items())
def test_what_becomes_of_a_slot_follows_from_its_run_and_what_is_reprocessed(case, action):
    state, reprocess = case
    found, why = decide_slot(RunState(state) if state else None, Reprocess(reprocess))
    assert found == action
    assert why in {
        None: {SlotWhy.NO_RUN}, "queued": {SlotWhy.GOES_ON}, "running": {SlotWhy.GOES_ON},
        "success": {SlotWhy.SUCCEEDED}, "failed": {SlotWhy.FAILED},
        "cancelled": {SlotWhy.CANCELLED},
    }[state]  # fmt: skip


def test_the_run_of_a_slot_is_named():
    runs = {day(2): SlotRun(run_id=RunId("r"), state=RunState.FAILED)}
    first, second = plan(1, 2, runs=runs, reprocess=Reprocess.FAILED)
    assert (first.run_id, second.run_id, second.action) == (None, "r", SlotAction.RERUN)
    assert will_run([first, second]) == (first, second)


def test_more_than_a_thousand_slots_are_confirmed_first_with_their_count():
    entry = replace(DAILY, expression="* * * * *")
    with pytest.raises(ScheduleError, match="would run 1441 slots") as caught:
        refuse_flood(plan(1, 2, entry))
    assert caught.value.code == "NBF226"
    refuse_flood(plan(1, 2, replace(DAILY, expression="*/2 * * * *")))


def test_a_range_of_more_slots_than_can_be_meant_is_refused(monkeypatch):
    monkeypatch.setattr("nbflow.scheduling.backfill.MOST_SLOTS", 4)
    assert len(plan(1, 4)) == 4
    with pytest.raises(ScheduleError, match="more than 4 slots"):
        plan(1, 5)


def backfill(**changes) -> Backfill:
    made = Backfill(
        id="b", dag_id=DagId("etl"), schedule_id=7, expression="@daily", timezone="UTC",
        anchor=None, first=day(1), last=day(9), slots=9,
    )  # fmt: skip
    return replace(made, **changes)


@settings(max_examples=25)
@given(
    reverse=st.booleans(),
    expression=st.sampled_from(["@daily", "*/20 3 * * *", "0 6 * * 1-5"]),
    sizes=st.lists(st.integers(1, 5), min_size=1),
)
def test_in_chunks_of_any_size_every_slot_comes_once_and_in_order(reverse, expression, sizes):
    entry = backfill(reverse=reverse, expression=expression)
    every = plan_backfill(
        replace(DAILY, expression=expression),
        SlotRange(first=entry.first, last=entry.last), {}, Reprocess.NONE, NOON,
    )  # fmt: skip
    expected = [one.slot for one in every]
    found: list[datetime] = []
    for number in range(len(expected) + 1):
        chunk = next_slots(entry, sizes[number % len(sizes)])
        if not chunk:
            break
        found += chunk
        entry = replace(entry, cursor=chunk[-1])
    assert found == (expected[::-1] if reverse else expected)
