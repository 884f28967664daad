"""Notebooks made to keep the reader busy, to fill its memory, or to make it run something."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from nbflow.errors import NotebookError
from nbflow.model.notices import filled, template_problem
from nbflow.notebooks.jupytext_files import DEEPEST_HEADER, LARGEST_HEADER
from nbflow.notebooks.read import read_document, read_notebook
from nbflow.texts import clean

MANY = 100_000
AT_MOST = 3.0
"""Seconds of work; what grows with the square of the text takes minutes."""


def one_cell(source: str, *tags: str, kind: str = "code") -> dict[str, object]:
    cell = {"cell_type": kind, "id": "a", "metadata": {"tags": list(tags)}, "source": source}
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}


BUSY = {
    "heading of spaces": one_cell("# a" + " " * MANY + "x", kind="markdown"),
    "heading of hashes": one_cell("# " + "# " * MANY + "x", kind="markdown"),
    "underlines": one_cell("a\n" * MANY + "-" * MANY + "x", kind="markdown"),
    "fences": one_cell("```\n~~~\n" * (MANY // 8) + "x", kind="markdown"),
    "markup": one_cell("# " + "<" * MANY + "*" * MANY, kind="markdown"),
    "tag of spaces": one_cell("x = 1", "task :" + " " * MANY + "x\ny"),
    "role of spaces": one_cell("x = 1", "setup" + " " * MANY + "x"),
    "tags": one_cell("x = 1", "task:z", *(f"after:t{n}" for n in range(MANY // 20))),
    "line of spaces": one_cell("%%task a" + " " * MANY + "\0"),
    "loop of spaces": one_cell("%%task a --foreach 'x" + " " * MANY + "in'"),
    "questions": one_cell("a = 1\n" + "? " * MANY, "parameters"),
    "braces": one_cell("!" + "{" * MANY, "task:a"),
}


@pytest.mark.abuse(27)
@pytest.mark.parametrize("name", BUSY)
def test_a_notebook_is_read_in_time_in_proportion_to_its_text(name: str) -> None:
    begun = time.process_time()
    read_document(BUSY[name], "busy.ipynb")
    assert time.process_time() - begun < AT_MOST


@pytest.mark.abuse(26, 27)
def test_a_string_that_never_ends_is_measured_in_one_go(tmp_path: Path) -> None:
    path = tmp_path / "endless.ipynb"
    path.write_text("[" * 101 + '"' + '\\"' * MANY + "\\")
    begun = time.process_time()
    with pytest.raises(NotebookError, match="nested"):
        read_notebook(path)
    path.write_text('["' + '\\"' * MANY + "[" * 200)
    with pytest.raises(NotebookError, match="not JSON"):
        read_notebook(path)
    assert time.process_time() - begun < AT_MOST


@pytest.mark.abuse(27)
def test_templates_and_logs_are_read_in_time_in_proportion_to_their_text() -> None:
    begun = time.process_time()
    for text in ("{{" * MANY, "{{ " * MANY + "}}", "{{" + " " * MANY, "{{\n" * MANY):
        template_problem(text)
        filled(text, {})
    for text in ("\x1b]" * MANY, "\x1b[" + "0" * MANY, "\x1b]" + "a" * MANY):
        clean(text)
    assert time.process_time() - begun < AT_MOST


def header(*lines: str) -> str:
    return "\n".join(
        ["# ---", "# jupyter:", *(f"#   {line}" for line in lines), "# ---", "", "x = 1"]
    )


LAUGHS = [
    "a: &a [x, x]",
    *(f"{two}: &{two} [{', '.join(['*' + one] * 9)}]" for one, two in pairwise("abcdefghi")),
]


@pytest.mark.abuse(20)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (header(*LAUGHS), "alias"),
        (header("a: " + "[" * (DEEPEST_HEADER + 1) + "]" * (DEEPEST_HEADER + 1)), "too deep"),
        (header("a: " + "[" * 30_000), "too deep"),
        (header("a: " + "x" * LARGEST_HEADER), "too large"),
        (header(*LAUGHS).replace("# ---", "# ---\n# @x", 1), "alias"),
        (header(*LAUGHS).replace("# jupyter", "# # ---\n# jupyter"), "alias"),
        (header(*LAUGHS).replace("# jupyter:", "# title: a --> b\n# jupyter:"), "alias"),
        (header("schedule: '@daily'", "tags: [a, a]", "schedule: '@hourly'"), "schedule twice"),
        (header("a: {b: c, c: {b: 1}, d: b, b: 2}"), "b twice"),
        (header("a: !!python/object/apply:os.mkdir [RAN]"), "jupytext can't read it"),
    ],
    ids=[
        "aliases",
        "deep",
        "deeper",
        "large",
        "no YAML",
        "comment",
        "arrow",
        "twice",
        "below",
        "object",
    ],
)
@pytest.mark.parametrize("suffix", [".py", ".md", " in a comment.md"])
def test_a_header_is_refused_before_anything_is_made_of_it(
    text: str, words: str, suffix: str, tmp_path: Path
) -> None:
    import jupytext  # noqa: F401  # how long that takes is not the header's fault

    text = text.replace("RAN", json.dumps(str(tmp_path / "ran")))
    if suffix.endswith(".md"):
        text = "\n".join(line.removeprefix("# ") for line in text.splitlines())
    if "comment" in suffix:
        text = f"<!--\n{text}\n-->"
    path = tmp_path / f"hostile{suffix}"
    path.write_text(text)
    begun = time.process_time()
    with pytest.raises(NotebookError, match=words) as caught:
        read_notebook(path)
    assert caught.value.code == "NBF008"
    assert time.process_time() - begun < AT_MOST
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".md", "# Title\n\n---\n*All rights reserved.*\n\n---\n\n```python\nx = 1\n```\n"),
        (".md", "---\ntitle: &t A\nalso: *t\n---\n\n```python\nx = 1\n```\n"),
        (".md", "# Title\n\n---\n" + "word " * LARGEST_HEADER + "\n\n```python\nx = 1\n```\n"),
        (".py", "# %%\n# ---\nx = 1\n# *all*\n# ---\n"),
    ],
    ids=["italics", "anchors of others", "rule", "comments"],
)
def test_what_is_no_settings_is_not_judged(suffix: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"ordinary{suffix}"
    path.write_text(text)
    assert any("x = 1" in cell.source for cell in read_notebook(path).cells)


@pytest.mark.abuse(20)
def test_an_ordinary_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "good.py"
    path.write_text(header("nbflow:", "  dag:", "    schedule: '@daily'"))
    assert read_notebook(path).dag.schedule == "@daily"
