"""The documented lists of a task count what its tags and options say."""

from typing import Any

import pytest

from nbflow.compiler import compile_notebook
from nbflow.model.dag import Task
from nbflow.notebooks import read_document


def last_task(*cells: tuple[str, list[str], dict[str, Any]]) -> Task:
    document = {
        "nbformat": 4, "nbformat_minor": 5, "metadata": {},
        "cells": [
            {
                "cell_type": "code", "id": f"c{n}", "execution_count": None, "outputs": [],
                "source": source,
                "metadata": {"tags": tags, "nbflow": {"task": options}},
            }
            for n, (source, tags, options) in enumerate(cells)
        ],
    }  # fmt: skip
    return compile_notebook(read_document(document, "a.ipynb")).tasks[-1]


BEFORE = ("xs = [1]; q = 2; items = [3]", ["task:before"], {})


@pytest.mark.parametrize(
    ("source", "tags", "options", "expected"),
    [
        ("print(1)", ["reads:q"], {}, {"needs_now": ("q",)}),
        ("print(1)", ["writes:r"], {}, {"binds": ("r",)}),
        ("xs.append(1)", ["ignores:xs"], {}, {"needs_now": ("xs",), "mutates": ()}),
        ("print(1)", [], {"when": "q > 1"}, {"needs_now": ("q",)}),
        ("y = n * 2", [], {"foreach": "n  in\titems"},
         {"needs_now": ("items",), "binds": ("n", "y")}),
        ("y = n * 2", [], {"foreach": "n in items"},
         {"needs_now": ("items",), "binds": ("n", "y")}),
    ],
)  # fmt: skip
def test_corrections_and_options_are_in_the_lists(source, tags, options, expected):
    task = last_task(BEFORE, (source, ["task:after", *tags], options))
    assert {key: getattr(task, key) for key in expected} == expected
