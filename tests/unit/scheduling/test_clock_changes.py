"""What is told of clock changes is what the timetable does there."""

from datetime import UTC, datetime, timedelta

import pytest

from nbflow.scheduling.clock_changes import ClockEffect, clock_changes, clock_sentence
from nbflow.scheduling.schedule import Cron, parse_schedule
from nbflow.scheduling.timetable import next_fires

AUTUMN = datetime(2026, 11, 26, tzinfo=UTC)


def told(expression: str, zone: str) -> list[tuple[ClockEffect, str, str]]:
    schedule = parse_schedule(expression, zone)
    assert isinstance(schedule, Cron)
    found = clock_changes(schedule, AUTUMN)
    return [(one.effect, one.first.isoformat(" "), one.last.strftime("%H:%M")) for one in found]


def test_a_job_of_one_time_a_day_is_moved_in_spring_and_runs_once_in_autumn() -> None:
    assert told("30 2 * * *", "Europe/Berlin") == [
        (ClockEffect.MOVED, "2027-03-28 02:30:00", "02:30"),
        (ClockEffect.ONCE, "2027-10-31 02:30:00", "02:30"),
    ]


def test_a_job_with_a_wildcard_is_left_out_in_spring_and_runs_both_times_in_autumn() -> None:
    assert told("*/20 * * * *", "Europe/Berlin") == [
        (ClockEffect.SKIPPED, "2027-03-28 02:00:00", "02:40"),
        (ClockEffect.TWICE, "2027-10-31 02:00:00", "02:40"),
    ]


@pytest.mark.parametrize(
    ("expression", "zone"),
    [("0 6 * * *", "Europe/Berlin"), ("30 2 * * *", "Asia/Seoul"), ("30 2 1 1 *", "Europe/Berlin")],
)
def test_where_no_time_is_touched_nothing_is_told(expression: str, zone: str) -> None:
    assert told(expression, zone) == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("expression", ["45 1 * * *", "*/15 1-2 * * *", "15,45 2 * * *"])
def test_the_timetable_fires_as_often_around_the_change_as_is_told(
    zone: str, expression: str
) -> None:
    schedule = parse_schedule(expression, zone)
    assert isinstance(schedule, Cron)
    for change in clock_changes(schedule, AUTUMN):
        fires = {one.replace(tzinfo=None): 0 for one in next_fires(expression, zone, AUTUMN, 1)}
        for at in next_fires(expression, zone, change.at - timedelta(hours=5), 60):
            fires[at.replace(tzinfo=None)] = fires.get(at.replace(tzinfo=None), 0) + 1
        expected = {ClockEffect.ONCE: 1, ClockEffect.TWICE: 2}.get(change.effect, 0)
        assert fires.get(change.first, 0) == expected
        if change.effect is ClockEffect.MOVED:
            moved = change.at.astimezone(schedule.zone).replace(tzinfo=None)
            assert fires[moved] == 1


def test_the_sentence_names_the_day_the_times_and_what_runs() -> None:
    schedule = parse_schedule("30 2 * * *", "Europe/Berlin")
    assert isinstance(schedule, Cron)
    spring, autumn = clock_changes(schedule, AUTUMN)
    assert clock_sentence(spring, schedule.zone) == (
        "2027-03-28: the clock is set forward, 02:30 does not come; it runs at 03:00"
    )
    assert "02:30 comes twice; only the first time runs" in clock_sentence(autumn, schedule.zone)
