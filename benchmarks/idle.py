"""What a scheduler costs that has nothing to do: CPU and memory, of itself and its waiting slots.

The bars are 1 % of a core and 150 MB.
"""

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.dags import fill
from benchmarks.machine import Row, environment

SECONDS = 60
SETTLES = 20
"""Seconds until its slots have started, and it has looked at everything once."""


def measure() -> Iterator[Row]:
    """Let a scheduler wait: with nothing at all, and beside a thousand DAGs that are not due yet."""
    yield from _idle("no DAG", lambda _: None)
    yield from _idle("1,000 DAGs", _not_due)


def _not_due(home: Path) -> None:
    fill(home / "nbflow.db")
    with sqlite3.connect(home / "nbflow.db") as connection:
        connection.execute("UPDATE schedule SET next_fire_utc = datetime(next_fire_utc, '+7 days')")


def _idle(label: str, prepare: Callable[[Path], None]) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        prepare(home)
        with _scheduler(home) as own:
            time.sleep(SETTLES)
            before, begun = _cpu(own), time.perf_counter()
            time.sleep(SECONDS)
            share = (_cpu(own) - before) / (time.perf_counter() - begun)
            resident = [one.memory_info().rss / 1e6 for one in _processes(own)]
            once = sum(one.memory_full_info().pss for one in _processes(own)) / 1e6
    yield f"{label}: CPU over {SECONDS} s", f"{100 * share:.2f} % of a core"
    others = f"{len(resident) - 1} more processes {sum(resident[1:]):.0f} MB"
    yield (
        f"{label}: memory",
        f"scheduler {resident[0]:.0f} MB, {others}; shared pages counted once, all {once:.0f} MB",
    )


@contextmanager
def _scheduler(home: Path) -> Iterator[psutil.Process]:
    words = [sys.executable, "-m", "nbflow", "scheduler", "--quiet"]
    with subprocess.Popen(words, env=environment(NBFLOW_HOME=str(home))) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.terminate()


def _processes(own: psutil.Process) -> list[psutil.Process]:
    return [own, *own.children(recursive=True)]


def _cpu(own: psutil.Process) -> float:
    """Return the CPU seconds so far of the scheduler and its processes, those that ended included."""
    times = [one.cpu_times() for one in _processes(own)]
    return sum(t.user + t.system for t in times) + times[0].children_user + times[0].children_system
