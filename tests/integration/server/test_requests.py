"""What can be wrong with a request, and what is said then."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from jupyter_servers import RunningServer, jupyter_server, of_route

from nbflow.server.handler import MAX_PENDING
from nbflow.server.routes import ROUTES

NOTEBOOK: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
JSON = {"Content-Type": "application/json"}


def problem(reply: Any, status: int, code: str) -> dict[str, Any]:
    assert reply.status == status, reply.content
    assert reply.sort == "application/problem+json"
    found: dict[str, Any] = reply.json
    assert found["code"] == code
    assert found["status"] == status
    assert found["type"] == f"urn:nbflow:problem:{code}"
    assert b"Traceback" not in reply.content
    return found


@pytest.mark.abuse(26)
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nonsense", b'{"path": NaN}', b'{"path": Infinity}', b'{"a": "\\ud800"}',
        b"\xff", b"[" * 101 + b"]" * 101, b'{"a":' * 101 + b"1" + b"}" * 101, b"[" * 100_000,
    ],
    ids=lambda raw: raw[:12].decode("ascii", "replace"),
)  # fmt: skip
def test_what_is_no_json_is_not_read(server: RunningServer, raw: bytes) -> None:
    headers = {**server.headers, **JSON}
    problem(server.ask("/dags", "POST", raw=raw, headers=headers), 400, "NBF720")


@pytest.mark.abuse(9, 39)
def test_every_body_refuses_fields_that_it_does_not_know(server: RunningServer) -> None:
    """Row 39: `state`, `owner`, `id`, `role` can't be smuggled in; row 9: nor a run's id."""
    for route in (route for route in ROUTES if route.body is not None):
        for field in ("state", "owner", "id", "role", "run_id", "__class__"):
            reply = server.ask(of_route(route.path), route.method, {field: "x"})
            found = problem(reply, 422, "NBF721")
            if route.operation in ("cancel_run", "cancel_backfill", "clear_run", "trigger_dag"):
                assert found["field"] == field, route.path


@pytest.mark.abuse(24)
def test_every_query_refuses_fields_that_it_does_not_know(server: RunningServer) -> None:
    for route in (route for route in ROUTES if route.method == "GET"):
        reply = server.ask(of_route(route.path) + "?order_by=state")
        assert problem(reply, 422, "NBF721")["status"] == 422, route.path


def test_what_jupyter_adds_to_addresses_is_let_through(server: RunningServer) -> None:
    assert server.ask("/dags?1795668323&no_track_activity=1").status == 200


@pytest.mark.abuse(24)
@pytest.mark.parametrize(
    "query",
    [
        "state=running' OR '1'='1", "state=running;DROP TABLE run", "kind=%00", "limit=-1",
        "limit=1e9", "limit=201", "limit=1 OR 1=1", "cursor=' OR 1=1 --", "cursor=AAAA",
        "cursor=eA==", "dag_id=' OR '1'='1", "dag_id=x/../y", "dag_id=", "state=", "sort=state",
        "dag_id=a&dag_id=b",
    ],
)  # fmt: skip
def test_filters_take_what_they_name_and_nothing_else(server: RunningServer, query: str) -> None:
    """Row 24."""
    escaped = query.replace(" ", "%20").replace("'", "%27")
    problem(server.ask(f"/runs?{escaped}"), 422, "NBF721")
    assert server.ask("/runs").json == {"items": [], "next": None, "unread": []}


@pytest.mark.abuse(24)
@pytest.mark.parametrize("name", ["%25", "_", "a%25b"])
def test_wild_cards_of_databases_mean_nothing(server: RunningServer, name: str) -> None:
    reply = server.ask(f"/runs?dag_id={name}")
    assert reply.status in (200, 422)
    assert reply.status == 422 or reply.json["items"] == []


HOSTILE = [
    "..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fetc%2fpasswd", "..%5c..%5cetc",
    "%2fetc%2fpasswd", "C:%5cWindows", "a%2fb", "-", "%20", "x" * 5000, "%ff",
    "manual__20260101T000000Z__aaaaaaaa%2f..", "manual__20260101T000000Z__aaaaaaaa%0a",
]  # fmt: skip


@pytest.mark.abuse(8, 9)
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:20])
def test_identifiers_never_become_paths(server: RunningServer, hostile: str) -> None:
    """Rows 8 and 9: in each place of each address."""
    for route in (route for route in ROUTES if route.names):
        for name in route.names:
            path = of_route(route.path, **{name: hostile})
            body = {} if route.body is not None else None
            reply = server.ask(path, route.method, body)
            # 422 where the body or the query, which are read too, lack a field
            asks = body is not None or any(
                field.is_required() for field in route.query.model_fields.values()
            )
            assert reply.status in ((400, 404, 422) if asks else (400, 404)), path
            assert b"root:" not in reply.content


@pytest.mark.abuse(8)
def test_an_address_with_a_nul_can_not_be_meant(server: RunningServer) -> None:
    problem(server.ask("/runs/a%00b"), 400, "NBF720")


@pytest.fixture(scope="module")
def files(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a notebook, a hidden one, links that lead out, and a sibling of the same prefix."""
    root = server.root
    outside = tmp_path_factory.mktemp("outside")
    sibling = root.with_name(root.name + "-2")
    sibling.mkdir()
    for place in (
        root / "good.ipynb",
        root / ".hidden.ipynb",
        outside / "secret.ipynb",
        sibling / "other.ipynb",
    ):
        place.write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    (root / ".git").mkdir()
    (root / ".git" / "config.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    (root / "link").symlink_to(outside)
    (root / "linked.ipynb").symlink_to(outside / "secret.ipynb")
    (root / "loop").symlink_to(root / "loop")
    return root  # fmt: skip


@pytest.mark.abuse(8, 10, 11, 42)
@pytest.mark.parametrize(
    "path",
    [
        "../root-2/other.ipynb", "/etc/passwd", "//etc/passwd", "a/../../etc/passwd", "..",
        "./good.ipynb", "link/secret.ipynb", "linked.ipynb", ".hidden.ipynb", ".git/config.ipynb",
        "loop/x.ipynb", "a\\..\\..\\x.ipynb", "C:\\x.ipynb", "none.ipynb", "s3://bucket/x.ipynb",
        "x" * 3000, "http://evil.example/x.ipynb", "-", "RTC:../x.ipynb", "RTC:.hidden.ipynb",
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_only_notebooks_that_jupyter_shows_are_deployed(
    server: RunningServer, files: Path, path: str
) -> None:
    """Rows 8, 10, 11 and 42."""
    found = problem(server.ask("/dags", "POST", {"path": path}), 404, "NBF902")
    assert "secret" not in found["detail"].replace(path, "")


@pytest.mark.abuse(8)
def test_paths_that_can_not_be_meant_are_refused(server: RunningServer, files: Path) -> None:
    for path in ("", "x" * 4097, "a\0b"):
        problem(server.ask("/dags", "POST", {"path": path}), 422, "NBF721")


@pytest.mark.parametrize("path", ["link/new.ipynb", "../x.ipynb", ".x.ipynb"])
def test_an_open_document_lies_where_jupyter_shows_it(
    server: RunningServer, files: Path, path: str
) -> None:
    reply = server.ask("/compile", "POST", {"path": path, "notebook": NOTEBOOK})
    problem(reply, 404, "NBF902")


def test_what_is_no_notebook_is_not_compiled(server: RunningServer) -> None:
    for document in ({}, {"nbformat": 3}, {"nbformat": 4, "cells": [1]}, {"cells": "x"}):
        reply = server.ask("/compile", "POST", {"path": "a.ipynb", "notebook": document})
        assert reply.status == 422, document
        assert reply.json["code"].startswith("NBF0")


@pytest.mark.abuse(25, 26)
@pytest.mark.parametrize("size", [10_000_001, 30_000_000])
def test_a_body_that_is_too_large_is_not_kept(server: RunningServer, size: int) -> None:
    """Row 26."""
    raw = b'{"path": "' + b"x" * size + b'"}'
    reply = server.ask("/dags", "POST", raw=raw, headers={**server.headers, **JSON})
    problem(reply, 413, "NBF723")


@pytest.mark.abuse(25, 26)
def test_a_body_is_measured_as_it_comes_whatever_it_says_of_itself(server: RunningServer) -> None:
    pieces = b"".join(b"%x\r\n%s\r\n" % (1_000_000, b"x" * 1_000_000) for _ in range(11))
    headers = {**server.headers, **JSON, "Transfer-Encoding": "chunked"}
    reply = server.ask("/dags", "POST", raw=pieces + b"0\r\n\r\n", headers=headers)
    problem(reply, 413, "NBF723")


def test_a_large_notebook_is_compiled(server: RunningServer) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 12_000_000}
    cell = {
        "cell_type": "code", "id": "a", "metadata": {"tags": ["task:a"]}, "source": "x = 1",
        "execution_count": None, "outputs": [output],
    }  # fmt: skip
    document = NOTEBOOK | {"cells": [cell]}
    reply = server.ask("/compile", "POST", {"path": "large.ipynb", "notebook": document})
    assert reply.status == 200
    assert [task["name"] for task in reply.json["dag"]["tasks"]] == ["a"]


def test_a_get_takes_no_body(server: RunningServer) -> None:
    problem(server.ask("/dags", "GET", {"a": 1}), 400, "NBF720")


@pytest.mark.abuse(23)
def test_parameters_are_small_and_declared(server: RunningServer) -> None:
    """Row 23 in part: their values are the use case's to check."""
    reply = server.ask("/dags/etl/runs", "POST", {"parameters": {"a": "x" * 1_000_001}})
    assert problem(reply, 422, "NBF721")["field"] == "parameters"


@pytest.mark.abuse(28, 29)
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("expression=0+0+31+2+*", "NBF"), ("expression=*+*+*+*+*+*", "NBF"),
        ("expression=R+R+*+*+*", "NBF"), ("expression=H+*+*+*+*", "NBF"),
        ("expression=@reboot", "NBF"), ("expression=" + "1," * 200, "NBF"),
        ("expression=0+6+*+*+*&timezone=Mars/Olympus", "NBF"),
    ],
)  # fmt: skip
def test_a_schedule_that_can_not_be_kept_is_told_as_findings(
    server: RunningServer, query: str, code: str
) -> None:
    """Rows 28 and 29."""
    reply = server.ask(f"/schedules/preview?{query}")
    assert reply.status == 200
    assert reply.json["next"] == []
    assert all(one["code"].startswith(code) for one in reply.json["diagnostics"])
    assert reply.json["diagnostics"]


