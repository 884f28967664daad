"""Cells of two pages side by side, as nbdime lines them up."""

from typing import Any

import pytest

from nbflow.notebooks.differences import CellChange, TooManyCellsError, cell_changes

pytest.importorskip("nbdime", reason="nbdime is not installed")


def page(*cells: tuple[str, str, list[str]], outputs: list[Any] | None = None) -> dict[str, Any]:
    return {
        "cells": [
            {
                "id": name, "cell_type": "code", "source": source, "metadata": {"tags": tags},
                "outputs": outputs or [], "execution_count": 3 if outputs else None,
            }
            for name, source, tags in cells
        ]
    }  # fmt: skip


LOAD = ("a", "import csv\nrows = list(csv.reader(open('in.csv')))", ["task:load"])
SUM = ("b", "total = sum(len(row) for row in rows)", ["task:sum"])
SHOW = ("c", "print(total)", ["task:show"])


def told(found: list[CellChange]) -> list[tuple[str, str, int]]:
    return [(one.kind, one.cell, one.place) for one in found]


def test_pages_that_differ_in_outputs_alone_are_the_same() -> None:
    assert cell_changes(page(LOAD, outputs=[{"output_type": "x"}]), page(LOAD)) == []


def test_cells_that_are_new_and_gone_are_told_with_their_place_on_their_page() -> None:
    note = ("n", "# something else altogether\nnote = 'x' * 40", [])
    assert told(cell_changes(page(LOAD, SUM, SHOW), page(LOAD, note, SHOW))) == [
        ("added", "n", 1), ("removed", "b", 1),
    ]  # fmt: skip
    assert told(cell_changes(page(LOAD, SUM, SHOW), page(SUM, SHOW))) == [("removed", "a", 0)]


def test_a_changed_cell_is_told_line_by_line_also_below_one_that_is_new() -> None:
    new = (SUM[0], SUM[1] + "\ntotal += 1", SUM[2])
    found = cell_changes(page(LOAD, SUM), page(("n", "x = 1", []), LOAD, new))
    assert told(found) == [("added", "n", 0), ("changed", "b", 2)]
    assert found[1].lines == ((" ", SUM[1]), ("+", "total += 1"))


def test_tags_that_change_are_told_and_other_metadata_is_not() -> None:
    before, after = page(SUM), page((SUM[0], SUM[1], ["task:add"]))
    after["cells"][0]["metadata"]["collapsed"] = True
    (found,) = cell_changes(before, after)
    assert (found.kind, found.settings) == ("changed", ("tags",))
    assert {sign for sign, _ in found.lines} == {" "}


def test_a_cell_of_thirty_thousand_lines_is_told_whole_where_it_is_another_one() -> None:
    def long(name: str) -> tuple[str, str, list[str]]:
        middle = [f"{name}[{n}] = {n}" for n in range(30_000)]
        return "a", "\n".join(["first = 1", *middle, "last = 1"]), []

    (found,) = cell_changes(page(SUM, long("old"), SHOW), page(SUM, long("new"), SHOW))
    assert (found.kind, found.place) == ("changed", 1)
    assert [sign for sign, _ in found.lines] == [" ", *"-" * 30_000, *"+" * 30_000, " "]


def test_a_line_that_changes_among_thirty_thousand_is_told_alone() -> None:
    lines = [f"x[{n}] = {n}" for n in range(30_000)]
    other = [*lines[:20_000], "x = []", *lines[20_001:]]
    (found,) = cell_changes(page(("a", "\n".join(lines), [])), page(("a", "\n".join(other), [])))
    assert [(sign, text) for sign, text in found.lines if sign != " "] == [
        ("-", "x[20000] = 20000"), ("+", "x = []"),
    ]  # fmt: skip
    assert len(found.lines) == 30_001


def test_pages_of_too_many_other_cells_are_refused_and_a_single_change_in_them_is_not() -> None:
    old, new = (
        page(*((f"c{n}", f"{name} = {n}", []) for n in range(1_001))) for name in ("old", "new")
    )
    with pytest.raises(TooManyCellsError):
        cell_changes(old, new)
    new["cells"][:500], new["cells"][501:] = old["cells"][:500], old["cells"][501:]
    assert told(cell_changes(old, new))[0][2] == 500
