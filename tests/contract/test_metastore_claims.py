import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from small_dags import ended, manual_run, run_id, small_dag, stored, succeeded
from sqlalchemy import event

from nbflow.errors import ConflictError
from nbflow.metastore import Looks, Metastore, check, claims
from nbflow.model.dag import Dag
from nbflow.model.ids import RunId, TaskName
from nbflow.model.options import TaskOptions, TriggerRule
from nbflow.model.states import RunState, TaskState
from nbflow.scheduling.decide import decide
from nbflow.service.checking import rules
from nbflow.service.reaping import reap

WIDE = small_dag({f"t{n:02}": [] for n in range(20)})


def start(store: Metastore, dag: Dag, number: int = 1, *, driven: bool = False) -> RunId:
    store.deploy(dag, {})
    assert store.create_run(manual_run(dag, number, driven=driven))
    store.apply(run_id(number), decide(dag, store.run_snapshot(run_id(number)), wall(store)))
    return run_id(number)


def wall(store: Metastore):
    return store.db.clock.wall()


def expire(store: Metastore, task: str = "%") -> None:
    """Let the leases of all claims, or of a task's, end, by whichever clock they are judged."""
    from nbflow.metastore.tables import EPOCH, task_instance

    store.db.write(
        "test",
        lambda connection: connection.execute(
            task_instance.update()
            .where(task_instance.c.state == "running", task_instance.c.task.like(task))
            .values(lease_until=EPOCH, lease_mono=0.0)
        ),
    )


def test_claims_take_the_highest_priority_first(store: Metastore) -> None:
    dag = small_dag({"a": [], "b": [], "c": []}, b=TaskOptions(priority=5))
    start(store, dag)
    assert [claim.task for claim in store.claim(limit=2)] == ["b", "a"]
    assert [claim.task for claim in store.claim(limit=2)] == ["c"]
    assert store.claim(limit=2) == []


def test_racing_claimers_never_get_the_same_task(open_store: Callable[[], Metastore]) -> None:
    stores = [open_store() for _ in range(3)]
    start(stores[0], WIDE)
    barrier, taken = threading.Barrier(3), []

    def work(store: Metastore) -> None:
        barrier.wait()
        while claims := store.claim(limit=2):
            taken.extend((claim.task, claim.token) for claim in claims)

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        taken += [(c.task, c.token) for c in store.claim(limit=20)]
    assert sorted(task for task, _ in taken) == sorted(task.name for task in WIDE.tasks)
    assert len({token for _, token in taken}) == len(taken)


def test_a_run_that_a_process_drives_is_claimed_by_nobody_else(
    open_store: Callable[[], Metastore],
) -> None:
    driver, other = open_store(), open_store()
    run = start(driver, WIDE, driven=True)
    assert other.claim(limit=5) == []
    assert other.claim(run, limit=5) == []
    assert len(driver.claim(run, limit=5)) == 5


def test_a_delayed_task_is_claimed_when_its_time_has_come(store: Metastore, clock) -> None:
    from nbflow.model.run import Decisions, TaskMove

    dag = small_dag({"a": []})
    run = start(store, dag)
    (claim,) = store.claim(limit=1)
    retry = TaskMove(task=TaskName("a"), source=TaskState.RUNNING, target=TaskState.UP_FOR_RETRY)
    from small_dags import failed

    store.finish(claim, failed(), retry)
    later = TaskMove(
        task=TaskName("a"),
        source=TaskState.UP_FOR_RETRY,
        target=TaskState.QUEUED,
        not_before=wall(store).replace(hour=13),
    )
    store.apply(run, Decisions(tasks=(later,)))
    assert store.claim(limit=1) == []
    clock.move(3600)
    (again,) = store.claim(limit=1)
    assert again.try_no == 2
    assert again.token > claim.token


