"""Runs so large that only what moved since the last look is read: nobody sees the difference."""

import random
from dataclasses import replace

import pytest
from small_dags import ended, failed, manual_run, run_id, small_dag, stored, succeeded

from nbflow.metastore import Clear, Finish, Metastore, check
from nbflow.metastore.known_runs import LARGE
from nbflow.model.ids import TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.scheduling.decide import decide

HEADS = [f"b{n}" for n in range(0, LARGE, 10)]
DAG = small_dag(
    {f"a{n}": [] for n in range(LARGE)}
    | {head: [f"a{head[1:]}"] for head in HEADS}
    | {"join": HEADS}
)


@pytest.fixture
def first(open_store) -> Metastore:
    """Record a large run that goes on."""
    store = open_store()
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    store.create_run(manual_run(DAG))
    begin(store)
    return store


def begin(store: Metastore) -> None:
    store.apply(run_id(), decide(DAG, store.run_snapshot(run_id()), store.db.clock.wall()))


def follows(store: Metastore):
    return lambda seen: decide(DAG, seen, store.db.clock.wall())


def end_some(store: Metastore, count: int, *, well: bool = True) -> None:
    """Claim tasks and end them together, and decide what follows."""
    target = TaskState.SUCCESS if well else TaskState.FAILED
    ends = [
        Finish(
            claim=claim,
            result=succeeded(stored("x")) if well else failed(),
            move=ended(claim.task, target),
            decide=follows(store),
        )
        for claim in store.claim(limit=count)
    ]
    if ends:
        store.finish_all(ends)


def test_what_other_processes_did_is_seen_by_who_knew_the_run_before(
    first: Metastore, open_store, url: str
) -> None:
    second, onlooker = open_store(), open_store()
    dice = random.Random(7)
    while (now := onlooker.run_snapshot(run_id())).state is not RunState.SUCCESS:
        assert first.run_snapshot(run_id()) == now
        assert second.run_snapshot(run_id()) == now
        end_some(dice.choice((first, second)), dice.randint(1, 40))
    assert check(url) == []


def test_a_claim_that_was_not_seen_ends_as_any_other(
    first: Metastore, open_store, url: str
) -> None:
    second = open_store()
    end_some(first, 10)
    (claim,) = second.claim(limit=1)
    end_some(first, 10)
    second.finish(claim, failed(), ended(claim.task, TaskState.FAILED))
    end_some(first, 10)
    assert first.run_snapshot(run_id()).tasks[claim.task].state is TaskState.FAILED
    assert first.run_snapshot(run_id()) == open_store().run_snapshot(run_id())


def test_a_cleared_run_is_read_anew(first: Metastore, open_store, url: str) -> None:
    second = open_store()
    while not first.run_snapshot(run_id()).state.is_final:
        end_some(first, 64, well=False)
    second.clears.request(Clear(run_id=run_id(), tasks=[TaskName("a0")]))
    second.clears.carry_out(run_id())
    begin(second)
    assert first.run_snapshot(run_id()).tasks["a0"].state is TaskState.QUEUED
    assert first.run_snapshot(run_id()) == second.run_snapshot(run_id())


def test_an_end_counts_though_a_claim_was_committed_after_a_later_event(
    first: Metastore, open_store, url: str
) -> None:
    second = open_store()
    end_some(first, 10)
    (mine,) = first.claim(limit=1)
    (theirs,) = second.claim(limit=1)
    seen = first.db.known_runs.get(run_id(), DAG.digest, 0)
    assert seen is not None
    # As if the claim's event had got its number before those that are known, and come after them.
    first.db.known_runs.put({run_id(): replace(seen, seq=10**9)})
    first.request_cancel(run_id())
    first.finish(mine, succeeded(stored("x")), ended(mine.task), follows(first))
    tasks = second.run_snapshot(run_id()).tasks
    assert tasks[mine.task].state is TaskState.SUCCESS
    assert tasks[theirs.task].state is TaskState.RUNNING
