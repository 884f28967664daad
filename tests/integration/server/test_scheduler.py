"""A scheduler comes and goes with the server, as after `pip install` alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jupyter_servers import TOKEN, RunningServer, jupyter_server
from ports import reserved_port
from psutil import Process
from waiting import until

from nbflow.app import open_service
from nbflow.execution.processes import is_alive
from nbflow.service.attached import AttachedScheduler

pytestmark = pytest.mark.kernel


@contextmanager
def server_process(folder: Path, *options: str) -> Iterator[tuple[Any, RunningServer]]:
    """A `jupyter server` that knows of nbflow only what its installation tells it."""
    root = folder / "root"
    root.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_")}
    places = {
        f"JUPYTER_{name}": str(folder / name) for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    }
    home = folder / "home"
    command = [
        sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root",
        "--ServerApp.port_retries=0", "--ServerApp.base_url=/a%40b/",
        f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}", *options,
    ]  # fmt: skip
    with reserved_port() as port, (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, f"--ServerApp.port={port}"],
            env=kept | places | {"NBFLOW_HOME": str(home), "NBFLOW_LANG": "en"},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        running = RunningServer(app=None, port=port, root=root, home=home)

        def answers() -> bool:
            assert process.poll() is None, (folder / "server.log").read_text()
            try:
                return running.ask("/openapi.json").status == 200
            except OSError:
                return False

        try:
            until(answers)
            yield process, running
        finally:
            process.kill()
            process.wait()


def page(root: Path, **dag: object) -> None:
    cell = {
        "cell_type": "code", "id": "c0", "metadata": {"tags": ["task:only"]},
        "execution_count": None, "outputs": [], "source": "print('it ran')",
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "nbflow": {"version": 1, "dag": dag}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}
    (root / "tick.ipynb").write_text(json.dumps(document), encoding="utf-8")


def open_notebook_runs(server: RunningServer) -> None:
    """What is open and not saved runs whole, then one task of it from what the first run stored."""
    document = json.loads((server.root / "tick.ipynb").read_text(encoding="utf-8"))
    first = document["cells"][0] | {
        "source": "x = 20",
        "id": "c1",
        "metadata": {"tags": ["task:a"]},
    }
    second = first | {"source": "print(x + n)", "id": "c2", "metadata": {"tags": ["task:b"]}}
    given = first | {"source": "n = 1", "id": "c3", "metadata": {"tags": ["parameters"]}}
    asked = {"path": "open.ipynb", "notebook": document | {"cells": [given, first, second]}}

    def ended(what: dict[str, Any]) -> str:
        reply = server.ask("/runs", "POST", what)
        assert reply.status == 202, reply.content
        run_id: str = reply.json["run_id"]
        until(lambda: server.ask(f"/runs/{run_id}").json["run"]["state"] == "success")
        return run_id

    early = server.ask("/runs", "POST", asked | {"tasks": ["b"]})
    assert (early.status, early.json["code"]) == (404, "NBF513")
    whole = ended(asked)
    assert "21" in server.ask(f"/runs/{whole}/tasks/b/log").json["text"]
    part = ended(asked | {"tasks": ["b"], "parameters": {"n": 5}})
    assert [one["task"] for one in server.ask(f"/runs/{part}").json["tasks"]] == ["b"]
    assert "25" in server.ask(f"/runs/{part}/tasks/b/log").json["text"]
    assert server.ask("/dags/open/runs", "POST", {}).status == 404  # nothing was deployed


def scheduler_of(server: RunningServer) -> int:
    found = server.ask("/health").json["schedulers"]
    return next((one["pid"] for one in found if one["state"] == "works"), 0)


@pytest.mark.timeout(300)
def test_a_due_slot_runs_while_the_server_does_and_nothing_outlives_it(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, server):
        assert not (server.home / "nbflow.db").exists()
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
        page(server.root, schedule="@daily", start_date=yesterday, catchup="all")
        deployed = server.ask("/dags", "POST", {"path": "tick.ipynb"}).json["items"][0]
        assert (deployed["dag_id"], deployed["schedule"]) == ("tick", "@daily")
        run = until(
            lambda: server.ask("/runs?dag_id=tick&state=success&kind=scheduled").json["items"]
        )[0]
        log = server.ask(f"/runs/{run['run_id']}/tasks/only/log").json
        assert "it ran" in log["text"]
        assert log["is_complete"]
        pid = until(lambda: scheduler_of(server))
        assert Process(pid).ppid() == process.pid
        open_notebook_runs(server)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) is not None
        assert not is_alive(pid)


@pytest.mark.timeout(300)
def test_a_killed_server_leaves_no_scheduler_behind(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, server):
        pid = until(lambda: scheduler_of(server))
        process.kill()
        until(lambda: not is_alive(pid))


def test_a_server_that_is_told_so_starts_no_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with jupyter_server(tmp_path, monkeypatch, NbflowExtension={"scheduler": False}) as server:
        assert server.ask("/health").json["status"] == "no scheduler"
        extension = server.app.extension_manager.extension_apps["nbflow.server"].pop()
        assert not extension.scheduler
    assert not (tmp_path / "home" / "scheduler.log").exists()


@pytest.mark.timeout(200)
def test_one_scheduler_is_enough_and_none_is_started_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    with open_service() as service:
        first, second = (AttachedScheduler(service=service) for _ in range(2))
        first.look()
        assert first.pid is None
        assert not home.exists()
        assert not service.store.has_scheduler()
        try:
            first.look()
            pid = first.pid
            assert pid is not None
            until(service.store.has_scheduler)
            second.look()
            assert second.pid is None
        finally:
            first.stop()
        assert not is_alive(pid)
        assert not service.store.has_scheduler()
