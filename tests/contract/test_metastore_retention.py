"""What goes of old runs, and what stays since other runs may yet read it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from small_dags import ended, manual_run, run_id, small_dag, stored, succeeded
from sqlalchemy import func, select

from nbflow.metastore import Chunk, Looks, Metastore, NewRun, Tick, check, slot_key
from nbflow.metastore import tables as t
from nbflow.model.backfill import Backfill, SlotAction, SlotWhy
from nbflow.model.ids import RunId, TaskName
from nbflow.model.schedule import MissedSlot, ScheduleEntry
from nbflow.model.states import RunKind
from nbflow.scheduling.decide import decide
from nbflow.service.checking import rules

ETL = small_dag({"a": [], "train": ["a"]})
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(store: Metastore) -> Metastore:
    store.deploy(ETL, {"etl.ipynb": b"{}"})
    return store


def begin(store: Metastore, number: int, *tasks: str) -> RunId:
    """Record a run of some tasks, or of all, a minute after the last."""
    store.db.clock.move(60)
    chosen = [TaskName(name) for name in tasks] or None
    store.create_run(replace(manual_run(ETL, number), tasks=chosen))
    return run_id(number)


def run(store: Metastore, number: int, *tasks: str) -> None:
    """Let a run of some tasks, or of all, succeed; each task stores a value."""
    begin(store, number, *tasks)
    follows = partial(decide, ETL, now=store.db.clock.wall())
    store.advance(run_id(number), follows)
    for _ in tasks or ETL.tasks:
        (claim,) = store.claim(run_id(number), limit=1)
        store.finish(claim, succeeded(stored("x")), ended(claim.task), follows)


def may_go(store: Metastore) -> list[RunId]:
    return store.retention.old_runs(store.db.clock.wall() + DAY)


def test_what_a_run_of_some_tasks_reads_stays_however_old(store: Metastore) -> None:
    run(store, 1)
    run(store, 2)
    run(store, 3, "train")
    run(store, 4, "train")
    assert may_go(store) == [run_id(1), run_id(3)]
    assert store.retention.delete_runs(may_go(store)) == 2
    assert store.values.latest(ETL.id, TaskName("a")).values
    run(store, 5)
    assert may_go(store) == [run_id(2), run_id(4)]


def test_what_an_unfinished_run_reads_stays_though_newer_values_came(store: Metastore) -> None:
    run(store, 1)
    run(store, 2)
    waiting = begin(store, 3, "train")
    run(store, 4)
    assert may_go(store) == [run_id(1)]
    assert store.request_cancel(waiting)
    store.advance(waiting, partial(decide, ETL, now=store.db.clock.wall()))
    assert run_id(2) in may_go(store)


def test_values_of_another_dag_keep_nothing(store: Metastore) -> None:
    run(store, 1)
    run(store, 2)
    other = small_dag({"a": []}, dag_id="other")
    store.deploy(other, {"etl.ipynb": b"{}"})
    store.create_run(replace(manual_run(other, 3), tasks=[TaskName("a")]))
    assert may_go(store) == [run_id(1)]


def test_values_of_a_task_that_the_dag_has_no_longer_keep_nothing(store: Metastore) -> None:
    run(store, 1, "a")
    run(store, 2, "train")
    run(store, 3, "a")
    later = small_dag({"a": []})
    begin(store, 4)
    assert may_go(store) == [run_id(1)]
    store.deploy(later, {"etl.ipynb": b"{}"})
    # Whoever works on the page that the newest run was of may still ask for its task.
    assert may_go(store) == [run_id(1)]
    store.db.clock.move(60)
    store.create_run(manual_run(later, 5))
    assert may_go(store) == [run_id(1), run_id(2)]


def test_missed_slots_go_for_their_age_and_are_neither_missed_nor_run_again(
    store: Metastore, url: str
) -> None:
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    store.deploy(ETL, {"etl.ipynb": b"{}"}, schedule=entry)
    for number in (1, 2, 3):
        seen, slot = store.schedule(ETL.id), NOON + number * HOUR
        assert seen is not None
        missed = [MissedSlot(dag_id=ETL.id, slot=slot, reason="catchup", at=slot)]
        assert store.tick(Tick(seen=seen, cursor=slot, next_fire=slot + HOUR, missed=missed))
        if number < 3:
            assert store.notices.plan_missed(ETL.id, [slot_key(seen.id, slot)], [])
    looks = Looks(rules=rules(), clock=store.db.clock)
    assert store.retention.forget_missed(NOON + 2 * HOUR) == 1
    assert [one.slot for one in store.missed(ETL.id)] == [NOON + 3 * HOUR, NOON + 2 * HOUR]
    assert check(url, looks) == []
    # Nobody has been told of the last one.
    assert store.retention.forget_missed(NOON + 9 * HOUR) == 1
    assert store.retention.forget_missed(NOON + 9 * HOUR) == 0
    assert [one.slot for one in store.missed(ETL.id)] == [NOON + 3 * HOUR]
    assert [row.key for row in store.notices.untold_missed()[ETL.id]] == [
        slot_key(seen.id, NOON + 3 * HOUR)
    ]
    assert store.due(NOON + 3 * HOUR) == []
    assert check(url, looks) == []


def test_an_ended_backfill_goes_once_its_runs_have(store: Metastore, url: str) -> None:
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    store.deploy(ETL, {"etl.ipynb": b"{}"}, schedule=entry)

    def run_of(slot: datetime) -> NewRun:
        key = slot_key(1, slot)
        return replace(manual_run(ETL), kind=RunKind.BACKFILL, slot_key=key, logical_date=slot)

    for name in ("old", "with runs", "going"):
        new = Backfill(
            id=name, dag_id=ETL.id, schedule_id=1, expression="@hourly", timezone="UTC",
            anchor=None, first=NOON - HOUR, last=NOON - HOUR, slots=1,
        )  # fmt: skip
        store.backfills.create(new)
        if name == "with runs":
            (due,) = store.backfills.due()
            chunk = Chunk(
                due=due, slots=[new.first], new_run=run_of,
                decide=lambda _: (SlotAction.NEW, SlotWhy.NO_RUN),
            )  # fmt: skip
            assert store.backfills.work_on(chunk)
        if name != "going":
            store.backfills.cancel(name)
    assert store.retention.forget_backfills(store.db.clock.wall()) == 0
    later = store.db.clock.wall() + DAY
    assert store.retention.forget_backfills(later) == 1
    assert {row.entry.id for row in store.backfills.rows()} == {"with runs", "going"}
    store.advance(run_id(), partial(decide, ETL, now=store.db.clock.wall()))
    assert store.retention.delete_runs([run_id()]) == 1
    assert store.retention.forget_backfills(later) == 1
    assert [row.entry.id for row in store.backfills.rows()] == ["going"]
    assert check(url) == []


def test_versions_that_nothing_names_go_with_their_notebooks(store: Metastore, url: str) -> None:
    begin(store, 1)
    names = ["used", "unused", "deployed", "newest"]
    dags = {name: small_dag({"a": [], name: []}) for name in names}
    for name, dag in dags.items():
        pages = {"etl.ipynb": name.encode(), "shared.ipynb": b"{}"}
        store.deploy(dag, pages, current=name != "newest")
        if name == "used":
            store.create_run(manual_run(dag, 2))
    assert store.retention.forget_versions(store.db.clock.wall()) == 0
    assert store.retention.forget_versions(store.db.clock.wall() + DAY) == 1
    kept = [ETL.digest, *(dags[name].digest for name in names if name != "unused")]
    assert [row.version for row in reversed(store.versions(ETL.id))] == kept
    for digest in kept:
        assert store.load_notebooks(digest)
    count = select(func.count()).select_from(t.notebook_snapshot)
    assert store.db.read(lambda c: c.execute(count).scalar()) == 4
    # What is deployed once more is there again, under a number that no other had.
    store.deploy(dags["unused"], {"etl.ipynb": b"unused", "shared.ipynb": b"{}"})
    assert store.versions(ETL.id)[0].number == 6
    assert store.load_notebooks(dags["unused"].digest)["etl.ipynb"] == b"unused"
    assert check(url) == []
