"""Backfills: each slot is decided on once, a slot never exists twice, a cancel ends all of it."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from small_dags import ended, failed, manual_run, run_id, small_dag, stored, succeeded

from nbflow import faults
from nbflow.errors import NotFoundError, UsageError
from nbflow.metastore import Chunk, Clear, Metastore, NewRun, Tick, check, slot_key
from nbflow.model.backfill import Backfill, BackfillState, DueBackfill, Reprocess
from nbflow.model.dag import Dag
from nbflow.model.ids import DagId, RunId
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind, RunState
from nbflow.scheduling.backfill import decide_slot, next_slots
from nbflow.scheduling.decide import decide

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAIR = small_dag({"a": [], "b": ["a"]})
NOTEBOOKS = {"etl.ipynb": b'{"cells": []}'}


def deployed(store: Metastore, dag: Dag = PAIR, **changes: object) -> ScheduleEntry:
    made = ScheduleEntry(
        dag_id=dag.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    store.deploy(dag, NOTEBOOKS, schedule=replace(made, **changes))  # type: ignore[arg-type]
    found = store.schedule(dag.id)
    assert found is not None
    return found


def asked(store: Metastore, begin: int = 1, end: int = 4, **changes: object) -> Backfill:
    """Record a backfill of the slots from ``begin`` to ``end`` o'clock."""
    entry = store.schedule(DagId("etl")) or deployed(store)
    made = Backfill(
        id=f"b{begin}to{end}", dag_id=PAIR.id, schedule_id=entry.id, expression="@hourly",
        timezone="UTC", anchor=None, first=NOON.replace(hour=begin), last=NOON.replace(hour=end),
        slots=end - begin + 1,
    )  # fmt: skip
    made = replace(made, **changes)  # type: ignore[arg-type]
    store.backfills.create(made)
    return made


def backfilled(due: DueBackfill, slot: datetime, tail: str = "") -> NewRun:
    return NewRun(
        run_id=RunId(f"backfill__{slot:%H}{tail}"), dag_id=due.entry.dag_id,
        version=due.dag_version, kind=RunKind.BACKFILL,
        slot_key=slot_key(due.entry.schedule_id, slot), logical_date=slot,
        data_interval=(slot - HOUR, slot), driven=False,
    )  # fmt: skip


def chunk(due: DueBackfill, tail: str = "") -> Chunk:
    return Chunk(
        due=due, slots=next_slots(due.entry, 100),
        decide=partial(decide_slot, reprocess=due.entry.reprocess),
        new_run=partial(backfilled, due, tail=tail),
    )  # fmt: skip


def work(store: Metastore) -> list[bool]:
    return [store.backfills.work_on(chunk(due)) for due in store.backfills.due()]


def finish(store: Metastore, *, fail: str = "") -> None:
    """Let every run that may begin run to its end."""
    while waiting := store.waiting_runs():
        for one in waiting:
            store.advance(one.run_id, partial(decide, PAIR, now=NOON))
        while claims := store.claim(limit=1):
            (claim,) = claims
            result = failed() if fail and claim.run_id.endswith(fail) else succeeded(stored("x"))
            follows = partial(decide, PAIR, now=NOON)
            store.finish(claim, result, ended(claim.task, result.state), follows)


def to_its_end(store: Metastore, **how: str) -> None:
    finish(store, **how)
    while work(store):
        finish(store, **how)


def told(store: Metastore, found: Backfill) -> list[tuple[int, str, str]]:
    return [(s.slot.hour, s.action, s.why) for s in store.backfills.decided(found.id)]


def test_every_slot_gets_one_run_no_more_at_a_time_than_may_go(store: Metastore, url: str) -> None:
    found = asked(store)
    assert work(store) == [True]
    assert [run.id for run in store.list_runs()] == ["backfill__01"]
    assert store.backfills.due() == []
    to_its_end(store)
    assert told(store, found) == [(hour, "new", "no run") for hour in (1, 2, 3, 4)]
    (row,) = store.backfills.rows()
    assert (row.entry.state, row.decided, dict(row.runs)) == (
        BackfillState.DONE, 4, {RunState.SUCCESS: 4},
    )  # fmt: skip
    assert {run.kind for run in store.list_runs()} == {RunKind.BACKFILL}
    assert check(url) == []


def test_in_reverse_the_newest_comes_first(store: Metastore) -> None:
    asked(store, reverse=True, max_active=2)
    work(store)
    assert {run.id for run in store.list_runs()} == {"backfill__04", "backfill__03"}


