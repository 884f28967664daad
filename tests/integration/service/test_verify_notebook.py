"""The pipeline against the page, for real; and proposals of tags that hold their promise."""

import nbformat
import pytest

from nbflow.model.states import TaskState

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


def test_a_notebook_whose_pipeline_says_the_same_is_equal(service, page):
    path = page(
        ("import random\nrandom.seed(1)", "task:seed"),
        ("xs = [random.random() for _ in range(3)]\nxs", "task:draw"),
        ("def double(v):\n    return [k * x for x in v]\nk = 2", "task:define"),
        ("k = 3\nprint(double(xs), object())", "task:call"),
        ("xs.append(1)\nlen(xs)", "task:change"),
    )
    outcome = service.verify(path)
    assert outcome.is_equal, outcome.differences
    assert outcome.cells == 5


def test_cells_that_a_condition_skipped_are_left_out_of_the_plain_runs(service, page):
    path = page(
        ("x = 1", "task:make"),
        ("x = 2\nprint('changed')", {"when": "x > 5"}, "task:maybe"),
        ("print(x)", {"trigger_rule": "none_failed"}, "task:tell"),
    )
    outcome = service.verify(path)
    assert [t.state for t in outcome.run.tasks][1] is TaskState.SKIPPED
    assert outcome.is_equal, outcome.differences


def test_a_library_warns_once_for_a_place_until_filters_change(service, page, tmp_path):
    (tmp_path / "warner.py").write_text(
        "import warnings\ndef warn(x=1):\n    warnings.warn(f'{x}!')\n"
    )
    path = page(
        ("import warnings, warner", "task:setup"),
        ("warner.warn()", "task:first"),
        ("print(1); warner.warn(); warner.warn(2)", "task:again"),
        ("with warnings.catch_warnings():\n    pass", "task:forget"),
        ("warner.warn()", "task:anew"),
        ("warnings.warn('of the cell')", "task:own"),
        ("warnings.warn('of the cell')", "task:own_again"),
    )
    outcome = service.verify(path)
    assert outcome.is_equal, outcome.differences


def test_a_mapped_task_and_its_readers_are_not_compared(service, page):
    path = page(
        ("n = 0\nns = [1, 2]", "task:list"),
        ("m = n * 10", {"foreach": "n in ns"}, "task:each"),
        ("print(m)", "task:tell"),
        ("print(ns)", "task:also"),
    )
    outcome = service.verify(path)
    assert outcome.uncompared == ("each", "tell")
    assert outcome.is_equal, outcome.differences


def test_whole_notebooks_hand_their_values_over_in_the_plain_runs_too(service, page, tmp_path):
    folder = tmp_path / "dag"
    folder.mkdir()
    one = {"dag": "pair", "name": "make", "outputs": ["x", "rows"]}
    two = {"dag": "pair", "name": "use", "inputs": ["x", "y: make.rows"], "after": ["make"]}
    count = "import pathlib\nlog = pathlib.Path('log')\nlog.open('a').write('.')"
    page(count, "x = len(log.read_text())\nrows = [x, 2]", name="dag/b_make", task=one)
    page(("x = y = None", "parameters"), "print(x)\ny.append(1)\ny", name="dag/a_use", task=two)
    outcome = service.verify(folder)
    assert outcome.run.is_success, [t.note for t in outcome.run.tasks]
    assert outcome.is_equal, outcome.differences
    assert (outcome.cells, outcome.uncompared) == (4, ())
    assert (folder / "log").read_text() == "."


def test_a_notebook_whose_source_failed_is_empty_both_ways(service, page, tmp_path):
    folder = tmp_path / "dag"
    folder.mkdir()
    page("x = 1 / 0", name="dag/make", task={"dag": "d", "name": "make", "outputs": ["x"]})
    page("print(x)", name="dag/use", task={"dag": "d", "name": "use", "inputs": ["x: make.x"]})
    outcome = service.verify(folder)
    assert [t.state.value for t in outcome.run.tasks] == ["failed", "upstream_failed"]
    assert outcome.is_equal, outcome.differences


def test_a_cell_that_fails_fails_both_ways_and_the_rest_stays_empty(service, page):
    path = page(
        ("x = 1\nprint(x)", "task:a"), ("x / 0", "task:b"), ("print(x)", "task:c", "after:b")
    )
    outcome = service.verify(path)
    assert not outcome.run.is_success
    assert outcome.is_equal, outcome.differences


def test_a_difference_is_found(service, page):
    path = page(
        ("x = [1]", "task:a"),
        ("x.append(2)", "task:b", "ignores:x"),
        ("print(x)", "task:c"),
    )
    outcome = service.verify(path)
    assert [one.cell for found in outcome.differences.values() for one in found] == ["c2"]


def test_what_varies_in_a_third_plain_run_is_no_difference(service, page, tmp_path):
    counter = tmp_path / "runs"
    count = f"with open({str(counter)!r}, 'a+') as f:\n    f.write('x')\n    n = f.tell()\n"
    outcome = service.verify(page((f"{count}print('ab'[n in (1, 4)])", "task:vary")))
    assert outcome.is_equal, outcome.differences
    assert counter.read_text() == "xxxx"


def test_proposed_sections_compile_and_can_be_written(service, tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "P", "language": "python"}
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    notebook.cells = [
        code("import math", id="c0"),
        text("# Load", id="m1"),
        code("xs = list(range(2))", id="c1"),
        text("# Left", id="m2"),
        code("a = sum(xs)", id="c2"),
        code("b = a + 1", id="c3"),
        text("# Right", id="m3"),
        code("c = max(xs)", id="c4"),
    ]
    path = tmp_path / "plain.ipynb"
    nbformat.write(notebook, path)
    proposal = service.propose_tags(path)
    assert {name: list(cells) for name, cells in proposal.tasks.items()} == {
        "Load": ["c1"],
        "Left": ["c2", "c3"],
        "Right": ["c4"],
    }
    before = path.read_text(encoding="utf-8")
    assert len(service.load(path).tasks) == 1
    proposal.write()
    assert path.read_text(encoding="utf-8") != before
    assert [task.name for task in service.load(path).tasks] == ["Load", "Left", "Right"]


def test_neighbours_that_share_a_live_value_become_one_task(service, tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "P", "language": "python"}
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    notebook.cells = [
        text("# Make", id="m1"),
        code("numbers = (n for n in range(3))\nother = 1", id="c1"),
        text("# Use", id="m2"),
        code("print(next(numbers))\nmore = 2", id="c2"),
        text("# Apart", id="m3"),
        code("print(other)", id="c3"),
    ]
    path = tmp_path / "live.ipynb"
    nbformat.write(notebook, path)
    assert list(service.propose_tags(path).tasks) == ["Make", "Apart"]


def test_the_public_interface_loads_explains_and_runs(page, home, monkeypatch):
    import nbflow

    monkeypatch.setenv("NBFLOW_HOME", str(home))
    monkeypatch.delenv("NBFLOW_DATABASE_URL", raising=False)
    path = page(("n = 2", "parameters"), ("x = n * 2", "task:a"), ("print(x)", "task:b"))
    loaded = nbflow.load(path)
    assert loaded.tasks == ("a", "b")
    assert loaded.lint() == ()
    assert loaded.explain().startswith("a → b")
    assert "svg" in loaded.show("svg")
    assert "image/svg+xml" in loaded._repr_mimebundle_()
    assert nbflow.compile(path) == loaded.dag
    report = loaded.run(n=21)
    assert report.is_success
    assert "42" in report.tasks[1].notebook.read_text(encoding="utf-8")
