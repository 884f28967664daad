"""News of runs on the event bus of a real Jupyter server."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_servers import BASE, ONE_TASK, RunningServer, jupyter_server
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from nbflow.app import open_service
from nbflow.errors import MetastoreError
from nbflow.model.ids import RunId
from nbflow.scheduling.decide import decide
from nbflow.server.news import SCHEMA_ID, RunNews


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """One for each test: who asked in another would keep its news awake."""
    with jupyter_server(tmp_path, monkeypatch) as running:
        yield running


async def bus(server: RunningServer, headers: Any) -> Any:
    url = f"ws://127.0.0.1:{server.port}{BASE}api/events/subscribe"
    return await websocket_connect(HTTPRequest(url, headers=headers))


async def news_until(socket: Any, run: str) -> AsyncIterator[dict[str, Any]]:
    """Yield what is told of runs, as far as the first about that one."""
    while True:
        told: dict[str, Any] = json.loads(await asyncio.wait_for(socket.read_message(), 30))
        if told["schema_id"] == SCHEMA_ID:
            yield told
            if told["run_id"] == run:
                return


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
    *_, told = [told async for told in news_until(socket, run)]
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
def test_a_page_that_shows_how_runs_stand_hears_of_runs_that_others_asked_for_from_then_on(
    server: RunningServer, question: str
) -> None:
    """What moved before the question is not told: nothing looks while nobody asks."""
    before, after = a_run(server), a_run(server)

    async def listen() -> list[str]:
        socket = await bus(server, server.headers)
        await asyncio.to_thread(move, before)
        await asyncio.to_thread(server.ask, question)
        await asyncio.to_thread(move, after)
        heard = [told["run_id"] async for told in news_until(socket, after)]
        socket.close()
        return heard

    assert asyncio.run(listen()) == [after]


def test_who_asks_while_a_metastore_is_silent_shares_one_attempt_and_the_next_one_is_new() -> None:
    class Silent:
        attempts = 0
        begun, gives_up = threading.Event(), threading.Event()

        def newest_event(self) -> int:
            self.attempts += 1
            self.begun.set()
            assert self.gives_up.wait(30)
            raise MetastoreError("no answer")

    silent = Silent()
    on_a_server = SimpleNamespace(database_url="postgresql://nowhere/nbflow")

    async def ask() -> int:
        told = RunNews(SimpleNamespace(settings=on_a_server, store=silent), threads, print)
        asked = [asyncio.create_task(told.follow(2.0)) for _ in range(8)]
        assert await asyncio.to_thread(silent.begun.wait, 30)
        asked[0].cancel()
        silent.gives_up.set()
        _, *found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in found] == [MetastoreError] * 7
        shared = silent.attempts
        with pytest.raises(MetastoreError):
            await told.follow(2.0)
        assert silent.attempts == shared + 1
        return shared

    with ThreadPoolExecutor(4) as threads:
        assert asyncio.run(ask()) == 1
