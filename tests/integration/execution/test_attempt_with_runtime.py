"""Attempts that carry values: replay, load, condition, prompts, store, through a real slot."""

import json
from pathlib import Path

import pytest

from nbflow.model.attempt import Load, ReplayStep
from nbflow.model.states import CellStatus, Reason, TaskState

pytestmark = pytest.mark.kernel


@pytest.fixture
def python_spec(spec_of, tmp_path):
    def make(*sources, **options):
        return spec_of(*sources, language="python", values=str(tmp_path / "values"), **options)

    return make


def outputs(spec):
    notebook = json.loads(Path(spec.workdir, "executed.ipynb").read_text(encoding="utf-8"))
    return [["".join(o.get("text", [])) for o in cell["outputs"]] for cell in notebook["cells"]]


def loads(result):
    return tuple(Load(name=value.name, value=value) for value in result.values)


def test_a_value_travels_from_one_attempt_to_the_next(driver, python_spec):
    first = driver.run(python_spec("x = [1, 2, 3]", outputs=("x",)))
    assert (first.state, [v.name for v in first.values]) == (TaskState.SUCCESS, ["x"])
    spec = python_spec("print(sum(x))", loads=loads(first))
    assert driver.run(spec).state is TaskState.SUCCESS
    assert outputs(spec) == [["6\n"]]


def test_replayed_code_is_silent_but_where_it_is_to_show(driver, python_spec):
    steps = (
        ReplayStep(cell="s1", first_line=1, source="print('hidden'); a = 1", unit="u1"),
        ReplayStep(
            cell="s2", first_line=1, source="print('shown', a); b = 2", unit="u2", show=True
        ),
        ReplayStep(cell="s3", first_line=3, source="c = a + b", unit="u3"),
    )
    spec = python_spec("print(c)", replays=steps)
    result = driver.run(spec)
    assert result.state is TaskState.SUCCESS, result.message
    assert outputs(spec) == [["shown 1\n"], ["3\n"]]
    assert [cell.cell for cell in result.cells] == ["s2", "c1"]


def test_a_replay_that_fails_names_its_place(driver, python_spec):
    steps = (ReplayStep(cell="s1", first_line=4, source="1 / 0", unit="u1"),)
    result = driver.run(python_spec("never = 1", replays=steps))
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.ERROR)
    assert (result.error.name, result.error.cell, result.error.line) == (
        "ZeroDivisionError",
        "s1",
        4,
    )
    assert [cell.status for cell in result.cells] == [CellStatus.NOT_RUN]


def test_a_false_condition_skips_the_cells(driver, python_spec):
    first = driver.run(python_spec("score = 0.5", outputs=("score",)))
    spec = python_spec("print('ran')", loads=loads(first), when="score > 0.9")
    result = driver.run(spec)
    assert (result.state, result.reason) == (TaskState.SKIPPED, Reason.CONDITION)
    assert [cell.status for cell in result.cells] == [CellStatus.SKIPPED]
    assert outputs(spec) == [[]]


def test_cells_have_the_prompts_of_their_place_on_the_page(driver, python_spec):
    spec = python_spec("1", "2")
    moved = tuple(
        type(cell)(cell=cell.cell, document=cell.document, prompt=prompt)
        for cell, prompt in zip(spec.cells, (5, 9), strict=True)
    )
    spec = type(spec)(**{f: getattr(spec, f) for f in spec.__slots__} | {"cells": moved})
    driver.run(spec)
    notebook = json.loads(Path(spec.workdir, "executed.ipynb").read_text(encoding="utf-8"))
    assert [cell["execution_count"] for cell in notebook["cells"]] == [5, 9]


def test_a_kernel_that_holds_what_cannot_be_stored_is_kept_for_its_readers(driver, python_spec):
    first = driver.run(python_spec("gen = (n for n in range(3)); next(gen)", outputs=("gen",)))
    assert (first.state, list(first.unstorable)) == (TaskState.SUCCESS, ["gen"])
    assert first.kept_kernel == "attempt-" + first.kept_kernel.rpartition("-")[2]
    spec = python_spec("print(next(gen))", group=first.kept_kernel, close_group=True)
    assert driver.run(spec).state is TaskState.SUCCESS
    assert outputs(spec) == [["1\n"]]
