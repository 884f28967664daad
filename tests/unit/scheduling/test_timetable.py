"""Schedules: what they mean, when they fire through clock changes, what is refused."""

import struct
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.scheduling import timetable
from nbflow.scheduling.schedule import Cron, ScheduleError, parse_schedule
from nbflow.scheduling.timetable import check_schedule, fires, next_fires

NEW_YORK = "America/New_York"


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def wall(instants):
    return [one.isoformat() for one in instants]


def test_fires_are_strictly_after():
    assert wall(next_fires("0 6 * * *", "UTC", at("2026-03-01T06:00"), 2)) == [
        "2026-03-02T06:00:00+00:00",
        "2026-03-03T06:00:00+00:00",
    ]


@pytest.mark.fault(26)
def test_a_named_time_in_a_gap_fires_once_at_the_first_instant_after_it():
    found = next_fires("30 2 * * *", NEW_YORK, at("2026-03-07T12:00", NEW_YORK), 2)
    assert wall(found) == ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"]


@pytest.mark.fault(27)
def test_a_named_time_that_happens_twice_fires_on_the_first_pass():
    found = next_fires("30 1 * * *", NEW_YORK, at("2026-10-31T12:00", NEW_YORK), 2)
    assert wall(found) == ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]


@pytest.mark.fault(27)
def test_a_wildcard_fires_on_every_real_half_hour_of_a_repeated_hour():
    found = next_fires("*/30 * * * *", NEW_YORK, at("2026-11-01T00:45", NEW_YORK), 5)
    assert wall(found) == [
        "2026-11-01T01:00:00-04:00",
        "2026-11-01T01:30:00-04:00",
        "2026-11-01T01:00:00-05:00",
        "2026-11-01T01:30:00-05:00",
        "2026-11-01T02:00:00-05:00",
    ]


@pytest.mark.fault(26)
def test_a_wildcard_makes_up_nothing_in_a_gap():
    found = next_fires("*/30 * * * *", NEW_YORK, at("2026-03-08T01:15", NEW_YORK), 3)
    assert wall(found) == [
        "2026-03-08T01:30:00-05:00",
        "2026-03-08T03:00:00-04:00",
        "2026-03-08T03:30:00-04:00",
    ]


@pytest.mark.fault(27)
def test_the_second_pass_of_lord_howes_half_hour_counts_for_wildcards():
    zone = "Australia/Lord_Howe"
    found = next_fires("*/20 1 * * *", zone, at("2026-04-05T00:50", zone), 5)
    assert [one.strftime("%d %H:%M%z") for one in found] == [
        "05 01:00+1100",
        "05 01:20+1100",
        "05 01:40+1100",
        "05 01:40+1030",
        "06 01:00+1030",
    ]


@pytest.mark.fault(27)
def test_the_day_that_samoa_left_out_is_not_made_up():
    found = next_fires("0 12 * * *", "Pacific/Apia", at("2011-12-29T13:00", "Pacific/Apia"), 1)
    assert wall(found) == ["2011-12-31T12:00:00+14:00"]


@pytest.mark.parametrize(
    ("preset", "first"),
    [
        ("@hourly", "2026-02-10T13:00:00+00:00"),
        ("@daily", "2026-02-11T00:00:00+00:00"),
        ("@midnight", "2026-02-11T00:00:00+00:00"),
        ("@weekly", "2026-02-15T00:00:00+00:00"),
        ("@monthly", "2026-03-01T00:00:00+00:00"),
        ("@quarterly", "2026-04-01T00:00:00+00:00"),
        ("@yearly", "2027-01-01T00:00:00+00:00"),
        ("@annually", "2027-01-01T00:00:00+00:00"),
    ],
)
def test_presets_fire_when_their_names_say(preset, first):
    assert wall(next_fires(preset, "UTC", at("2026-02-10T12:30"), 1)) == [first]


def test_day_of_month_and_day_of_week_are_or_only_if_neither_is_a_star():
    either = next_fires("0 0 13 * 5", "UTC", at("2026-03-01T00:00"), 3)
    assert [one.day for one in either] == [6, 13, 20]
    both = next_fires("0 0 */2 * 5", "UTC", at("2026-03-01T00:00"), 2)
    assert [(one.day, one.weekday()) for one in both] == [(13, 4), (27, 4)]


