import json
import subprocess
import sys
import unicodedata

import pytest

from nbflow.model.codes import CODES
from nbflow.model.notebook import Role
from nbflow.notebooks import read_document, read_folder, read_notebook
from nbflow.notebooks.cells import heading_of
from nbflow.notebooks.metadata import build_task_options


def cell(source="x = 1", tags=(), task=None, kind="code"):
    metadata = {"tags": list(tags)}
    if task is not None:
        metadata["nbflow"] = {"task": task}
    return {"cell_type": kind, "metadata": metadata, "source": source}


def document(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": list(cells)}


def read(*cells, **metadata):
    notebook = read_document(document(*cells, **metadata), "etl.ipynb")
    assert {one.code for one in notebook.diagnostics} <= set(CODES)
    for one in notebook.diagnostics:
        assert CODES[one.code].severity == one.severity, one
    return notebook


def findings(notebook):
    return [(one.code, one.severity.value, one.cell) for one in notebook.diagnostics]


def test_tags_give_cells_their_roles_and_foreign_tags_are_ignored():
    notebook = read(
        cell(tags=["setup", "hide-input"]),
        cell(tags=["parameters"]),
        cell(tags=["task:적재", "after:x", "reads:df", "writes:é", "ignores:numpy.random"]),
        cell(tags=["task:b", "parameters-like", "todo:x", "raises-exception"]),
        cell(tags=["skip"]),
        cell(),
        cell("text", ["skip"], kind="markdown"),
    )
    assert notebook.diagnostics == ()
    assert [one.role for one in notebook.cells] == [
        Role.SETUP, Role.PARAMETERS, Role.TASK, Role.TASK, Role.SKIP, Role.UNTAGGED, Role.UNTAGGED,
    ]  # fmt: skip
    third = notebook.cells[2]
    assert (third.task, third.after, third.reads) == ("적재", ("x",), ("df",))
    assert (third.writes, third.ignores) == (("é",), ("numpy.random",))
    assert third.id == "cell-0003"


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("first", "second"), [("Load", "load"), ("적재é", unicodedata.normalize("NFD", "적재é"))]
)
def test_a_task_name_is_spelled_as_its_first_cell_spells_it(first, second):
    notebook = read(cell(tags=[f"task:{first}"]), cell(tags=[f"task:{second}"]))
    assert [one.task for one in notebook.cells] == [first, first]
    assert notebook.diagnostics == ()


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("task :x", "task:x"),
        ("Task:x", "task:x"),
        ("tasks:x", "task:x"),
        ("task=x", "task:x"),
        ("After:x", "after:x"),
        ("read:df", "reads:df"),
        ("Setup", "setup"),
        ("parameter", "parameters"),
        ("skip:", "skip"),
    ],
)
def test_a_tag_that_is_nearly_ours_gets_a_warning_that_says_what_to_write(tag, meant):
    notebook = read(cell(tags=[tag]))
    assert findings(notebook) == [("NBF104", "warning", "cell-0001")]
    assert notebook.diagnostics[0].hint.endswith(f"write {meant}")
    assert notebook.cells[0].role is Role.UNTAGGED


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("tags", "code", "words"),
    [
        (["task:a", "task:b"], "NBF103", "'task:a', 'task:b'"),
        (["task:a", "setup"], "NBF103", "'task:a', 'setup'"),
        (["task:a", "skip"], "NBF103", "'task:a', 'skip'"),
        (["task:"], "NBF101", "is empty"),
        (["task:a/b"], "NBF101", "letters"),
        (["after:a,b"], "NBF101", "letters"),
        (["task:" + "x" * 101], "NBF101", "101 characters"),
        (["task:" + "x" * 10_000], "NBF101", "10000 characters"),
        (["reads:df.x"], "NBF102", "'df.x'"),
    ],
)
def test_contradictory_and_malformed_tags_are_errors(tags, code, words):
    notebook = read(cell(tags=tags))
    assert findings(notebook) == [(code, "error", "cell-0001")]
    assert words in notebook.diagnostics[0].message
    assert len(notebook.diagnostics[0].message) < 300


def test_parameters_may_stand_beside_a_task_and_only_the_first_count():
    notebook = read(cell(tags=["task:a", "parameters"]), cell(tags=["parameters"]))
    assert [(one.role, one.parameters) for one in notebook.cells] == [
        (Role.TASK, True),
        (Role.UNTAGGED, False),
    ]
    assert findings(notebook) == [("NBF107", "warning", "cell-0002")]


