"""Tasks of a run that goes on are cleared while others run: what is moved, what is refused."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from small_dags import ended, failed, manual_run, run_id, small_dag, stored, succeeded

from nbflow.errors import ConflictError
from nbflow.metastore import Clear, Metastore, check
from nbflow.model.ids import Digest, TaskName
from nbflow.model.run import Claim, Decisions, RunSnapshot, TaskMove
from nbflow.model.states import RunState, TaskState
from nbflow.scheduling.decide import decide

DAG = small_dag({"a": [], "b": ["a"], "c": ["b"], "side": []})
LATER = small_dag({"a": [], "b": ["a"], "c": ["b"], "side": [], "new": []})


def follows(store: Metastore) -> Callable[[RunSnapshot], Decisions]:
    return partial(decide, DAG, now=store.db.clock.wall())


def carry_out(store: Metastore) -> bool:
    def decision(version: Digest) -> Callable[[RunSnapshot], Decisions]:
        assert version == DAG.digest
        return follows(store)

    return store.clears.carry_out(run_id(), decision)


def clear(*tasks: str) -> Clear:
    return Clear(run_id=run_id(), tasks=[TaskName(task) for task in tasks])


def states(store: Metastore) -> dict[str, str]:
    return {str(n): t.state.value for n, t in store.run_snapshot(run_id()).tasks.items()}


def end(store: Metastore, claim: Claim, *, well: bool = True) -> None:
    result = succeeded(stored("x", f"{claim.token}")) if well else failed()
    store.finish(claim, result, ended(claim.task, result.state), follows(store))


@pytest.fixture
def claims(store: Metastore) -> dict[str, Claim]:
    """Let the first task of a chain and one beside it run; return their claims."""
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    store.create_run(manual_run(DAG))
    store.advance(run_id(), follows(store))
    return {str(claim.task): claim for claim in store.claim(limit=2)}


def rest(store: Metastore) -> list[str]:
    """Let everything that is claimed now, and what follows, end well; return it in its order."""
    order = []
    while claimed := store.claim(limit=9):
        for claim in claimed:
            order.append(str(claim.task))
            end(store, claim)
    return order


def test_a_failure_runs_again_while_others_run(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"], well=False)
    assert states(store)["b"] == "upstream_failed"
    store.clears.request(clear("a", "b", "c"))
    assert check(url) == []
    assert carry_out(store)
    assert not carry_out(store)
    assert states(store) == {"a": "queued", "b": "none", "c": "none", "side": "running"}
    snapshot = store.run_snapshot(run_id())
    assert (snapshot.state, snapshot.clears) == (RunState.RUNNING, 0)
    assert snapshot.tasks[TaskName("a")].failures == 0
    assert check(url) == []
    end(store, claims["side"])
    assert rest(store) == ["a", "b", "c"]
    assert store.run_snapshot(run_id()).state is RunState.SUCCESS
    assert set(store.values.of_run(run_id())) == {"a", "b", "c", "side"}
    assert [(a.task, a.try_no) for a in store.attempts(run_id(), TaskName("a"))] == [
        ("a", 1), ("a", 2),
    ]  # fmt: skip
    assert check(url) == []


def test_what_runs_now_and_what_a_running_task_takes_is_refused(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    with pytest.raises(ConflictError, match="side runs now") as caught:
        store.clears.request(clear("side"))
    assert caught.value.code == "NBF663"
    end(store, claims["a"])
    (claim,) = store.claim(limit=1)
    with pytest.raises(ConflictError, match="b runs now"):
        store.clears.request(clear("a"))
    end(store, claim)
    store.clears.request(clear("a"))
    assert carry_out(store)
    assert states(store) == {"a": "queued", "b": "success", "c": "queued", "side": "running"}
    assert check(url) == []


def test_what_waits_for_its_turn_waits_for_what_was_cleared_again(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"])
    assert states(store)["b"] == "queued"
    store.clears.request(clear("a"))
    assert carry_out(store)
    assert (states(store)["a"], states(store)["b"]) == ("queued", "none")
    assert TaskName("a") not in store.values.of_run(run_id())
    assert rest(store) == ["a", "b", "c"]
    end(store, claims["side"])
    assert store.run_snapshot(run_id()).state is RunState.SUCCESS
    assert check(url) == []


def test_a_retry_that_waits_keeps_its_failures_unless_it_is_cleared_itself(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"])
    (claim,) = store.claim(limit=1)
    later = store.db.clock.wall() + timedelta(hours=1)
    again = TaskMove(
        task=TaskName("b"), source=TaskState.RUNNING, target=TaskState.UP_FOR_RETRY,
        not_before=later,
    )  # fmt: skip
    store.finish(claim, failed(), again)
    store.clears.request(clear("a"))
    assert carry_out(store)
    task = store.run_snapshot(run_id()).tasks[TaskName("b")]
    assert (task.state, task.failures, task.not_before) == (TaskState.NONE, 1, None)
    (claim,) = store.claim(limit=1)
    end(store, claim)
    (claim,) = store.claim(limit=1)
    store.finish(claim, failed(), again)
    store.clears.request(clear("b"))
    assert carry_out(store)
    task = store.run_snapshot(run_id()).tasks[TaskName("b")]
    assert (task.state, task.failures, task.tries) == (TaskState.QUEUED, 0, 2)
    assert check(url) == []


def test_what_began_after_it_was_asked_for_is_waited_for(
    open_store: Callable[[], Metastore], store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"])
    other = open_store()
    other.clears.request(clear("a"))
    (claim,) = store.claim(limit=1)
    for _ in range(2):
        with pytest.raises(ConflictError, match="b runs now"):
            carry_out(other)
    assert store.clears.requested() == [run_id()]
    assert check(url) == []
    end(store, claim)
    assert carry_out(other)
    assert states(store)["a"] == "queued"
    assert check(url) == []


def test_a_run_that_ends_before_it_was_seen_to_goes_on(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"], well=False)
    store.clears.request(clear("a", "b", "c"))
    end(store, claims["side"])
    assert store.run_snapshot(run_id()).state is RunState.FAILED
    assert carry_out(store)
    assert store.run_snapshot(run_id()).state is RunState.QUEUED
    store.advance(run_id(), follows(store))
    assert rest(store) == ["a", "b", "c"]
    assert check(url) == []


def test_a_cancel_withdraws_it_and_ends_the_run(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"], well=False)
    store.clears.request(clear("a", "b", "c"))
    assert store.request_cancel(run_id())
    assert store.clears.requested() == []
    assert store.cancelled_runs([run_id()]) == {run_id()}
    with pytest.raises(ConflictError) as caught:
        store.clears.request(clear("a"))
    assert caught.value.code == "NBF661"
    assert check(url) == []


def test_a_run_that_goes_on_keeps_its_version_and_the_process_of_its_own(
    store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"], well=False)
    store.deploy(LATER, {"etl.ipynb": b"{}"})
    moved = Clear(run_id=run_id(), tasks=[TaskName("a")], version=LATER.digest)
    for refused in (
        partial(store.clears.request, moved),
        partial(store.clears.carry_out_here, clear("a")),
    ):
        with pytest.raises(ConflictError, match="has not ended") as caught:
            refused()
        assert caught.value.code == "NBF661"
    assert check(url) == []


def test_only_one_of_two_that_carry_it_out_does(
    open_store: Callable[[], Metastore], store: Metastore, claims: dict[str, Claim], url: str
) -> None:
    end(store, claims["a"], well=False)
    store.clears.request(clear("a", "b", "c"))
    assert [carry_out(open_store()), carry_out(store)] == [True, False]
    assert states(store)["a"] == "queued"
    assert check(url) == []
