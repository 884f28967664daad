"""Schedules: a slot has one run or one missed record, whoever ticks and however often."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from small_dags import manual_run, run_id, small_dag

from nbflow.errors import ConflictError, NotFoundError
from nbflow.metastore import (
    Clear,
    Looks,
    Metastore,
    NewRun,
    RunFilter,
    Tick,
    check,
    slot_key,
)
from nbflow.metastore.attention import FEW_QUEUED
from nbflow.model.attempt import AttemptResult
from nbflow.model.dag import Dag
from nbflow.model.ids import DagId, RunId
from nbflow.model.options import Catchup
from nbflow.model.run import TaskMove
from nbflow.model.schedule import MissedSlot, ScheduleEntry
from nbflow.model.states import Reason, RunKind, RunState, TaskState
from nbflow.scheduling.decide import decide
from nbflow.scheduling.plan import plan_tick
from nbflow.service.checking import rules

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAIR = small_dag({"a": [], "b": ["a"]})
NOTEBOOKS = {"etl.ipynb": b'{"cells": []}'}


def entry(dag: Dag = PAIR, **changes: object) -> ScheduleEntry:
    made = ScheduleEntry(
        dag_id=dag.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def deployed(store: Metastore, dag: Dag = PAIR, **changes: object) -> ScheduleEntry:
    store.deploy(dag, NOTEBOOKS, schedule=entry(dag, **changes))
    found = store.schedule(dag.id)
    assert found is not None
    return found


def scheduled(seen: ScheduleEntry, slot: datetime, number: int = 1, dag: Dag = PAIR) -> NewRun:
    return NewRun(
        run_id=run_id(number), dag_id=dag.id, version=dag.digest, kind=RunKind.SCHEDULED,
        slot_key=slot_key(seen.id, slot), logical_date=slot, data_interval=(slot - HOUR, slot),
        driven=False,
    )  # fmt: skip


def hourly_tick(seen: ScheduleEntry, number: int = 1, **changes: object) -> Tick:
    slot = seen.cursor + HOUR
    made = Tick(
        seen=seen, cursor=slot, next_fire=slot + HOUR, runs=(scheduled(seen, slot, number),)
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def missed(slot: datetime, dag: Dag = PAIR) -> MissedSlot:
    return MissedSlot(dag_id=dag.id, slot=slot, reason="catchup", at=NOON)


def test_a_schedule_comes_back_as_it_was_deployed(store: Metastore) -> None:
    seen = deployed(store, start=NOON - HOUR, end=NOON + 9 * HOUR, max_active_runs=3)
    assert replace(seen, id=0) == entry(start=NOON - HOUR, end=NOON + 9 * HOUR, max_active_runs=3)
    assert store.schedule(DagId("nobody")) is None


def test_an_edit_keeps_the_row_and_moves_its_version(store: Metastore) -> None:
    first = deployed(store)
    store.deploy(PAIR, NOTEBOOKS, schedule=replace(first, expression="@daily", cursor=NOON + HOUR))
    second = store.schedule(PAIR.id)
    assert second is not None
    assert (second.id, second.version, second.expression) == (first.id, 1, "@daily")


def test_an_edit_of_what_a_tick_has_moved_is_refused_and_nothing_is_deployed(
    store: Metastore,
) -> None:
    seen = deployed(store)
    assert store.tick(hourly_tick(seen))
    other = small_dag({"a": []})
    with pytest.raises(ConflictError, match="moved meanwhile"):
        store.deploy(other, NOTEBOOKS, schedule=seen)
    assert store.current_version(PAIR.id) == PAIR.digest


def test_of_two_first_deploys_of_a_dag_one_counts_and_the_other_is_refused(
    open_store: Callable[[], Metastore],
) -> None:
    other = small_dag({"a": [], "b": ["a"], "c": ["b"]})
    first, second = open_store(), open_store()
    first.deploy(PAIR, NOTEBOOKS, schedule=entry())
    with pytest.raises(ConflictError, match="moved meanwhile"):
        second.deploy(other, NOTEBOOKS, schedule=entry(other, expression="@daily"))
    found = first.schedule(PAIR.id)
    assert found is not None
    assert (found.expression, first.current_version(PAIR.id)) == ("@hourly", PAIR.digest)


def test_a_dag_without_a_schedule_lets_it_rest_and_keeps_the_names_of_its_slots(
    store: Metastore,
) -> None:
    first = deployed(store)
    store.deploy(PAIR, NOTEBOOKS, schedule=None)
    resting = store.schedule(PAIR.id)
    assert resting is not None
    assert (resting.id, resting.expression, resting.next_fire) == (first.id, "", None)
    assert store.due(NOON + 5 * HOUR) == []


@pytest.mark.parametrize(
    ("before", "edit"),
    [
        ({}, {"expression": "*/20 * * * *"}),
        ({}, {"timezone": "Asia/Kolkata"}),
        ({"start": NOON}, {"start": NOON - 2 * HOUR}),
    ],
)
def test_an_edit_in_the_instant_of_the_cursor_asks_nothing_of_the_slots_before_it(
    store: Metastore, url: str, before: dict[str, Any], edit: dict[str, Any]
) -> None:
    cursor = NOON - (3 * HOUR if before else HOUR)
    seen = deployed(store, cursor=cursor, next_fire=NOON, **before)
    tick = Tick(seen=seen, cursor=NOON, next_fire=NOON + HOUR, runs=[scheduled(seen, NOON)])
    assert store.tick(tick)
    looks = Looks(rules=rules(), clock=store.db.clock)
    assert check(url, looks) == []
    moved = store.schedule(PAIR.id)
    assert moved is not None
    edited = replace(moved, cursor=NOON, **edit)
    store.deploy(PAIR, NOTEBOOKS, schedule=replace(edited, next_fire=rules().next_slot(edited)))
    assert check(url, looks) == []


def test_a_deploy_that_leaves_the_slots_as_they_are_forgets_none_of_them(
    store: Metastore, url: str
) -> None:
    seen = deployed(store, cursor=NOON - HOUR, next_fire=NOON)
    assert store.tick(Tick(seen=seen, cursor=NOON, next_fire=NOON + HOUR))
    looks = Looks(rules=rules(), clock=store.db.clock)
    assert [one.code for one in check(url, looks)] == ["I2"]
    moved = store.schedule(PAIR.id)
    assert moved is not None
    store.deploy(PAIR, NOTEBOOKS, schedule=replace(moved, max_active_runs=7))
    assert [one.code for one in check(url, looks)] == ["I2"]


def test_a_deploy_that_says_nothing_of_a_schedule_leaves_it(store: Metastore) -> None:
    first = deployed(store)
    store.deploy(small_dag({"a": []}), NOTEBOOKS)
    assert store.schedule(PAIR.id) == first


def test_due_are_active_dags_whose_slot_has_come_oldest_first(store: Metastore) -> None:
    late, early, paused = (small_dag({"a": []}, dag_id=name) for name in ("late", "early", "off"))
    deployed(store, late, next_fire=NOON + 2 * HOUR)
    deployed(store, early, next_fire=NOON + HOUR)
    deployed(store, paused, next_fire=NOON + HOUR)
    assert store.pause(paused.id, paused=True)
    assert store.due(NOON + HOUR - timedelta(seconds=1)) == []
    assert [one.entry.dag_id for one in store.due(NOON + 2 * HOUR)] == ["early", "late"]
    assert store.due(NOON + 2 * HOUR)[0].dag_version == early.digest
    assert store.next_fire() == NOON + HOUR


def test_pausing_tells_whether_anything_changed(store: Metastore) -> None:
    deployed(store)
    assert store.pause(PAIR.id, paused=True)
    assert not store.pause(PAIR.id, paused=True)
    assert store.pause(PAIR.id, paused=False)
    with pytest.raises(NotFoundError):
        store.pause(DagId("nobody"), paused=True)


def test_a_tick_makes_the_run_and_moves_the_schedule_together(store: Metastore) -> None:
    seen = deployed(store)
    assert store.tick(hourly_tick(seen))
    now = store.schedule(PAIR.id)
    assert now is not None
    assert (now.cursor, now.next_fire, now.version) == (NOON + HOUR, NOON + 2 * HOUR, 1)
    run = store.run_snapshot(run_id(1))
    assert (run.kind, run.state, run.logical_date) == (
        RunKind.SCHEDULED, RunState.QUEUED, NOON + HOUR,
    )  # fmt: skip
    assert (run.data_interval_start, run.data_interval_end) == (NOON, NOON + HOUR)
    assert set(run.tasks) == {"a", "b"}
    assert [one.active_runs for one in store.due(NOON + 2 * HOUR)] == [1]


def test_a_run_is_told_with_the_zone_of_what_schedules_its_dag_now(store: Metastore) -> None:
    assert store.tick(hourly_tick(deployed(store, timezone="Asia/Seoul")))
    by_hand = small_dag({"a": []}, dag_id="by_hand")
    store.deploy(by_hand, NOTEBOOKS)
    assert store.create_run(manual_run(by_hand, 2))

    def zones() -> dict[str, str | None]:
        found = {row.id: row.timezone for row in store.list_runs()}
        assert found == {one: store.show_run(one)[0].timezone for one in found}
        return found

    assert zones() == {run_id(1): "Asia/Seoul", run_id(2): None}
    moved = store.schedule(PAIR.id)
    assert moved is not None
    store.deploy(PAIR, NOTEBOOKS, schedule=replace(moved, timezone="Europe/Oslo"))
    assert zones() == {run_id(1): "Europe/Oslo", run_id(2): None}
    store.deploy(PAIR, NOTEBOOKS, schedule=None)
    assert zones() == {run_id(1): None, run_id(2): None}


def test_of_two_ticks_that_saw_the_same_one_writes(open_store: Callable[[], Metastore]) -> None:
    one, two = open_store(), open_store()
    seen = deployed(one)
    assert one.tick(hourly_tick(seen, 1))
    assert not two.tick(hourly_tick(seen, 2))
    assert [run.id for run in one.list_runs()] == [run_id(1)]


def test_a_slot_never_gets_a_second_run_even_where_the_version_is_right(store: Metastore) -> None:
    seen = deployed(store)
    assert store.create_run(replace(scheduled(seen, NOON + HOUR, 7), kind=RunKind.BACKFILL))
    assert store.tick(hourly_tick(seen, 1))
    assert [(run.id, run.kind) for run in store.list_runs()] == [(run_id(7), RunKind.BACKFILL)]


def test_missed_slots_go_on_record_once_and_not_where_a_run_is(store: Metastore) -> None:
    seen = deployed(store)
    assert store.create_run(replace(scheduled(seen, NOON + HOUR, 7), kind=RunKind.BACKFILL))
    slots = [missed(NOON + n * HOUR) for n in (1, 2, 3)]
    what = Tick(seen=seen, cursor=NOON + 3 * HOUR, next_fire=NOON + 4 * HOUR, missed=slots)
    assert store.tick(what)
    assert not store.tick(what)
    assert store.missed(PAIR.id) == [missed(NOON + n * HOUR) for n in (3, 2)]


def test_a_paused_dag_is_not_ticked(store: Metastore) -> None:
    seen = deployed(store)
    store.pause(PAIR.id, paused=True)
    assert not store.tick(hourly_tick(seen))
    assert store.schedule(PAIR.id) == seen


def test_a_tick_may_ask_the_older_runs_to_end(store: Metastore) -> None:
    assert store.tick(hourly_tick(deployed(store), 1))
    seen = store.schedule(PAIR.id)
    assert seen is not None
    assert store.tick(hourly_tick(seen, 2, cancel_others=True))
    asked = {run: store.run_snapshot(run).cancel_requested for run in (run_id(1), run_id(2))}
    assert asked == {run_id(1): True, run_id(2): False}


def test_a_run_that_somebody_drives_by_hand_costs_no_slot_its_run_and_is_left_alone(
    store: Metastore,
) -> None:
    seen = deployed(store)
    store.create_run(manual_run(PAIR, 7, driven=True))
    assert [one.active_runs for one in store.due(NOON + HOUR)] == [0]
    assert store.tick(hourly_tick(seen, 1, active_runs=0, cancel_others=True))
    assert not store.run_snapshot(run_id(7)).cancel_requested
    store.create_run(manual_run(PAIR, 8))
    assert [one.active_runs for one in store.due(NOON + 2 * HOUR)] == [2]


def test_a_run_that_is_asked_to_end_is_not_cleared_afterwards(store: Metastore) -> None:
    assert store.tick(hourly_tick(deployed(store), 1))
    first = run_id(1)
    store.advance(first, partial(decide, PAIR, now=NOON))
    (claim,) = store.claim(limit=1)
    failed = TaskMove(task=claim.task, source=TaskState.RUNNING, target=TaskState.FAILED)
    result = AttemptResult(state=TaskState.FAILED, reason=Reason.ERROR, message="no luck")
    store.finish(claim, result, failed)
    store.clears.request(Clear(run_id=first, tasks=[claim.task]))
    seen = store.schedule(PAIR.id)
    assert seen is not None
    assert store.tick(hourly_tick(seen, 2, cancel_others=True))
    store.advance(first, partial(decide, PAIR, now=NOON))
    assert store.clears.requested() == []
    assert store.show_run(first)[0].state.is_final


@pytest.mark.fault(22)
def test_schedulers_that_race_decide_every_slot_once(
    open_store: Callable[[], Metastore], clock: Any
) -> None:
    """Two days of a DAG that fires every quarter of an hour, ticked by three at once."""
    first = open_store()
    first.deploy(
        PAIR, NOTEBOOKS,
        schedule=entry(expression="*/15 * * * *", next_fire=NOON + HOUR / 4, catchup=Catchup.ALL),
    )  # fmt: skip
    stores = [first, open_store(), open_store()]
    problems: list[Exception] = []

    def work(store: Metastore, number: int) -> None:
        try:
            _tick_all(store, clock.wall(), number)
        except Exception as problem:
            problems.append(problem)

    for _ in range(2):
        clock.move(24 * 3600)
        threads = [threading.Thread(target=work, args=(s, n)) for n, s in enumerate(stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    found = first.list_runs(RunFilter(limit=10_000))
    slots = sorted(run.logical_date for run in found if run.logical_date)
    assert slots == [NOON + n * HOUR / 4 for n in range(1, 2 * 24 * 4 + 1)]
    assert first.missed(PAIR.id) == []


def _tick_all(store: Metastore, now: datetime, number: int) -> None:
    while dues := store.due(now):
        for due in dues:
            planned = plan_tick(due, now)
            runs = [
                replace(
                    scheduled(due.entry, slot),
                    run_id=RunId(f"scheduled__{slot:%Y%m%dT%H%M%SZ}__{number:08d}"),
                )
                for slot, _ in planned.run
            ]
            store.tick(
                Tick(
                    seen=due.entry, cursor=planned.cursor, next_fire=planned.next_fire, runs=runs,
                    missed=planned.missed,
                )
            )  # fmt: skip


def test_dags_with_as_many_runs_as_may_go_hide_no_other_dags_run(store: Metastore) -> None:
    dags = [small_dag({"a": []}, dag_id=f"full{number}") for number in range(3)]
    other = small_dag({"a": []}, dag_id="other")
    for place, dag in enumerate([*dags, other]):
        store.deploy(dag, NOTEBOOKS)
        for number in range(1 if dag is other else 4):
            new = scheduled(entry(dag, id=1), NOON + number * HOUR, 10 * place + number, dag)
            store.create_run(new)
    for place, dag in enumerate(dags):
        store.advance(run_id(10 * place), partial(decide, dag, now=NOON))
    assert [one.dag_id for one in store.waiting_runs(limit=5)] == ["other"]
    store.request_cancel(run_id(1))
    assert [one.run_id for one in store.waiting_runs(limit=5)] == [run_id(1), run_id(30)]


def test_how_many_runs_go_at_once_is_as_deployed_now_for_those_queued_before_too(
    store: Metastore,
) -> None:
    seen = deployed(store)
    numbers = range(4)
    for number in numbers:
        store.create_run(scheduled(seen, NOON + number * HOUR, number))

    def going() -> int:
        for one in store.waiting_runs():
            store.advance(one.run_id, partial(decide, PAIR, now=NOON))
        return sum(run.state is RunState.RUNNING for run in store.list_runs())

    assert going() == 1
    store.deploy(small_dag({"a": [], "b": ["a"]}, max_active_runs=3), NOTEBOOKS)
    assert {run.version for run in store.list_runs()} == {PAIR.digest}
    assert going() == 3
    store.deploy(small_dag({"a": [], "b": ["a"]}, max_active_runs=2), NOTEBOOKS)
    assert store.advance(run_id(numbers[-1]), partial(decide, PAIR, now=NOON)).is_empty
    assert going() == 3


def test_queued_runs_of_one_dag_hide_no_other_dags_run(store: Metastore) -> None:
    other = small_dag({"a": []}, dag_id="other")
    for dag, count in ((PAIR, FEW_QUEUED + 5), (other, 1)):
        store.deploy(dag, NOTEBOOKS)
        for number in range(count):
            new = scheduled(entry(dag, id=1), NOON + number * HOUR, number + 100 * count, dag)
            store.create_run(new)
    found = [one.dag_id for one in store.waiting_runs()]
    assert (found.count(PAIR.id), found.count(other.id)) == (FEW_QUEUED, 1)
    store.request_cancel(run_id(FEW_QUEUED + 4 + 100 * (FEW_QUEUED + 5)))
    assert store.waiting_runs()[0].run_id == run_id(FEW_QUEUED + 4 + 100 * (FEW_QUEUED + 5))


def test_what_came_by_itself_waits_while_its_dag_is_paused_and_what_people_ask_for_goes_on(
    store: Metastore,
) -> None:
    seen = deployed(store)
    kinds = [RunKind.SCHEDULED, RunKind.TRIGGERED, RunKind.MANUAL, RunKind.BACKFILL]
    for number, kind in enumerate(kinds):
        store.create_run(replace(scheduled(seen, NOON + number * HOUR, number), kind=kind))
    store.pause(PAIR.id, paused=True)

    def begin() -> dict[RunId, RunState]:
        for number in range(len(kinds)):
            store.advance(run_id(number), partial(decide, PAIR, now=NOON))
        return {run.id: run.state for run in store.list_runs() if run.state is not RunState.QUEUED}

    store.deploy(small_dag({"a": [], "b": ["a"]}, max_active_runs=9), NOTEBOOKS)
    people_ask = {run_id(2), run_id(3)}
    assert {one.run_id for one in store.waiting_runs()} == people_ask
    assert begin() == dict.fromkeys(people_ask, RunState.RUNNING)
    store.request_cancel(run_id(0))
    assert [one.run_id for one in store.waiting_runs()] == [run_id(0)]
    assert begin()[run_id(0)] is RunState.CANCELLED
    store.clears.request(Clear(run_id=run_id(0), tasks=("a", "b")))
    assert store.clears.carry_out(run_id(0))
    assert begin()[run_id(0)] is RunState.RUNNING
    store.pause(PAIR.id, paused=False)
    assert begin()[run_id(1)] is RunState.RUNNING


def test_of_runs_that_one_tick_made_the_newest_slot_is_listed_first_on_every_page(
    store: Metastore,
) -> None:
    seen = deployed(store)
    # Ids in another order than the slots.
    for number in (3, 1, 4, 2, 5):
        store.create_run(scheduled(seen, NOON + number * HOUR, 7 * number % 10))
    newest_first = [run_id(7 * number % 10) for number in (5, 4, 3, 2, 1)]
    assert [run.id for run in store.list_runs()] == newest_first
    found: list[RunId] = []
    page = store.list_runs(RunFilter(limit=2))
    while page:
        found += [run.id for run in page]
        page = store.list_runs(RunFilter(limit=2, before=page[-1].created, after=page[-1].id))
    assert found == newest_first
