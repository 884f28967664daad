import json

import pytest

from nbflow.errors import NotebookError
from nbflow.notebooks import read_document, read_notebook
from nbflow.notebooks.suggest import suggest_tasks
from nbflow.notebooks.write import TagChange, write_notebook, write_tags

DOCUMENT = {
    "cells": [
        {
            "cell_type": "code",
            "source": ["x = 1\n", "é = '적재'"],
            "metadata": {"scrolled": True, "tags": ["hide", "task:old"]},
            "outputs": [{"text": ["1\n"], "output_type": "stream", "name": "stdout"}],
            "execution_count": 3,
            "id": "one",
        },
        {"source": "# t", "cell_type": "markdown", "metadata": {}},
    ],
    "nbformat_minor": 5,
    "nbformat": 4,
    "metadata": {"z": 1, "a": 2},
}


@pytest.mark.parametrize("indent", [1, 2])
@pytest.mark.parametrize("ending", ["", "\n"])
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_only_the_named_cells_tags_change_in_the_file(indent, ending, line, tmp_path):
    path = tmp_path / "a.ipynb"
    before = json.dumps(DOCUMENT, indent=indent, ensure_ascii=False) + ending
    path.write_bytes(before.replace("\n", line).encode())
    path.chmod(0o640)
    write_tags(path, {"one": TagChange(add=("task:new",), remove=("task:old",))})
    expected = before.replace('"task:old"', '"task:new"')
    assert path.read_bytes() == expected.replace("\n", line).encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["a.ipynb"]


def test_options_are_set_and_taken_off_and_the_document_passed_in_stays():
    before = json.dumps(DOCUMENT)
    changed = write_tags(DOCUMENT, {"one": TagChange(options={"retries": 2})})
    assert changed["cells"][0]["metadata"]["nbflow"] == {"task": {"retries": 2}}
    back = write_tags(changed, {"one": TagChange(options={})})
    assert json.dumps(back) == before == json.dumps(DOCUMENT)


def test_a_cell_without_id_goes_by_its_place_and_gets_none():
    changed = write_tags(DOCUMENT, {"cell-0002": TagChange(add=("skip",))})
    assert changed["cells"][1]["metadata"] == {"tags": ["skip"]}
    assert "id" not in changed["cells"][1]


def test_an_unknown_cell_is_an_error_and_nothing_is_written(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(DOCUMENT))
    with pytest.raises(NotebookError, match="has no cell nowhere"):
        write_tags(path, {"nowhere": TagChange(add=("skip",)), "one": TagChange(add=("skip",))})
    assert path.read_text() == json.dumps(DOCUMENT)


def test_a_script_gets_its_tags_in_its_own_format(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("# %%\nx = 1\n\n# %%\ny = 2\n")
    write_tags(path, {"cell-0002": TagChange(add=("task:b",))})
    assert '# %% tags=["task:b"]\ny = 2' in path.read_text()
    assert [one.task for one in read_notebook(path).cells] == [None, "b"]


def test_a_folder_that_is_missing_gives_one_clear_error(tmp_path):
    with pytest.raises(NotebookError, match="can't be written: no such file") as caught:
        write_notebook(DOCUMENT, tmp_path / "nowhere" / "a.ipynb")
    assert caught.value.code == "NBF011"


def test_a_written_notebook_is_read_back_and_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.ipynb", tmp_path / "link.ipynb"
    write_notebook(DOCUMENT, real)
    link.symlink_to(real)
    write_notebook(DOCUMENT | {"cells": []}, link)
    assert link.is_symlink()
    assert read_notebook(real).cells == ()


def page(*cells):
    kinds = {"#": "markdown"}
    return read_document(
        {
            "nbformat": 4,
            "cells": [
                {
                    "cell_type": kinds.get(text[:1], "code"),
                    "source": text,
                    "metadata": {"tags": tags},
                }
                for text, tags in ((one, []) if isinstance(one, str) else one for one in cells)
            ],
        },
        "a.ipynb",
    )


def suggested(notebook, **options):
    return [(one.cell, one.task) for one in suggest_tasks(notebook, **options)]


def test_sections_are_tasks_named_after_their_headings():
    notebook = page("import os", "# Load data!", "a", "b", "## Train", "c", "# Load data!", "d")
    assert suggested(notebook, by="section", setup={"cell-0001"}) == [
        ("cell-0003", "Load_data"),
        ("cell-0004", "Load_data"),
        ("cell-0006", "Train"),
        ("cell-0008", "Load_data-2"),
    ]


def test_cells_are_tasks_named_after_headings_else_what_they_bind():
    notebook = page("# 적재", "a", "b", "c", " ")
    binds = {"cell-0003": ["tmp", "df", "_x"]}
    assert suggested(notebook, by="cell", binds=binds) == [
        ("cell-0002", "적재"),
        ("cell-0003", "df"),
        ("cell-0004", "cell_4"),
    ]


def test_tagged_cells_keep_their_tags_and_their_names_stay_theirs():
    notebook = page(("a", ["task:df"]), "b", ("c", ["skip"]), ("d", ["parameters"]))
    assert suggested(notebook, by="cell", binds={"cell-0002": ["DF"]}) == [("cell-0002", "DF-2")]


def test_neighbours_whose_border_gains_nothing_are_merged_under_the_first_name():
    notebook = page("a", "b", "c")
    chain = {("cell_1", "cell_2"), ("cell_2", "cell_3")}
    merged = suggested(notebook, by="cell", merge=lambda one, two: (one, two) in chain)
    assert [task for _, task in merged] == ["cell_1"] * 3
