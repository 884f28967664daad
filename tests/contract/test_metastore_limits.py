"""Pools, max_active_tasks and max_active_runs: never over-run, however many schedulers race."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from small_dags import ended, manual_run, run_id, small_dag, succeeded
from sqlalchemy import func, select

from nbflow import faults
from nbflow.errors import ConflictError, NotFoundError, UsageError
from nbflow.metastore import Clear, Metastore, check
from nbflow.metastore import tables as t
from nbflow.metastore.pools import PoolRow
from nbflow.model.dag import Dag
from nbflow.model.options import TaskOptions
from nbflow.model.states import RunState
from nbflow.scheduling.decide import decide

SMALL = TaskOptions(pool="small")
WIDE = TaskOptions(pool="small", pool_slots=3)


def start(store: Metastore, dag: Dag, number: int = 1, *, begin: bool = True) -> None:
    store.deploy(dag, {})
    store.create_run(
        manual_run(dag, number)
    )  # fmt: skip
    if begin:
        store.advance(run_id(number), partial(decide, dag, now=wall(store)))


def wall(store: Metastore):
    return store.db.clock.wall()


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in threads that begin together; what one raises is raised here."""
    barrier, errors = threading.Barrier(count), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except Exception as error:  # told in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_no_limit_is_over_run_while_three_schedulers_claim_and_finish(
    open_store: Callable[[], Metastore], url: str
) -> None:
    """A pool of four slots with tasks of one and three, and three tasks of the DAG at once."""
    stores = [open_store() for _ in range(3)]
    stores[0].pools.set("small", 4)
    options = {f"t{n:02}": WIDE if n % 4 == 0 else SMALL for n in range(12)}
    dag = small_dag(
        {name: [] for name in options}, max_active_tasks=3, max_active_runs=2, **options
    )
    for number in (1, 2):
        start(stores[0], dag, number)
    peaks: list[tuple[int, int]] = []
    ti = t.task_instance.c
    running = select(func.sum(ti.pool_slots), func.count()).where(ti.state == "running")

    def work(number: int) -> None:
        store = stores[number]
        for _ in range(200):
            claims = store.claim(limit=2)
            slots, tasks = store.db.read(lambda c: c.execute(running).one())
            peaks.append((int(slots or 0), tasks))
            for claim in claims:
                follows = partial(decide, dag, now=wall(store))
                store.finish(claim, succeeded(), ended(claim.task), follows)
            if all(run.state.is_final for run in store.list_runs()):
                return

    in_threads(3, work)
    assert {run.state for run in stores[0].list_runs()} == {RunState.SUCCESS}
    assert max(slots for slots, _ in peaks) <= 4
    assert max(tasks for _, tasks in peaks) <= 3
    assert max(tasks for _, tasks in peaks) > 1, "nothing ran side by side"
    assert check(url) == []


def test_no_more_runs_begin_than_may_while_three_schedulers_begin_them(
    open_store: Callable[[], Metastore], url: str
) -> None:
    stores = [open_store() for _ in range(3)]
    dag = small_dag({"a": []}, max_active_runs=2)
    for number in range(1, 10):
        start(stores[0], dag, number, begin=False)

    def work(number: int) -> None:
        store = stores[number]
        for waiting in store.waiting_runs():
            try:
                step = partial(decide, dag, now=wall(store))
                store.advance(waiting.run_id, step)
            except ConflictError:
                continue

    in_threads(3, work)
    states = [run.state for run in stores[0].list_runs()]
    assert states.count(RunState.RUNNING) == 2
    assert states.count(RunState.QUEUED) == 7
    assert check(url) == []


def test_a_pool_that_was_made_smaller_while_tasks_run_fills_again_only_below_its_size(
    store: Metastore,
) -> None:
    store.pools.set("small", 3)
    dag = small_dag({f"t{n}": [] for n in range(4)}, **{f"t{n}": SMALL for n in range(4)})
    start(store, dag)
    claims = store.claim(limit=9)
    assert len(claims) == 3
    assert not store.pools.set("small", 1)
    assert store.pools.rows()[1] == PoolRow(name="small", slots=1, used=3, wanted=1)
    for claim in claims[:2]:
        store.finish(claim, succeeded(), ended(claim.task))
        assert store.claim(limit=9) == []
    store.finish(claims[2], succeeded(), ended(claims[2].task))
    assert len(store.claim(limit=9)) == 1


