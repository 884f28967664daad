"""A clear that is interrupted at any commit is whole or absent."""

from pathlib import Path

import pytest
from forked_calls import ForkedCalls
from small_dags import STOPS, run_id

from nbflow.metastore import check, open_metastore
from nbflow.model.clock import SystemClock
from nbflow.model.states import RunState


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'nbflow.db'}"


CLEARED = """
import sys
sys.path.insert(0, sys.argv[2])
from small_dags import *
from nbflow.metastore import *
from nbflow.model.clock import SystemClock
from nbflow.model.states import *
from nbflow.scheduling.decide import decide
dag = small_dag({"a": [], "b": ["a"]})
store = open_metastore(sys.argv[1], clock=SystemClock())
def go(*results):
    for result in results:
        store.advance(run_id(), lambda s: decide(dag, s, store.db.clock.wall()))
        for claim in store.claim(limit=1):
            store.finish(claim, result, ended(claim.task, result.state),
                         lambda s: decide(dag, s, store.db.clock.wall()))
if not store.list_runs():
    store.deploy(dag, {"etl.ipynb": b"{}"})
    store.create_run(NewRun(run_id=run_id(), dag_id=dag.id, version=dag.digest, driven=False,
                            kind=RunKind.MANUAL, slot_key="manual:1"))
    go(succeeded(stored("x")), failed())
wanted = Clear(run_id=run_id(), tasks=["b"])
if "here" in sys.argv:
    store.clears.carry_out_here(wanted)
elif store.run_snapshot(run_id()).state is RunState.FAILED:
    store.clears.request(wanted)
for run in store.clears.requested():
    store.clears.carry_out(run)
if "here" not in sys.argv:
    go(succeeded(stored("x")))
"""


@pytest.mark.fault(2, 17)
@pytest.mark.parametrize(("side", "action"), STOPS)
@pytest.mark.parametrize("verb", ["clear_request", "clear"])
def test_a_clear_stopped_at_any_commit_is_whole_or_absent_and_said_again_is_carried_out(
    forked_calls: ForkedCalls, address: str, verb: str, side: str, action: str
) -> None:
    command = (CLEARED, address, str(Path(__file__).parents[1] / "support"))
    stopped = forked_calls.run(*command, fault=f"{verb}.{side}_commit:1:{action}")
    assert stopped.returncode == STOPS[side, action]
    assert check(address) == []
    with open_metastore(address, clock=SystemClock()) as store:
        snapshot = store.run_snapshot(run_id())
        waits = [run_id()] if (verb, side) in {("clear_request", "post"), ("clear", "pre")} else []
        if action == "commit_then_raise":
            # The answer was lost, the commit was not: it counts, once.
            assert (snapshot.state, snapshot.clears) == (RunState.SUCCESS, 1)
            waits = []
        elif (verb, side) == ("clear", "post"):
            assert (snapshot.state, snapshot.clears) == (RunState.QUEUED, 1)
        else:
            assert (snapshot.state, snapshot.clears) == (RunState.FAILED, 0)
        assert store.clears.requested() == waits
    again = forked_calls.run(*command)
    assert again.returncode == 0, again.stderr
    assert check(address) == []
    with open_metastore(address, clock=SystemClock()) as store:
        assert store.run_snapshot(run_id()).state is RunState.SUCCESS
        tried = [(a.task, a.outcome) for a in store.attempts(run_id())]
    assert tried == [("a", "success"), ("b", "failed"), ("b", "success")]


@pytest.mark.parametrize("side", ["pre", "post"])
def test_a_process_killed_while_it_clears_for_itself_leaves_an_ended_run(
    forked_calls: ForkedCalls, address: str, side: str
) -> None:
    command = (CLEARED, address, str(Path(__file__).parents[1] / "support"), "here")
    killed = forked_calls.run(*command, fault=f"clear_here.{side}_commit:1:kill")
    assert killed.returncode == -9
    with open_metastore(address, clock=SystemClock()) as store:
        store.reap()
        snapshot = store.run_snapshot(run_id())
        assert (snapshot.state, snapshot.clears) == (RunState.FAILED, int(side == "post"))
    assert check(address) == []


@pytest.mark.fault(17)
def test_a_clear_of_its_own_whose_answer_was_lost_counts_once(
    forked_calls: ForkedCalls, address: str
) -> None:
    command = (CLEARED, address, str(Path(__file__).parents[1] / "support"), "here")
    done = forked_calls.run(*command, fault="clear_here.post_commit:1:commit_then_raise")
    assert done.returncode == 0, done.stderr
    with open_metastore(address, clock=SystemClock()) as store:
        assert store.run_snapshot(run_id()).clears == 1


CLEARED_GOING = """
import sys
from functools import partial
sys.path.insert(0, sys.argv[2])
from small_dags import *
from nbflow.metastore import *
from nbflow.model.clock import SystemClock
from nbflow.scheduling.decide import decide
dag = small_dag({"a": [], "b": ["a"], "side": []})
store = open_metastore(sys.argv[1], clock=SystemClock())
follows = partial(decide, dag, now=store.db.clock.wall())
if not store.list_runs():
    store.deploy(dag, {"etl.ipynb": b"{}"})
    store.create_run(manual_run(dag))
    store.advance(run_id(), follows)
    claims = {claim.task: claim for claim in store.claim(limit=2)}
    store.finish(claims["a"], failed(), ended("a", failed().state), follows)
    store.clears.request(Clear(run_id=run_id(), tasks=["a", "b"]))
for run in store.clears.requested():
    store.clears.carry_out(run, lambda version: follows)
"""


@pytest.mark.fault(2, 17)
@pytest.mark.parametrize(("side", "action"), STOPS)
def test_a_clear_of_a_going_run_stopped_at_its_commit_is_whole_or_absent_and_done_by_the_next(
    forked_calls: ForkedCalls, address: str, side: str, action: str
) -> None:
    command = (CLEARED_GOING, address, str(Path(__file__).parents[1] / "support"))
    stopped = forked_calls.run(*command, fault=f"clear.{side}_commit:1:{action}")
    assert stopped.returncode == STOPS[side, action]
    assert check(address) == []

    def states() -> dict[str, str]:
        with open_metastore(address, clock=SystemClock()) as store:
            tasks = store.run_snapshot(run_id()).tasks
            assert (store.clears.requested() == []) == (side == "post")
            return {str(name): task.state.value for name, task in tasks.items()}

    before = {"a": "failed", "b": "upstream_failed", "side": "running"}
    after = {"a": "queued", "b": "none", "side": "running"}
    assert states() == (before if side == "pre" else after)
    again = forked_calls.run(*command)
    assert again.returncode == 0, again.stderr
    assert check(address) == []
    side = "post"
    assert states() == after
