"""Backfills as people ask for them: dry run, make, look, cancel; and the refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


def answer(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def deployed(nbflow: Call, tmp_path: Path) -> Call:
    """Deploy a notebook named tick; keyword arguments are the DAG's settings."""

    def deploy(**dag: object) -> None:
        cell = {
            "cell_type": "code", "id": "c0", "metadata": {"tags": ["task:only"]},
            "execution_count": None, "outputs": [], "source": "print('done')",
        }  # fmt: skip
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "nbflow": {"version": 1, "dag": dag}}
        path = tmp_path / "tick.ipynb"
        document = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}
        path.write_text(json.dumps(document), encoding="utf-8")
        answer(nbflow("dags", "deploy", path, "--format", "json"))

    return deploy


RANGE = ("--from", "2026-03-01", "--to", "2026-03-03")


def test_a_dry_run_lists_every_slot_with_what_and_why_and_writes_nothing(
    nbflow: Call, deployed: Call
) -> None:
    deployed(schedule="0 6 * * *", timezone="Asia/Seoul", start_date="2026-03-02")
    rows = answer(nbflow("backfill", "tick", *RANGE, "--dry-run", "-f", "json"))
    assert [(row["slot"], row["action"], row["why"]) for row in rows] == [
        ("2026-03-01 06:00+09:00", "skipped", "before start_date"),
        ("2026-03-02 06:00+09:00", "new", "no run"),
        ("2026-03-03 06:00+09:00", "new", "no run"),
    ]
    table = nbflow("backfill", "tick", *RANGE, "--dry-run", "--before-start").stdout
    assert "At 06:00 (Asia/Seoul)" in table
    assert "New: 3, re-run: 0, in flight: 0, left out: 0." in table
    korean = nbflow("backfill", "tick", *RANGE, "--dry-run", NBFLOW_LANG="ko").stdout
    assert "새 실행 2" in korean
    assert answer(nbflow("backfill", "list", "-f", "json")) == []
    assert answer(nbflow("runs", "list", "-f", "json")) == []


def test_many_slots_that_fare_alike_are_one_line_of_a_table(nbflow: Call, deployed: Call) -> None:
    deployed(schedule="*/10 * * * *", start_date="2026-03-02T02:00")
    asked = ("backfill", "tick", "--from", "2026-03-02", "--to", "2026-03-02", "--dry-run")
    assert len(answer(nbflow(*asked, "-f", "json"))) == 144
    lines = nbflow(*asked, COLUMNS="120").stdout.splitlines()
    (early,) = [line for line in lines if "before start_date" in line]
    assert early.split()[:5] == ["2026-03-02", "00:00+00:00", "2026-03-02", "01:50+00:00", "12"]
    (new,) = [line for line in lines if "it has no run" in line]
    assert "132" in new.split()


def test_a_backfill_is_made_looked_at_and_cancelled(nbflow: Call, deployed: Call) -> None:
    deployed(schedule="@daily")
    made = answer(nbflow("backfill", "tick", *RANGE, "-f", "json"))
    assert (made["dag_id"], made["new"], made["skipped"]) == ("tick", 3, 0)
    (row,) = answer(nbflow("backfill", "list", "-f", "json"))
    assert (row["state"], row["slots"], row["decided"]) == ("running", 3, 0)
    assert answer(nbflow("backfill", "list", "--dag", "other", "-f", "json")) == []
    shown = answer(nbflow("backfill", "show", "last", "-f", "json"))
    assert (shown["backfill_id"], shown["decided"]) == (made["backfill_id"], [])
    assert "0 of 3 slots" in nbflow("backfill", "show", made["backfill_id"][:4]).stdout
    said = [nbflow("backfill", "cancel", made["backfill_id"]).stdout for _ in range(2)]
    assert "is cancelled" in said[0]
    assert "had ended already" in said[1]
    assert answer(nbflow("backfill", "list", "-f", "json"))[0]["state"] == "cancelled"


def test_a_dag_named_like_a_verb_is_reached_by_create(nbflow: Call, deployed: Call) -> None:
    deployed(schedule="@daily", id="list")
    assert answer(nbflow("backfill", "create", "list", *RANGE, "-f", "json"))["new"] == 3
    assert answer(nbflow("backfill", *RANGE, "list", "--dry-run", "-f", "json"))[0]["slot"]


def test_what_cannot_be_meant_is_refused_in_words(nbflow: Call, deployed: Call) -> None:
    deployed(schedule="* * * * *")

    def refused(*words: str) -> str:
        done = nbflow("backfill", *words)
        assert done.returncode == 2, done.stdout
        assert "Traceback" not in done.stderr
        return str(done.stderr)

    assert "nobody" in refused("nobody", *RANGE)
    assert "NBF225" in refused("tick", "--from", "2026-03-02", "--to", "2026-03-01")
    assert "NBF222" in refused("tick", "--from", "yesterday", "--to", "2026-03-01")
    flood = refused("tick", *RANGE)
    assert "NBF226" in flood
    assert "4320 slots" in flood
    assert "--yes" in flood
    assert nbflow("backfill", "tick", *RANGE, "--yes").returncode == 0
    assert "NBF618" in refused("tick", *RANGE, "--yes")
    assert "no backfill" in refused("show", "zzz")
    assert "no backfill" in refused("cancel", "zzz")


def test_a_dag_without_a_schedule_has_no_slots(nbflow: Call, deployed: Call) -> None:
    deployed()
    done = nbflow("backfill", "tick", *RANGE)
    assert "NBF225" in done.stderr
    assert "no schedule" in done.stderr


def test_nothing_to_do_is_said_and_makes_no_backfill(nbflow: Call, deployed: Call) -> None:
    deployed(schedule="@daily")
    done = nbflow("backfill", "tick", "--from", "2199-01-01", "--to", "2199-01-02")
    assert done.returncode == 0
    assert "No slot of tick is to be run" in done.stdout
    assert answer(nbflow("backfill", "list", "-f", "json")) == []
