import json
import os
import time
from pathlib import Path

import pytest

from nbflow.errors import NotebookError
from nbflow.model.codes import CODES
from nbflow.notebooks import read_document, read_folder, read_notebook


def text(*, cells=None, **more):
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells or []} | more
    )


def code(source="x = 1", **more):
    return {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []} | more


CONFLICT = '{\n "cells": [\n<<<<<<< HEAD\n 1\n=======\n 2\n>>>>>>> x\n ]\n}'
# name: (content, code, words of the message)
BROKEN = {
    "empty": (b"", "NBF004", "is empty"),
    "blank": (b" \n ", "NBF004", "is empty"),
    "cut short": (b"{", "NBF004", ":1: is not JSON"),
    "conflict marks": (CONFLICT.encode(), "NBF004", ":3: holds the marks of an unresolved merge"),
    "huge integer": (b'{"a": ' + b"1" * 10_000 + b"}", "NBF005", "thousands of digits"),
    "null": (b"null", "NBF006", "null"),
    "a list": (b"[]", "NBF006", "a list"),
    "a string": (b'"x"', "NBF006", "a string"),
    "a number as cell": (text(cells=[1]), "NBF006", "cell 1: is a number"),
    "100,000 brackets": (b"[" * 100_000, "NBF005", ":1: is nested more than 100 levels"),
    "5,000 objects": (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "NBF005", "nested more than 100"),
    "cells alone": (b'{"cells": []}', "NBF006", "lacks nbformat"),
    "an empty object": (b"{}", "NBF006", "lacks nbformat and cells"),
    "tags a string": (
        text(cells=[code(metadata={"tags": "task:x"})]),
        "NBF006",
        "metadata.tags is a string",
    ),
    "source a number": (text(cells=[code(5)]), "NBF006", "cell 1: source is a number"),
    "unknown cell type": (
        text(cells=[code(cell_type="heading")]),
        "NBF006",
        "cell_type is 'heading'",
    ),
    "lone surrogate": (text(cells=[code("x = '\ud800'")]), "NBF003", "lone surrogate"),
    "50 MB": (b" " * 50_000_000, "NBF002", "50 MB or larger"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0", "NBF003", "binary data"),
    "UTF-16": (text().encode("utf-16"), "NBF003", "UTF-16"),
    "format 2": (text(nbformat=2), "NBF007", "notebook format 2"),
    "format 5": (text(nbformat=5), "NBF007", "notebook format 5"),
    "format a string": (text(nbformat="4"), "NBF006", "nbformat is a string"),
    "metadata a list": (text(metadata=[]), "NBF006", "metadata is a list"),
    "cells an object": (b'{"nbformat": 4, "cells": {}}', "NBF006", "cells is an object"),
    "outputs a string": (text(cells=[code(outputs="x")]), "NBF006", "outputs is not a list"),
    "no source": (text(cells=[{"cell_type": "code"}]), "NBF006", "has no source"),
    "latin-1": (b'{\n "x": "caf\xe9"}', "NBF003", ":2: is not UTF-8 text"),
    "deep strings of brackets are no depth": (b'{"a": "' + b"[" * 200 + b'"}', "NBF006", "lacks"),
}


@pytest.mark.fault(32)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gives_one_clear_error_with_its_path(name, tmp_path):
    content, number, words = BROKEN[name]
    path = tmp_path / "broken.ipynb"
    path.write_bytes(
        content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    )
    with pytest.raises(NotebookError) as caught:
        read_notebook(path)
    error = caught.value
    assert error.message.startswith(str(path))
    assert words in error.message
    assert error.code == number
    assert error.hint
    assert "\n" not in error.message
    assert len(error.message) < 400
    assert error.code in CODES


@pytest.mark.parametrize("place", ["missing.ipynb", ".", "a\0b.ipynb"])
def test_what_is_no_file_gives_one_clear_error(place, tmp_path):
    with pytest.raises(NotebookError) as caught:
        read_notebook(str(tmp_path) + "/" + place)
    assert caught.value.code == "NBF001"
    assert caught.value.hint


def test_a_pipe_is_no_notebook_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(NotebookError, match="not a regular file"):
        read_notebook(tmp_path / "pipe.ipynb")


def test_a_file_without_permission_gives_one_clear_error(tmp_path):
    path = tmp_path / "secret.ipynb"
    path.write_text(text())
    path.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)  # root may read everything; nobody may not
    try:
        with pytest.raises(NotebookError, match="permission denied"):
            read_notebook(path)
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\ufeff" + text(cells=[code()]), "byte order mark"),
        (
            text(
                cells=[
                    code(outputs=[{"output_type": "display_data", "data": {"a/b": float("nan")}}])
                ]
            ),
            "NaN",
        ),
        (
            text(cells=[code(outputs=[{"output_type": "stream", "text": "\ud800"}])]),
            "lone surrogate",
        ),
        (text(cells=[code(), code("y = 2")]), "two cells have the id a"),
    ],
)
def test_what_can_be_tolerated_is_a_warning(content, words, tmp_path):
    path = tmp_path / "odd.ipynb"
    path.write_text(content)
    notebook = read_notebook(path)
    assert [one.severity for one in notebook.diagnostics] == ["warning"]
    assert words in notebook.diagnostics[0].message
    assert notebook.diagnostics[0].code in CODES
    assert notebook.cells[0].source == "x = 1"
    json.dumps(notebook.raw, ensure_ascii=False).encode()


