"""Deployed DAGs as people handle them: deploy, pause, trigger, next, and the scheduler's process."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbflow.metastore import open_metastore
from nbflow.model.clock import SystemClock
from nbflow.scheduling.words import in_words

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook of one task; keyword arguments are the DAG's settings."""

    def write(source: str = "print('done')", **dag: object) -> Path:
        cell: dict[str, Any] = {
            "cell_type": "code", "id": "c0", "metadata": {"tags": ["task:only"]},
            "execution_count": None, "outputs": [], "source": source,
        }  # fmt: skip
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "nbflow": {"version": 1, "dag": dag}}
        path = tmp_path / "tick.ipynb"
        document = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


def answer(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_deploy_says_what_runs_and_when_and_the_same_again_is_nothing_new(
    nbflow: Call, page: Callable[..., Path]
) -> None:
    path = page(schedule="0 6 * * *", timezone="Asia/Seoul")
    (first,) = answer(nbflow("dags", "deploy", path, "--format", "json"))
    assert (first["dag_id"], first["new"], first["schedule"]) == ("tick", True, "0 6 * * *")
    assert first["next_run"].endswith("06:00+09:00")
    assert (len(first["next_runs"]), first["next_runs"][0]) == (5, first["next_run"])
    told = nbflow("dags", "deploy", path, COLUMNS="200", NBFLOW_LANG="ko").stdout
    assert "오전 6시" in told or "06:00" in told
    assert "0 6 * * *" not in told
    assert all(at in told for at in first["next_runs"])
    (again,) = answer(nbflow("dags", "deploy", path, "--format", "json"))
    assert (again["new"], again["version"]) == (False, first["version"])
    fires = answer(nbflow("dags", "next", "tick", "-n", 3, "--format", "json"))
    assert len(fires) == 3
    assert fires[0]["next_run"] == first["next_run"]
    assert "At 06:00 (Asia/Seoul)" in nbflow("dags", "next", "tick").stdout
    korean = nbflow("dags", "next", "tick", NBFLOW_LANG="ko").stdout
    assert in_words("0 6 * * *", "Asia/Seoul", "ko") in korean


def test_a_broken_notebook_is_not_deployed(nbflow: Call, page: Callable[..., Path]) -> None:
    done = nbflow("dags", "deploy", page("def f(:", schedule="@daily"))
    assert done.returncode != 0
    assert "NBF300" in done.stderr
    assert nbflow("dags", "next", "tick").returncode != 0


def test_pausing_and_unpausing_say_what_changed(nbflow: Call, page: Callable[..., Path]) -> None:
    answer(nbflow("dags", "deploy", page(schedule="@daily"), "--format", "json"))
    said = [
        nbflow("dags", verb, "tick").stdout.strip()
        for verb in ("pause", "pause", "unpause", "unpause")
    ]
    assert said == [
        "tick is paused.", "tick was paused already.", "tick is active.", "tick was not paused.",
    ]  # fmt: skip


@pytest.fixture
def flooded(nbflow: Call, page: Callable[..., Path]) -> None:
    """A paused DAG that would catch up on the minutes of a day."""
    begin = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}"
    path = page(schedule="* * * * *", start_date=begin, catchup="all")
    refused = nbflow("dags", "deploy", path)
    assert re.search(r"NBF224: catch-up on every slot since \S+ is 144[0-9] runs", refused.stderr)
    nbflow("dags", "deploy", path, "--catchup")
    nbflow("dags", "pause", "tick")


def is_paused(nbflow: Call) -> bool:
    (row,) = answer(nbflow("dags", "list", "--format", "json"))
    return bool(row["paused"])


@pytest.mark.usefixtures("flooded")
def test_a_dag_that_would_catch_up_on_very_many_slots_stays_paused_until_that_is_confirmed(
    nbflow: Call,
) -> None:
    refused = nbflow("dags", "unpause", "tick")
    assert refused.returncode == 2
    assert re.fullmatch(r"Slots missed: (144\d); of these \1 will run\.", refused.stdout.strip()), (
        refused.stdout
    )
    assert "NBF224" in refused.stderr
    assert re.search(r"tick stays paused: unpausing it would make 144\d runs", refused.stderr)
    assert "--catchup" in refused.stderr
    assert is_paused(nbflow)
    done = nbflow("dags", "unpause", "tick", "--catchup")
    assert done.stdout.splitlines()[-1] == "tick is active."
    assert not is_paused(nbflow)