def test_a_slot_that_failed_runs_again_as_a_new_attempt_of_its_run(
    store: Metastore, url: str
) -> None:
    asked(store)
    to_its_end(store, fail="__02")
    again = asked(store, 2, 5, id="again", reprocess=Reprocess.FAILED)
    newer = small_dag({"a": [], "b": ["a"], "c": []})
    store.deploy(newer, NOTEBOOKS)
    work(store)
    assert told(store, again)[:1] == [(2, "re-run", "failed")]
    snapshot = store.run_snapshot(RunId("backfill__02"))
    assert (snapshot.state, snapshot.version) == (RunState.QUEUED, newer.digest)
    assert [task.tries for task in snapshot.tasks.values()] == [1, 0, 0]
    for _ in range(2):
        store.advance(snapshot.run_id, partial(decide, newer, now=NOON))
    while claims := store.claim(limit=1):
        follows = partial(decide, newer, now=NOON)
        store.finish(claims[0], succeeded(stored("x")), ended(claims[0].task), follows)
    work(store)
    assert told(store, again) == [
        (2, "re-run", "failed"), (3, "skipped", "succeeded"), (4, "skipped", "succeeded"),
        (5, "new", "no run"),
    ]  # fmt: skip
    assert len(store.list_runs()) == 5
    assert check(url) == []


def test_a_slot_whose_run_goes_on_is_left_to_it(store: Metastore) -> None:
    entry = deployed(store)
    slot = NOON.replace(hour=2)
    store.create_run(
        NewRun(
            run_id=run_id(), dag_id=PAIR.id, version=PAIR.digest, kind=RunKind.SCHEDULED,
            slot_key=slot_key(entry.id, slot), logical_date=slot, driven=False,
        )
    )  # fmt: skip
    found = asked(store, max_active=9)
    work(store)
    assert told(store, found)[1] == (2, "in flight", "goes on")
    assert store.backfills.slot_runs(PAIR.id, entry.id, found.first, found.last)[slot] == (
        run_id(), RunState.QUEUED,
    )  # fmt: skip


def test_the_tick_of_a_slot_that_was_backfilled_makes_no_other_run(
    store: Metastore, url: str
) -> None:
    entry = deployed(store)
    asked(store, 13, 13)
    work(store)
    slot = NOON + HOUR
    new = NewRun(
        run_id=run_id(), dag_id=PAIR.id, version=PAIR.digest, kind=RunKind.SCHEDULED,
        slot_key=slot_key(entry.id, slot), logical_date=slot, driven=False,
    )  # fmt: skip
    assert store.tick(Tick(seen=entry, cursor=slot, next_fire=slot + HOUR, runs=[new]))
    assert [run.id for run in store.list_runs()] == ["backfill__13"]
    assert check(url) == []


def test_ranges_that_overlap_are_refused_while_one_is_under_way(store: Metastore) -> None:
    first = asked(store, 1, 4)
    with pytest.raises(UsageError, match="about some of these slots") as caught:
        asked(store, 4, 6)
    assert caught.value.code == "NBF618"
    assert first.id in caught.value.hint
    asked(store, 5, 6)
    assert store.backfills.cancel(first.id)
    asked(store, 3, 4)


def test_a_backfill_of_what_was_never_deployed_is_refused(store: Metastore) -> None:
    entry = deployed(store)
    with pytest.raises(NotFoundError, match="nobody"):
        asked(store, dag_id=DagId("nobody"), schedule_id=entry.id)


def test_live_runs_go_first_and_a_limit_of_its_own_is_kept(store: Metastore) -> None:
    asked(store, max_active=2)
    work(store)
    store.create_run(
        manual_run(PAIR)
    )  # fmt: skip
    waiting = [one.run_id for one in store.waiting_runs()]
    assert waiting == [run_id(), "backfill__01", "backfill__02"]
    step = partial(decide, PAIR, now=NOON)
    for one in reversed(waiting):
        store.advance(one, step)
    assert {r.state for r in store.list_runs()} == {RunState.RUNNING}
    assert store.claim(limit=1)[0].run_id == run_id()


def test_without_a_limit_of_its_own_it_counts_among_the_runs_of_the_dag(store: Metastore) -> None:
    asked(store)
    work(store)
    step = partial(decide, PAIR, now=NOON)
    store.advance(RunId("backfill__01"), step)
    live = manual_run(PAIR)
    store.create_run(live)
    assert store.advance(run_id(), step).is_empty
    store.deploy(small_dag({"a": [], "b": ["a"]}, max_active_runs=2), {})
    assert not store.advance(run_id(), step).is_empty


def test_a_backfill_under_way_costs_no_live_slot_its_run(store: Metastore) -> None:
    deployed(store, max_active_runs=1)
    asked(store)
    work(store)
    (due,) = store.due(NOON + HOUR)
    assert due.active_runs == 0