def test_cells_with_one_id_and_cells_without_get_ids_by_their_place(tmp_path):
    cells = [code(), code(), {k: v for k, v in code().items() if k != "id"}, code(id="cell-0004x")]
    cells += [code(id="cell-0003")]
    notebook = read_document(json.loads(text(cells=cells)), "x.ipynb")
    ids = [cell.id for cell in notebook.cells]
    assert ids == ["a", "cell-0002", "cell-0003x", "cell-0004x", "cell-0003"]
    assert [cell["id"] for cell in notebook.raw["cells"]] == ids


def test_an_editors_document_is_checked_as_well_and_left_as_it_is():
    with pytest.raises(NotebookError, match=r"^x\.ipynb: cell 1: source is a number"):
        read_document(json.loads(text(cells=[code(1)])), "x.ipynb")
    deep: dict = {}
    for _ in range(5_000):
        deep = {"a": deep}
    with pytest.raises(NotebookError, match="nested"):
        read_document({"nbformat": 4, "cells": [code(metadata={"nbflow": deep})]}, "x.ipynb")
    document = {"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a\n", "b"]}]}
    before = json.dumps(document)
    assert read_document(document, "x.ipynb").cells[0].source == "a\nb"
    assert json.dumps(document) == before


def test_a_folder_that_is_none_gives_one_clear_error(tmp_path):
    with pytest.raises(NotebookError, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_a_version_3_notebook_is_upgraded(tmp_path):
    cell = {"cell_type": "code", "language": "python", "metadata": {}, "input": "x = 1"}
    cell |= {"outputs": [], "collapsed": False}
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": [cell]}],
    }
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old))
    notebook = read_notebook(path)
    assert [(one.id, one.source) for one in notebook.cells] == [("cell-0001", "x = 1")]
    path.write_text(json.dumps(old | {"worksheets": [1]}))
    with pytest.raises(NotebookError, match="format 3 and can't be converted"):
        read_notebook(path)


def test_a_large_notebook_is_read_in_good_time(tmp_path):
    cells = [code(f"x{at} = [{at}]", id=f"c{at}") for at in range(1000)]
    path = Path(tmp_path, "large.ipynb")
    path.write_text(text(cells=cells))
    started = time.process_time()
    assert len(read_notebook(path).cells) == 1000
    assert time.process_time() - started < 1.0