def test_ranges_may_wrap_around():
    hours = next_fires("0 22-2 * * *", "UTC", at("2026-03-01T12:00"), 5)
    assert [one.hour for one in hours] == [22, 23, 0, 1, 2]
    days = next_fires("0 0 * * FRI-MON", "UTC", at("2026-03-01T12:00"), 4)
    assert [one.strftime("%a") for one in days] == ["Mon", "Fri", "Sat", "Sun"]


def test_seconds_stand_last():
    found = next_fires("0 6 * * * 30", "UTC", at("2026-03-01T00:00"), 1)
    assert wall(found) == ["2026-03-01T06:00:30+00:00"]


def test_a_monthly_interval_keeps_to_its_anchors_day():
    anchor = at("2026-01-31T09:00")
    found = next_fires("every 1mo", "UTC", at("2026-02-01T00:00"), 3, anchor=anchor)
    assert [(one.month, one.day) for one in found] == [(2, 28), (3, 31), (4, 30)]


def test_a_daily_interval_keeps_the_wall_time_through_a_clock_change():
    anchor = at("2026-03-06T09:00", NEW_YORK)
    found = next_fires("every 1d", NEW_YORK, anchor, 3, anchor=anchor)
    assert [one.strftime("%d %H:%M") for one in found] == ["07 09:00", "08 09:00", "09 09:00"]


def test_an_interval_in_hours_is_real_time_from_its_anchor():
    anchor = at("2026-03-08T00:00", NEW_YORK)
    found = next_fires("every 6h", NEW_YORK, anchor, 2, anchor=anchor)
    assert [one.strftime("%H:%M") for one in found] == ["07:00", "13:00"]


def test_an_interval_does_not_fire_before_its_anchor():
    anchor = at("2026-03-08T00:00")
    found = next_fires("every 6h", "UTC", at("2026-03-01T00:00"), 1, anchor=anchor)
    assert found == [anchor]


def test_once_fires_once():
    assert wall(next_fires("once 2026-12-01T09:00", "Asia/Seoul", at("2026-01-01T00:00"), 3)) == [
        "2026-12-01T09:00:00+09:00"
    ]
    assert next_fires("once 2026-12-01T09:00", "UTC", at("2027-01-01T00:00"), 3) == []


@pytest.mark.abuse(28, 29)
@pytest.mark.parametrize(
    "text",
    [
        "@reboot", "@fortnightly", "* * * *", "0 0 * * * 0 2026", "H 4 * * *", "R 4 * * *",
        "H(0-9) 4 * * *", "0 0 * JAN-JAN *", "0 5-5 * * *", "0 0 31 2 *", "٣ 4 * * *", "61 * * * *",
        "0 0 0 * *", "*/0 * * * *", "every 0m", "every 5 fortnights", "every", "once tomorrow",
        "x" * 300, "0 0 * * * *", "every 5s",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_reason(text):
    findings = check_schedule(text)
    assert len(findings) == 1
    assert findings[0].hint
    assert findings[0].code.startswith("NBF22")


@pytest.mark.parametrize(
    ("text", "sign", "instead"),
    [
        ("0 6 15 * 5#2", "#", "0 6 * * 5#2"),
        ("0 6 1-31 * fri#2,mon#1", "#", "0 6 * * fri#2,mon#1"),
        ("0 6 L * l5", "L", "0 6 * * l5"),
        ("0 6 15w * 1-5", "W", "0 6 15w * *"),
        ("0 6 15W * 1-5 30", "W", "0 6 15W * * 30"),
        ("0 6 15W * 5#2", "#", "0 6 * * 5#2"),
    ],
)
def test_day_fields_that_would_not_fire_on_either_day_are_refused_with_one_that_does(
    text, sign, instead
):
    (finding,) = check_schedule(text)
    assert finding.code == "NBF220"
    assert f" has {sign} where days of the month and of the week are named" in finding.message
    assert repr(instead) in finding.hint
    assert check_schedule(instead) == []


@pytest.mark.parametrize("text", ["0 0 15 * L", "0 0 15 * 0,5#2", "0 0 LW * 5", "0 0 1,15W * 5"])
def test_day_fields_that_croniter_can_not_read_are_refused_as_that(text):
    (finding,) = check_schedule(text)
    assert finding.code == "NBF220"
    assert "days of the month and of the week" not in finding.message


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        # Either day, as without a sign.
        ("0 0 L * 5", ["02-06", "02-13", "02-20", "02-27", "02-28"]),
        ("0 0 15,L * wed", ["02-04", "02-11", "02-15", "02-18", "02-25"]),
        # Both, since a field begins with *.
        ("0 0 */2 * 5#2", ["02-13", "03-13", "09-11", "10-09", "11-13"]),
        ("0 0 15W * */2", ["09-15", "10-15", "12-15", "04-15", "06-15"]),
    ],
)
def test_day_fields_with_signs_that_fire_as_they_say_are_taken(text, fires):
    assert check_schedule(text) == []
    found = next_fires(text, "UTC", at("2026-02-01T00:00"), 5)
    assert [f"{day:%m-%d}" for day in found] == fires


