"""Ctrl-C and kill -9 of the process that drives a run: nothing is left behind, all is on record."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from pids import command_of, parent_of
from waiting import until

import nbflow.app
from nbflow.execution.processes import is_alive
from nbflow.model.states import RunState
from nbflow.settings import Settings

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
]

DRIVER = """
import sys
import nbflow
from nbflow.model.states import CellStatus

def tell(event):
    if event.status is CellStatus.RUNNING:
        print("running", flush=True)

with nbflow.open_service() as service:
    report = service.run(sys.argv[1], on_event=tell)
    print("ended", report.state.value, flush=True)
"""


@pytest.fixture
def driver(page, home):
    """Start a run whose one cell sleeps, in a process of its own; wait until the cell runs."""
    started = []

    def start(source):
        path = page((source, "task:long"), ("print(x)", "task:after"))
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(path)],
            env=os.environ | {"NBFLOW_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        line = process.stdout.readline()
        assert line == "running\n", process.stderr.read()
        return process, psutil.Process(process.pid).children(recursive=True)

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def alive(processes):
    return [process for process in processes if is_alive(process.pid)]


def recorded(home):
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)
    with nbflow.app.open_service(settings) as service:
        run, tasks = service.store.show_run(service.store.list_runs()[0].id)
        return SimpleNamespace(run=run, tasks=tasks, attempts=service.store.attempts(run.id))


SLEEP = "import time\ntime.sleep(600)\nx = 1"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)\nx = 1"
)


@pytest.mark.parametrize("source", [SLEEP, STUBBORN], ids=["sleeping", "ignoring SIGINT"])
def test_ctrl_c_cancels_the_run_in_order(driver, home, source):
    process, below = driver(source)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 15
    assert "ended cancelled" in out, err
    until(lambda: not alive(below), 3)
    details = recorded(home)
    assert details.run.state is RunState.CANCELLED
    assert [task.state.value for task in details.tasks] == ["cancelled", "cancelled"]


def test_a_second_ctrl_c_ends_it_at_once(driver, home):
    process, below = driver(STUBBORN)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two signals at the same moment are one
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 12
    assert "ended cancelled" in out, err
    until(lambda: not alive(below), 3)
    assert recorded(home).run.state is RunState.CANCELLED


@pytest.mark.fault(3)
def test_kill_9_of_the_driver_leaves_no_process_and_the_next_look_says_what_happened(driver, home):
    process, below = driver(SLEEP)
    process.kill()
    process.wait()
    until(lambda: not alive(below), 10)
    details = recorded(home)
    assert details.run.state is RunState.FAILED
    assert "lost" in details.run.note
    assert [task.state.value for task in details.tasks] == ["failed", "cancelled"]
    assert details.attempts[0].outcome == "lost"
    assert details.attempts[0].result.get("log") is None


def test_a_killed_slot_is_replaced_and_the_task_tried_again(driver, home):
    process, below = driver("import time\ntime.sleep(6)\nx = 1")
    slots = {p.pid for p in below if "nbflow.execution.slot" in command_of(p)}
    (busy,) = {parent_of(p) for p in below} & slots
    os.kill(busy, signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert "ended success" in out, err
    details = recorded(home)
    assert details.tasks[0].tries >= 2
    assert {a.outcome for a in details.attempts} == {"lost", "success"}
