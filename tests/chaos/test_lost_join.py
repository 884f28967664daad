"""Two ends in one run that meet in the database: whoever comes second sees the first."""

import threading
from contextlib import suppress

import pytest
from small_dags import ended, manual_run, run_id, small_dag, succeeded

from nbflow.metastore import Looks, check, finish, open_metastore
from nbflow.model.clock import SystemClock
from nbflow.model.states import TaskState
from nbflow.scheduling.decide import decide
from nbflow.service.checking import rules

DAG = small_dag({"a": [], "b": [], "c": ["a", "b"]})


def end_both_at_once(url: str, patience: float) -> TaskState:
    """End ``a`` and ``b`` in two transactions of which each waits some seconds for the other's decision
    before it is committed; tell how ``c`` stands.
    """
    with open_metastore(url, clock=SystemClock()) as store:
        store.deploy(DAG, {"etl.ipynb": b"{}"})
        store.create_run(manual_run(DAG))
        wall = store.db.clock.wall
        store.apply(run_id(), decide(DAG, store.run_snapshot(run_id()), wall()))
        claims = store.claim(limit=2)
        both_decide = threading.Barrier(2)

        def wait_for_the_other(seen):
            decisions = decide(DAG, seen, wall())
            with suppress(threading.BrokenBarrierError):
                both_decide.wait(patience)
            return decisions

        def end(claim) -> None:
            store.finish(claim, succeeded(), ended(claim.task), wait_for_the_other)

        threads = [threading.Thread(target=end, args=(claim,)) for claim in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return store.run_snapshot(run_id()).tasks["c"].state


def test_two_ends_that_meet_release_the_task_that_waits_for_both(new_url) -> None:
    # The one that holds the row of the run waits in vain.
    assert end_both_at_once(new_url("postgresql"), 0.5) is TaskState.QUEUED


def test_without_the_lock_of_the_run_the_join_is_lost_and_the_checker_says_so(
    new_url, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "lock_runs", lambda db, connection, run_ids: None)
    url = new_url("postgresql")
    assert end_both_at_once(url, 30) is TaskState.NONE
    assert "I3" in {one.code for one in check(url, Looks(rules=rules(), drained=True))}