def test_tags_on_markdown_and_empty_cells_have_no_effect_and_say_so():
    notebook = read(cell("# t", ["task:a"], kind="markdown"), cell(" \n", ["task:a"]))
    assert [one.role for one in notebook.cells] == [Role.UNTAGGED] * 2
    assert [one[0] for one in findings(notebook)] == ["NBF108"] * 2


def test_a_task_line_says_the_same_as_tags_and_leaves_the_line_numbers():
    line = '%%task train --after a,b --retries 2 --when "accuracy < 0.9" --allow-failure'
    line += " --retry-delay=15m --cpu 2 --reads df"
    (one,) = read(cell(f"\n{line}\ny = 1\n")).cells
    assert one.source == "\n\ny = 1\n"
    assert (one.role, one.task, one.after, one.reads) == (Role.TASK, "train", ("a", "b"), ("df",))
    options = build_task_options(one.options, {"retries": 7, "timeout": "2h"})
    assert (options.retries, options.retry_delay, options.timeout) == (2, 900.0, 7200.0)
    assert (options.when, options.allow_failure) == ("accuracy < 0.9", True)
    assert options.resources.cpu == 2.0


@pytest.mark.parametrize(("line", "role"), [("%%setup", Role.SETUP), ("%%skip  ", Role.SKIP)])
def test_setup_and_skip_lines_give_the_role(line, role):
    (one,) = read(cell(f"{line}\nx = 1")).cells
    assert (one.role, one.source) == (role, "\nx = 1")


def test_other_cell_magics_are_left_alone():
    (one,) = read(cell("%%time\nx = 1")).cells
    assert (one.role, one.source) == (Role.UNTAGGED, "%%time\nx = 1")


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("%%task", "NBF105", "no name"),
        ("%%task a b", "NBF105", "2 names"),
        ("%%task a --retries", "NBF105", "lacks its value"),
        ("%%task a --when 'x", "NBF105", "quotation"),
        ("%%setup now", "NBF105", "%%setup takes no name"),
        ("%%task a/b", "NBF101", "letters"),
        ("%%task a --retries many", "NBF110", "retries"),
        ("%%task a --when 'x <'", "NBF114", "not a Python expression"),
        ("%%task a --foreach 'x of y'", "NBF110", "NAME in EXPRESSION"),
    ],
)
def test_a_line_that_can_not_be_read_is_an_error(line, code, words):
    notebook = read(cell(f"{line}\nx = 1"))
    assert findings(notebook) == [(code, "error", "cell-0001")]
    assert words in notebook.diagnostics[0].message


@pytest.mark.parametrize(
    ("tags", "line", "words"),
    [
        (["task:a"], "%%task b", ("task:a", "%%task b")),
        (["setup"], "%%task b", ("setup", "%%task b")),
        (["task:a"], "%%skip", ("task:a", "%%skip")),
    ],
)
def test_tag_and_line_that_contradict_each_other_are_an_error_naming_both(tags, line, words):
    notebook = read(cell(f"{line}\nx", tags))
    assert findings(notebook) == [("NBF106", "error", "cell-0001")]
    assert all(word in notebook.diagnostics[0].message for word in words)


def test_tag_and_line_that_agree_are_fine_and_options_must_agree_too():
    assert read(cell("%%task A\nx", ["task:a"])).diagnostics == ()
    assert read(cell("%%task a --retries 2\nx", task={"retries": 2})).diagnostics == ()
    notebook = read(cell("%%task a --retries 2\nx", task={"retries": 3}))
    assert findings(notebook) == [("NBF106", "error", "cell-0001")]


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("timeout", 90, 90.0),
        ("timeout", "90s", 90.0),
        ("timeout", "1d", 86400.0),
        ("retry_delay", "1.5m", 90.0),
        ("retry_on", "ValueError, OSError", ("ValueError", "OSError")),
        ("cache", False, "off"),
        ("trigger_rule", "all_done", "all_done"),
        ("foreach", "x in range(3)", "x in range(3)"),
    ],
)
def test_options_are_read_as_written_and_built_as_values(key, written, value):
    notebook = read(cell(tags=["task:a"], task={key: written}))
    assert notebook.diagnostics == ()
    assert notebook.cells[0].options == {key: written}
    assert getattr(build_task_options(notebook.cells[0].options), key) == value


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("timeout", "soon"),
        ("timeout", 0),
        ("timeout", -1),
        ("retries", -1),
        ("retries", True),
        ("retry_delay", [1]),
        ("trigger_rule", "never"),
        ("pool_slots", 0),
        ("pool", "a/b"),
        ("resources", {"memory": "lots"}),
        ("when", 5),
    ],
)
def test_a_wrong_option_is_an_error_with_cell_and_key(key, written):
    notebook = read(cell(tags=["task:a"], task={key: written, "doc": "kept"}))
    assert findings(notebook) == [("NBF110", "error", "cell-0001")]
    assert key in notebook.diagnostics[0].message
    assert notebook.cells[0].options == {"doc": "kept"}