@pytest.mark.usefixtures("flooded")
@pytest.mark.parametrize(("reply", "stays"), [("n", True), ("y", False)])
def test_in_a_terminal_a_flood_is_asked_about_before_the_pause_ends(
    nbflow: Call, tmp_path: Path, reply: str, stays: bool
) -> None:
    master, slave = pty.openpty()
    env = os.environ | {"NBFLOW_HOME": str(tmp_path / "home"), "NBFLOW_LANG": "en"}
    words = [sys.executable, "-m", "nbflow", "dags", "unpause", "tick"]
    with subprocess.Popen(
        words, env=env, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        os.close(slave)
        os.write(master, f"{reply}\n".encode())
        said, _ = process.communicate(timeout=60)
    os.close(master)
    assert said.startswith("Slots missed: 144"), said
    assert re.search(r"Let tick run again, and make 144\d runs\?", said)
    assert ("tick is active." in said) is not stays
    assert is_paused(nbflow) is stays


def test_a_deploy_of_a_paused_dag_says_that_it_is_still_paused(
    nbflow: Call, page: Callable[..., Path]
) -> None:
    first = nbflow("dags", "deploy", page(schedule="@daily"))
    assert "paused" not in first.stderr
    nbflow("dags", "pause", "tick")
    again = nbflow("dags", "deploy", page(schedule="@hourly"))
    assert "tick is paused: no run is made by itself." in again.stderr


def test_a_deploy_of_a_paused_dag_tells_no_runs_that_are_not_made(
    nbflow: Call, page: Callable[..., Path]
) -> None:
    path = page(schedule="@daily")
    (active,) = answer(nbflow("dags", "deploy", path, "--format", "json"))
    assert active["paused"] is False
    shown = nbflow("dags", "deploy", path, COLUMNS="200").stdout
    assert active["next_runs"][0] in shown
    assert "paused" not in shown
    nbflow("dags", "pause", "tick")
    (paused,) = answer(nbflow("dags", "deploy", path, "--format", "json"))
    assert paused["paused"] is True
    shown = nbflow("dags", "deploy", path, COLUMNS="200").stdout
    assert not any(at in shown for at in [*active["next_runs"], *paused["next_runs"]])
    assert "paused" in shown


def test_a_flood_of_queued_runs_is_cancelled_at_once_after_asking(
    nbflow: Call, page: Callable[..., Path], tmp_path: Path
) -> None:
    answer(nbflow("dags", "deploy", page(), "--format", "json"))
    triggered = [nbflow("dags", "trigger", "tick") for _ in range(3)]
    assert "No scheduler works on this metastore" in triggered[0].stderr
    made = {one.stdout.strip() for one in triggered}
    refused = nbflow("dags", "delete", "tick", "--yes")
    assert "nbflow runs cancel --dag tick" in refused.stderr
    assert len(answer(nbflow("runs", "list", "--state", "queued", "-f", "json"))) == 3
    assert answer(nbflow("runs", "list", "--state", "failed", "-f", "json")) == []
    assert "no such run" in nbflow("runs", "cancel", "--dag", "tick", "--state", "running").stdout
    unsure = nbflow("runs", "cancel", "--dag", "tick")
    assert unsure.returncode == 1
    done = nbflow("runs", "cancel", "--dag", "tick", "--state", "queued", "--yes")
    assert "asked to end: 3." in done.stdout
    url = f"sqlite:///{tmp_path / 'home' / 'nbflow.db'}"
    with open_metastore(url, clock=SystemClock(), create=False) as store:
        assert store.cancelled_runs(made) == made
    assert nbflow("runs", "cancel", "last", "--dag", "tick").returncode == 2
    assert nbflow("runs", "cancel", "--dag", "nobody").returncode != 0
    assert nbflow("runs", "list", "--dag", "nobody").stdout == "There are no such runs.\n"


@pytest.mark.parametrize("verb", ["pause", "unpause", "trigger", "next"])
def test_a_dag_that_was_never_deployed_is_named(nbflow: Call, verb: str) -> None:
    done = nbflow("dags", verb, "nobody")
    assert done.returncode == 2
    assert "No DAG 'nobody' is deployed." in done.stderr
    assert "`nbflow dags deploy NOTEBOOK` deploys one" in done.stderr


@pytest.mark.parametrize("verb", ["pause", "trigger"])
def test_a_name_that_is_nearly_a_dags_is_told_that_one(
    nbflow: Call, page: Callable[..., Path], verb: str
) -> None:
    nbflow("dags", "deploy", page())
    assert "Did you mean tick?" in nbflow("dags", verb, "tik").stderr


def test_a_dag_without_a_schedule_says_what_makes_it_run(
    nbflow: Call, page: Callable[..., Path]
) -> None:
    deployed = nbflow("dags", "deploy", page(on=[{"files": "data/*.csv"}, {"dag": "etl"}]))
    assert "when etl succeeds" in " ".join(deployed.stdout.split())
    waits = nbflow("dags", "next", "tick")
    assert waits.returncode == 0
    assert "it runs: when files change: " in waits.stdout
    assert "data/*.csv, when etl succeeds." in waits.stdout
    assert "by hand" in nbflow("dags", "deploy", page(schedule="manual")).stdout
    assert "nbflow dags trigger tick runs it" in nbflow("dags", "next", "tick").stdout
    assert answer(nbflow("dags", "next", "tick", "-f", "json")) == []


def test_a_deploy_tells_what_may_not_be_meant(nbflow: Call, page: Callable[..., Path]) -> None:
    path = page()
    document = json.loads(path.read_text(encoding="utf-8"))
    document["cells"][0]["metadata"]["nbflow"] = {"task": {"after": ["before"]}}
    path.write_text(json.dumps(document), encoding="utf-8")
    done = nbflow("dags", "deploy", path, "--format", "json")
    assert answer(done)[0]["new"]
    assert "NBF111 warning · cell [1]" in done.stderr
    assert "after" in done.stderr


@pytest.mark.parametrize(
    "dag",
    [{"schedule": "once 2020-01-01T09:00"}, {"schedule": "@daily", "end_date": "2020-01-01"}],
)
def test_a_schedule_whose_time_has_passed_is_told_when_it_is_looked_at_and_deployed(
    dag: dict[str, str], nbflow: Call, page: Callable[..., Path]
) -> None:
    path = page(**dag)
    for verb in (["lint"], ["dags", "deploy"]):
        done = nbflow(*verb, path)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "NBF227 warning" in said
        assert "no time to come" in said
        assert "nbflow dags trigger" in said


@pytest.mark.abuse(30)
def test_a_flood_of_old_slots_is_confirmed_first(nbflow: Call, page: Callable[..., Path]) -> None:
    path = page(schedule="* * * * *", start_date="2020-01-01", catchup="all", timezone="Asia/Seoul")
    refused = nbflow("dags", "deploy", path)
    assert "NBF224" in refused.stderr
    assert "every slot since 2020-01-01" in refused.stderr
    assert "--catchup" in refused.stderr
    assert answer(nbflow("dags", "deploy", path, "--catchup", "--format", "json"))[0]["new"]


def test_the_scheduler_runs_what_was_triggered_and_ends_well_when_told_to(
    nbflow: Call, page: Callable[..., Path], tmp_path: Path
) -> None:
    answer(nbflow("dags", "deploy", page(), "--format", "json"))
    run_id = nbflow("dags", "trigger", "tick", "--key", "mine").stdout.strip()
    assert "already" in nbflow("dags", "trigger", "tick", "--key", "mine").stdout
    env = os.environ | {"NBFLOW_HOME": str(tmp_path / "home"), "NBFLOW_LANG": "en"}
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "nbflow", "scheduler"], env=env, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while True:
            shown = answer(nbflow("runs", "show", run_id, "--format", "json"))
            if shown["state"] == "success":
                break
            assert time.monotonic() < deadline, shown
            assert scheduler.poll() is None
        scheduler.send_signal(signal.SIGTERM)
        said, _ = scheduler.communicate(timeout=60)
    finally:
        scheduler.kill()
    assert scheduler.returncode == 0, said
    assert f"{run_id} only done" in said
    assert said.rstrip().endswith("INFO told to stop")


