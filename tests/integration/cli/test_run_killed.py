"""kill -9 of the command line, and of a slot, in the middle of `nbflow run`."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from pids import command_of, parent_of
from waiting import until

from nbflow.execution import processes

Call = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = [
    pytest.mark.kernel,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc"),
]

WAITS = """\
# %%
# %%task long
import pathlib, time
pathlib.Path("begun").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.02)
x = 1

# %%
# %%task after
print(x)
"""
"""The cell waits for the test, which ends or frees it."""


class Running:
    """An `nbflow run` under way, whose processes all carry a mark."""

    def __init__(self, folder: Path) -> None:
        self.mark = {"NBTEST_MARK": uuid.uuid4().hex}
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        own = {"NBFLOW_HOME": str(folder / "home"), "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nbflow", "run", "waits.py"],
            cwd=folder,
            env=os.environ | self.mark | own | {"NBFLOW_LANG": "en"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def marked(self) -> list[int]:
        return sorted(processes.marked(self.mark))

    def leftovers(self) -> list[Path]:
        """What lies in the folder for temporary files: a kernel's keys and sockets, say."""
        return list(self.temporary.iterdir())

    def alive(self) -> list[psutil.Process]:
        marked = set(self.marked())
        return [process for process in psutil.process_iter() if process.pid in marked]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "waits.py").write_text(WAITS)
    one = Running(tmp_path)
    until(lambda: (tmp_path / "begun").exists(), 60)
    yield one
    if one.process.poll() is None:
        one.process.kill()
    one.process.communicate()


@pytest.mark.fault(3)
def test_a_killed_command_line_leaves_no_process_and_the_next_verb_says_what_happened(
    running: Running, nbflow: Call
) -> None:
    assert len(running.marked()) >= 3
    running.process.kill()
    running.process.wait()
    until(lambda: not running.marked(), 10)
    assert running.leftovers() == []
    shown = nbflow("runs", "show", "last", "-f", "json")
    assert shown.returncode == 0, shown.stderr
    run = json.loads(shown.stdout)
    assert run["state"] == "failed"
    assert [(t["task"], t["state"]) for t in run["tasks"]] == [
        ("long", "failed"),
        ("after", "cancelled"),
    ]
    assert "lost: the process that drove it is gone" in run["tasks"][0]["reason"]
    told = nbflow("runs", "show", "last").stdout
    assert "lost: the process that drove it is gone" in told
    assert nbflow("runs", "logs", "last").returncode == 0
    assert nbflow("db", "check").returncode == 0


@pytest.mark.fault(11)
def test_a_killed_slot_loses_one_attempt_and_the_run_goes_on(
    running: Running, nbflow: Call, tmp_path: Path
) -> None:
    words = {one: command_of(one) for one in running.alive()}
    kernels = [one for one in words if "ipykernel_launcher" in words[one]]
    slots = {one.pid for one in words if "nbflow.execution.slot" in words[one]}
    (slot,) = {parent_of(kernel) for kernel in kernels} & slots
    (tmp_path / "begun").unlink()
    os.kill(slot, signal.SIGKILL)
    until(lambda: (tmp_path / "begun").exists(), 60)
    assert not {kernel.pid for kernel in kernels} & set(running.marked())
    (tmp_path / "go").touch()
    _, err = running.process.communicate(timeout=100)
    assert running.process.returncode == 0, err
    run = json.loads(nbflow("runs", "show", "last", "-f", "json").stdout)
    assert [(t["state"], t["attempts"]) for t in run["tasks"]] == [("success", 2), ("success", 1)]
    assert nbflow("db", "check").returncode == 0
    until(lambda: not running.marked(), 3)
    assert running.leftovers() == []