@pytest.mark.parametrize(
    "query", ["expression=once+2020-01-01T09:00", "expression=@daily&end_date=2020-01-01"]
)
def test_a_schedule_without_a_time_to_come_is_warned_of_when_it_is_looked_at(
    server: RunningServer, query: str
) -> None:
    reply = server.ask(f"/schedules/preview?{query}")
    (finding,) = reply.json["diagnostics"]
    assert (finding["code"], finding["severity"]) == ("NBF227", "warning")
    assert (reply.status, reply.json["next"]) == (200, [])


def test_refusals_are_in_the_language_that_is_asked_for(server: RunningServer) -> None:
    korean = {**server.headers, "Accept-Language": "ko-KR,ko;q=0.9,en;q=0.5"}
    reply = server.ask("/nothing", headers=korean)
    assert reply.headers["Content-Language"] == "ko"
    assert reply.json["title"] == "찾을 수 없음"
    assert server.ask("/nothing").json["title"] == "Not found"


def test_answers_that_have_not_changed_are_not_sent_again(server: RunningServer) -> None:
    first = server.ask("/openapi.json")
    again = {**server.headers, "If-None-Match": first.headers["ETag"]}
    reply = server.ask("/openapi.json", headers=again)
    assert (reply.status, reply.content) == (304, b"")
    assert server.ask("/openapi.json", headers={**again, "If-None-Match": '"x"'}).status == 200