@pytest.mark.parametrize("slots", [1, 0])
def test_tasks_that_ran_before_their_pool_was_made_smaller_are_no_violation_later_ones_are(
    store: Metastore, url: str, slots: int
) -> None:
    store.pools.set("small", 3)
    dag = small_dag({f"t{n}": [] for n in range(4)}, **{f"t{n}": SMALL for n in range(4)})
    start(store, dag)
    claims = store.claim(limit=9)
    store.pools.set("small", 1)
    assert check(url) == []
    store.finish(claims[0], succeeded(), ended(claims[0].task))
    assert check(url) == []
    larger = t.pool.update().where(t.pool.c.name == "small").values(slots=9)
    store.db.write("test", lambda c: c.execute(larger))
    assert len(store.claim(limit=9)) == 1
    smaller = larger.values(slots=slots)
    store.db.write("test", lambda c: c.execute(smaller))
    assert [(one.code, one.place) for one in check(url)] == [("I18", "small")]


def test_a_run_that_is_cleared_finds_room_in_the_pools_of_its_tasks(
    store: Metastore, url: str
) -> None:
    wide, narrow = small_dag({"a": []}, a=WIDE), small_dag({"a": []}, a=SMALL)
    start(store, wide)
    (claim,) = store.claim(limit=1)
    store.finish(claim, succeeded(), ended("a"), partial(decide, wide, now=wall(store)))
    store.deploy(narrow, {})
    again = Clear(run_id=run_id(), tasks=("a",))  # type: ignore[arg-type]
    store.clears.request(again)
    with pytest.raises(UsageError, match="Task a of etl wants 3 slots"):
        store.pools.set("small", 2)
    with pytest.raises(UsageError, match="takes slots"):
        store.pools.delete("small")
    assert store.request_cancel(run_id())
    store.pools.set("small", 2)
    with pytest.raises(UsageError, match="wants 3 slots of the pool 'small'") as caught:
        store.clears.request(again)
    assert caught.value.code == "NBF614"
    assert store.clears.requested() == []
    store.deploy(small_dag({"b": []}), {})
    store.pools.delete("small")
    store.clears.request(again)
    assert store.clears.carry_out(run_id())
    store.advance(run_id(), partial(decide, wide, now=wall(store)))
    assert len(store.claim(limit=1)) == 1
    assert check(url) == []


def test_a_task_never_waits_for_more_slots_than_its_pool_has(store: Metastore) -> None:
    assert store.pools.set("small", 2)
    dag = small_dag({"a": []}, a=WIDE)
    with pytest.raises(
        UsageError, match="wants 3 slots of the pool 'small', which has 2"
    ) as caught:
        store.deploy(dag, {})
    assert caught.value.code == "NBF614"
    assert store.list_dags() == []
    store.pools.set("small", 3)
    store.deploy(dag, {})
    with pytest.raises(UsageError, match="Task a of etl wants 3 slots") as caught:
        store.pools.set("small", 2)
    assert caught.value.code == "NBF614"
    assert store.pools.rows()[1].slots == 3
    store.deploy(small_dag({"a": []}), {})
    store.pools.set("small", 2)
    with pytest.raises(UsageError, match="wants 3"):
        store.deploy(dag, {})


def test_a_pool_that_a_notebook_names_first_is_as_large_as_its_largest_task(
    store: Metastore,
) -> None:
    store.deploy(small_dag({"a": [], "b": []}, a=WIDE, b=SMALL), {})
    assert [(pool.name, pool.slots) for pool in store.pools.rows()] == [
        ("default", 128), ("small", 3),
    ]  # fmt: skip


def test_a_pool_is_deleted_when_no_task_takes_slots_of_it(store: Metastore) -> None:
    start(store, small_dag({"a": []}, a=SMALL))
    with pytest.raises(UsageError, match="Task a of etl takes slots") as caught:
        store.pools.delete("small")
    assert caught.value.code == "NBF620"
    store.deploy(small_dag({"a": []}), {})
    with pytest.raises(UsageError, match="takes slots"):
        store.pools.delete("small")  # of the run that goes on
    (claim,) = store.claim(limit=1)
    store.finish(claim, succeeded(), ended("a"))
    store.pools.delete("small")
    assert [pool.name for pool in store.pools.rows()] == ["default"]
    with pytest.raises(UsageError, match="default pool stays"):
        store.pools.delete("default")
    with pytest.raises(NotFoundError, match="no pool 'small'"):
        store.pools.delete("small")


def test_a_deleted_pool_whose_answer_was_lost_is_deleted(
    store: Metastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pools.set("small", 2)
    monkeypatch.setattr(faults, "_spec", "pool_delete.post_commit:1:commit_then_raise")
    faults._hits.clear()
    store.pools.delete("small")
    assert [pool.name for pool in store.pools.rows()] == ["default"]