@pytest.mark.fault(45)
def test_a_run_that_can_not_be_read_is_named_beside_the_list_of_the_others_and_can_be_cancelled(
    nbflow: Call, page: Callable[..., Path], tmp_path: Path
) -> None:
    nbflow("dags", "deploy", page())
    good, bad = (nbflow("dags", "trigger", "tick").stdout.strip() for _ in range(2))
    with sqlite3.connect(tmp_path / "home" / "nbflow.db") as db:
        db.execute("UPDATE run SET kind = 'wished' WHERE id = ?", [bad])
    listed = nbflow("runs", "list", "--format", "json")
    assert [run["run_id"] for run in answer(listed)] == [good]
    assert bad in listed.stderr
    assert "nbflow db check" in listed.stderr
    shown = nbflow("runs", "show", bad)
    assert (shown.returncode, "NBF621" in shown.stderr) == (3, True), shown.stderr
    assert "Traceback" not in shown.stderr
    nbflow("runs", "cancel", "--dag", "tick", "--yes")
    with sqlite3.connect(tmp_path / "home" / "nbflow.db") as db:
        asked = db.execute("SELECT count(*) FROM run WHERE cancel_requested = 1").fetchone()
    assert asked == (2,)


def test_a_dry_run_of_cleanup_does_not_say_that_it_was_done(nbflow: Call) -> None:
    done = nbflow("cleanup", "--dry-run", COLUMNS="200")
    assert "bytes to free" in done.stdout
    assert "missed slots  backfills  versions" in done.stdout
    assert "freed" not in done.stdout
    korean = nbflow("cleanup", "--dry-run", NBFLOW_LANG="ko", COLUMNS="200")
    assert "비울 바이트" in korean.stdout
    assert "놓친 슬롯  백필  버전" in korean.stdout
    assert "위의 것이 지금 삭제될 대상입니다." in korean.stderr
    assert "freed bytes" in nbflow("cleanup", COLUMNS="200").stdout
