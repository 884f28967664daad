"""Ended runs that go on again: what is moved, what is kept, what others may still do."""

import pytest
from small_dags import ended, failed, manual_run, run_id, small_dag, stored, succeeded

from nbflow.errors import ConflictError, NotFoundError
from nbflow.metastore import Clear, Metastore, check
from nbflow.model.dag import Dag
from nbflow.model.ids import Digest, RunId, TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.scheduling.decide import decide

CHAIN = small_dag({"a": [], "b": ["a"], "c": ["b"]})
NOTEBOOKS = {"etl.ipynb": b"{}"}


def advance(store: Metastore, dag: Dag) -> None:
    while not (moves := decide(dag, store.run_snapshot(run_id()), store.db.clock.wall())).is_empty:
        store.apply(run_id(), moves)


def attempt(store: Metastore, dag: Dag, *, well: bool = True) -> TaskName:
    (claim,) = store.claim(run_id(), limit=1)
    result = succeeded(stored("x", f"{claim.token}")) if well else failed()
    target = TaskState.SUCCESS if well else TaskState.FAILED
    store.finish(claim, result, ended(claim.task, target))
    advance(store, dag)
    return claim.task


@pytest.fixture
def failed_run(store: Metastore) -> RunId:
    """Record a run whose second of three tasks failed."""
    store.deploy(CHAIN, NOTEBOOKS)
    store.create_run(manual_run(CHAIN))
    advance(store, CHAIN)
    attempt(store, CHAIN)
    attempt(store, CHAIN, well=False)
    assert store.run_snapshot(run_id()).state is RunState.FAILED
    return run_id()


def states(store: Metastore) -> dict[str, str]:
    return {str(n): t.state.value for n, t in store.run_snapshot(run_id()).tasks.items()}


def clear(*tasks: str, version: Digest | None = None) -> Clear:
    return Clear(run_id=run_id(), tasks=[TaskName(task) for task in tasks], version=version)


