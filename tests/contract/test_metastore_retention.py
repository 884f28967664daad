"""What goes of old runs, and what stays since other runs may yet read it."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from small_dags import ended, manual_run, run_id, small_dag, stored, succeeded

from nbflow.metastore import Metastore
from nbflow.model.ids import RunId, TaskName
from nbflow.scheduling.decide import decide

ETL = small_dag({"a": [], "train": ["a"]})
DAY = timedelta(days=1)


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
