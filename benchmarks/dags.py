"""How long the list of a thousand DAGs takes; the bar is 0.5 s for ``nbflow dags list``."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.machine import Row, environment, seconds

DAGS = 1_000
RUNS = 20
SCHEDULES = ("@daily", "0 6 * * 1-5", "*/15 * * * *", "every 2h", "30 4 1 * *")


def measure() -> list[Row]:
    """Deploy a thousand DAGs with twenty runs each, put as many notebooks into the folder, and list."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        fill(home / "nbflow.db")
        listed = {
            "deployed DAGs, table": _list(home),
            "deployed DAGs, JSON": _list(home, "-f", "json"),
        }
        write_notebooks(home / "dags")
        first = _once(home)
        listed["and 1,000 notebooks in the folder, table"] = _list(home)
        (home / "dags" / "n0.ipynb").write_text(_notebook("1 + 1"), encoding="utf-8")
        edited = _once(home)
        start = statistics.median(_seconds(home, "version") for _ in range(5))
    rows = [(f"{DAGS:,} {name}", f"{taken:.3f} s") for name, taken in listed.items()]
    return [
        *rows,
        ("the first list of the folder", f"{first:.3f} s"),
        ("the list after one notebook was edited", f"{edited:.3f} s"),
        ("for comparison: nbflow version", f"{start:.3f} s"),
    ]


def _list(home: Path, *words: str) -> float:
    return statistics.median(_seconds(home, "dags", "list", *words) for _ in range(5))


def _once(home: Path) -> float:
    return _seconds(home, "dags", "list")


def _seconds(home: Path, *words: str) -> float:
    env = {**environment(), "NBFLOW_HOME": str(home), "COLUMNS": "160"}
    command = [sys.executable, "-m", "nbflow", *words]
    return seconds(lambda: subprocess.run(command, env=env, capture_output=True, check=True))


def fill(path: Path) -> None:
    """Make a metastore of a thousand deployed DAGs, straight through its tables."""
    from nbflow.metastore import open_metastore
    from nbflow.metastore import tables as t
    from nbflow.model.clock import SystemClock

    now = datetime.now(UTC)
    with open_metastore(f"sqlite:///{path}", clock=SystemClock()) as store:

        def work(connection: Any) -> None:
            for table, make in ROWS:
                rows = [row for number in range(DAGS) for row in make(number, now)]
                connection.execute(getattr(t, table).insert(), rows)

        store.db.write("benchmark", work)


def _dag(number: int, now: datetime) -> list[dict[str, Any]]:
    about = {"owner": f"team{number % 7}", "description": "Numbers of the day.", "is_deployed": 1}
    return [{"id": _id(number), "version": _version(number), "deployed": now, **about}]


def _versions(number: int, now: datetime) -> list[dict[str, Any]]:
    row = {"digest": _version(number), "dag_id": _id(number), "number": 1, "created": now}
    return [{**row, "document": {}, "notebooks": {}}]


def _tasks(number: int, _: datetime) -> list[dict[str, Any]]:
    row = {"version": _version(number), "pool": "default", "pool_slots": 1, "priority": 0}
    return [{**row, "name": f"t{at}", "position": at, "max_lost": 2} for at in range(10)]


def _schedule(number: int, now: datetime) -> list[dict[str, Any]]:
    expression = SCHEDULES[number % len(SCHEDULES)]
    next_fire = now + timedelta(minutes=number)
    row = {"dag_id": _id(number), "expr": expression, "tz": "Asia/Seoul"}
    return [{**row, "cursor_utc": now, "next_fire_utc": next_fire}]


def _runs(number: int, now: datetime) -> list[dict[str, Any]]:
    row = {
        "dag_id": _id(number), "version": _version(number), "kind": "scheduled",
        "state": "success", "parameters": {}, "note": "",
    }  # fmt: skip
    return [
        {
            **row, "id": f"scheduled__{number}__{at}", "slot_key": f"manual:{at}",
            "created": now - timedelta(hours=at),
        }
        for at in range(RUNS)
    ]  # fmt: skip


Make = Callable[[int, datetime], list[dict[str, Any]]]
ROWS: tuple[tuple[str, Make], ...] = (
    ("dag", _dag), ("dag_version", _versions), ("dag_task", _tasks), ("schedule", _schedule),
    ("run", _runs),
)  # fmt: skip


def _id(number: int) -> str:
    return f"report_{number}"


def _version(number: int) -> str:
    return f"{number:064d}"


def write_notebooks(folder: Path) -> None:
    """Write a thousand small notebooks that are not deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(DAGS):
        (folder / f"n{number}.ipynb").write_text(_notebook(f"print({number})"), encoding="utf-8")


def _notebook(source: str) -> str:
    cells = [
        {
            "cell_type": "code", "id": f"c{at}", "metadata": {"tags": [f"task:t{at}"]},
            "execution_count": None, "outputs": [], "source": source,
        }
        for at in range(3)
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}}
    return json.dumps({**document, "cells": cells})
