"""A scheduler in the background, and what `nbflow scheduler status` says of the schedulers."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from storms.commits import DRIVEN, forget_the_living, prepare, somebody_died
from waiting import until

from nbflow.app import open_service
from nbflow.errors import ExecutionError
from nbflow.execution.processes import is_alive
from nbflow.metastore import open_metastore
from nbflow.metastore.rows import ImportErrorRow
from nbflow.model.clock import SystemClock
from nbflow.model.codes import HELD_UP
from nbflow.service import daemon
from nbflow.settings import Settings

Call = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_scheduler_in_the_background_is_shown_refuses_a_second_one_and_ends_when_told_to(
    nbflow: Call, tmp_path: Path
) -> None:
    nobody = nbflow("scheduler", "status")
    assert (nobody.returncode, "No scheduler works" in nobody.stdout) == (1, True)
    started = nbflow("scheduler", "--daemon")
    assert started.returncode == 0, started.stderr
    home = tmp_path / "home"
    pid = int((home / "scheduler.pid").read_text().split()[0])
    try:
        assert str(pid) in started.stdout
        second = nbflow("scheduler", "--daemon")
        assert second.returncode == 2
        assert "NBF716" in second.stderr
        shown = json.loads(nbflow("scheduler", "status", "--format", "json").stdout)
        assert [(one["pid"], one["state"]) for one in shown["schedulers"]] == [(pid, "works")]
        assert shown["waiting"]["tasks"] == 0
        assert "just now" in nbflow("scheduler", "status").stdout
    finally:
        stopped = nbflow("scheduler", "stop")
    assert (stopped.returncode, str(pid) in stopped.stdout) == (0, True)
    until(lambda: not is_alive(pid))
    first, *_ = (home / "scheduler.log").read_text().splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} .*slots", first)
    assert not (home / "scheduler.pid").exists()
    assert nbflow("scheduler", "stop").returncode == 1
    assert nbflow("scheduler", "status").returncode == 1
    third = nbflow("scheduler", "--daemon")
    assert third.returncode == 0, third.stderr
    assert nbflow("scheduler", "stop").returncode == 0


def test_an_attempt_that_a_starting_scheduler_takes_back_is_in_its_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)
    with open_metastore(settings.database_url, clock=SystemClock()) as store:
        prepare(store)
        forget_the_living(store)
    with caplog.at_level("INFO", logger="nbflow.scheduler"), open_service(settings) as service:
        service.store.schedulers()
    for what in (f"{DRIVEN} a", DRIVEN):
        assert any(line.startswith(f"{what}: lost: ") for line in caplog.messages)


def test_who_has_a_dead_scheduler_s_process_id_by_now_is_not_stopped(
    nbflow: Call, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "scheduler.pid").write_text(f"{os.getpid()} 1.0\n")
    stopped = nbflow("scheduler", "stop")
    assert (stopped.returncode, "No scheduler works" in stopped.stdout) == (1, True)


def test_a_scheduler_that_ends_leaves_the_file_of_another_one(tmp_path: Path) -> None:
    (tmp_path / "scheduler.pid").write_text("12 1.0\n")
    daemon.forget(tmp_path, 11)
    assert (tmp_path / "scheduler.pid").exists()
    daemon.forget(tmp_path, 12)
    assert not (tmp_path / "scheduler.pid").exists()


def test_a_scheduler_that_can_not_work_in_the_background_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho it broke; exit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr(daemon.sys, "executable", str(broken))
    home = tmp_path / "home"
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)
    with (
        open_service(settings) as service,
        pytest.raises(ExecutionError, match="did not come to work") as caught,
    ):
        daemon.start(service, drain=1.0)
    assert caught.value.code == "NBF717"
    assert "it broke" in caught.value.hint
    assert not (home / "scheduler.pid").exists()


def test_a_killed_scheduler_is_no_longer_shown_once_it_owns_nothing(
    nbflow: Call, tmp_path: Path
) -> None:
    assert nbflow("db", "init", "--without-examples").returncode == 0
    env = os.environ | {"NBFLOW_HOME": str(tmp_path / "home"), "NBFLOW_LANG": "en"}
    process = subprocess.Popen(
        [sys.executable, "-m", "nbflow", "scheduler"],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: nbflow("scheduler", "status").returncode == 0)
    finally:
        process.kill()
        process.wait()
    shown = nbflow("scheduler", "status", "--format", "json")
    assert json.loads(shown.stdout)["schedulers"] == []
    assert shown.returncode == 1
    shown = nbflow("scheduler", "status")
    assert (shown.returncode, "`nbflow scheduler` starts one" in shown.stdout) == (1, True)


def test_where_only_silent_schedulers_are_left_the_way_out_and_what_they_are_held_up_by_are_told(
    nbflow: Call, tmp_path: Path
) -> None:
    assert nbflow("db", "init", "--without-examples").returncode == 0
    clock = SystemClock()
    with open_metastore(f"sqlite:///{tmp_path / 'home' / 'nbflow.db'}", clock=clock) as store:
        somebody_died(store, heartbeat=clock.wall() - timedelta(hours=1))
        store.import_errors.hold_up(ImportErrorRow(path="r1 (run)", code=HELD_UP, message="no"))
    shown = nbflow("scheduler", "status")
    assert "Held up, and tried again: 1. nbflow dags import-errors lists what" in shown.stdout
    assert "r1 (run)" in nbflow("dags", "import-errors").stdout
    state = json.loads(nbflow("scheduler", "status", "--format", "json").stdout)
    assert state["waiting"]["held_up"] == 1
    assert (shown.returncode, "silent" in shown.stdout) == (1, True)
    assert "`nbflow scheduler` starts one" in shown.stderr