def test_all_problems_of_a_schedule_come_at_once():
    findings = check_schedule(
        "61 * * * *", "Mars/Olympus", start_date="soon", end_date="2026-13-01"
    )
    assert [one.code for one in findings] == ["NBF221", "NBF222", "NBF222", "NBF220"]


@pytest.mark.parametrize(
    "text",
    [None, "", "0 6 * * 1-5", "@quarterly", "@once", "every 15m", "once 2026-12-01", "0 0 29 2 *"],
)
def test_good_schedules_have_no_findings(text):
    assert check_schedule(text, "Asia/Seoul", start_date="2026-01-01") == []


def test_a_shorter_period_is_allowed_where_the_dag_says_so():
    assert check_schedule("every 5s", min_period=5.0) == []


def test_an_end_before_the_start_is_a_finding():
    findings = check_schedule("@daily", start_date="2026-02-01", end_date="2026-01-01")
    assert [one.code for one in findings] == ["NBF222"]


def test_a_naive_instant_is_refused():
    with pytest.raises(ScheduleError):
        next_fires("@daily", "UTC", datetime(2026, 1, 1), 1)  # noqa: DTZ001


ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "America/St_Johns", "UTC",
         "Asia/Seoul", "Africa/Casablanca", "America/Sao_Paulo"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["30 * * * *", "*/20 1 * * *", "*/30 * * * *", "*/15 0-4 * * *"]),
    st.datetimes(datetime(2015, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
)
def test_wildcard_jobs_fire_on_every_real_matching_minute(zone, expression, start):
    begin = start.replace(second=0, microsecond=0, tzinfo=UTC)
    info = ZoneInfo(zone)
    minute, hour = expression.split()[:2]
    minutes = {30} if minute == "30" else set(range(0, 60, int(minute[2:])))
    hours = {"*": set(range(24)), "1": {1}, "0-4": set(range(5))}[hour]
    scanned = []
    for step in range(1, 3 * 24 * 60):
        moment = (begin + timedelta(minutes=step)).astimezone(info)
        if moment.minute in minutes and moment.hour in hours:
            scanned.append(moment.astimezone(UTC))
    schedule = parse_schedule(expression, zone)
    assert isinstance(schedule, Cron)
    assert not schedule.is_fixed
    found = list(islice(fires(schedule, begin), len(scanned)))
    assert found == scanned
    assert all(a < b for a, b in pairwise(found))


def transitions(zone: str) -> list[int]:
    """Return the instants at which a zone changes its clock, read from its file (RFC 8536)."""
    data = (resources.files("tzdata") / "zoneinfo" / zone).read_bytes()
    sizes = struct.unpack(">6l", data[20:44])
    isut, isstd, leap, times, types, letters = sizes
    second = 44 + times * 5 + types * 6 + letters + leap * 8 + isstd + isut
    (times,) = struct.unpack(">l", data[second + 32 : second + 36])
    return list(struct.unpack(f">{times}q", data[second + 44 : second + 44 + 8 * times]))


def test_no_zone_changes_its_clock_and_back_within_the_hours_that_are_looked_at():
    closest = min(
        later - earlier
        for zone in (resources.files("tzdata") / "zones").read_text().split()
        for earlier, later in pairwise(transitions(zone))
    )
    assert closest > 2 * 4 * 3600


def test_far_from_clock_changes_no_wall_time_is_computed_twice():
    calls = []

    class Counted(croniter):
        def get_next(self, *arguments):
            calls.append(1)
            return super().get_next(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timetable, "croniter", Counted)
        found = next_fires("* * * * *", NEW_YORK, at("2026-07-01T12:00"), 5)
    assert len(found) == 5
    assert len(calls) <= 7
