"""The scheduler's own process: killed, told to stop once and twice, and under a clock that jumps."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until, until_said

import nbflow.app
from nbflow.execution import processes
from nbflow.metastore import check
from nbflow.metastore.rows import AttemptRow
from nbflow.model.ids import DagId, RunId
from nbflow.model.states import Reason, RunState, TaskState
from nbflow.service.service import Service
from nbflow.settings import Settings

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

HELD = """\
# %%
# %%task long
import pathlib, select
pathlib.Path("begun").touch()
while not pathlib.Path("go").exists():
    select.select([], [], [], 0.02)
x = 1

# %%
# %%task after
print(x)
"""
"""The cell waits for the test, which ends or frees it."""
JUMPING = """
import os, threading, time
del os.environ["LD_PRELOAD"]
time.sleep = lambda seconds: threading.Event().wait(seconds)
import nbflow.cli
nbflow.cli.main()
"""
"""Starts nbflow under libfaketime, which can't do with Python's sleep; its slots live in real time."""
FAKE_TIMES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Bench:
    """An installation with schedulers in processes of their own, which all carry a mark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        home = folder / "home"
        self.url = f"sqlite:///{home / 'nbflow.db'}"
        self.settings = Settings(home=home, database_url=self.url, slots=2)
        self.service: Service
        self.mark = {"NBTEST_MARK": uuid.uuid4().hex}
        self.begun = folder / "begun"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: str, **variables: str) -> "subprocess.Popen[str]":
        own = {"NBFLOW_HOME": str(self.settings.home), "NBFLOW_LANG": "en", "NBFLOW_SLOTS": "2"}
        how = ["-c", JUMPING] if "LD_PRELOAD" in variables else ["-m", "nbflow"]
        process = subprocess.Popen(
            [sys.executable, *how, "scheduler", *words],
            cwd=self.folder,
            env=os.environ | own | self.mark | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def deploy(self, name: str, text: str) -> DagId:
        path = self.folder / f"{name}.py"
        path.write_text(text)
        (deployment,) = self.service.deploy(path)
        return deployment.dag.id

    def held(self) -> RunId:
        """Let a run be made whose first task waits for the test."""
        run_id = self.service.trigger(self.deploy("held", HELD))
        assert run_id is not None
        return run_id

    def attempts(self, run_id: RunId) -> list[AttemptRow]:
        return self.service.store.attempts(run_id)

    def state(self, run_id: RunId) -> RunState:
        return self.service.store.show_run(run_id)[0].state

    def marked(self) -> list[int]:
        return sorted(processes.marked(self.mark))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    one = Bench(tmp_path)
    with nbflow.app.open_service(one.settings) as one.service:
        yield one
        for process in one.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
    assert check(one.url) == []


def ends_well(process: "subprocess.Popen[str]", within: float) -> None:
    begun = time.monotonic()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert time.monotonic() - begun < within


@pytest.mark.fault(3)
def test_a_killed_scheduler_takes_its_kernels_along_and_the_next_one_runs_the_task_again(
    bench: Bench,
) -> None:
    run_id = bench.held()
    first = bench.start()
    until(bench.begun.exists)
    (attempt,) = bench.attempts(run_id)
    assert len(bench.marked()) >= 3
    first.kill()
    first.wait()
    until(lambda: not bench.marked(), 3)
    bench.begun.unlink()
    second = bench.start()
    until(bench.begun.exists)
    (bench.folder / "go").touch()
    until(lambda: bench.state(run_id) is RunState.SUCCESS)
    lost, again, _ = bench.attempts(run_id)
    assert (lost.outcome, lost.reason, lost.try_no) == ("lost", Reason.LOST, 1)
    assert lost.message == f"lost: worker died ({first.pid}, {attempt.host})"
    assert (again.outcome, again.try_no) == ("success", 2)
    second.send_signal(signal.SIGTERM)
    ends_well(second, 15)


@pytest.mark.fault(10)
def test_a_scheduler_told_to_stop_waits_as_long_as_it_may_and_told_twice_not_at_all(
    bench: Bench,
) -> None:
    run_id = bench.held()
    patient = bench.start("--drain", "1")
    until(bench.begun.exists)
    patient.send_signal(signal.SIGTERM)
    ends_well(patient, 1 + 15)
    assert bench.marked() == []
    (attempt,) = bench.attempts(run_id)
    assert (attempt.outcome, attempt.reason) == ("lost", Reason.DRAINED)
    bench.begun.unlink()
    second = bench.start("--drain", "600")
    until(bench.begun.exists)
    second.send_signal(signal.SIGTERM)
    until_said(second, "told to stop")
    other = bench.service.trigger(bench.deploy("other", "# %%\n# %%task a\nx = 1\n"))
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    ends_well(second, 15)
    assert bench.marked() == []
    assert [a.reason for a in bench.attempts(run_id)] == [Reason.DRAINED] * 2
    task = bench.service.store.run_snapshot(run_id).tasks["long"]
    assert (task.state, task.lost) == (TaskState.QUEUED, 0)
    assert bench.attempts(other) == []


@pytest.mark.fault(24, 25, 28)
@pytest.mark.skipif(not FAKE_TIMES, reason="libfaketime is not installed")
def test_a_scheduler_under_a_clock_that_jumps_and_a_sleep_loses_nothing_and_fires_nothing_twice(
    bench: Bench,
) -> None:
    run_id = bench.held()
    header = "# ---\n# jupyter:\n#   nbflow:\n#     version: 1\n#     dag: {schedule: every 10m}\n# ---\n"
    slots = bench.deploy("slots", f"{header}\n# %%\n# %%task a\nx = 1\n")
    free = bench.deploy("free", "# %%\n# %%task a\nx = 1\n")
    offset = bench.folder / "offset"
    offset.write_text("+0")
    scheduler = bench.start(
        LD_PRELOAD=str(FAKE_TIMES[0]),
        FAKETIME_TIMESTAMP_FILE=str(offset),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    until(bench.begun.exists)

    def decided() -> tuple[int, int]:
        runs = [run for run in bench.service.store.list_runs() if run.dag_id == slots]
        return len(runs), len(bench.service.store.missed(slots))

    def is_at_work() -> None:
        """What is asked for by hand is done: the scheduler looked at everything."""
        asked = bench.service.trigger(free)
        until(lambda: bench.state(asked) is RunState.SUCCESS)

    is_at_work()
    assert decided() == (0, 0)
    offset.write_text("+7200")
    until(lambda: decided() == (1, 11))
    offset.write_text("-3600")
    is_at_work()
    assert decided() == (1, 11)
    os.kill(scheduler.pid, signal.SIGSTOP)
    offset.write_text("+36000")
    os.kill(scheduler.pid, signal.SIGCONT)
    until(lambda: decided() == (2, 58))
    assert scheduler.poll() is None
    (bench.folder / "go").touch()
    until(lambda: bench.state(run_id) is RunState.SUCCESS)
    assert [(a.task, a.outcome) for a in bench.attempts(run_id)] == [
        ("long", "success"),
        ("after", "success"),
    ]
    scheduler.send_signal(signal.SIGTERM)
    ends_well(scheduler, 30)
