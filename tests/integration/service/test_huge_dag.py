"""Ten thousand tasks in one notebook: compiled, deployed, begun and drawn in good time."""

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import pytest

from nbflow.render import choose_layout
from nbflow.render.draw import draw
from nbflow.scheduling.decide import decide
from nbflow.service.targets import load_one

T = TypeVar("T")
TASKS = 10_000


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Return how long this process computed, whatever else the machine does."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


@pytest.mark.fault(36)
def test_ten_thousand_tasks_are_compiled_recorded_in_one_transaction_and_drawn_without_graphviz(
    service, page, monkeypatch
):
    cells = [(f"v{n} = v{(n - 1) // 3} + 1" if n else "v0 = 1", f"task:t{n}") for n in range(TASKS)]
    path = page(*cells)
    took, _ = seconds(partial(load_one, path))
    assert took < 5
    (deployment,) = service.deploy(path)
    dag = deployment.dag
    took, run_id = seconds(partial(service.trigger, dag.id))
    assert took < 3
    snapshot = service.store.run_snapshot(run_id)
    assert len(snapshot.tasks) == TASKS
    took, decisions = seconds(
        lambda: service.store.advance(run_id, lambda s: decide(dag, s, service.clock.wall()))
    )
    assert took < 1
    assert [move.task for move in decisions.tasks] == ["t0"]
    monkeypatch.setattr(choose_layout, "graphviz_layout", None)
    took, picture = seconds(partial(draw, dag))
    assert took < 10
    assert picture.startswith("<svg")
