import json
import subprocess
import sys

import pytest

from nbflow.notebooks.merge import ExecutedTask, merge_executed


def cell(name, source="x", outputs=(), count=None, **metadata):
    return {
        "cell_type": "code",
        "id": name,
        "source": source,
        "metadata": metadata,
        "outputs": list(outputs),
        "execution_count": count,
    }


def notebook(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def html(text):
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": text}}


def shown(merged):
    return [
        "".join(output.get("text") or output["data"]["text/html"])
        for one in merged["cells"]
        for output in one.get("outputs", ())
    ]


def test_outputs_come_from_the_tasks_and_everything_else_from_the_page():
    title = {"cell_type": "markdown", "id": "t", "source": "# T", "metadata": {}}
    old = stream("old")
    raw = notebook(
        title,
        cell("a", "%%task a\nx", [old], 9, tags=["task:a"]),
        cell("b", "y", [old], 8),
        cell("c", "z", [old], 7, nbflow={"task": {"retries": 1}, "status": "completed"}),
        cell("e", "", [old]),
        custom=1,
    )
    before = json.dumps(raw)
    timing = {"start_time": "s", "status": "completed"}
    done = {"status": "completed"}
    merged = merge_executed(
        raw,
        [
            notebook(
                cell("b", "y", [stream("2")], 2, nbflow=done), language_info={"name": "python"}
            ),
            notebook(cell("a", "\nx", [stream("1")], 1, papermill=timing, nbflow=done, x=1)),
            notebook(cell("a", "\nx", [stream("again")], 5)),
        ],
        statuses={"c": "skipped"},
    )
    assert json.dumps(raw) == before
    assert [one["id"] for one in merged["cells"]] == ["t", "a", "b", "c", "e"]
    a, b, c, empty = merged["cells"][1:]
    assert (a["source"], a["execution_count"], a["outputs"]) == ("%%task a\nx", 1, [stream("1")])
    assert a["metadata"] == {"tags": ["task:a"], "papermill": timing, "nbflow": done}
    assert (b["execution_count"], b["outputs"]) == (2, [stream("2")])
    assert (c["execution_count"], c["outputs"]) == (None, [])
    assert c["metadata"]["nbflow"] == {"task": {"retries": 1}, "status": "skipped"}
    assert (empty["outputs"], empty["metadata"]) == ([], {})
    assert merged["metadata"] == {"custom": 1, "language_info": {"name": "python"}}


def test_a_cell_that_nobody_ran_is_not_run():
    (one,) = merge_executed(notebook(cell("a", "x", [stream("old")], 1)), [])["cells"]
    assert (one["outputs"], one["metadata"]["nbflow"]) == ([], {"status": "not_run"})


def test_an_update_of_a_display_of_an_earlier_task_shows_there():
    first = html("before") | {"transient": {"display_id": "d"}}
    update = html("after") | {
        "output_type": "update_display_data",
        "transient": {"display_id": "d"},
    }
    raw = notebook(cell("a"), cell("b"))
    merged = merge_executed(
        raw, [notebook(cell("b", "x", [update])), notebook(cell("a", "x", [first]))]
    )
    assert [one["outputs"] for one in merged["cells"]] == [[html("after")], []]


def test_states_of_widgets_are_joined():
    key = "application/vnd.jupyter.widget-state+json"
    tasks = [notebook(cell(name), widgets={key: {"state": {name: {}}}}) for name in "ab"]
    merged = merge_executed(notebook(cell("a"), cell("b")), tasks)
    assert merged["metadata"]["widgets"][key]["state"] == {"a": {}, "b": {}}


def ids(*numbers):
    return html(" ".join(f"#sk-container-id-{n} sk-estimator-id-{n * 2}" for n in numbers))


def test_counted_ids_run_in_page_order_over_tasks_that_interleave():
    raw = notebook(cell("a"), cell("b"), cell("c"))
    merged = merge_executed(
        raw,
        [
            notebook(
                cell("a", "x", [html("sk-container-id-1")]),
                cell("c", "x", [html("sk-container-id-2")]),
            ),
            notebook(cell("b", "x", [html(["sk-container-id-1\n", "sk-container-id-2"])])),
        ],
    )
    assert shown(merged) == [
        "sk-container-id-1",
        "sk-container-id-2\nsk-container-id-3",
        "sk-container-id-4",
    ]


def test_numbers_that_were_drawn_and_not_shown_count():
    raw = notebook(cell("a"), cell("b"))
    merged = merge_executed(
        raw, [notebook(cell("a", "x", [ids(3)])), notebook(cell("b", "x", [ids(1)]))]
    )
    assert shown(merged) == [
        "#sk-container-id-3 sk-estimator-id-6",
        "#sk-container-id-4 sk-estimator-id-8",
    ]


def test_tasks_that_shared_a_kernel_count_on_in_it():
    raw = notebook(cell("a"), cell("b"), cell("c"))
    merged = merge_executed(
        raw,
        [
            ExecutedTask(raw=notebook(cell("a", "x", [ids(1)])), kernel="g"),
            ExecutedTask(raw=notebook(cell("b", "x", [ids(1)]))),
            ExecutedTask(raw=notebook(cell("c", "x", [ids(2)])), kernel="g"),
        ],
    )
    assert [text.split()[0] for text in shown(merged)] == [
        f"#sk-container-id-{n}" for n in (1, 2, 3)
    ]


CELLS = [
    "show(LinearRegression())",
    "show(make_pipeline(StandardScaler(), LinearRegression()))",
    "Ridge()._repr_html_(); show(LinearRegression().fit([[0], [1]], [0, 1]))",
]
PROGRAM = """
import json, sys
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
shown = []
def show(estimator):
    shown.append(estimator._repr_html_())
found = []
for cell in json.loads(sys.argv[1]):
    shown.clear()
    exec(cell)
    found.append(list(shown))
print(json.dumps(found))
"""


def run(cells):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(cells)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_scikit_learns_own_html_comes_out_as_from_one_process():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    plain = run(CELLS)
    # the first and the third cell are one task, the second another
    first, second = run([CELLS[0], CELLS[2]]), run([CELLS[1]])
    raw = notebook(cell("a"), cell("b"), cell("c"))
    merged = merge_executed(
        raw,
        [
            notebook(
                cell("a", "x", [html(one) for one in first[0]]),
                cell("c", "x", [html(one) for one in first[1]]),
            ),
            notebook(cell("b", "x", [html(one) for one in second[0]])),
        ],
    )
    assert shown(merged) == [one for texts in plain for one in texts]
    assert first[1] != plain[2]


def test_a_warning_that_one_kernel_shows_once_stands_at_its_first_cell():
    def warning(text):
        return stream(text) | {"name": "stderr"}

    tasks = [
        ExecutedTask(
            raw=notebook(cell(name, outputs=[warning(text)], count=number)),
            warned={number: events},
        )
        for number, (name, text, events) in enumerate(
            [
                ("a", "w1\n", [("1", "w1\n")]),
                ("b", "w1\nw2\n", [("1", "w1\n"), ("2", "w2\n")]),
                ("c", "w2\n", [("2", "w2\n")]),
                ("d", "w1\n", [None, ("1", "w1\n")]),
            ],
            start=1,
        )
    ]
    page = notebook(*(cell(name) for name in "abcd"))
    for order in (tasks, tasks[::-1]):
        merged = merge_executed(page, order)
        assert [[o["text"] for o in one["outputs"]] for one in merged["cells"]] == [
            ["w1\n"], ["w2\n"], [], ["w1\n"],
        ]  # fmt: skip