def test_unknown_options_and_options_on_a_later_cell_are_warnings():
    notebook = read(
        cell(tags=["task:a"], task={"retrys": 1}),
        cell(tags=["task:a"], task={"retries": 1}),
        cell(task={"timeout": 5}),
    )
    assert findings(notebook) == [
        ("NBF111", "warning", "cell-0001"),
        ("NBF113", "warning", "cell-0002"),
        ("NBF113", "warning", "cell-0003"),
    ]
    assert "retries" in notebook.diagnostics[0].hint
    assert [one.options for one in notebook.cells] == [{}, {}, {}]


@pytest.mark.abuse(6)
def test_an_unknown_key_inside_an_option_is_a_warning_that_names_both():
    notebook = read(cell(tags=["task:a"], task={"resources": {"cpus": 2, "gpu": 1}}))
    assert findings(notebook) == [("NBF111", "warning", "cell-0001")]
    assert "resources.cpus" in notebook.diagnostics[0].message
    assert build_task_options(notebook.cells[0].options).resources.gpu == 1


def test_dag_metadata_are_read_with_defaults():
    dag = {"schedule": "0 5 * * *", "tags": ["ml"], "catchup": "all", "min_period": "2m"}
    notebook = read(cell(), nbflow={"version": 1, "dag": dag | {"defaults": {"retries": 2}}})
    assert notebook.diagnostics == ()
    assert notebook.dag_given
    assert (notebook.dag.id, notebook.dag.schedule, notebook.dag.tags) == (
        "etl",
        "0 5 * * *",
        ("ml",),
    )
    assert (notebook.dag.catchup, notebook.dag.min_period) == ("all", 120.0)
    assert notebook.dag.defaults == {"retries": 2}


@pytest.mark.abuse(6)
@pytest.mark.parametrize(
    ("nbflow", "code", "severity", "words"),
    [
        ({"version": 2}, "NBF116", "error", "version 2"),
        ([], "NBF112", "error", "not an object"),
        ({"dag": "x"}, "NBF112", "error", "metadata.nbflow.dag"),
        ({"dag": {"id": "a/b"}}, "NBF110", "error", "id"),
        ({"dag": {"catchup": "maybe"}}, "NBF110", "error", "catchup"),
        ({"dag": {"schedul": "x"}}, "NBF111", "warning", "schedul"),
        ({"dag": {"defaults": {"retries": "x"}}}, "NBF110", "error", "default retries"),
        ({"task": {"inputs": ["x: y"]}}, "NBF110", "error", "TASK.variable"),
        ({"task": {"outputs": ["1x"]}}, "NBF110", "error", "'1x'"),
        ({"tasks": {}}, "NBF111", "warning", "tasks"),
    ],
)
def test_wrong_notebook_metadata_are_reported(nbflow, code, severity, words):
    notebook = read(cell(), nbflow=nbflow)
    assert findings(notebook) == [(code, severity, None)]
    assert words in notebook.diagnostics[0].message


def test_what_is_no_object_is_told_with_an_example_of_one():
    for key, example in (("dag", '{"schedule": "@daily"}'), ("task", '{"dag": "etl"}')):
        (finding,) = read(cell(), nbflow={key: 7}).diagnostics
        assert (finding.code, str(finding.hint)) == ("NBF112", f"write {example}")


@pytest.mark.parametrize("inputs", [["x", "y: load.z"], {"x": None, "y": "load.z"}])
def test_a_whole_notebook_is_a_task_and_its_cell_tags_do_not_count(inputs):
    task = {"dag": "etl", "after": ["load"], "inputs": inputs, "outputs": ["m"], "retries": 1}
    notebook = read(
        cell(tags=["task:a"]),
        cell(tags=["parameters"]),
        nbflow={"task": task | {"params": {"n": 1}}},
    )
    assert notebook.task is not None
    assert (notebook.task.dag, notebook.task.name, notebook.task.after) == ("etl", "etl", ("load",))
    assert notebook.task.inputs == {"x": None, "y": ("load", "z")}
    assert (notebook.task.outputs, notebook.task.options.retries) == (("m",), 1)
    assert findings(notebook) == [("NBF115", "warning", "cell-0001")]
    assert [one.role for one in notebook.cells] == [Role.UNTAGGED, Role.PARAMETERS]


