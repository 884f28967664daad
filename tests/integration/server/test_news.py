"""News of runs on the event bus of a real Jupyter server."""

import asyncio
import json
from typing import Any

import pytest
from jupyter_servers import BASE, ONE_TASK, RunningServer
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from nbflow.app import open_service
from nbflow.model.ids import RunId
from nbflow.scheduling.decide import decide
from nbflow.server.news import SCHEMA_ID


async def bus(server: RunningServer, headers: Any) -> Any:
    url = f"ws://127.0.0.1:{server.port}{BASE}api/events/subscribe"
    return await websocket_connect(HTTPRequest(url, headers=headers))


async def news(socket: Any, run: str) -> dict[str, Any]:
    while True:
        told: dict[str, Any] = json.loads(await asyncio.wait_for(socket.read_message(), 30))
        if told["schema_id"] == SCHEMA_ID and told["run_id"] == run:
            return told


def a_run(server: RunningServer) -> str:
    made = server.ask("/runs", "POST", {"path": "heard.ipynb", "notebook": ONE_TASK})
    assert made.status == 202, made.content
    return str(made.json["run_id"])


def move(run: str) -> None:
    """Queue what a run can begin with, as the process that drives it does."""
    with open_service() as outside:
        store = outside.store
        snapshot = store.run_snapshot(RunId(run))
        dag = store.load_version(snapshot.version)
        store.apply(RunId(run), decide(dag, snapshot, outside.clock.wall()))


async def moved(server: RunningServer, run: str) -> dict[str, Any]:
    """Listen, move a run, and return what is heard."""
    socket = await bus(server, server.headers)
    await asyncio.to_thread(move, run)
    told = await news(socket, run)
    socket.close()
    return told


@pytest.mark.abuse(17)
def test_who_follows_a_run_hears_when_it_moves_and_nothing_more_than_its_id(
    server: RunningServer,
) -> None:
    run = a_run(server)
    before = server.ask(f"/runs/{run}/events").json["last"]
    told = asyncio.run(moved(server, run))
    assert {key: told[key] for key in told if not key.startswith("__")} == {
        "schema_id": SCHEMA_ID,
        "run_id": run,
        "seq": told["seq"],
    }
    found = server.ask(f"/runs/{run}/events?since={before}").json
    assert found["last"] == told["seq"]
    assert [one["target"] for one in found["items"] if one["task"]] == ["queued"]


@pytest.mark.abuse(17)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "token wrong"}], ids=["none", "wrong"])
def test_strangers_hear_nothing(server: RunningServer, headers: dict[str, str]) -> None:
    """Row 17, of the socket that Jupyter Server opens."""
    with pytest.raises(HTTPClientError) as refused:
        asyncio.run(bus(server, headers))
    assert refused.value.code == 403


def test_what_happened_is_told_by_the_api_while_nothing_is_heard(server: RunningServer) -> None:
    run = a_run(server)
    before = server.ask(f"/runs/{run}/events").json["last"]
    move(run)
    assert server.ask(f"/runs/{run}/events?since={before}").json["items"]


@pytest.mark.parametrize("question", ["/activity", "/runs"])
def test_a_page_that_shows_how_runs_stand_hears_of_runs_that_others_asked_for(
    server: RunningServer, question: str
) -> None:
    run = a_run(server)
    server.ask(question)
    assert asyncio.run(moved(server, run))["seq"] > 0
