"""Pauses: kept while slots may lie in them on which nothing was decided, and no longer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_dags import small_dag
from sqlalchemy import select

from nbflow.metastore import Metastore, Tick, check
from nbflow.metastore import tables as t
from nbflow.metastore.pauses import MOST, read_pauses, still_needed, written
from nbflow.model.schedule import Pause, ScheduleEntry
from nbflow.scheduling.plan import plan_tick

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ETL = small_dag({"a": []})


@pytest.fixture
def seen(store: Metastore) -> ScheduleEntry:
    """An hourly schedule on which all is decided up to noon."""
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    store.deploy(ETL, {"etl.ipynb": b"{}"}, schedule=entry)
    found = store.schedule(ETL.id)
    assert found is not None
    return found


def kept(store: Metastore) -> tuple[Pause, ...]:
    return read_pauses(store.db.read(lambda c: c.execute(select(t.dag.c.pauses)).scalar()))


def pause_for(store: Metastore, clock, seconds: float) -> Pause:
    since = clock.wall()
    store.pause(ETL.id, paused=True)
    clock.move(seconds)
    store.pause(ETL.id, paused=False)
    return Pause(since=since, until=clock.wall())


def test_a_pause_is_told_of_as_long_as_slots_lie_in_it_on_which_nothing_was_decided(
    store: Metastore, url: str, seen: ScheduleEntry, clock
) -> None:
    clock.move(1800)
    mine = pause_for(store, clock, 2 * 3600)
    (due,) = store.due(clock.wall())
    assert due.pauses == (mine,)
    assert store.tick(Tick(seen=seen, cursor=NOON + HOUR, next_fire=NOON + 2 * HOUR))
    (due,) = store.due(clock.wall())
    assert due.pauses == kept(store) == (mine,)
    assert store.tick(Tick(seen=due.entry, cursor=NOON + 2 * HOUR, next_fire=NOON + 3 * HOUR))
    assert kept(store) == ()
    assert check(url) == []


def test_what_a_tick_writes_of_slots_in_a_pause_says_so(
    store: Metastore, seen: ScheduleEntry, clock
) -> None:
    clock.move(1.5 * 3600)
    pause_for(store, clock, 2 * 3600)
    clock.move(1.25 * 3600)
    (due,) = store.due(clock.wall())
    planned = plan_tick(due, clock.wall())
    assert store.tick(Tick(seen=seen, cursor=planned.cursor, next_fire=None, missed=planned.missed))
    found = {one.slot: one.reason for one in store.missed(ETL.id)}
    assert [found[NOON + n * HOUR] for n in (1, 2, 3)] == ["catchup", "paused", "paused"]
    assert {one.slot: one.reason for one in store.all_missed(ETL.id)} == found


def test_a_pause_that_lasts_is_kept_from_its_first_instant(
    store: Metastore, url: str, seen: ScheduleEntry, clock
) -> None:
    store.pause(ETL.id, paused=True)
    clock.move(60)
    store.pause(ETL.id, paused=True)
    assert kept(store) == (Pause(since=NOON),)
    assert check(url) == []


def test_a_pause_between_two_slots_is_forgotten_with_its_end(
    store: Metastore, seen: ScheduleEntry, clock
) -> None:
    pause_for(store, clock, 60)
    assert kept(store) == ()


def test_a_dag_without_a_schedule_keeps_only_a_pause_that_lasts(store: Metastore, clock) -> None:
    store.deploy(ETL, {"etl.ipynb": b"{}"})
    pause_for(store, clock, 24 * 3600)
    assert kept(store) == ()
    store.pause(ETL.id, paused=True)
    assert kept(store) == (Pause(since=clock.wall()),)


def test_nothing_lies_in_a_pause_during_which_the_calendar_was_set_back(
    store: Metastore, url: str, seen: ScheduleEntry, clock
) -> None:
    clock.move(2 * 3600)
    pause_for(store, clock, -1800)
    assert kept(store) == ()
    assert check(url) == []


def test_pauses_follow_each_other_even_where_the_calendar_was_set_back_between_them(
    store: Metastore, url: str, seen: ScheduleEntry, clock
) -> None:
    first = pause_for(store, clock, 3 * 3600)
    clock.move(-7200)
    store.pause(ETL.id, paused=True)
    assert kept(store) == (first, Pause(since=first.until))
    assert check(url) == []
    store.pause(ETL.id, paused=False)
    assert kept(store) == (first,)


def test_of_very_many_pauses_the_newest_are_kept(
    store: Metastore, seen: ScheduleEntry, clock
) -> None:
    made = []
    for _ in range(MOST + 3):
        clock.move(3600)
        made.append(pause_for(store, clock, 60))
    assert kept(store) == tuple(made[-MOST:])


def test_a_dag_that_rests_is_not_paused(
    store: Metastore, url: str, seen: ScheduleEntry, clock
) -> None:
    clock.move(1800)
    pause_for(store, clock, 3600)
    store.pause(ETL.id, paused=True)
    assert len(kept(store)) == 2
    store.undeploy(ETL.id)
    assert kept(store) == ()
    assert check(url) == []


def test_a_pause_begun_twice_by_two_is_one(
    open_store: Callable[[], Metastore], seen: ScheduleEntry
) -> None:
    one, two = open_store(), open_store()
    assert [one.pause(ETL.id, paused=True), two.pause(ETL.id, paused=True)] == [True, False]
    assert len(kept(one)) == 1


INSTANTS = st.integers(0, 48).map(lambda halves: NOON + halves * HOUR / 2)


@given(bounds=st.lists(INSTANTS, unique=True).map(sorted), decided=INSTANTS)
def test_what_is_forgotten_says_nothing_of_what_is_still_to_be_decided(bounds, decided):
    pauses = tuple(
        Pause(since=since, until=until)
        for since, until in zip(bounds[::2], [*bounds[1::2], None], strict=False)
    )
    left = still_needed(pauses, decided)
    assert read_pauses(written(left)) == left
    for halves in range(49):
        slot = NOON + halves * HOUR / 2
        if slot >= decided:
            assert any(p.holds(slot) for p in left) == any(p.holds(slot) for p in pauses)
    assert all(one.until is None for one in still_needed(pauses, None))
