"""What somebody learns who should learn nothing: of tokens, passwords, other people's DAGs."""

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from jupyter_servers import BASE, ONE_TASK, TOKEN, Reply, RunningServer, jupyter_server, of_route
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from nbflow.server.routes import ROUTES

PASSWORD = "the-password-of-the-mail-server"
SECRET_DAG = "merger"


class Nobody(Authorizer):  # type: ignore[misc]
    """Lets nobody see nbflow, or hear of it, once it is closed."""

    is_closed = False

    def is_authorized(self, handler: object, user: object, action: str, resource: str) -> bool:
        return not Nobody.is_closed or resource not in ("nbflow", "events")


class Log(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> Iterator[RunningServer]:
    """A server with secrets in its settings, and a DAG and a run that are not everybody's."""
    patched.setenv("NBFLOW_SMTP_URL", f"smtp://mail:{PASSWORD}@mail.example")
    settings = {"authorizer_class": Nobody, "log_level": "DEBUG"}
    folder = tmp_path_factory.mktemp("jupyter")
    before = os.umask(0)
    try:
        yield from serve(folder, patched, settings)
    finally:
        os.umask(before)


def serve(
    folder: Path, patched: pytest.MonkeyPatch, settings: dict[str, Any]
) -> Iterator[RunningServer]:
    with jupyter_server(folder, patched, ServerApp=settings) as running:
        path = f"{SECRET_DAG}.ipynb"
        (running.root / path).write_text(json.dumps(ONE_TASK), encoding="utf-8")
        assert running.ask("/dags", "POST", {"path": path}).status == 200
        assert running.ask(f"/dags/{SECRET_DAG}/runs", "POST", {}).status == 202
        yield running


@pytest.fixture
def log(server: RunningServer) -> Iterator[list[str]]:
    handler = Log()
    loggers = [server.app.log, logging.getLogger("tornado.access"), logging.getLogger("nbflow")]
    for one in loggers:
        one.addHandler(handler)
    yield handler.lines
    for one in loggers:
        one.removeHandler(handler)


@pytest.fixture
def closed() -> Iterator[None]:
    Nobody.is_closed = True
    yield
    Nobody.is_closed = False


def every_get(server: RunningServer, query: str = "") -> Iterator[tuple[str, Reply]]:
    run = server.ask("/runs").json["items"][0]["run_id"]
    names = {"dag_id": SECRET_DAG, "run_id": run, "task": "load"}
    for route in (route for route in ROUTES if route.method == "GET"):
        yield route.path, server.ask(of_route(route.path, **names) + query)


@pytest.mark.abuse(14)
def test_the_token_of_an_address_is_let_through_and_kept_nowhere(
    server: RunningServer, log: list[str]
) -> None:
    by_token = RunningServer(
        app=server.app, port=server.port, root=server.root, home=server.home,
        headers={"Referer": f"http://127.0.0.1{BASE}lab?token={TOKEN}"},
    )  # fmt: skip
    replies = [by_token.ask(f"/dags?token={TOKEN}"), by_token.ask(f"/nothing?token={TOKEN}")]
    api = server.api_rules[0].target_kwargs["api"]
    tools, api.tools = api.tools, None
    try:
        replies.append(by_token.ask(f"/dags?token={TOKEN}"))
    finally:
        api.tools = tools
    assert [one.status for one in replies] == [200, 404, 500]
    for reply in replies:
        assert TOKEN.encode() not in reply.content + reply.headers.as_bytes()
        assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert any("GET /dags failed" in line for line in log)
    assert [line for line in log if TOKEN in line] == []
    for file in (one for one in server.home.rglob("*") if one.is_file()):
        assert TOKEN.encode() not in file.read_bytes(), file


@pytest.mark.abuse(32, 45)
def test_no_route_tells_settings_variables_or_passwords(server: RunningServer) -> None:
    asked = 0
    for path, reply in every_get(server):
        for secret in (PASSWORD, TOKEN, "nbflow.db", "NBFLOW_SMTP_URL", "mail.example"):
            assert secret.encode() not in reply.content, (path, secret)
        asked += reply.status == 200
    assert asked > 10
    for word in ("config", "debug", "settings", "environment", "metrics", "docs", "redoc"):
        assert server.ask(f"/{word}").status == 404, word


@pytest.mark.abuse(38)
def test_who_may_not_see_is_refused_everywhere_and_learns_of_nothing(
    server: RunningServer, closed: None
) -> None:
    for route in ROUTES:
        body = {} if route.body is not None else None
        reply = server.ask(of_route(route.path, dag_id=SECRET_DAG), route.method, body)
        assert (reply.status, reply.json["code"]) == (403, "NBF722"), route.path
        assert SECRET_DAG.encode() not in reply.content
    absent = server.ask("/dags/nobody").content
    assert server.ask(f"/dags/{SECRET_DAG}").content == absent


def hear(server: RunningServer, headers: dict[str, str]) -> int:
    """Ask for the bus; return the status of the refusal."""

    async def ask() -> Any:
        url = f"ws://127.0.0.1:{server.port}{BASE}api/events/subscribe"
        return await websocket_connect(HTTPRequest(url, headers=headers))

    with pytest.raises(HTTPClientError) as refused:
        asyncio.run(ask())
    return int(refused.value.code)


@pytest.mark.abuse(17, 38)
def test_who_may_not_hear_and_pages_of_other_sites_hear_nothing(server: RunningServer) -> None:
    cookie = server.ask("/health").headers["Set-Cookie"].partition(";")[0]
    foreign = {"Cookie": cookie, "Origin": "https://evil.example"}
    assert hear(server, foreign) == 403
    run = server.ask("/runs").json["items"][0]["run_id"]
    assert server.ask(f"/runs/{run}/events", headers={}).status == 403
    Nobody.is_closed = True
    try:
        assert hear(server, dict(server.headers)) == 403
    finally:
        Nobody.is_closed = False


@pytest.mark.abuse(43)
def test_line_ends_and_escape_sequences_make_no_header_and_no_line_of_the_log(
    server: RunningServer, log: list[str]
) -> None:
    for text in ("x%0d%0aX-Evil:%201", "x%1b%5d0;title%07", "%0aERROR%20forged"):
        for path in (f"/dags/{text}", f"/runs?dag_id={text}", f"/{text}"):
            reply = server.ask(path)
            assert reply.status in (404, 422), path
            assert "X-Evil" not in reply.headers
            assert b"\x1b" not in reply.content
    assert log
    assert not [line for line in log if "\x1b]" in line or line.startswith("ERROR forged")]
    assert not [one for line in log for one in line.splitlines()[1:] if one.startswith("X-Evil")]


@pytest.mark.abuse(44)
def test_what_a_server_keeps_is_private_whatever_the_umask(server: RunningServer) -> None:
    assert server.home.stat().st_mode & 0o777 == 0o700
    found = [one for one in server.home.rglob("*") if one.is_file()]
    assert found
    assert [one for one in found if one.stat().st_mode & 0o077] == []