@pytest.mark.abuse(19)
def test_language_and_kernel_come_from_the_metadata():
    notebook = read(cell("x <- 1"), kernelspec={"name": "ir", "language": "R"})
    assert (notebook.language, notebook.kernel) == ("r", "ir")
    assert (read(cell()).language, read(cell()).kernel) == ("python", "python3")
    odd = read(cell(), kernelspec={"name": "../../x"})
    assert (odd.kernel, findings(odd)) == ("python3", [("NBF120", "error", None)])


def test_the_digest_follows_meaning_and_not_outputs():
    plain = document(cell(), cell("y"))
    same = json.loads(json.dumps(plain))
    same["cells"][0] |= {"outputs": [{"output_type": "stream", "text": "x"}], "execution_count": 3}
    same["cells"][0]["metadata"]["nbflow"] = {"status": "completed"}
    same["metadata"]["language_info"] = {"name": "python", "version": "3.12"}
    base = read_document(plain, "a.ipynb").digest
    assert read_document(same, "b.ipynb").digest == base
    for changed in (
        document(cell("x = 2"), cell("y")),
        document(cell(tags=["task:a"]), cell("y")),
        document(cell(task={"retries": 1}), cell("y")),
        document(cell(), cell("y"), nbflow={"version": 1}),
        document(cell(), cell("y"), kernelspec={"name": "other"}),
        document(cell("y"), cell()),
    ):
        assert read_document(changed, "a.ipynb").digest != base


@pytest.mark.parametrize(
    ("markdown", "heading"),
    [
        ("# Load *the* `data` ##", "Load the data"),
        ("text\n\n## Train", "Train"),
        ("Title\n=====\n", "Title"),
        ("```\n# no\n```\n", None),
        ("#no", None),
        ("# From C to C#", "From C to C#"),
        ("", None),
    ],
)
def test_the_first_heading_of_a_markdown_cell(markdown, heading):
    assert heading_of(markdown) == heading


PERCENT = """\
# ---
# jupyter:
#   nbflow:
#     dag:
#       start_date: 2024-01-01
# ---

# %% [markdown]
# # Title

# %% tags=["task:load"]
x = 1

# %%
# %%task train --after load
y = x
"""


def test_jupytext_scripts_and_markdown_are_read_with_ids_by_position(tmp_path):
    script, page = tmp_path / "a.py", tmp_path / "b.md"
    script.write_text(PERCENT)
    page.write_text(
        '# T\n\n```python tags=["task:load"]\nx = 1\n```\n\n```python\n%%task b\ny\n```\n'
    )
    first, second = read_notebook(script), read_notebook(page)
    assert first.dag.start_date == "2024-01-01"
    assert [(one.id, one.task, one.source) for one in first.cells][1:] == [
        ("cell-0002", "load", "x = 1"),
        ("cell-0003", "train", "\ny = x"),
    ]
    assert [one.task for one in second.cells] == [None, "load", "b"]
    assert first.digest == read_notebook(script).digest


def test_a_folder_gives_its_marked_notebooks_sorted_without_hidden_and_paired_ones(tmp_path):
    marked = json.dumps(document(cell(tags=["task:a"])))
    plain = json.dumps(document(cell()))
    for name, content in {
        "b.ipynb": marked,
        "b.py": PERCENT,
        "a/z.ipynb": marked,
        "c.py": PERCENT,
        "plain.ipynb": plain,
        "module.py": "x = 'task:no'\n",
        "README.md": "no notebook",
        ".ipynb_checkpoints/b-checkpoint.ipynb": marked,
        ".hidden/x.ipynb": marked,
        "__pycache__/x.py": PERCENT,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    found = [one.path.removeprefix(str(tmp_path) + "/") for one in read_folder(tmp_path)]
    assert found == ["a/z.ipynb", "b.ipynb", "c.py"]


def test_an_ordinary_notebook_is_read_without_nbformat_and_pydantic(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(document(cell(tags=["task:a"]))))
    program = (
        "import sys; from nbflow.notebooks import read_notebook; read_notebook(sys.argv[1]);"
        "print([m for m in ('nbformat', 'jupytext', 'pydantic', 'jsonschema') if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_a_notebooks_own_dag_lines_are_no_part_of_any_task(tmp_path):
    sources = (
        "%load_ext nbflow",
        "%%task load\nx = 1\n%dag run --wait\ny = 2",
        "%dag lint",
        'text = """\n%dag run\n"""\n%daggle\n%load_ext other',
    )
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": source, "outputs": []}
        for n, source in enumerate(sources)
    ]
    path = tmp_path / "own.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    read = [cell.source for cell in read_notebook(path).cells]
    assert read == ["", "\nx = 1\n\ny = 2", "", sources[3]]