def test_a_request_moves_nothing_until_somebody_carries_it_out(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    store.clears.request(clear("b"))
    assert store.clears.requested() == [failed_run]
    assert states(store)["b"] == "failed"
    assert store.run_snapshot(failed_run).state is RunState.FAILED
    assert check(url) == []


def test_what_was_cleared_runs_again_and_what_succeeded_stays(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    kept = store.values.of_run(failed_run)["a"]
    store.clears.request(clear("b", "c"))
    assert store.clears.carry_out(failed_run)
    assert not store.clears.carry_out(failed_run)
    snapshot = store.run_snapshot(failed_run)
    assert (snapshot.state, snapshot.clears) == (RunState.QUEUED, 1)
    assert states(store) == {"a": "success", "b": "none", "c": "none"}
    assert check(url) == []
    advance(store, CHAIN)
    assert attempt(store, CHAIN) == "b"
    assert attempt(store, CHAIN) == "c"
    assert store.run_snapshot(failed_run).state is RunState.SUCCESS
    assert store.values.of_run(failed_run)["a"] == kept
    tried = [(a.task, a.try_no, a.outcome) for a in store.attempts(failed_run)]
    assert tried == [
        ("a", 1, "success"), ("b", 1, "failed"), ("b", 2, "success"), ("c", 1, "success"),
    ]  # fmt: skip
    moves = [(e.source, e.target) for e in store.events() if e.task == "b"]
    assert moves[2:5] == [("running", "failed"), ("failed", "none"), ("none", "queued")]
    assert check(url) == []


def test_what_a_cleared_task_had_stored_counts_no_more(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    store.clears.request(clear("a"))
    store.clears.carry_out(failed_run)
    assert store.values.of_run(failed_run) == {}
    assert store.values.latest(CHAIN.id, TaskName("a")).values == ()
    advance(store, CHAIN)
    attempt(store, CHAIN, well=False)
    assert states(store) == {"a": "failed", "b": "failed", "c": "upstream_failed"}
    assert check(url) == []


def test_retries_begin_anew_and_tries_go_on(store: Metastore, failed_run: RunId) -> None:
    assert store.run_snapshot(failed_run).tasks[TaskName("b")].failures == 1
    store.clears.request(clear("b"))
    store.clears.carry_out(failed_run)
    task = store.run_snapshot(failed_run).tasks[TaskName("b")]
    assert (task.failures, task.last_error, task.tries, task.token) == (0, None, 1, None)


def test_two_requests_are_one_with_the_tasks_of_both(store: Metastore, failed_run: RunId) -> None:
    store.clears.request(clear("b"))
    store.clears.request(clear("a", "b"))
    store.clears.carry_out(failed_run)
    assert states(store) == {"a": "none", "b": "none", "c": "upstream_failed"}


def test_a_version_that_lacks_a_task_removes_it_and_one_that_is_new_is_added(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    after = small_dag({"a": [], "b2": ["a"], "c": ["b2"]})
    store.deploy(after, NOTEBOOKS)
    store.clears.request(clear("b", "c", version=after.digest))
    store.clears.carry_out(failed_run)
    assert states(store) == {"a": "success", "b": "removed", "c": "none", "b2": "none"}
    assert store.run_snapshot(failed_run).version == after.digest
    advance(store, after)
    assert [attempt(store, after), attempt(store, after)] == ["b2", "c"]
    assert store.run_snapshot(failed_run).state is RunState.SUCCESS
    assert check(url) == []


def test_a_failure_that_the_version_lacks_goes_even_if_nobody_named_it(
    store: Metastore, failed_run: RunId
) -> None:
    after = small_dag({"a": [], "c": ["a"]})
    store.deploy(after, NOTEBOOKS)
    store.clears.request(clear("c", version=after.digest))
    store.clears.carry_out(failed_run)
    assert states(store)["b"] == "removed"


def test_a_task_that_the_version_has_again_runs_again_even_if_nobody_named_it(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    without, again = small_dag({"a": [], "c": ["a"]}), small_dag({"a": [], "b": [], "c": ["a"]})
    for version in (without, again):
        store.deploy(version, NOTEBOOKS)
        store.clears.request(clear("c", version=version.digest))
        store.clears.carry_out(failed_run)
        advance(store, version)
        ran = [attempt(store, version) for _ in range(len(version.tasks) - 1)]
        assert store.run_snapshot(failed_run).state is RunState.SUCCESS
        assert check(url) == []
    assert ran == ["b", "c"]


def test_what_a_run_has_no_more_stays_removed_when_everything_is_cleared(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    without = small_dag({"a": [], "c": ["a"]})
    store.deploy(without, NOTEBOOKS)
    for version in (without.digest, None):
        store.clears.request(clear("a", "b", "c", version=version))
        store.clears.carry_out(failed_run)
        advance(store, without)
        assert [attempt(store, without), attempt(store, without)] == ["a", "c"]
        assert states(store) == {"a": "success", "b": "removed", "c": "success"}
    assert store.run_snapshot(failed_run).state is RunState.SUCCESS
    assert check(url) == []


def test_a_process_that_clears_for_itself_is_the_only_one_that_may_claim(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    store.clears.request(clear("c"))
    store.clears.carry_out_here(clear("b"))
    assert store.clears.requested() == []
    assert states(store) == {"a": "success", "b": "none", "c": "none"}
    assert store.waiting_runs() == []
    advance(store, CHAIN)
    assert attempt(store, CHAIN) == "b"
    assert attempt(store, CHAIN) == "c"
    assert check(url) == []


def test_a_run_that_goes_on_can_not_be_cleared_and_unknown_names_are_told(
    store: Metastore, failed_run: RunId
) -> None:
    with pytest.raises(NotFoundError, match="has no task 'nobody'") as caught:
        store.clears.request(clear("nobody"))
    assert caught.value.code == "NBF512"
    store.clears.carry_out_here(clear("b"))
    for verb in (store.clears.request, store.clears.carry_out_here):
        with pytest.raises(ConflictError, match="has not ended") as stopped:
            verb(clear("b"))
        assert stopped.value.code == "NBF661"
    with pytest.raises(NotFoundError, match="no run"):
        store.clears.request(Clear(run_id=RunId("nobody"), tasks=[]))


def test_a_request_keeps_its_run_from_being_deleted_until_a_cancel_withdraws_it(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    store.clears.request(clear("b"))
    assert store.retention.delete_runs([failed_run]) == 0
    assert store.request_cancel(failed_run)
    assert not store.clears.carry_out(failed_run)
    assert not store.request_cancel(failed_run)
    assert store.retention.delete_runs([failed_run]) == 1
    assert check(url) == []


def test_the_end_of_a_run_is_told_anew_under_a_key_of_its_own(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    for _ in range(2):
        store.clears.request(clear("b"))
        store.clears.carry_out(failed_run)
        advance(store, CHAIN)
        attempt(store, CHAIN, well=False)
    with store.db.engine.connect() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM outbox ORDER BY id").scalars().all()
    assert ids == [f"run-end:{failed_run}:2"]
    assert check(url) == []


def test_a_success_after_a_task_that_was_cleared_and_fails_now_stays_and_the_run_has_failed(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    store.clears.request(clear("b", "c"))
    store.clears.carry_out(failed_run)
    advance(store, CHAIN)
    attempt(store, CHAIN)
    attempt(store, CHAIN)
    assert store.run_snapshot(failed_run).state is RunState.SUCCESS
    store.clears.request(clear("a"))
    store.clears.carry_out(failed_run)
    advance(store, CHAIN)
    attempt(store, CHAIN, well=False)
    assert states(store) == {"a": "failed", "b": "success", "c": "success"}
    assert store.run_snapshot(failed_run).state is RunState.FAILED
    assert check(url) == []


def test_a_cleared_task_may_be_cancelled_and_cleared_once_more(
    store: Metastore, failed_run: RunId, url: str
) -> None:
    store.clears.request(clear("b", "c"))
    store.clears.carry_out(failed_run)
    assert store.request_cancel(failed_run)
    advance(store, CHAIN)
    assert states(store) == {"a": "success", "b": "cancelled", "c": "cancelled"}
    assert store.run_snapshot(failed_run).state is RunState.CANCELLED
    assert check(url) == []
    store.clears.carry_out_here(clear("b", "c"))
    assert not store.run_snapshot(failed_run).cancel_requested
    advance(store, CHAIN)
    assert attempt(store, CHAIN) == "b"
    assert check(url) == []
