"""How long the list of a thousand DAGs takes; the bar is 0.5 s for ``nbflow dags list``."""

import json
import resource
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
LIST = ("dags", "list")
SCHEDULES = ("@daily", "0 6 * * 1-5", "*/15 * * * *", "every 2h", "30 4 1 * *")


def measure() -> list[Row]:
    """Deploy a thousand DAGs with twenty runs each, put as many notebooks into the folder, and list.

    Each figure is the wall clock and, in brackets, the CPU time: what is left on a busy machine.
    """
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        rows = [("for comparison: nbflow version", _median(home, "version"))]
        fill(home / "nbflow.db")
        rows.append((f"{DAGS:,} deployed DAGs, table", _median(home, *LIST)))
        rows.append((f"{DAGS:,} deployed DAGs, JSON", _median(home, *LIST, "-f", "json")))
        write_notebooks(home / "dags")
        rows.append(
            (f"the first list of {DAGS:,} more in the folder", _told([_taken(home, *LIST)]))
        )
        rows.append(("the list of all", _median(home, *LIST)))
        (home / "dags" / "n0.ipynb").write_text(_notebook("1 + 1"), encoding="utf-8")
        rows.append(("the list after one notebook was edited", _told([_taken(home, *LIST)])))
    return rows


def _median(home: Path, *words: str) -> str:
    _taken(home, *words)  # fills the caches
    return _told([_taken(home, *words) for _ in range(5)])


def _told(times: list[tuple[float, float]]) -> str:
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    return f"{wall:.3f} s ({cpu:.3f} s)"


def _taken(home: Path, *words: str) -> tuple[float, float]:
    """Call the command line; return the seconds it took, by the clock and of the CPU."""
    env = {**environment(), "NBFLOW_HOME": str(home), "COLUMNS": "160"}
    command = [sys.executable, "-m", "nbflow", *words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(lambda: subprocess.run(command, env=env, capture_output=True, check=True))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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