def test_a_cancel_ends_what_runs_what_waits_and_what_was_to_come(
    store: Metastore, url: str
) -> None:
    found = asked(store, max_active=2)
    work(store)
    step = partial(decide, PAIR, now=NOON)
    store.advance(RunId("backfill__01"), step)
    (claim,) = store.claim(limit=1)
    assert store.backfills.cancel(found.id)
    assert not store.backfills.cancel(found.id)
    assert store.backfills.due() == []
    assert store.cancelled_runs([claim.run_id]) == {claim.run_id}
    for one in store.waiting_runs():
        store.advance(one.run_id, step)
    assert store.run_snapshot(RunId("backfill__02")).state is RunState.CANCELLED
    assert store.backfills.rows(found.id)[0].entry.state is BackfillState.CANCELLED
    assert len(store.list_runs()) == 2
    assert check(url) == []


def test_a_chunk_that_was_read_before_a_cancel_makes_nothing(store: Metastore) -> None:
    found = asked(store)
    (due,) = store.backfills.due()
    store.backfills.cancel(found.id)
    assert not store.backfills.work_on(chunk(due))
    assert store.list_runs() == []


def test_a_dag_is_not_let_rest_while_a_backfill_makes_its_runs(open_store, url: str) -> None:
    store, other = open_store(), open_store()
    asked(store)
    (due,) = store.backfills.due()
    ends: list[object] = []

    def undeploy() -> None:
        try:
            other.undeploy(PAIR.id)
            ends.append("rests")
        except UsageError as problem:
            ends.append(problem.code)

    resting = threading.Thread(target=undeploy)

    def decide_meanwhile(state: RunState | None):
        if not resting.is_alive() and not ends:
            resting.start()
            # It can't end before the chunk does; long enough to have counted the runs.
            resting.join(0.3)
        return decide_slot(state, Reprocess.NONE)

    assert store.backfills.work_on(replace(chunk(due), decide=decide_meanwhile))
    resting.join()
    assert ends == ["NBF619"]
    assert len(store.list_runs()) == 1
    assert check(url) == []


def test_a_chunk_that_was_read_before_a_deploy_makes_no_run_of_the_old_version(
    store: Metastore,
) -> None:
    asked(store)
    (due,) = store.backfills.due()
    edited = small_dag({"a": [], "b": ["a"], "c": ["b"]})
    store.deploy(edited, NOTEBOOKS)
    assert not store.backfills.work_on(chunk(due))
    assert work(store) == [True]
    assert [run.version for run in store.list_runs()] == [edited.digest]


def test_three_schedulers_make_each_run_once(open_store, url: str) -> None:
    stores = [open_store() for _ in range(3)]
    asked(stores[0], 1, 9, max_active=9)
    errors: list[Exception] = []

    def make(number: int) -> None:
        try:
            for due in stores[number].backfills.due():
                stores[number].backfills.work_on(chunk(replace(due, room=2), f"-{number}"))
        except Exception as error:  # told below, in the test's own thread
            errors.append(error)

    for _ in range(6):
        threads = [threading.Thread(target=make, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    runs = stores[0].list_runs()
    assert sorted(run.logical_date.hour for run in runs) == list(range(1, 10))
    assert check(url) == []


@pytest.mark.fault(17)
@pytest.mark.parametrize("verb", ["backfill", "backfill_chunk", "backfill_cancel"])
def test_a_commit_whose_answer_was_lost_counts_once(
    store: Metastore, verb: str, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    deployed(store)
    monkeypatch.setattr(faults, "_spec", f"{verb}.post_commit:1:commit_then_raise")
    faults._hits.clear()
    found = asked(store)
    assert work(store) == [True]
    assert len(store.list_runs()) == 1
    assert store.backfills.cancel(found.id)
    assert store.backfills.rows()[0].entry.state is BackfillState.CANCELLED
    assert check(url) == []


def test_a_backfill_is_found_by_the_begin_of_its_id(store: Metastore) -> None:
    found = asked(store)
    assert {store.backfills.find(text) for text in (found.id, "b1", "last")} == {found.id}
    for text in ("", "x"):
        with pytest.raises(NotFoundError, match="no backfill"):
            store.backfills.find(text)


def test_a_backfill_that_runs_a_slot_again_answers_who_asked_for_its_run_to_go_on(
    store: Metastore, url: str
) -> None:
    asked(store, 1, 1)
    to_its_end(store, fail="01")
    store.clears.request(Clear(run_id=RunId("backfill__01"), tasks=["a"]))  # type: ignore[list-item]
    asked(store, 1, 1, id="again", reprocess=Reprocess.FAILED)
    assert work(store) == [True]
    assert store.clears.requested() == []
    finish(store)
    assert store.run_snapshot(RunId("backfill__01")).state is RunState.SUCCESS
    assert check(url) == []
