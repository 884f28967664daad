"""What a deploy of an open notebook would change."""

import json
import sys
from typing import Any

import pytest
from jupyter_servers import RunningServer

CODE = {"cell_type": "code", "execution_count": None, "outputs": []}


def document(*sources: str, **dag: Any) -> dict[str, Any]:
    return {
        "nbformat": 4, "nbformat_minor": 5,
        "cells": [{**CODE, "id": f"c{n}", "metadata": {}, "source": s} for n, s in enumerate(sources)],
        "metadata": {"nbflow": {"version": 1, "dag": dag}},
    }  # fmt: skip


LOAD = "%%task load\nnumbers = [1, 2]"
TOTAL = "%%task total\ntotal = sum(numbers)\nprint(total)"
BEFORE = document(LOAD, TOTAL, schedule="@daily")


def compare(server: RunningServer, notebook: dict[str, Any], path: str = "sums.ipynb") -> Any:
    reply = server.ask("/comparisons", "POST", {"path": path, "notebook": notebook})
    assert reply.status == 200, reply.content
    return reply.json


@pytest.fixture(scope="module")
def deployed(server: RunningServer) -> str:
    (server.root / "sums.ipynb").write_text(json.dumps(BEFORE), encoding="utf-8")
    reply = server.ask("/dags", "POST", {"path": "sums.ipynb"})
    assert reply.status == 200, reply.content
    return str(reply.json["items"][0]["version"])


def test_a_notebook_that_was_never_deployed_is_all_new_and_makes_no_metastore(
    server: RunningServer,
) -> None:
    made = (server.home / "nbflow.db").exists()
    found = compare(server, BEFORE, "new.ipynb")
    assert (found["drift"], found["version"], found["cells"]) == ("never", None, [])
    assert (found["added"], found["removed"]) == (["load", "total"], [])
    assert [(one["source"], one["target"], one["new"]) for one in found["edges"]] == [
        ("load", "total", True)
    ]
    assert (server.home / "nbflow.db").exists() == made


def test_what_is_deployed_differs_from_itself_in_nothing(
    server: RunningServer, deployed: str
) -> None:
    found = compare(server, BEFORE)
    assert (found["drift"], found["version"]) == ("same", deployed)
    for part in ("added", "removed", "changed", "edges", "settings", "cells"):
        assert found[part] == []


def test_tasks_edges_settings_and_lines_that_differ_are_told(
    server: RunningServer, deployed: str
) -> None:
    pytest.importorskip("nbdime", reason="nbdime is not installed")
    changed = "%%task total\ntotal = max(numbers)\nprint(total)"
    found = compare(
        server,
        document(
            LOAD, changed, "%%task report\nprint(total)",
            schedule="0 6 * * 1-5", on=[{"dag": "etl"}], defaults={"retries": 2},
        ),
    )  # fmt: skip
    assert found["drift"] == "differs"
    assert (found["added"], found["changed"]) == (["report"], ["load", "total"])
    assert [(one["source"], one["target"], one["new"]) for one in found["edges"]] == [
        ("total", "report", True)
    ]
    assert "total" in found["edges"][0]["why"]
    settings = {one["setting"]: (one["before"], one["after"]) for one in found["settings"]}
    assert settings == {
        "schedule": ("@daily", "0 6 * * 1-5"), "on": ("", "when etl succeeds"),
        "defaults": ("", "retries: 2"),
    }  # fmt: skip
    total, report = found["cells"]
    assert (total["kind"], total["place"]) == ("changed", "[2]")
    assert [one["sign"] for one in total["lines"]] == [" ", "-", "+", " "]
    assert (report["kind"], report["place"]) == ("added", "[3]")


