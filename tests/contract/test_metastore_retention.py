"""What goes of old runs, and what stays since other runs may yet read it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from small_dags import ended, manual_run, run_id, small_dag, stored, succeeded
from sqlalchemy import Connection, event, func, select

from nbflow.metastore import (
    Chunk,
    Looks,
    Metastore,
    NewRun,
    Tick,
    check,
    old_records,
    slot_key,
    versions,
)
from nbflow.metastore import tables as t
from nbflow.metastore.dialect import error_code
from nbflow.metastore.runs import insert_run
from nbflow.model.backfill import Backfill, SlotAction, SlotWhy
from nbflow.model.dag import Dag
from nbflow.model.ids import RunId, TaskName
from nbflow.model.options import TaskOptions
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
    assert sum(store.retention.forget_missed(NOON + 2 * HOUR)) == 1
    assert [one.slot for one in store.missed(ETL.id)] == [NOON + 3 * HOUR, NOON + 2 * HOUR]
    assert check(url, looks) == []
    # Nobody has been told of the last one.
    assert sum(store.retention.forget_missed(NOON + 9 * HOUR)) == 1
    assert sum(store.retention.forget_missed(NOON + 9 * HOUR)) == 0
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
    assert sum(store.retention.forget_backfills(store.db.clock.wall())) == 0
    later = store.db.clock.wall() + DAY
    assert sum(store.retention.forget_backfills(later)) == 1
    assert {row.entry.id for row in store.backfills.rows()} == {"with runs", "going"}
    store.advance(run_id(), partial(decide, ETL, now=store.db.clock.wall()))
    assert store.retention.delete_runs([run_id()]) == 1
    assert sum(store.retention.forget_backfills(later)) == 1
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
    assert sum(store.retention.forget_versions(store.db.clock.wall())) == 0
    assert sum(store.retention.forget_versions(store.db.clock.wall() + DAY)) == 1
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


def test_who_records_a_version_once_more_keeps_it_for_as_long_again(
    store: Metastore, url: str
) -> None:
    draft, second = small_dag({"a": [], "b": []}), small_dag({"a": [], "c": []})
    store.deploy(draft, {"etl.ipynb": b"draft"}, current=False)
    store.deploy(second, {"etl.ipynb": b"second"}, current=False)
    store.db.clock.move(DAY.total_seconds())
    begun = store.db.clock.wall()
    store.deploy(draft, {"etl.ipynb": b"draft"}, current=False)
    assert sum(store.retention.forget_versions(begun)) == 0
    store.create_run(manual_run(draft))
    newest = small_dag({"a": [], "d": []})
    store.deploy(newest, {"etl.ipynb": b"newest"})
    # What was deployed until then is what a scheduler may just be making a run of.
    assert sum(store.retention.forget_versions(begun)) == 1
    kept = [row.version for row in store.versions(ETL.id)]
    assert kept == [newest.digest, draft.digest, ETL.digest]
    assert check(url) == []


def test_values_of_a_draft_stay_while_somebody_works_on_it(store: Metastore) -> None:
    draft = small_dag({"prep": [], "train": ["prep"]})

    def work_on(number: int, *tasks: str) -> None:
        store.deploy(draft, {"etl.ipynb": b"draft"}, current=False)
        chosen = [TaskName(name) for name in tasks]
        store.create_run(replace(manual_run(draft, number), tasks=chosen))
        follows = partial(decide, draft, now=store.db.clock.wall())
        store.advance(run_id(number), follows)
        for _ in tasks:
            (claim,) = store.claim(run_id(number), limit=1)
            store.finish(claim, succeeded(stored("x")), ended(claim.task), follows)
        store.db.clock.move(60)

    work_on(1, "prep")
    before = store.db.clock.wall()
    work_on(2, "train")
    run(store, 3)
    run(store, 4)
    assert store.retention.old_runs(before) == []
    later = store.db.clock.wall()
    assert store.retention.old_runs(later) == [run_id(1), run_id(2), run_id(3)]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_backfill_of_many_slots_goes_some_at_a_time(
    store: Metastore, url: str, monkeypatch: pytest.MonkeyPatch, reverse: bool
) -> None:
    monkeypatch.setattr(old_records, "_SLOTS_AT_ONCE", 2)
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    store.deploy(ETL, {"etl.ipynb": b"{}"}, schedule=entry)
    slots = sorted((NOON - number * HOUR for number in range(5)), reverse=reverse)
    runs = {slot: run_id(number) for number, slot in enumerate(slots)}

    def run_of(slot: datetime) -> NewRun:
        about = {"slot_key": slot_key(1, slot), "logical_date": slot, "kind": RunKind.BACKFILL}
        return replace(manual_run(ETL), run_id=runs[slot], **about)

    new = Backfill(
        id="long", dag_id=ETL.id, schedule_id=1, expression="@hourly", timezone="UTC", anchor=None,
        first=NOON - 4 * HOUR, last=NOON, slots=5, reverse=reverse, max_active=5,
    )  # fmt: skip
    store.backfills.create(new)
    for asked in (slots, []):
        (due,) = store.backfills.due()
        chunk = Chunk(
            due=due, slots=asked, new_run=run_of, decide=lambda _: (SlotAction.NEW, SlotWhy.NO_RUN)
        )
        assert store.backfills.work_on(chunk)
        for number in runs.values() if asked else ():
            store.request_cancel(number)
            store.advance(number, partial(decide, ETL, now=store.db.clock.wall()))
    assert store.retention.delete_runs([*runs.values()]) == 5
    assert check(url) == []
    goes = store.retention.forget_backfills(store.db.clock.wall() + DAY)
    for left in (3, 1):
        assert next(goes) == 0
        # Whoever looks now, or takes up what another one left, finds all in order.
        assert check(url) == []
        assert [row.decided for row in store.backfills.rows()] == [left]
    goes.close()
    assert list(store.retention.forget_backfills(store.db.clock.wall() + DAY)) == [1]
    assert store.backfills.rows() == []
    assert check(url) == []


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_a_version_of_which_somebody_is_just_making_a_run_is_left_without_waiting(
    open_store: Callable[[], Metastore], url: str
) -> None:
    first, second = open_store(), open_store()
    draft = small_dag({"a": [], "b": []})
    for dag in (draft, ETL):
        first.deploy(dag, {"etl.ipynb": b"{}"})
    asked: list[list[int]] = []

    def work(connection: Connection) -> bool:
        made = insert_run(first.db, connection, manual_run(draft), None, NOON)
        asked.append(list(second.retention.forget_versions(NOON + DAY)))
        return made

    assert first.db.write("test", work)
    assert asked == [[0]]
    assert first.load_version(draft.digest) == draft
    assert check(url) == []


def test_a_version_that_is_recorded_while_it_goes_is_there_with_all_that_is_its(
    open_store: Callable[[], Metastore], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_store(), open_store()
    draft = small_dag({"a": [], "b": ["a"]})
    for dag in (draft, ETL):
        first.deploy(dag, {"etl.ipynb": dag.digest.encode(), "shared.ipynb": b"{}"})
    both, delete = threading.Barrier(2, timeout=60), old_records.delete_versions
    problems: list[Exception] = []

    def goes(connection: Connection, digests: Sequence[str]) -> None:
        both.wait()
        delete(connection, digests)

    def record() -> None:
        try:
            both.wait()
            pages = {"etl.ipynb": draft.digest.encode(), "shared.ipynb": b"{}"}
            second.deploy(draft, pages, current=False)
            second.create_run(manual_run(draft))
        except Exception as problem:
            problems.append(problem)

    monkeypatch.setattr(old_records, "delete_versions", goes)
    thread = threading.Thread(target=record)
    thread.start()
    assert sum(first.retention.forget_versions(NOON + DAY)) == 1
    thread.join()
    assert problems == []
    assert first.load_notebooks(draft.digest)["etl.ipynb"] == draft.digest.encode()
    assert [task.task for task in first.show_run(run_id())[1]] == ["a", "b"]
    assert check(url) == []


def of_own_pool(store: Metastore, number: int) -> Dag:
    """Return a DAG that is deployed beside others: who deploys holds the pools that are used."""
    store.pools.set(f"pool{number}", 1)
    options = TaskOptions(pool=f"pool{number}")
    return small_dag({"a": []}, dag_id=f"dag{number}", a=options)


def test_two_that_record_and_delete_the_same_notebooks_come_to_their_end(
    open_store: Callable[[], Metastore], url: str
) -> None:
    stores = [open_store() for _ in range(3)]
    dags = [of_own_pool(stores[number], number) for number in range(2)]
    pages = {f"{number}.ipynb": str(number).encode() for number in range(6)}
    together = threading.Barrier(3, timeout=60)
    problems: list[Exception] = []

    def record(store: Metastore, dag: Dag, names: list[str]) -> None:
        for _ in range(4):
            together.wait()
            store.deploy(dag, {name: pages[name] for name in names})
            together.wait()
            store.delete_dag(dag.id)

    def forget() -> None:
        for _ in range(8):
            together.wait()
            list(versions.delete_unused_notebooks(stores[2].db))

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as problem:
            together.abort()
            problems.append(problem)

    works = [
        partial(record, stores[0], dags[0], [*pages]),
        partial(record, stores[1], dags[1], [*reversed(pages)]),
        forget,
    ]
    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    count = select(func.count()).select_from(t.notebook_snapshot)
    list(versions.delete_unused_notebooks(stores[0].db))
    assert stores[0].db.read(lambda c: c.execute(count).scalar()) == 0
    assert check(url) == []


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_two_that_record_versions_of_one_known_notebook_wait_for_each_other_in_one_order(
    open_store: Callable[[], Metastore],
) -> None:
    stores = [open_store() for _ in range(2)]
    stores[0].deploy(ETL, {"shared.ipynb": b"{}"})
    both, deadlocks = threading.Barrier(2, timeout=20), []

    def meet(store: Metastore) -> None:
        """Let both ask for the row at once; note it if they lock each other out."""
        first = [True]

        @event.listens_for(store.db.engine, "before_cursor_execute")
        def wait(_connection, _cursor, statement, *_) -> None:
            if first and "notebook_snapshot" in statement and "FOR " in statement:
                first.clear()
                both.wait()

        @event.listens_for(store.db.engine, "handle_error")
        def note(context) -> None:
            if error_code(context.sqlalchemy_exception) in ("40P01", "1213"):
                deadlocks.append(str(context.original_exception))

    def record(store: Metastore, number: int) -> None:
        store.deploy(dags[number], {"shared.ipynb": b"{}"})

    threads = [threading.Thread(target=record, args=(store, n)) for n, store in enumerate(stores)]
    dags = [of_own_pool(store, number) for number, store in enumerate(stores)]
    for store in stores:
        meet(store)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deadlocks == []
    assert {"dag0", "dag1"} <= {dag.id for dag in stores[0].list_dags()}


@pytest.mark.parametrize("backend", ["postgresql", "mariadb"])
def test_a_dag_is_deleted_while_what_is_old_of_it_goes(
    open_store: Callable[[], Metastore], url: str
) -> None:
    first, second = open_store(), open_store()
    first.deploy(
        ETL,
        {"etl.ipynb": b"{}"},
        schedule=ScheduleEntry(
            dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
        ),
    )
    late = {"dag_id": ETL.id, "reason": "overlap", "at": NOON, "told": 1}
    keys = [f"trigger:1:{number}" for number in range(5)]
    rows = [{**late, "slot_key": key} for key in keys]
    first.db.write("test", lambda c: c.execute(t.missed.insert(), rows))
    new = Backfill(
        id="old", dag_id=ETL.id, schedule_id=1, expression="@hourly", timezone="UTC", anchor=None,
        first=NOON, last=NOON, slots=1,
    )  # fmt: skip
    first.backfills.create(new)
    first.backfills.cancel("old")
    slot = {"backfill_id": "old", "slot_utc": NOON, "action": "new", "why": "no run"}
    first.db.write("test", lambda c: c.execute(t.backfill_slot.insert().values(slot)))
    both, problems, deadlocks = threading.Barrier(2, timeout=20), [], []

    def meet(store: Metastore, *begins: str) -> None:
        """Wait for the other one before the first statement that begins so, of those that wait."""
        first_time = [True]

        @event.listens_for(store.db.engine, "before_cursor_execute")
        def wait(_connection, _cursor, statement, *_) -> None:
            waits = "FOR " in statement or statement.startswith("DELETE")
            if first_time and waits and statement.startswith(begins):
                first_time.clear()
                both.wait()

        @event.listens_for(store.db.engine, "handle_error")
        def note(context) -> None:
            if error_code(context.sqlalchemy_exception) in ("40P01", "1213"):
                deadlocks.append(str(context.original_exception))

    # One holds the backfill and wants its slots, the other one wants the backfill.
    meet(first, "DELETE FROM backfill_slot")
    meet(second, "DELETE FROM backfill ", "SELECT backfill.id")

    def forget() -> None:
        try:
            for some in (first.retention.forget_backfills, first.retention.forget_missed):
                list(some(NOON + DAY))
            list(first.retention.forget_versions(NOON + DAY))
        except Exception as problem:
            problems.append(problem)

    thread = threading.Thread(target=forget)
    thread.start()
    second.delete_dag(ETL.id)
    thread.join()
    assert problems == deadlocks == []
    for table in (t.missed, t.backfill, t.dag_version, t.notebook_snapshot, t.dag):
        assert first.db.read(lambda c, of=table: c.execute(select(of)).all()) == []
    assert check(url) == []
