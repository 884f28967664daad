"""Selectors name tasks, what comes before them, and what follows."""

import pytest

from nbflow.errors import NotFoundError
from nbflow.model.dag import Dag, Edge, EdgeKind, Task
from nbflow.model.options import DagOptions
from nbflow.service.select import select_tasks

DAG = Dag(
    id="d",
    notebooks=("p",),
    options=DagOptions(),
    tasks=tuple(Task(name=n, cells=(n,)) for n in ("load", "clean", "train", "report", "aside")),
    edges=tuple(
        Edge(source=a, target=b, kind=EdgeKind.DATA)
        for a, b in (("load", "clean"), ("clean", "train"), ("train", "report"))
    ),
)


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("train", ["train"]),
        ("+train", ["load", "clean", "train"]),
        ("train+", ["train", "report"]),
        ("+train+", ["load", "clean", "train", "report"]),
        ("report,load", ["load", "report"]),
        ("aside  clean+", ["clean", "train", "report", "aside"]),
        ("TRAIN", ["train"]),
        (["load", "aside"], ["load", "aside"]),
    ],
)
def test_a_selector_chooses_in_page_order(selector, chosen):
    assert list(select_tasks(DAG, selector)) == chosen


@pytest.mark.parametrize("selector", [None, "", " , "])
def test_no_selector_means_all(selector):
    assert select_tasks(DAG, selector) is None


def test_an_unknown_task_is_named_with_the_known_ones():
    with pytest.raises(NotFoundError) as caught:
        select_tasks(DAG, "+tarin")
    assert "'tarin'" in caught.value.message
    assert "train" in caught.value.hint
