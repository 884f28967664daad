"""A run that has ended may run again: its tasks leave their final states together, in one way."""

import pytest
from small_dags import ended, failed, run_id, small_dag, stored, succeeded

from nbflow import faults
from nbflow.errors import ConflictError
from nbflow.metastore import Metastore, NewRun, check
from nbflow.model.dag import Dag
from nbflow.model.ids import TaskName
from nbflow.model.states import RunKind, RunState, TaskState
from nbflow.scheduling.decide import decide

PAIR = small_dag({"a": [], "b": ["a"]})
OTHER = small_dag({"a": [], "c": ["a"]})
NOTEBOOKS = {"etl.ipynb": b'{"cells": []}'}
A, B, C = TaskName("a"), TaskName("b"), TaskName("c")


def settle(store: Metastore, dag: Dag) -> None:
    while not (decisions := decide(dag, snapshot(store), store.db.clock.wall())).is_empty:
        store.apply(run_id(), decisions)


def snapshot(store: Metastore):
    return store.run_snapshot(run_id())


def run_once(store: Metastore, dag: Dag = PAIR, *, fail: str = "") -> None:
    """Let each task of the run that waits have one attempt."""
    settle(store, dag)
    while claims := store.claim(run_id(), limit=1):
        (claim,) = claims
        result = failed() if claim.task == fail else succeeded(stored("x", claim.task))
        store.finish(claim, result, ended(claim.task, result.state))
        settle(store, dag)


@pytest.fixture
def failed_run(store: Metastore) -> Metastore:
    store.deploy(PAIR, NOTEBOOKS)
    new = NewRun(
        run_id=run_id(), dag_id=PAIR.id, version=PAIR.digest, kind=RunKind.MANUAL,
        slot_key="manual:1",
    )  # fmt: skip
    assert store.create_run(new)
    run_once(store, fail="b")
    assert snapshot(store).state is RunState.FAILED
    return store


def test_a_whole_run_runs_again_with_new_attempts_and_is_told_again(
    failed_run: Metastore, url: str
) -> None:
    assert failed_run.clear_run(run_id()) == (A, B)
    cleared = snapshot(failed_run)
    assert (cleared.state, cleared.cancel_requested) == (RunState.QUEUED, False)
    assert [(t.state, t.tries, t.failures) for t in cleared.tasks.values()] == [
        (TaskState.NONE, 1, 0), (TaskState.NONE, 1, 0),
    ]  # fmt: skip
    assert failed_run.values_of(run_id()) == {}
    assert check(url) == []
    run_once(failed_run)
    assert snapshot(failed_run).state is RunState.SUCCESS
    assert [(a.task, a.try_no, a.outcome) for a in failed_run.attempts(run_id())] == [
        ("a", 1, "success"), ("b", 1, "failed"), ("a", 2, "success"), ("b", 2, "success"),
    ]  # fmt: skip
    assert check(url) == []


def test_what_is_not_chosen_stays_with_its_values(failed_run: Metastore, url: str) -> None:
    assert failed_run.clear_run(run_id(), lambda run: [B]) == (B,)
    assert snapshot(failed_run).tasks[A].state is TaskState.SUCCESS
    assert set(failed_run.values_of(run_id())) == {A}
    run_once(failed_run)
    assert [(t.state, t.tries) for t in snapshot(failed_run).tasks.values()] == [
        (TaskState.SUCCESS, 1), (TaskState.SUCCESS, 2),
    ]  # fmt: skip
    assert check(url) == []


def test_on_another_version_new_tasks_join_and_those_it_lacks_are_removed(
    failed_run: Metastore, url: str
) -> None:
    failed_run.deploy(OTHER, NOTEBOOKS)
    assert failed_run.clear_run(run_id(), version=OTHER.digest) == (A,)
    found = snapshot(failed_run)
    assert found.version == OTHER.digest
    assert {name: task.state for name, task in found.tasks.items()} == {
        A: TaskState.NONE, B: TaskState.REMOVED, C: TaskState.NONE,
    }  # fmt: skip
    run_once(failed_run, OTHER)
    assert snapshot(failed_run).state is RunState.SUCCESS
    assert check(url) == []


def test_a_run_that_goes_on_is_left_alone(failed_run: Metastore) -> None:
    failed_run.clear_run(run_id())
    with pytest.raises(ConflictError, match="has not ended"):
        failed_run.clear_run(run_id())


def test_any_scheduler_may_drive_a_cleared_run(failed_run: Metastore, open_store) -> None:
    other = open_store()
    assert other.waiting_runs() == []
    failed_run.clear_run(run_id())
    assert [waiting.run_id for waiting in other.waiting_runs()] == [run_id()]


def test_a_clear_whose_answer_was_lost_counts_once(
    failed_run: Metastore, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(faults, "_spec", "clear.post_commit:1:exc")
    faults._hits.clear()
    assert failed_run.clear_run(run_id()) == (A, B)
    assert snapshot(failed_run).state is RunState.QUEUED
    assert check(url) == []