def test_without_nbdime_the_cells_are_not_told_and_all_else_is(
    server: RunningServer, deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nbdime.diffing.notebooks", None)
    found = compare(server, document(LOAD))
    assert (found["cells"], found["removed"]) == (None, ["total"])
    assert found["no_cells"] is None


def test_cells_of_too_large_pages_are_not_told_but_why_is(
    server: RunningServer, deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nbdime", reason="nbdime is not installed")
    monkeypatch.setattr("nbflow.notebooks.differences._MOST_PAIRS", 0)
    found = compare(server, document(LOAD, "%%task total\ntotal = max(numbers)"))
    assert (found["cells"], found["changed"]) == (None, ["total"])
    assert "too many cells" in found["no_cells"]


def test_a_document_outside_of_the_root_is_not_compared(server: RunningServer) -> None:
    reply = server.ask("/comparisons", "POST", {"path": "../x.ipynb", "notebook": BEFORE})
    assert reply.status == 404


def test_only_what_was_looked_at_is_deployed(server: RunningServer) -> None:
    """Two people deploy one DAG: the slower one learns what they would have overwritten."""
    path = server.root / "two.ipynb"

    def deploy(**looked_at: Any) -> Any:
        return server.ask("/dags", "POST", {"path": path.name, **looked_at}, headers=server.headers)

    def seen(notebook: dict[str, Any]) -> dict[str, Any]:
        path.write_text(json.dumps(notebook), encoding="utf-8")
        found = compare(server, notebook, path.name)
        return {"replaces": found["version"], "becomes": found["becomes"]}

    mine, theirs = document(LOAD, TOTAL), document(LOAD, "%%task total\ntotal = max(numbers)")
    unseen, first = seen(theirs), seen(mine)
    assert first["replaces"] is None
    assert deploy(**first).status == 200
    stale = seen(mine) | {"replaces": "0" * 64}
    for looked_at in (unseen | {"becomes": first["becomes"]}, stale):
        refused = deploy(**looked_at)
        assert (refused.status, refused.json["code"]) == (412, "NBF664")
        assert "compare" in refused.json["hint"].lower()
    korean = {**server.headers, "Accept-Language": "ko"}
    asked = {"path": path.name, **stale}
    assert "배포" in server.ask("/dags", "POST", asked, headers=korean).json["detail"]
    over = seen(theirs)
    seen(mine)  # The file is changed after it was looked at.
    refused = deploy(**over)
    assert (refused.status, refused.json["code"]) == (412, "NBF665")
    seen(theirs)
    made = deploy(**over).json["items"][0]
    assert (made["version"], made["is_new"]) == (over["becomes"], True)
    assert deploy().status == 200  # a script need not look
    refused = deploy(replaces="x")
    assert (refused.status, refused.json["field"]) == (422, "replaces")


TEXT = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %%
# %%task load
numbers = [1, 2]

# %%
# %%task total
total = sum(numbers)
print(total)
"""


@pytest.mark.parametrize("name", ["colab.ipynb", "text.py"])
def test_a_file_that_keeps_no_ids_of_cells_is_deployed_and_then_the_same(
    server: RunningServer, name: str
) -> None:
    """JupyterLab makes ids up for notebooks of nbformat 4.4 and for text, each time it opens them."""
    notebook = document(LOAD, TOTAL)
    spec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook["metadata"] = {"kernelspec": spec}
    bare = [{key: cell[key] for key in cell if key != "id"} for cell in notebook["cells"]]
    old = json.dumps(notebook | {"nbformat_minor": 4, "cells": bare})
    text = TEXT if name.endswith(".py") else old
    (server.root / name).write_text(text, encoding="utf-8")
    opened = {"path": name, "notebook": notebook}
    seen = server.ask("/comparisons", "POST", opened | {"keeps_ids": False}).json
    asked = {"path": name, "replaces": seen["version"], "becomes": seen["becomes"]}
    assert server.ask("/dags", "POST", asked).status == 200
    for keeps_ids, drift in ((False, "same"), (True, "differs")):
        body = opened | {"keeps_ids": keeps_ids}
        assert server.ask("/compile", "POST", body).json["drift"] == drift
        assert server.ask("/comparisons", "POST", body).json["drift"] == drift
