"""Which tasks of an ended run are decided anew."""

import pytest
from small_dags import run_id, small_dag

from nbflow.errors import NotFoundError, UsageError
from nbflow.model.ids import TaskName
from nbflow.model.run import RunSnapshot, TaskSnapshot
from nbflow.model.states import RunKind, RunState, TaskState
from nbflow.service.clear import ClearOptions, to_clear

DAG = small_dag(
    {"load": [], "left": ["load"], "right": ["load"], "join": ["left", "right"], "mail": ["join"]}
)
SHORT = {
    "S": "success",
    "F": "failed",
    "U": "upstream_failed",
    "K": "skipped",
    "C": "cancelled",
    "R": "removed",
}


def ended(states: str, *, condition_of: str = "") -> RunSnapshot:
    """Make an ended run of five tasks; ``condition_of`` was skipped by its own condition."""
    tasks = {}
    for task, letter in zip(DAG.tasks, states, strict=True):
        state = TaskState(SHORT[letter])
        ran = letter in "SF" or task.name == condition_of
        tasks[task.name] = TaskSnapshot(name=task.name, state=state, token=1 if ran else None)
    return RunSnapshot(
        run_id=run_id(),
        dag_id=DAG.id,
        version=DAG.digest,
        kind=RunKind.MANUAL,
        state=RunState.FAILED,
        tasks=tasks,
    )


@pytest.mark.parametrize(
    ("states", "options", "cleared"),
    [
        # What waited for it is released, what succeeded stays.
        ("SFSUU", {"select": "left"}, "left join mail"),
        ("SFSSS", {"select": "left"}, "left"),
        ("SFSKK", {"select": "left"}, "left join mail"),
        ("SFSCC", {"select": "left"}, "left join mail"),
        ("SSSSS", {"select": "join", "downstream": True}, "join mail"),
        ("SSSSS", {"select": "join+"}, "join mail"),
        ("SSSSS", {"select": "+left"}, "load left"),
        ("SSSSS", {"every": True}, "load left right join mail"),
        # Only what failed: of all, or of what was named and what follows it.
        ("SFFUU", {"only_failed": True}, "left right join mail"),
        ("SFFUU", {"only_failed": True, "select": "left"}, "left join mail"),
        ("SFSSF", {"only_failed": True}, "left mail"),
        ("SFSSF", {"only_failed": True, "select": "join"}, "mail"),
        ("SFSSS", {"only_failed": True, "select": "right"}, ""),
        ("SSSSS", {"only_failed": True}, ""),
        # What the DAG has again.
        ("SRSSS", {"only_failed": True}, "left"),
        ("SSSRU", {"select": "left"}, "left join mail"),
    ],
)
def test_what_is_cleared(states, options, cleared):
    assert to_clear(DAG, ended(states), ClearOptions(**options)) == tuple(cleared.split())


def test_a_task_that_its_own_condition_skipped_stays_skipped():
    options = ClearOptions(select="left")
    assert to_clear(DAG, ended("SFSKU", condition_of="join"), options) == ("left", "mail")


def test_tasks_that_the_run_left_out_are_not_cleared():
    whole = ended("SFSUU")
    part = {n: t for n, t in whole.tasks.items() if n != "mail"}
    run = RunSnapshot(
        run_id=whole.run_id,
        dag_id=whole.dag_id,
        version=whole.version,
        kind=whole.kind,
        state=whole.state,
        tasks=part,
        selected=tuple(part),
    )
    assert to_clear(DAG, run, ClearOptions(only_failed=True)) == ("left", "join")
    assert to_clear(DAG, run, ClearOptions(select="load+")) == ("load", "left", "right", "join")


def test_saying_nothing_clears_nothing():
    with pytest.raises(UsageError) as caught:
        to_clear(DAG, ended("SFSUU"), ClearOptions())
    assert caught.value.code == "NBF662"
    with pytest.raises(NotFoundError, match="no task 'nope'"):
        to_clear(DAG, ended("SFSUU"), ClearOptions(select=TaskName("nope")))
