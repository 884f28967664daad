"""What a deploy does to a schedule, and what a tick writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import MetastoreError
from nbflow.model.diagnostics import Severity, has_errors
from nbflow.model.ids import DagId, Digest
from nbflow.model.options import Catchup, DagOptions, Overlap
from nbflow.model.schedule import DueSchedule, Pause, ScheduleEntry, in_zone
from nbflow.scheduling.plan import (
    over_finding,
    plan_deploy,
    plan_tick,
    preview_unpause,
    schedule_findings,
    watch_of,
)
from nbflow.scheduling.schedule import ScheduleError
from nbflow.scheduling.slots import upcoming
from nbflow.service.dag_settings import check_settings, coming_fires

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ETL = DagId("etl")


def deploy(
    schedule: str | None = "@hourly",
    known: ScheduleEntry | None = None,
    now: datetime = NOON,
    *,
    confirmed: bool = False,
    **options: object,
) -> ScheduleEntry:
    settings = DagOptions(schedule=schedule, **options)  # type: ignore[arg-type]
    found = plan_deploy(ETL, settings, known, now, confirmed=confirmed)
    assert found is not None
    return replace(found, id=7, version=3)


def due(entry: ScheduleEntry, active: int = 0, pauses: tuple[Pause, ...] = ()) -> DueSchedule:
    return DueSchedule(entry=entry, dag_version=Digest("d"), active_runs=active, pauses=pauses)


def test_a_first_deploy_begins_now():
    entry = deploy()
    assert (entry.cursor, entry.next_fire, entry.anchor) == (NOON, NOON + HOUR, NOON)


def test_a_dag_without_a_schedule_has_none():
    assert plan_deploy(ETL, DagOptions(), None, NOON) is None
    assert plan_deploy(ETL, DagOptions(schedule=" "), deploy(), NOON) is None


def test_a_deploy_that_leaves_the_schedule_as_it_was_goes_on_from_its_cursor():
    entry = deploy(known=deploy(), now=NOON + 5 * HOUR, catchup=Catchup.ALL)
    assert (entry.cursor, entry.next_fire) == (NOON, NOON + HOUR)
    assert entry.catchup is Catchup.ALL


@pytest.mark.parametrize(
    "change",
    [{"schedule": "@daily"}, {"timezone": "Asia/Seoul"}, {"start_date": "2026-02-01"}],
)
def test_an_edited_schedule_goes_on_from_the_edit(change):
    entry = deploy(known=deploy(), now=NOON + 5 * HOUR, **change)
    assert entry.cursor == NOON + 5 * HOUR
    assert (entry.id, entry.anchor) == (7, NOON)


def test_a_schedule_that_rested_begins_anew():
    resting = replace(deploy(), expression="", next_fire=None)
    entry = deploy(known=resting, now=NOON + 9 * HOUR)
    assert (entry.cursor, entry.id, entry.version) == (NOON + 9 * HOUR, 7, 3)


def test_every_slot_since_the_start_date_is_caught_up_on_if_that_is_wanted():
    entry = deploy("@daily", start_date="2026-02-20", catchup=Catchup.ALL)
    assert entry.next_fire == datetime(2026, 2, 20, tzinfo=UTC)
    planned = plan_tick(due(replace(entry, max_active_runs=99)), NOON)
    assert [slot.day for slot, _ in planned.run] == [20, 21, 22, 23, 24, 25, 26, 27, 28, 1]


@pytest.mark.parametrize(
    ("options", "is_over"),
    [
        ({"schedule": "once 2020-01-01T09:00"}, True),
        ({"schedule": "once 2026-03-01T13:00", "timezone": "Asia/Seoul"}, True),
        ({"schedule": "once 2026-03-01T13:00"}, False),
        ({"schedule": "@once"}, False),
        ({"schedule": "@once", "start_date": "2026-02-01"}, True),
        ({"schedule": "@once", "start_date": "2026-02-01", "catchup": Catchup.ALL}, False),
        ({"schedule": "@daily", "end_date": "2026-02-01"}, True),
        ({"schedule": "@daily", "end_date": "2026-03-03"}, False),
        ({"schedule": None, "end_date": "2026-02-01"}, False),
    ],
)
def test_a_schedule_that_makes_no_run_is_a_warning(options, is_over):
    finding = over_finding(DagOptions(**options), NOON)
    assert (finding is not None) is is_over
    assert finding is None or (finding.code, finding.severity) == ("NBF227", Severity.WARNING)


@pytest.mark.abuse(30)
def test_a_flood_is_refused_unless_it_is_confirmed():
    with pytest.raises(ScheduleError, match="more than 10000 runs") as caught:
        deploy("* * * * *", start_date="1970-01-01", catchup=Catchup.ALL)
    assert caught.value.code == "NBF224"
    deploy("* * * * *", start_date="1970-01-01", catchup=Catchup.ALL, confirmed=True)
    with pytest.raises(ScheduleError, match="since 2026-02-28 is 2161 runs"):
        deploy("* * * * *", start_date="2026-02-28", catchup=Catchup.ALL)


def test_an_interval_without_a_start_keeps_the_first_deploy_as_its_anchor():
    first = deploy("every 6h")
    again = deploy("every 4h", known=first, now=NOON + 5 * HOUR)
    assert (first.next_fire, again.next_fire) == (NOON + 6 * HOUR, NOON + 8 * HOUR)


def test_slots_that_begin_with_a_deploy_lie_on_whole_seconds():
    now = NOON + timedelta(microseconds=959_054)
    assert deploy("every 7m", now=now).next_fire == NOON + timedelta(minutes=7)
    once = deploy("@once", now=now)
    assert once.next_fire == NOON
    assert [slot for slot, _ in plan_tick(due(once), now).run] == [NOON]
    assert deploy("0 12 * * *", now=now).next_fire == NOON + timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "fire"),
    [(None, NOON), ("2026-04-01", datetime(2026, 4, 1, tzinfo=UTC)), ("2026-02-01", None)],
)
def test_once_is_the_start_date_or_else_the_deploy(start, fire):
    entry = deploy("@once", start_date=start)
    assert entry.next_fire == fire


def test_once_by_deploy_fires_a_single_time():
    entry = deploy("@once")
    planned = plan_tick(due(entry), NOON)
    assert [slot for slot, _ in planned.run] == [NOON]
    later = deploy("@once", known=replace(entry, cursor=planned.cursor), now=NOON + HOUR)
    assert (planned.next_fire, later.next_fire) == (None, None)


def test_a_tick_plans_the_run_its_interval_and_what_comes_next():
    planned = plan_tick(due(deploy()), NOON + HOUR)
    ((slot, interval),) = planned.run
    assert (slot, interval.start, interval.end) == (NOON + HOUR, NOON, NOON + HOUR)
    assert (planned.cursor, planned.next_fire) == (NOON + HOUR, NOON + 2 * HOUR)
    assert planned.missed == ()


def test_slots_that_passed_unnoticed_go_on_record():
    planned = plan_tick(due(deploy()), NOON + 3 * HOUR + HOUR / 2)
    assert [slot for slot, _ in planned.run] == [NOON + 3 * HOUR]
    assert [(one.slot, one.reason) for one in planned.missed] == [
        (NOON + HOUR, "catchup"),
        (NOON + 2 * HOUR, "catchup"),
    ]


def test_a_slot_that_passed_in_a_pause_is_missed_for_that_and_one_before_it_is_not():
    pauses = (Pause(since=NOON + 1.5 * HOUR, until=NOON + 3 * HOUR),)
    planned = plan_tick(due(deploy(catchup=Catchup.NONE), pauses=pauses), NOON + 3.5 * HOUR)
    assert [(one.slot, one.reason) for one in planned.missed] == [
        (NOON + HOUR, "catchup"),
        (NOON + 2 * HOUR, "paused"),
        (NOON + 3 * HOUR, "catchup"),
    ]


HALVES = st.integers(0, 24).map(lambda halves: NOON + halves * HOUR / 2)


@given(
    bounds=st.lists(HALVES, unique=True).map(sorted),
    now=HALVES,
    active=st.integers(0, 2),
    catchup=st.sampled_from(Catchup),
    overlap=st.sampled_from(Overlap),
)
def test_a_pause_changes_nothing_but_why_a_slot_is_missed(bounds, now, active, catchup, overlap):
    pauses = tuple(
        Pause(since=since, until=until)
        for since, until in zip(bounds[::2], bounds[1::2], strict=False)
    )
    entry = deploy(catchup=catchup, overlap=overlap)
    plain = plan_tick(due(entry, active), now)
    found = plan_tick(due(entry, active, pauses), now)
    assert replace(found, missed=plain.missed) == plain
    for before, after in zip(plain.missed, found.missed, strict=True):
        paused = any(one.since <= before.slot < one.until for one in pauses)
        is_told = before.reason == "catchup" and paused
        assert after == (replace(before, reason="paused") if is_told else before)


@pytest.mark.parametrize(
    ("overlap", "runs", "missed", "cancels"),
    [(Overlap.QUEUE, 1, 0, False), (Overlap.SKIP, 0, 1, False), (Overlap.CANCEL_OTHER, 1, 0, True)],
)
def test_a_slot_while_the_run_before_it_is_still_going(overlap, runs, missed, cancels):
    planned = plan_tick(due(deploy(overlap=overlap), active=1), NOON + HOUR)
    assert (len(planned.run), len(planned.missed), planned.cancel_others) == (runs, missed, cancels)
    assert {one.reason for one in planned.missed} <= {"overlap"}


def test_a_tick_says_on_how_many_unfinished_runs_it_rests_unless_it_rests_on_none():
    now = NOON + HOUR
    assert plan_tick(due(deploy(), active=2), now).active_runs is None
    assert plan_tick(due(deploy(overlap=Overlap.SKIP), active=2), now).active_runs == 2
    late = deploy(overlap=Overlap.SKIP, catchup=Catchup.NONE)
    assert plan_tick(due(late, active=2), now + HOUR / 2).active_runs is None


def test_of_slots_that_come_at_once_only_the_newest_replaces_what_runs():
    entry = deploy(overlap=Overlap.CANCEL_OTHER, catchup=Catchup.ALL)
    planned = plan_tick(due(entry, active=1), NOON + 3 * HOUR)
    assert [slot for slot, _ in planned.run] == [NOON + 3 * HOUR]
    assert [one.slot for one in planned.missed] == [NOON + HOUR, NOON + 2 * HOUR]
    assert planned.cancel_others


FAR_SCHEDULES = (
    "@daily", "0 0 29 2 *", "every 15m", "every 1mo", "every 9999999h", "every 99999999h",
    "every 99999999mo", "once 9999-12-31T23:59", "once 0001-01-01", "@once",
)  # fmt: skip
FAR_DATES = (
    "0001-01-01", "0100-01-01", "9999-12-31", "9999-12-31T23:59", "9999-12-31T23:59Z",
    "9999-12-31T23:59-12:00",
)  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("schedule", FAR_SCHEDULES)
def test_near_the_ends_of_the_calendar_a_schedule_is_refused_or_ends(schedule, zone):
    for dates in ({}, *({which: day} for which in ("start_date", "end_date") for day in FAR_DATES)):
        for catchup in (Catchup.LATEST, Catchup.ALL):
            options = DagOptions(schedule=schedule, timezone=zone, catchup=catchup, **dates)
            found = schedule_findings(options, NOON)
            assert {one.code for one in found} <= {"NBF220", "NBF222", "NBF227"}
            if has_errors(found):
                continue
            entry = plan_deploy(ETL, options, None, NOON, confirmed=True)
            assert entry is not None
            planned = plan_tick(due(entry), NOON)
            told = [at for slot, covers in planned.run for at in (slot, covers.start, covers.end)]
            for at in (*told, *upcoming(watch_of(entry), entry.cursor, 5)):
                assert in_zone(at, zone)


@pytest.mark.parametrize("last", ["9999-01-20", "9999-12-20"])
def test_no_clock_change_is_looked_for_after_the_last_date(last):
    given = {"schedule": "@daily", "timezone": "America/New_York", "start_date": last}
    found = check_settings(given, "etl", NOON)
    assert found.problems == []
    assert all(text.values["day"] < "9999-12-31" for text in found.clock)


PREVIEWED = [
    {"schedule": "@daily", "start_date": "2026-12-01", "timezone": "Asia/Seoul"},
    {"schedule": "@once", "start_date": "2026-12-01"},
    {"schedule": "@once"},
    {"schedule": "once 2026-12-01T09:00"},
    {"schedule": "every 1h"},
    {"schedule": "every 7h", "start_date": "2026-03-02T00:30", "end_date": "2026-03-02T08:00"},
    {"schedule": "@hourly", "start_date": "2026-02-01", "catchup": Catchup.ALL},
    {"schedule": "@hourly", "end_date": "2026-03-01T14:00"},
    {"schedule": None},
]


@pytest.mark.parametrize("settings", PREVIEWED)
@pytest.mark.parametrize("before", [None, "0 6 * * *", "every 1h", ""])
def test_the_fires_that_settings_are_shown_with_are_those_that_their_deploy_leaves(
    settings, before
):
    known = None if before is None else replace(deploy("@daily", now=NOON - 17 * HOUR / 2))
    if known is not None:
        known = replace(known, expression=before, cursor=NOON)
    options = DagOptions(**settings)
    entry = plan_deploy(ETL, options, known, NOON, confirmed=True)
    left = upcoming(watch_of(entry), entry.cursor, 3) if entry else []
    assert coming_fires(options, NOON, 3, known=known) == left


def test_the_first_fire_that_settings_are_shown_with_may_be_the_start_date():
    settings = {"schedule": "@daily", "start_date": "2026-12-01", "timezone": "Asia/Seoul"}
    first = check_settings(settings, "etl", NOON).next[0]
    assert first.isoformat() == "2026-12-01T00:00:00+09:00"
    once = {"schedule": "@once", "start_date": "2026-12-01"}
    assert check_settings(once, "etl", NOON).next == [datetime(2026, 12, 1, tzinfo=UTC)]


def test_settings_of_a_dag_that_is_known_are_shown_with_the_fires_from_its_anchor():
    known = {"etl": deploy("@daily", now=NOON - HOUR / 2)}
    given = {"schedule": "every 1h"}
    shown = check_settings(given, "etl", NOON, known=known.get).next
    assert shown[0] == NOON + HOUR / 2
    assert check_settings(given, "other", NOON, known=known.get).next[0] == NOON + HOUR

    def fails(_):
        raise MetastoreError("away")

    assert check_settings(given, "etl", NOON, known=fails).next[0] == NOON + HOUR


def test_slots_that_a_paused_dag_missed_are_no_next_fires():
    known = deploy()
    assert coming_fires(DagOptions(schedule="@hourly"), NOON + 5 * HOUR, 1, known=known) == [
        NOON + 6 * HOUR
    ]


def test_before_un_pausing_people_are_told_what_will_happen():
    assert preview_unpause(deploy(), NOON + 5 * HOUR) == (5, 1)
    assert preview_unpause(deploy(catchup=Catchup.ALL), NOON + 5 * HOUR) == (5, 5)
    assert preview_unpause(deploy(), NOON) == (0, 0)


def test_slots_of_a_long_pause_are_counted_and_the_newest_one_runs():
    often = deploy("* * * * *")
    assert preview_unpause(often, NOON + 72 * HOUR) == (4320, 1)
    weeks = NOON + 24 * 14 * HOUR
    assert preview_unpause(often, weeks) == (10_000, 1)
    none = deploy("* * * * *", catchup=Catchup.NONE)
    assert preview_unpause(none, weeks) == (10_000, 1)
    over = deploy("* * * * *", catchup=Catchup.NONE, end_date="2026-03-14T00:00")
    assert preview_unpause(over, weeks) == (10_000, 0)


@pytest.mark.parametrize("active", [0, 1, 3])
@pytest.mark.parametrize("overlap", Overlap)
@pytest.mark.parametrize("catchup", Catchup)
def test_what_is_said_before_un_pausing_is_what_a_tick_makes(catchup, overlap, active):
    entry = deploy(catchup=catchup, overlap=overlap, max_active_runs=2)
    now = NOON + 5 * HOUR
    planned = plan_tick(due(entry, active), now)
    said = preview_unpause(entry, now, active_runs=active)
    assert said == (len(planned.run) + len(planned.missed), len(planned.run))
