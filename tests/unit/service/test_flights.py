"""Which items of a mapped task may start, and what their ends come to."""

from pathlib import Path

import pytest

from nbflow.model.attempt import AttemptResult, CellOutcome, ItemsFound, StoredValue
from nbflow.model.dag import Dag, Task
from nbflow.model.options import DagOptions, TaskOptions
from nbflow.model.run import Claim, TaskSnapshot
from nbflow.model.states import CellStatus, Reason, TaskState
from nbflow.service.flights import Flight, RunSetup
from nbflow.service.kernels import Seat
from nbflow.service.pages import Pages
from nbflow.service.published import LiveKernel, Published


def flight(*, items=None, seat=None, **options):
    task = Task(name="t", cells=("c",), options=TaskOptions(**({"foreach": "i in xs"} | options)))
    setup = RunSetup(
        dag=Dag(id="d", notebooks=("/n.ipynb",), options=DagOptions(), tasks=(task,), edges=()),
        pages=Pages(pages={}, first="/n.ipynb"),
        run_id="r",
        published=Published(),
        root=Path("/store"),
        values=Path("/values"),
    )
    claim = Claim(run_id="r", task="t", try_no=1, token=7, lease_until=None)
    made = Flight(
        setup=setup,
        claim=claim,
        task=task,
        before=TaskSnapshot(name="t"),
        seat=seat or Seat(),
        begun=0.0,
    )
    if items is not None:
        made.found = ItemsFound(token=7, labels=tuple(map(str, range(items))))
    return made


def ended(state=TaskState.SUCCESS, *, status=CellStatus.COMPLETED, start=1.0, **more):
    cell = CellOutcome(cell="c", status=status, started=start, ended=start + 1)
    value = StoredValue(name="x", bundle=str(start), key="x", size=1)
    fields = {"reason": Reason.DONE, "message": "m", "cells": (cell,), "values": (value,)}
    return AttemptResult(state=state, **(fields | more))


def test_one_item_starts_alone_and_the_others_when_it_has_found_them():
    one = flight()
    assert one.due(5) == [0]
    one.running.add(0)
    assert one.due(5) == []
    one.found = ItemsFound(token=7, labels=("a", "b", "c", "d"))
    assert one.due(2) == [1, 2]
    assert one.due(0) == []


@pytest.mark.parametrize(
    ("options", "most"),
    [({}, 9), ({"pool": "db"}, 1), ({"pool": "db", "pool_slots": 3}, 3), ({"pool_slots": 3}, 9)],
)
def test_in_a_pool_no_more_items_run_than_the_task_holds_slots(options, most):
    assert len(flight(items=9, **options).due(99)) == most


def test_in_a_live_kernel_items_follow_each_other():
    one = flight(items=9, seat=Seat(kernel=LiveKernel(name="k")))
    assert one.due(99) == [0]


def test_the_values_stand_in_the_order_of_the_items_whoever_ended_first():
    one = flight(items=2)
    one.running |= {0, 1}
    assert not one.end(1, ended(start=1.0))
    assert not one.is_over
    assert not one.end(0, ended(start=5.0))
    assert one.is_over
    result = one.result(9.0)
    assert [(v.name, v.bundle) for v in result.values] == [("x[0]", "5.0"), ("x[1]", "1.0")]
    assert (result.cells[0].started, result.cells[0].ended) == (1.0, 6.0)
    assert (result.seconds, result.foreach_count, result.message) == (9.0, 2, "2 items ran")
    assert one.folder(one.shown) == Path("/store/runs/r/t/7/item-1")


def test_the_first_item_that_fails_is_named_and_stops_the_others():
    one = flight(items=3)
    one.running |= {0, 1}
    bad = ended(TaskState.FAILED, status=CellStatus.FAILED, message="E: x", reason=Reason.ERROR)
    assert one.end(1, bad)
    assert one.due(9) == []
    assert not one.end(0, ended(TaskState.CANCELLED, status=CellStatus.CANCELLED))
    result = one.result(2.0)
    assert (result.state, result.message) == (TaskState.FAILED, "item 2 of 3 (1): E: x")
    assert result.cells[0].status is CellStatus.CANCELLED
    assert result.values == ()
    assert one.folder(one.shown).name == "item-1"


def test_a_run_that_is_cancelled_between_items_does_not_pass_for_a_success():
    one = flight(items=3)
    one.running.add(0)
    one.is_stopped = True
    one.end(0, ended())
    assert one.is_over
    assert one.result(1.0).state is TaskState.CANCELLED
