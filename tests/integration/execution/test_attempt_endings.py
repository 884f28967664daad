"""How an attempt can end, each with an honest status at the cell and a reason for people."""

import json
import os
from pathlib import Path

import pytest

from nbflow.model.attempt import Limits
from nbflow.model.states import CellStatus, Reason, TaskState

pytestmark = pytest.mark.kernel
OVER_SOON = Limits(timeout=12)
"""Time enough for a kernel to start, on a slow machine, too."""


def statuses(result):
    return [cell.status.value for cell in result.cells]


def executed(spec):
    text = Path(spec.workdir, "executed.ipynb").read_text(encoding="utf-8")
    return json.loads(text)


def test_an_attempt_that_runs_to_its_end_keeps_outputs_counts_and_times(driver, spec_of):
    spec = spec_of("print('a')", "1 + 1", "")
    result = driver.run(spec)
    assert (result.state, result.reason) == (TaskState.SUCCESS, Reason.DONE)
    assert statuses(result)[:2] == ["completed", "completed"]
    first, second, empty = executed(spec)["cells"]
    assert first["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["a\n"]}]
    assert second["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert [c["execution_count"] for c in (first, second, empty)] == [1, 2, None]
    assert all(cell.ended >= cell.started for cell in result.cells[:2])
    assert result.peak_memory > 10_000_000


def test_a_cell_that_raises_names_cell_and_line_and_the_rest_is_not_run(driver, spec_of):
    spec = spec_of("x = 1", "y = 2\nz = 0\ny / z", "never = 1")
    result = driver.run(spec)
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.ERROR)
    assert result.message == "ZeroDivisionError: division by zero"
    assert (result.error.cell, result.error.line) == ("c2", 3)
    assert statuses(result) == ["completed", "failed", "not_run"]
    marks = [cell["metadata"]["nbflow"]["status"] for cell in executed(spec)["cells"]]
    assert marks == ["completed", "failed", "not_run"]
    papermill = [cell["metadata"]["papermill"]["status"] for cell in executed(spec)["cells"]]
    assert papermill == ["completed", "failed", "pending"]


def test_a_syntax_error_names_its_line(driver, spec_of):
    result = driver.run(spec_of("x = 1\nif x\n    pass"))
    assert result.error.name == "SyntaxError"
    assert result.error.line == 2


@pytest.mark.fault(4, 5, 7)
@pytest.mark.parametrize(
    ("death", "sentence"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "kernel died (signal 11)"),
        ("import os; os._exit(0)", "kernel died (exit code 0)"),
        ("import os; os.kill(os.getpid(), 9)", "kernel died (signal 9), perhaps out of memory"),
    ],
)
def test_a_dead_kernel_is_a_failure_whatever_its_exit_code(driver, spec_of, death, sentence):
    spec = spec_of("print('before')", death, "after = 1")
    result = driver.run(spec)
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.KILLED)
    assert result.message.startswith(sentence)
    assert statuses(result) == ["completed", "killed", "not_run"]
    assert executed(spec)["cells"][0]["outputs"][0]["text"] == ["before\n"]


@pytest.mark.fault(6)
def test_sys_exit_with_a_code_fails_the_attempt(driver, spec_of):
    result = driver.run(spec_of("import sys; sys.exit(3)"))
    assert (result.state, result.message) == (TaskState.FAILED, "SystemExit: 3")


def test_sys_exit_without_a_code_ends_the_attempt_early_and_well(driver, spec_of):
    result = driver.run(spec_of("import sys; sys.exit(0)", "never = 1"))
    assert result.state is TaskState.SUCCESS
    assert statuses(result) == ["completed", "not_run"]


@pytest.mark.fault(7)
def test_a_memory_limit_is_named_when_it_is_reached(driver, spec_of):
    limits = Limits(timeout=60, memory=1200 * 2**20)
    result = driver.run(spec_of("x = b'x' * (2 * 10**9)", limits=limits))
    assert result.state is TaskState.FAILED
    assert result.message == "out of memory (limit 1200 MiB)"


@pytest.mark.fault(8)
def test_a_busy_cell_is_interrupted_when_its_time_is_over(driver, spec_of):
    result = driver.run(spec_of("while True: pass", "1", limits=OVER_SOON))
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.TIMED_OUT)
    assert result.message == "timed out after 12 s"
    assert statuses(result) == ["timed_out", "not_run"]


@pytest.mark.fault(8)
def test_a_cell_deaf_to_interrupts_is_killed_when_its_time_is_over(driver, spec_of):
    deaf = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "time.sleep(600)"
    )
    result = driver.run(spec_of(deaf, limits=OVER_SOON))
    assert (result.reason, statuses(result)) == (Reason.TIMED_OUT, ["timed_out"])


@pytest.mark.abuse(19)
@pytest.mark.fault(41)
def test_a_kernel_that_is_not_installed_is_named_with_those_that_are(driver, spec_of):
    result = driver.run(spec_of("1", kernel="nosuch"))
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.KERNEL_START)
    assert result.message.startswith("kernel 'nosuch' is not installed; available: ")
    assert "python3" in result.message


