"""What becomes of tags and ``%%task`` lines when cells are marked."""

from typing import Any

import pytest

from nbflow.errors import NotFoundError, UsageError
from nbflow.model.notebook import Notebook
from nbflow.notebooks import read_document
from nbflow.notebooks.marking import (
    CellMarks,
    as_role,
    as_task,
    as_tasks,
    ordered_after,
    renamed,
    split,
)


def notebook(*cells: tuple[str, str]) -> Notebook:
    """Cells as (source, tags with a space between); their ids are c0, c1…"""
    raw: list[dict[str, Any]] = [
        {
            "cell_type": "markdown" if source.startswith("# ") else "code",
            "id": f"c{number}",
            "metadata": {"tags": tags.split()} if tags else {},
            "source": source,
        }
        for number, (source, tags) in enumerate(cells)
    ]
    for cell in raw:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": raw}
    return read_document(document, "a.ipynb")


def told(marks: tuple[CellMarks, ...]) -> dict[str, tuple[str, str]]:
    return {one.cell: (" ".join(one.tags), one.source) for one in marks}


def test_cells_become_a_task_and_keep_foreign_tags_and_corrections() -> None:
    page = notebook(("x = 1", "keep task:old reads:y"), ("# Text", ""), ("y = 2", "setup"))
    assert told(as_task(page, ["c0", "c1", "c2"], "load")) == {
        "c0": ("keep reads:y task:load", "x = 1"),
        "c2": ("task:load", "y = 2"),
    }


def test_a_task_that_there_is_keeps_its_spelling() -> None:
    page = notebook(("x = 1", "task:Load"), ("y = 2", ""))
    assert told(as_task(page, ["c1"], "LOAD")) == {"c1": ("task:Load", "y = 2")}


def test_the_parameters_cell_may_be_part_of_a_task() -> None:
    page = notebook(("x = 1", "parameters"))
    assert told(as_task(page, ["c0"], "load")) == {"c0": ("parameters task:load", "x = 1")}


def test_a_cell_with_a_line_is_marked_by_its_line() -> None:
    page = notebook(('\n%%task old --retries 2 --when "a < 0.9"\nx = 1', ""), ("%%setup\ny", ""))
    assert told(as_task(page, ["c0", "c1"], "load")) == {
        "c0": ("", '\n%%task load --retries 2 --when "a < 0.9"\nx = 1'),
        "c1": ("", "%%task load\ny"),
    }


@pytest.mark.parametrize(
    ("role", "tags", "source"),
    [
        ("setup", "", "%%setup\nx = 1"),
        ("skip", "", "%%skip\nx = 1"),
        ("parameters", "parameters", "x = 1"),
        ("none", "", "x = 1"),
    ],
)
def test_a_role_takes_the_place_of_what_a_line_said(role: Any, tags: str, source: str) -> None:
    page = notebook(("%%task load --after a\nx = 1", ""))
    assert told(as_role(page, ["c0"], role)) == {"c0": (tags, source)}


def test_a_role_takes_off_every_tag_of_nbflow_and_no_other() -> None:
    page = notebook(("x = 1", "task:a after:b mine ignores:cwd"))
    assert told(as_role(page, ["c0"], "skip")) == {"c0": ("mine skip", "x = 1")}
    assert told(as_role(page, ["c0"], "none")) == {"c0": ("mine", "x = 1")}


def test_what_is_ordered_after_a_renamed_task_follows() -> None:
    page = notebook(
        ("x = 1", "task:load"),
        ("y = 1", "task:LOAD"),
        ("z = 1", "task:late after:load after:other"),
        ("%%task later --after other,Load --retries 1\nx", ""),
        ("%%task loaded\nx", ""),
    )
    assert told(renamed(page, "load", "적재")) == {
        "c0": ("task:적재", "x = 1"),
        "c1": ("task:적재", "y = 1"),
        "c2": ("task:late after:적재 after:other", "z = 1"),
        "c3": ("", "%%task later --after other,적재 --retries 1\nx"),
    }


def test_a_task_is_not_renamed_to_another_one_but_its_case_may_change() -> None:
    page = notebook(("x = 1", "task:load"), ("y = 1", "task:other"))
    with pytest.raises(UsageError, match="already"):
        renamed(page, "load", "OTHER")
    assert told(renamed(page, "load", "Load")) == {"c0": ("task:Load", "x = 1")}
    with pytest.raises(NotFoundError):
        renamed(page, "nobody", "x")


def test_a_task_is_ordered_after_the_named_ones_and_no_more() -> None:
    page = notebook(
        ("x", "task:a"), ("y", "task:b"), ("z", "task:c after:a"), ("z", "task:c after:b")
    )
    assert told(ordered_after(page, "c", ["B"])) == {
        "c2": ("task:c after:b", "z"),
        "c3": ("task:c", "z"),
    }
    assert told(ordered_after(page, "c", [])) == {"c2": ("task:c", "z"), "c3": ("task:c", "z")}
    with pytest.raises(NotFoundError):
        ordered_after(page, "c", ["nobody"])
    with pytest.raises(UsageError, match="itself"):
        ordered_after(page, "c", ["C"])


def test_a_line_is_ordered_by_its_line() -> None:
    page = notebook(("%%task a\nx", ""), ("%%task c --retries 2 --after=x\nx", ""))
    assert told(ordered_after(page, "c", ["a"])) == {
        "c1": ("", "%%task c --after a --retries 2\nx")
    }


def test_a_task_is_split_at_a_cell() -> None:
    page = notebook(("x", "task:a"), ("y", "task:a"), ("z", "task:b"), ("w", "task:a"))
    assert told(split(page, "c1", "late")) == {
        "c1": ("task:late", "y"),
        "c3": ("task:late", "w"),
    }
    with pytest.raises(UsageError, match="already"):
        split(page, "c1", "B")


def test_a_cell_that_belongs_to_a_task_by_its_place_splits_it() -> None:
    page = notebook(("x", "task:a"), ("y", ""), ("w", "task:a"))
    assert told(split(page, "c1", "late")) == {"c1": ("task:late", "y"), "c2": ("task:late", "w")}


def test_suggestions_are_taken_cell_by_cell() -> None:
    page = notebook(("x", ""), ("y", ""))
    assert told(as_tasks(page, {"c1": "b", "c0": "a"})) == {
        "c0": ("task:a", "x"),
        "c1": ("task:b", "y"),
    }


def test_text_alone_becomes_no_task_and_unknown_cells_are_told() -> None:
    page = notebook(("# Text", ""))
    with pytest.raises(UsageError, match="code cell"):
        as_task(page, ["c0"], "a")
    with pytest.raises(NotFoundError):
        as_task(page, ["c9"], "a")
