import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from nbflow.execution.executor import LocalExecutor
from nbflow.model.attempt import (
    AttemptEnd,
    AttemptResult,
    AttemptSpec,
    CellEvent,
    CellToRun,
    Limits,
)
from nbflow.model.ids import CellId, RunId, TaskName, Token

_tokens = count(int(time.time()) * 1000)


def code_cell(source: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def make_spec(folder: Path, *sources: str, **options: Any) -> AttemptSpec:
    """A spec of cells without the kernel runtime, in a folder of its own below ``folder``."""
    token = Token(next(_tokens))
    cells = tuple(
        CellToRun(cell=CellId(f"c{n}"), document=code_cell(source), prompt=n)
        for n, source in enumerate(sources, start=1)
    )
    given: dict[str, Any] = {
        "run_id": RunId("manual__test"),
        "task": TaskName("t"),
        "try_no": 1,
        "token": token,
        "kernel": "python3",
        "language": "",
        "cwd": str(folder),
        "workdir": str(folder / f"attempt-{token}"),
        "values": "",
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": cells,
        "limits": Limits(timeout=60),
    }
    return AttemptSpec(**(given | options))


class Driver:
    """Starts attempts and waits for their ends, as a run's driver does."""

    def __init__(self, executor: LocalExecutor) -> None:
        self.executor = executor
        self.events: list[CellEvent] = []
        self._ended: dict[Token, AttemptResult] = {}

    def start(self, spec: AttemptSpec) -> AttemptSpec:
        self.executor.start(spec)
        return spec

    def end_of(self, spec: AttemptSpec, seconds: float = 60) -> AttemptResult:
        deadline = time.monotonic() + seconds
        while spec.token not in self._ended:
            assert time.monotonic() < deadline, f"no result within {seconds} s"
            self._poll()
        return self._ended.pop(spec.token)

    def run(self, spec: AttemptSpec, seconds: float = 60) -> AttemptResult:
        return self.end_of(self.start(spec), seconds)

    def until_running(self, spec: AttemptSpec, cell: str) -> None:
        wanted = (spec.token, cell, "running")
        deadline = time.monotonic() + 30
        while wanted not in [(e.token, e.cell, e.status.value) for e in self.events]:
            assert time.monotonic() < deadline, f"{cell} did not start"
            self._poll()

    def until_idle(self, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while any(slot.is_busy for slot in self.executor._slots):
            assert time.monotonic() < deadline, "slots stay busy"
            self._poll()

    def _poll(self) -> None:
        for report in self.executor.poll(0.05):
            if isinstance(report, CellEvent):
                self.events.append(report)
            elif isinstance(report, AttemptEnd):
                self._ended[report.token] = report.result


@pytest.fixture(scope="module")
def executor() -> Iterator[LocalExecutor]:
    with LocalExecutor(2) as executor:
        executor.warm()
        yield executor


@pytest.fixture
def driver(executor: LocalExecutor) -> Driver:
    return Driver(executor)


@pytest.fixture
def own_driver() -> Iterator[Driver]:
    """A driver whose executor the test may break."""
    with LocalExecutor(1) as executor:
        yield Driver(executor)


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., AttemptSpec]:
    def make(*sources: str, **options: Any) -> AttemptSpec:
        return make_spec(tmp_path, *sources, **options)

    return make
