"""What was run, through the API: a notebook's DAG, two runs side by side, how many fail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jupyter_servers import RunningServer, jupyter_server

from nbflow.app import open_service
from nbflow.model.states import RunState
from nbflow.service.service import Service

pytestmark = pytest.mark.kernel


def cell(number: int, source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": f"c{number}", "metadata": {"tags": list(tags)},
        "execution_count": None, "outputs": [], "source": source,
    }  # fmt: skip


def document(*cells: dict[str, Any]) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4, "nbformat_minor": 5, "cells": list(cells),
        "metadata": {"kernelspec": kernel},
    }  # fmt: skip


SALES = (
    cell(0, "rows = 3", "parameters"),
    cell(1, "\ndata = list(range(rows))\nprint('always the same')", "task:load"),
    cell(2, "import nbflow\ntotal = sum(data)\nnbflow.metric('total', total)\nprint(total)",
         "task:sum"),
    cell(3, "assert total < 10, 'too much'\n'fine'", "task:check"),
)  # fmt: skip


@pytest.fixture(scope="module")
def service(server: RunningServer) -> Iterator[Service]:
    """The same installation, from outside of the server."""
    with open_service() as opened:
        yield opened


@pytest.fixture(scope="module")
def pair(server: RunningServer, service: Service) -> tuple[str, str]:
    """A run that succeeded, and one of the changed notebook that failed."""
    path = server.root / "sales 한글.ipynb"
    path.write_text(json.dumps(document(*SALES)), encoding="utf-8")
    good = service.run(path)
    assert good.state is RunState.SUCCESS
    added = cell(4, "print('new')", "task:more")
    path.write_text(json.dumps(document(*SALES, added)), encoding="utf-8")
    bad = service.run(path, {"rows": 6})
    assert bad.state is RunState.FAILED
    return good.run_id, bad.run_id


def test_two_runs_are_told_side_by_side(server: RunningServer, pair: tuple[str, str]) -> None:
    reply = server.ask(f"/runs/{pair[0]}/comparison?other={pair[1]}")
    assert reply.status == 200, reply.content
    found = reply.json
    assert (found["run"]["run_id"], found["other"]["run_id"]) == pair
    assert (found["run"]["parameters"], found["other"]["parameters"]) == ({}, {"rows": 6})
    states = {one["task"]: (one["state"], one["other_state"]) for one in found["tasks"]}
    assert states == {
        "load": ("success", "success"), "sum": ("success", "success"),
        "check": ("success", "failed"), "more": (None, "success"),
    }  # fmt: skip
    assert found["tasks"][0]["seconds"] > 0
    assert found["tasks"][0]["other_seconds"] > 0
    (metric,) = found["metrics"]
    assert (metric["value"], metric["other"], metric["change"]) == (3.0, 15.0, 12.0)


def test_only_outputs_that_differ_are_told_with_the_line_by_which_their_cell_is_known(
    server: RunningServer, pair: tuple[str, str]
) -> None:
    outputs = server.ask(f"/runs/{pair[0]}/comparison?other={pair[1]}").json["outputs"]
    told = {one["cell"]: one for one in outputs}
    assert set(told) == {"c2", "c3", "c4"}
    assert told["c2"] == {
        "cell": "c2", "line": "import nbflow", "what": "output 1 stdout",
        "text": "3", "other_text": "15",
    }  # fmt: skip
    assert (told["c4"]["text"], told["c4"]["other_text"]) == (None, "")
    same = server.ask(f"/runs/{pair[0]}/comparison?other={pair[0]}").json
    assert same["outputs"] == []


@pytest.mark.parametrize("other", ["", "last", "../x", "manual__20260101T000000Z__aaaaaaaa/.."])
def test_a_run_is_compared_with_runs_alone(
    server: RunningServer, pair: tuple[str, str], other: str
) -> None:
    reply = server.ask(f"/runs/{pair[0]}/comparison?other={quote(other)}")
    assert reply.status == 422
    absent = server.ask(f"/runs/{pair[0]}/comparison?other=manual__20260101T000000Z__aaaaaaaa")
    assert absent.status == 404


def test_the_dag_of_a_notebook_is_told_with_what_people_call_its_cells(
    server: RunningServer, pair: tuple[str, str]
) -> None:
    for path in ("sales 한글.ipynb", "RTC:sales 한글.ipynb"):
        found = server.ask(f"/notebooks?path={quote(path)}").json
        assert found["dag_id"] == server.ask(f"/runs/{pair[0]}").json["run"]["dag_id"]
        assert found["about"]["last_run"] == pair[1]
        assert found["numbers"]["c2"] == "[3]"
    fresh = server.root / "fresh.ipynb"
    fresh.write_text(json.dumps(document(cell(0, "a = 1"))), encoding="utf-8")
    assert server.ask("/notebooks?path=fresh.ipynb").json == {
        "dag_id": "fresh", "about": None, "numbers": {"c0": "[1]"},
    }  # fmt: skip


@pytest.mark.parametrize("path", ["../etl.ipynb", ".hidden.ipynb", "absent.ipynb", "a//b.ipynb"])
def test_only_notebooks_that_jupyter_shows_have_a_dag(server: RunningServer, path: str) -> None:
    assert server.ask(f"/notebooks?path={quote(path)}").status == 404


def test_failed_runs_are_counted_from_an_instant_on(
    server: RunningServer, pair: tuple[str, str]
) -> None:
    found = server.ask("/activity").json
    assert found["is_used"] is True
    assert (found["queued"], found["running"], found["failed"]) == (0, 0, 1)
    later = quote(datetime.now(UTC).isoformat())
    assert server.ask(f"/activity?since={later}").json["failed"] == 0
    for no_instant in ("2026-01-01T00:00:00", "0.5", "-1", "1e9"):
        assert server.ask(f"/activity?since={no_instant}").status == 422


def test_a_server_on_which_nothing_was_run_makes_no_metastore_because_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with jupyter_server(tmp_path, monkeypatch) as running:
        (running.root / "a.ipynb").write_text(json.dumps(document()), encoding="utf-8")
        assert running.ask("/activity").json["is_used"] is False
        assert running.ask("/notebooks?path=a.ipynb").json["about"] is None
        assert not list(running.home.glob("*.db*"))