def test_a_busy_metastore_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbflow.metastore.dialect.BUSY_TIMEOUT", 200)
    with jupyter_server(tmp_path, monkeypatch) as server:
        server.ask("/dags")
        cell = {
            "cell_type": "code", "id": "a", "metadata": {"tags": ["task:a"]}, "source": "x = 1",
            "execution_count": None, "outputs": [],
        }  # fmt: skip
        document = json.dumps(NOTEBOOK | {"cells": [cell]})
        (server.root / "slow.ipynb").write_text(document, encoding="utf-8")
        other = sqlite3.connect(server.home / "nbflow.db")
        other.execute("BEGIN IMMEDIATE")
        reply = server.ask("/dags", "POST", {"path": "slow.ipynb"})
        other.rollback()
        other.close()
        assert server.ask("/dags", "POST", {"path": "slow.ipynb"}).status == 200
    problem(reply, 503, "NBF604")
    assert reply.headers["Retry-After"] == "5"


@pytest.mark.abuse(31)
def test_more_calls_than_can_wait_are_sent_away(server: RunningServer) -> None:
    """Row 31 in part."""
    api = server.api_rules[0].target_kwargs["api"]
    assert api.pending == 0
    api.pending = MAX_PENDING
    try:
        reply = server.ask("/dags")
    finally:
        api.pending = 0
    problem(reply, 429, "NBF726")
    assert reply.headers["Retry-After"] == "2"
    assert server.ask("/dags").status == 200


@pytest.mark.abuse(1)
def test_marks_are_worked_out_and_nothing_is_written(server: RunningServer) -> None:
    cell = "c0"
    code = {"cell_type": "code", "id": cell, "metadata": {}, "source": "x = 1"}
    notebook = NOTEBOOK | {"cells": [code | {"outputs": [], "execution_count": None}]}
    asked = {
        "path": "new.ipynb",
        "notebook": notebook,
        "change": {"kind": "task", "cells": [cell], "task": "적재"},
    }
    reply = server.ask("/marks", "POST", asked)
    assert reply.status == 200, reply.content
    assert [(one["cell"], one["tags"]) for one in reply.json["cells"]] == [(cell, ["task:적재"])]
    assert not (server.root / "new.ipynb").exists()
    for change, status in (
        ({"kind": "task", "cells": [cell], "task": "<img>"}, 422),
        ({"kind": "rename", "task": "nobody", "name": "x"}, 404),
        ({"kind": "burn"}, 422),
    ):
        assert server.ask("/marks", "POST", asked | {"change": change}).status == status