@pytest.mark.fault(41)
def test_a_kernel_that_never_answers_is_given_up_after_the_start_time(
    own_driver, spec_of, tmp_path, monkeypatch
):
    folder = tmp_path / "jupyter" / "kernels" / "mute"
    folder.mkdir(parents=True)
    spec = {"argv": ["sleep", "600"], "display_name": "mute", "language": "none"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    limits = Limits(timeout=60, start_timeout=1)
    result = own_driver.run(spec_of("1", kernel="mute", limits=limits))
    assert result.reason is Reason.KERNEL_START
    assert result.message == "kernel 'mute' did not start within 1 s"


@pytest.mark.abuse(19)
@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONPATH", "PATH", "NBFLOW_HOME", "lower"])
def test_a_variable_that_could_drive_the_kernel_is_refused(driver, spec_of, name):
    result = driver.run(spec_of("1", environment={name: "x"}))
    assert result.state is TaskState.FAILED
    assert repr(name) in result.message


@pytest.mark.abuse(32)
def test_a_kernel_sees_its_folder_its_variables_and_no_metastore(
    own_driver, spec_of, tmp_path, monkeypatch
):
    monkeypatch.setenv("NBFLOW_DATABASE_URL", "sqlite:///secret.db")
    code = (
        "import os; print(os.getcwd(), os.environ['GREETING'], "
        "os.environ.get('NBFLOW_DATABASE_URL'), os.environ['NBFLOW_ATTEMPT'])"
    )
    spec = spec_of(code, environment={"GREETING": "hello"})
    own_driver.run(spec)
    text = executed(spec)["cells"][0]["outputs"][0]["text"]
    assert text == [f"{tmp_path} hello None {spec.token}\n"]


@pytest.mark.abuse(44)
def test_what_an_attempt_leaves_is_private_to_its_owner(driver, spec_of):
    spec = spec_of("print(1)")
    driver.run(spec)
    folder = Path(spec.workdir)
    assert folder.stat().st_mode & 0o077 == 0
    assert {f.name for f in folder.iterdir() if f.stat().st_mode & 0o077} == set()


@pytest.mark.abuse(44, 46)
def test_a_kernel_is_talked_to_in_a_private_folder_alone(driver, spec_of):
    code = (
        "import json, os, ipykernel\n"
        "from pathlib import Path\n"
        "file = Path(ipykernel.get_connection_file())\n"
        "modes = [oct(one.stat().st_mode & 0o777) for one in (file, file.parent)]\n"
        "print(json.loads(file.read_text())['transport'], *modes)"
    )
    spec = spec_of(code)
    driver.run(spec)
    assert executed(spec)["cells"][0]["outputs"][0]["text"] == ["ipc 0o600 0o700\n"]


def test_a_cancelled_attempt_says_so_at_the_cell(driver, spec_of):
    spec = driver.start(spec_of("import time; time.sleep(600)", "1"))
    driver.until_running(spec, "c1")
    driver.executor.cancel(spec.token)
    result = driver.end_of(spec, 15)
    assert (result.state, result.reason) == (TaskState.CANCELLED, Reason.CANCELLED)
    assert statuses(result) == ["cancelled", "not_run"]


def test_an_attempt_cancelled_before_a_slot_was_free_never_runs(own_driver, spec_of, tmp_path):
    first = own_driver.start(spec_of("import time; time.sleep(600)"))
    second = own_driver.start(spec_of(f"open({str(tmp_path / 'ran')!r}, 'w')"))
    own_driver.executor.cancel(second.token)
    assert own_driver.end_of(second).state is TaskState.CANCELLED
    own_driver.until_running(first, "c1")
    own_driver.executor.cancel(first.token)
    own_driver.end_of(first)
    assert not (tmp_path / "ran").exists()


def test_a_top_level_await_that_swallows_the_interrupt_is_ended_too(driver, spec_of):
    spec = driver.start(spec_of("import asyncio\nawait asyncio.sleep(600)"))
    driver.until_running(spec, "c1")
    driver.executor.cancel(spec.token)
    assert driver.end_of(spec, 15).state is TaskState.CANCELLED


def test_the_log_tells_the_attempt_and_what_it_printed(driver, spec_of):
    spec = spec_of("print('to be read')", "1 / 0")
    result = driver.run(spec)
    log = Path(spec.workdir, result.log).read_text()
    assert "to be read" in log
    assert "cell c2: failed" in log
    assert "ZeroDivisionError" in log
    assert log.index("starts") < log.index("to be read") < log.index("failed: ZeroDivisionError")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX only")
def test_a_slot_serves_many_attempts_with_a_fresh_kernel_each(own_driver, spec_of):
    assert own_driver.run(spec_of("leak = 1")).state is TaskState.SUCCESS
    slot = own_driver.executor._slots[0].pid
    result = own_driver.run(spec_of("leak"))
    assert result.error.name == "NameError"
    assert own_driver.executor._slots[0].pid == slot


def test_events_tell_each_cell_as_it_happens(driver, spec_of):
    spec = spec_of("1", "2")
    driver.run(spec)
    seen = [(e.cell, e.status) for e in driver.events if e.token == spec.token]
    assert seen == [
        ("c1", CellStatus.RUNNING),
        ("c1", CellStatus.COMPLETED),
        ("c2", CellStatus.RUNNING),
        ("c2", CellStatus.COMPLETED),
    ]