def test_a_pool_is_never_over_run_by_racing_claimers(open_store: Callable[[], Metastore]) -> None:
    stores = [open_store() for _ in range(3)]
    stores[0].pools.set("small", 5)
    options = {f"t{n}": TaskOptions(pool="small", pool_slots=2) for n in range(6)}
    start(stores[0], small_dag({name: [] for name in options}, **options))
    counts: Counter[int] = Counter()
    barrier = threading.Barrier(3)

    def work(store: Metastore, number: int) -> None:
        barrier.wait()
        counts[number] = len(store.claim(limit=6))

    threads = [threading.Thread(target=work, args=(s, n)) for n, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.total() == 2


def test_a_dags_limit_counts_over_all_its_runs(store: Metastore) -> None:
    dag = small_dag({"a": [], "b": [], "c": []}, max_active_tasks=2)
    start(store, dag, 1)
    start(store, dag, 2)
    claims = store.claim(limit=9)
    assert len(claims) == 2
    store.finish(claims[0], succeeded(), ended(claims[0].task))
    assert len(store.claim(limit=9)) == 1


def test_a_task_in_a_full_pool_does_not_hold_up_others(store: Metastore) -> None:
    store.pools.set("small", 1)
    small = TaskOptions(pool="small", priority=9)
    start(store, small_dag({"a": [], "b": [], "c": []}, a=small, b=small))
    assert [claim.task for claim in store.claim(limit=3)] == ["a", "c"]


@pytest.mark.parametrize("full", ["dags", "pools"])
def test_what_has_no_room_hides_nothing_behind_it(
    store: Metastore, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    monkeypatch.setattr(claims, "_LOOK", 8)
    first = TaskOptions(priority=9)
    names = {f"t{number}": [] for number in range(4)}
    for number in range(4):
        pool = replace(first, pool=f"p{number}") if full == "pools" else first
        start(
            store,
            small_dag(
                names,
                dag_id=f"full{number}",
                max_active_tasks=None if full == "pools" else 1,
                **dict.fromkeys(names, pool),
            ),
            number,
        )
    assert len([store.claim(limit=1) for _ in range(4)]) == 4
    start(store, small_dag({"behind": []}, dag_id="other"), 9)
    assert [claim.task for claim in store.claim(limit=1)] == ["behind"]
    assert store.claim(limit=1) == []


def test_a_renewal_tells_what_is_still_held(store: Metastore) -> None:
    start(store, WIDE)
    first, second = store.claim(limit=2)
    store.finish(first, succeeded(), ended(first.task))
    assert store.renew([first.token, second.token]).held == {second.token}
    assert store.renew([]).held == frozenset()


def test_a_live_lease_is_left_alone(store: Metastore) -> None:
    start(store, WIDE)
    store.claim(limit=2)
    assert store.reap() == []


@pytest.mark.fault(23)
def test_a_task_whose_lease_ended_is_queued_again_and_its_late_result_is_fenced(
    open_store: Callable[[], Metastore],
) -> None:
    zombie, reaper = open_store(), open_store()
    dag = small_dag({"a": []})
    run = start(reaper, dag)
    (old,) = zombie.claim(limit=1)
    expire(reaper)
    (reaped,) = reaper.reap()
    assert (reaped.task, reaped.target) == ("a", "queued")
    (new,) = reaper.claim(limit=1)
    assert zombie.renew([old.token]).held == frozenset()
    with pytest.raises(ConflictError, match="lost its lease"):
        zombie.finish(old, succeeded(stored("x", "zombie")), ended("a"))
    assert reaper.values.of_run(run) == {}
    reaper.finish(new, succeeded(stored("x", "good")), ended("a"))
    assert reaper.values.latest_value(dag.id, TaskName("a"), "x") == stored("x", "good")
    assert [a.outcome for a in reaper.attempts(run)] == ["lost", "success"]
    task = reaper.run_snapshot(run).tasks[TaskName("a")]
    assert (task.tries, task.lost, task.failures) == (2, 1, 0)


@pytest.mark.fault(44)
def test_a_task_that_always_kills_its_worker_ends_failed(store: Metastore) -> None:
    run = start(store, small_dag({"a": []}, a=TaskOptions(max_lost=2)))
    for _ in range(3):
        assert store.claim(limit=1)
        expire(store)
        store.reap()
    task = store.run_snapshot(run).tasks[TaskName("a")]
    assert (task.state, task.lost) == (TaskState.FAILED, 3)
    me = store.instance()
    assert task.note == f"worker died 3 times running this task, last {me.pid} on {me.host}"


def test_what_waits_for_the_failure_of_a_lost_task_is_released_at_once(
    store: Metastore, url: str
) -> None:
    options = {"a": TaskOptions(max_lost=0), "c": TaskOptions(trigger_rule=TriggerRule.ONE_FAILED)}
    dag = small_dag({"a": [], "b": [], "c": ["a", "b"]}, **options)
    run = start(store, dag)
    assert len(store.claim(limit=2)) == 2
    expire(store, "a")
    (reaped,) = reap(store, store.db.clock)
    assert (reaped.task, reaped.target) == ("a", "failed")
    states = {n: task.state.value for n, task in store.run_snapshot(run).tasks.items()}
    assert states == {"a": "failed", "b": "running", "c": "queued"}
    assert check(url, Looks(rules=rules())) == []
    assert "worker died once running this task" in store.run_snapshot(run).tasks[TaskName("a")].note


def test_a_run_whose_last_task_was_lost_for_good_ends_with_it(store: Metastore) -> None:
    run = start(store, small_dag({"a": [], "b": ["a"]}, a=TaskOptions(max_lost=0)))
    assert store.claim(limit=1)
    expire(store)
    reap(store, store.db.clock)
    seen = store.run_snapshot(run)
    assert (seen.state, seen.tasks[TaskName("b")].state) == (
        RunState.FAILED,
        TaskState.UPSTREAM_FAILED,
    )


@pytest.mark.fault(10)
def test_a_task_that_is_handed_back_loses_no_try(store: Metastore) -> None:
    run = start(store, small_dag({"a": []}))
    (claim,) = store.claim(limit=1)
    store.hand_back(claim)
    task = store.run_snapshot(run).tasks[TaskName("a")]
    assert (task.state, task.lost, task.failures, task.tries) == (TaskState.QUEUED, 0, 0, 1)
    with pytest.raises(ConflictError):
        store.hand_back(claim)


def test_a_run_whose_driver_is_gone_ends_failed_as_lost(
    open_store: Callable[[], Metastore],
) -> None:
    driver, other = open_store(), open_store()
    dag = small_dag({"a": [], "b": ["a"]})
    run = start(driver, dag, driven=True)
    driver.claim(run, limit=1)
    assert other.reap() == []
    driver.close()
    assert [(r.task, r.target) for r in other.reap()] == [
        ("a", "failed"),
        ("b", "cancelled"),
        (None, "failed"),
    ]
    row, _ = other.show_run(run)
    assert row.state is RunState.FAILED
    assert "the process that drove it is gone" in row.note
    assert other.reap() == []


def test_writers_from_many_threads_never_see_a_lock(open_store: Callable[[], Metastore]) -> None:
    stores = [open_store() for _ in range(4)]
    dag = small_dag({f"t{n}": [] for n in range(12)})
    run = start(stores[0], dag)
    errors: list[Exception] = []

    def work(store: Metastore) -> None:
        try:
            while claims := store.claim(limit=1):
                store.renew([claims[0].token])
                store.finish(
                    claims[0],
                    succeeded(stored("x")),
                    ended(claims[0].task),
                    lambda s: decide(dag, s, wall(store)),
                )
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while claims := stores[0].claim(limit=1):
        work(stores[0])
        stores[0].finish(claims[0], succeeded(), ended(claims[0].task))
    assert errors == []
    states = {t.state for t in stores[0].run_snapshot(run).tasks.values()}
    assert states == {TaskState.SUCCESS}


def test_no_statement_changes_a_state_without_naming_the_one_it_leaves(store: Metastore) -> None:
    seen: list[str] = []

    @event.listens_for(store.db.engine, "before_cursor_execute")
    def watch(connection, cursor, statement, parameters, context, many) -> None:
        if statement.upper().startswith(("UPDATE TASK_INSTANCE", "UPDATE RUN ")):
            seen.append(statement)

    dag = small_dag({"a": [], "b": []})
    run = start(store, dag)
    first, second = store.claim(limit=2)
    store.renew([first.token])
    store.finish(first, succeeded(), ended(first.task))
    store.hand_back(second)
    store.request_cancel(run)
    store.apply(run, decide(dag, store.run_snapshot(run), wall(store)))
    event.remove(store.db.engine, "before_cursor_execute", watch)
    assert len(seen) >= 6
    for statement in seen:
        where = statement.split("WHERE", 1)[1]
        assert "state" in where, statement


def test_values_replace_those_of_an_earlier_try(store: Metastore) -> None:
    from nbflow.model.run import Decisions, TaskMove

    dag = small_dag({"a": []})
    run = start(store, dag)
    (claim,) = store.claim(limit=1)
    store.finish(claim, succeeded(stored("x", "1"), stored("gone")), ended("a"))
    clear = TaskMove(task=TaskName("a"), source=TaskState.SUCCESS, target=TaskState.QUEUED)
    store.apply(run, Decisions(tasks=(clear,)))
    (claim,) = store.claim(limit=1)
    result = replace(succeeded(stored("x", "2")), ambient=(stored("random"),))
    store.finish(claim, result, ended("a"))
    found = store.values.of_run(run)[TaskName("a")]
    assert found.values == (stored("x", "2"),)
    assert found.ambient == (stored("random"),)


def test_metrics_are_those_of_the_attempt_that_ended_last_and_a_late_one_has_none(
    open_store: Callable[[], Metastore],
) -> None:
    zombie, store = open_store(), open_store()
    run = start(store, small_dag({"a": []}))
    (old,) = zombie.claim(limit=1)
    expire(store)
    store.reap()
    (new,) = store.claim(limit=1)
    with pytest.raises(ConflictError, match="lost its lease"):
        zombie.finish(old, replace(succeeded(), metrics={"loss": 9.0}), ended("a"))
    assert store.values.metrics(run) == []
    store.finish(new, replace(succeeded(), metrics={"loss": 0.5, "행": 1.0}), ended("a"))
    found = [(row.task, row.name, row.value) for row in store.values.metrics(run)]
    assert found == [("a", "loss", 0.5), ("a", "행", 1.0)]
