"""A real Jupyter server with the extension, in a thread of the test's process."""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jupyter_core.paths
import pytest
from tornado.httpserver import HTTPServer
from tornado.routing import RuleRouter as Router
from tornado.testing import bind_unused_port
from traitlets.config import Config

TOKEN = "a-token-of-the-tests"
BASE = "/a%40b/"
ONE_TASK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "cell_type": "code", "id": "c1", "metadata": {"tags": ["task:load"]},
            "execution_count": None, "outputs": [], "source": "n = 1",
        }
    ],
}  # fmt: skip
"""A notebook whose only cell is the task ``load``."""
SAMPLES = {
    "dag_id": "etl",
    "run_id": "manual__20260101T000000Z__aaaaaaaa",
    "task": "train",
    "backfill_id": "aaaaaaaa",
}
"""Identifiers that could be, of things that are not there."""


def of_route(path: str, **names: str) -> str:
    """Return a path of the table of routes with identifiers in their places."""
    return path.format_map(SAMPLES | names)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        """The body as data."""
        return json.loads(self.content)

    @property
    def sort(self) -> str:
        """The media type without its parameters."""
        return (self.headers["Content-Type"] or "").partition(";")[0]


@dataclass(kw_only=True)
class RunningServer:
    """A server and how to talk to it; ``app`` is the ServerApp."""

    app: Any
    port: int
    root: Path
    home: Path
    headers: Mapping[str, str] = field(default_factory=lambda: {"Authorization": f"token {TOKEN}"})

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        base: str = BASE + "nbflow/api",
    ) -> Reply:
        """Send one request as the server's owner, or with other headers."""
        sent = dict(self.headers if headers is None else headers)
        if body is not None:
            raw = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(
                method, base + path, skip_host="Host" in sent, skip_accept_encoding=True
            )
            for name, value in sent.items():
                connection.putheader(name, value)
            if raw is not None and "Transfer-Encoding" not in sent:
                connection.putheader("Content-Length", str(len(raw)))
            connection.endheaders(raw)
            answer = connection.getresponse()
            return Reply(status=answer.status, headers=answer.headers, content=answer.read())
        finally:
            connection.close()

    @property
    def api_rules(self) -> list[Any]:
        """The rules of the server's own router that lie below the API's root."""
        found: list[Any] = []
        routers = [self.app.web_app.default_router, self.app.web_app.wildcard_router]
        while routers:
            for rule in routers.pop().rules:
                if isinstance(rule.target, Router):
                    routers.append(rule.target)
                elif "/nbflow/" in rule.matcher.regex.pattern:
                    found.append(rule)
        return found


@contextmanager
def jupyter_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Mapping[str, Any]
) -> Iterator[RunningServer]:
    """Run a server whose folders all lie in ``folder``; ``settings`` are Jupyter's, by class."""
    from jupyter_server.serverapp import ServerApp

    home, root = folder / "home", folder / "root"
    root.mkdir(exist_ok=True)
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        monkeypatch.setenv(f"JUPYTER_{name}", str(folder / name.lower()))
    for name in ("ENV_CONFIG_PATH", "SYSTEM_CONFIG_PATH"):
        monkeypatch.setattr(jupyter_core.paths, name, [])
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    config = Config(
        {
            "ServerApp": {
                "jpserver_extensions": {"nbflow.server": True},
                "base_url": BASE,
                "root_dir": str(root),
                "open_browser": False,
                "allow_root": True,
                "log_level": "CRITICAL",
            },
            "IdentityProvider": {"token": TOKEN},
            "NbflowExtension": {"scheduler": False},
        }
    )
    config.merge(Config(settings))
    started: threading.Event = threading.Event()
    outcome: dict[str, Any] = {}

    async def serve() -> None:
        ServerApp.clear_instance()
        app = ServerApp.instance(config=config)
        app.init_signal = lambda: None
        app.initialize(argv=[], new_httpserver=False)
        http_server = HTTPServer(app.web_app, max_body_size=app.max_body_size)
        socket, port = bind_unused_port()
        http_server.add_socket(socket)
        await app.extension_manager.start_all_extensions()
        outcome.update(app=app, port=port, loop=asyncio.get_running_loop(), stop=asyncio.Event())
        started.set()
        await outcome["stop"].wait()
        http_server.stop()
        await app._cleanup()
        ServerApp.clear_instance()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            outcome["error"] = error
            started.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(60)
    if "error" in outcome:
        raise outcome["error"]
    try:
        yield RunningServer(app=outcome["app"], port=outcome["port"], root=root, home=home)
    finally:
        outcome["loop"].call_soon_threadsafe(outcome["stop"].set)
        thread.join(60)
        assert not thread.is_alive()
