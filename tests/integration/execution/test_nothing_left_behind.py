"""Whatever ends an attempt, a slot or the process above it: no process outlives it by 3 seconds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from waiting import until

from nbflow.execution import processes
from nbflow.execution.executor import LocalExecutor
from nbflow.model.attempt import Limits
from nbflow.model.states import Reason, TaskState

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

CHILD = "import subprocess; p = subprocess.Popen(['sleep', '300']); print(p.pid)"
DAEMON = """
import os, subprocess
code = '''
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {clean}
        os.execvp('sleep', ['sleep', '300'])
os._exit(0)
'''
subprocess.run(['python3', '-c', code])
"""
NESTED = DAEMON.format(clean="pass")
DISGUISED = DAEMON.format(clean="os.environ.clear(); os.environ['PATH'] = '/usr/bin:/bin'")


def of_attempt(spec):
    return processes.marked({processes.ATTEMPT_MARK: str(spec.token)})


def below(pid):
    return {process.pid for process in psutil.Process(pid).children(recursive=True)}


@pytest.mark.fault(31)
@pytest.mark.parametrize("source", [CHILD, NESTED], ids=["child", "double fork"])
def test_children_of_a_cell_end_with_the_attempt(driver, spec_of, source):
    spec = driver.start(spec_of(source))
    result = driver.end_of(spec)
    assert result.state is TaskState.SUCCESS
    until(lambda: not of_attempt(spec), 3)


@pytest.mark.fault(31)
def test_a_daemon_that_emptied_its_environment_is_found_below_the_slot(own_driver, spec_of):
    result = own_driver.run(spec_of(DISGUISED))
    slot = own_driver.executor._slots[0].pid
    assert result.state is TaskState.SUCCESS
    until(lambda: not below(slot), 3)


@pytest.mark.fault(31)
@pytest.mark.parametrize("end", ["cancel", "time-out", "death"])
def test_children_end_with_an_attempt_that_ends_badly(driver, spec_of, end):
    last = "import os; os._exit(1)" if end == "death" else "import time; time.sleep(600)"
    limits = Limits(timeout=5 if end == "time-out" else 60)
    spec = driver.start(spec_of(NESTED, last, limits=limits))
    if end != "time-out":  # on a busy machine the limit may pass in the first cell
        driver.until_running(spec, "c2")
    if end == "cancel":
        driver.executor.cancel(spec.token)
    assert driver.end_of(spec, 20).state is not TaskState.SUCCESS
    until(lambda: not of_attempt(spec), 3)


@pytest.mark.fault(11)
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_slot_is_a_lost_attempt_and_takes_everything_along(own_driver, spec_of, end):
    spec = own_driver.start(spec_of(NESTED, "import time; time.sleep(600)"))
    own_driver.until_running(spec, "c2")
    assert of_attempt(spec)
    os.kill(own_driver.executor._slots[0].pid, end)
    result = own_driver.end_of(spec)
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.LOST)
    assert result.message == f"slot died (signal {end:d})"
    until(lambda: not of_attempt(spec), 3)
    assert own_driver.run(spec_of("1")).state is TaskState.SUCCESS


@pytest.mark.fault(23, 37)
def test_an_attempt_whose_driver_falls_silent_ends_and_its_kernel_with_it(driver, spec_of):
    patience = 10.0
    with LocalExecutor(1, patience=patience) as executor:
        own = type(driver)(executor)
        spec = own.start(spec_of(NESTED, "import time; time.sleep(600)"))
        own.until_running(spec, "c2")
        # As long as it polls, the attempt goes on.
        begun = time.monotonic()
        while time.monotonic() < begun + 1.2 * patience:
            own._poll()
        assert of_attempt(spec)
        until(lambda: not of_attempt(spec), patience + 15)
        result = own.end_of(spec)
        assert (result.reason, result.message) == (Reason.LOST, "slot died (exit code 1)")
        assert own.run(spec_of("1")).state is TaskState.SUCCESS


@pytest.mark.fault(44)
def test_a_cell_that_kills_its_slot_loses_its_own_attempt_only(own_driver, spec_of):
    result = own_driver.run(spec_of("import os; os.kill(os.getppid(), 9)"))
    assert result.reason is Reason.LOST
    assert own_driver.run(spec_of("1")).state is TaskState.SUCCESS


def test_no_process_outlives_a_killed_driver(tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from conftest import make_spec\n"
        "from nbflow.execution.executor import LocalExecutor\n"
        "executor = LocalExecutor(1)\n"
        "spec = make_spec(Path(sys.argv[2]), sys.argv[3], 'import time; time.sleep(600)')\n"
        "executor.start(spec)\n"
        "while True:\n"
        "    for report in executor.poll():\n"
        "        print(spec.token, report.cell, flush=True)\n"
    )
    command = [sys.executable, str(script), str(Path(__file__).parent), str(tmp_path), NESTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        token = next(line.split()[0] for line in driver.stdout if "c2" in line)
        mark = {processes.ATTEMPT_MARK: token}
        tree = below(driver.pid)
        assert processes.marked(mark)
        driver.kill()
    until(lambda: not processes.marked(mark), 3)
    until(lambda: not any(processes.is_alive(pid) for pid in tree), 3)


def test_closing_the_executor_ends_what_still_runs(driver, spec_of):
    executor = LocalExecutor(1)
    own = type(driver)(executor)
    spec = own.start(spec_of(NESTED, "import time; time.sleep(600)"))
    own.until_running(spec, "c2")
    slot = executor._slots[0].pid
    executor.close()
    assert not processes.is_alive(slot)
    assert not of_attempt(spec)
