"""A failed run in the hands of people: look, clear, cancel, delete, follow its logs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from waiting import until, until_said

from nbflow.execution.processes import is_alive

Call = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

FAILS = """\
# %%
# %%task load
x = 20
print("loaded")

# %%
# %%task train
import pathlib
print("training")
if not pathlib.Path("ok").exists():
    raise ValueError("not yet")
y = x + 1

# %%
# %%task report
print("answer", y)
"""
WAITS = """\
# %%
# %%task first
print("one line")

# %%
# %%task long
import pathlib, time
print("it waits")
pathlib.Path("begun").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.02)
print("it went on")
"""


class Ended(NamedTuple):
    """A run whose second task failed: how the command line is called there, its id, its folder."""

    nbflow: Call
    run: str
    folder: Path


@pytest.fixture(scope="module")
def ended(nbflow_in: Callable[[Path], Call], tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """One run for all tests that change nothing of it."""
    folder = tmp_path_factory.mktemp("ended")
    return Ended(nbflow_in(folder), failed_run(nbflow_in(folder), folder), folder)


@pytest.fixture
def failed(nbflow: Call, tmp_path: Path) -> str:
    """Make a run whose second task failed; return its id."""
    return failed_run(nbflow, tmp_path)


def failed_run(nbflow: Call, folder: Path) -> str:
    (folder / "etl.py").write_text(FAILS)
    assert nbflow("run", "etl.py", "-q").returncode == 1
    (run,) = told(nbflow("runs", "list", "--format", "json"))
    return str(run["run_id"])


def told(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def going(tmp_path: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the command line and leave it going; it is ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nbflow", *words],
        cwd=tmp_path,
        env=os.environ | {"NBFLOW_HOME": str(tmp_path / "home"), "NBFLOW_LANG": "en"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever starts the tests in the background has Ctrl-C ignored, and all below inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_a_failed_run_is_cleared_and_goes_on_here_and_now(
    nbflow: Call, failed: str, tmp_path: Path
) -> None:
    planned = told(nbflow("runs", "clear", failed, "-t", "train", "--dry-run", "-f", "json"))
    assert [(row["task"], row["state"]) for row in planned] == [
        ("train", "failed"), ("report", "upstream_failed"),
    ]  # fmt: skip
    again = nbflow("runs", "clear", "last", "--task", "train", "--run")
    assert again.returncode == 1
    assert "Task train failed: ValueError: not yet" in again.stdout
    (tmp_path / "ok").touch()
    done = nbflow("runs", "clear", "last", "--only-failed", "--run", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    states = told(nbflow("tasks", "states", failed, "--format", "json"))
    assert [(row["task"], row["state"], row["attempts"]) for row in states] == [
        ("load", "success", 1), ("train", "success", 3), ("report", "success", 1),
    ]  # fmt: skip
    assert nbflow("db", "check").returncode == 0


def test_who_reads_korean_is_told_in_korean_why_tasks_stopped(ended: Ended) -> None:
    nbflow, failed, _ = ended
    shown = nbflow("runs", "show", failed, NBFLOW_LANG="ko", COLUMNS="200").stdout
    assert "train이(가) 성공하지 못했습니다" in shown
    assert "train 실패" in shown
    assert "train did not succeed" in nbflow("runs", "show", failed, COLUMNS="200").stdout


def test_without_a_scheduler_a_clear_says_how_to_go_on_and_a_cancel_withdraws_it(
    nbflow: Call, failed: str
) -> None:
    asked = nbflow("runs", "clear", failed, "--task", "train")
    assert asked.returncode == 0
    assert "No scheduler works on this metastore" in asked.stdout
    assert "--run" in asked.stdout
    assert "It was cleared" in nbflow("runs", "show", failed).stdout
    refused = nbflow("runs", "delete", failed, "--yes")
    assert refused.returncode == 3
    assert "NBF661" in refused.stderr
    assert "will not go on" in nbflow("runs", "cancel", failed).stdout
    assert "has ended already" in nbflow("runs", "cancel", failed).stdout


def test_a_scheduler_carries_a_clear_out(nbflow: Call, failed: str, tmp_path: Path) -> None:
    (tmp_path / "ok").touch()
    with going(tmp_path, "scheduler", "--quiet"):
        until(lambda: nbflow("scheduler", "status").returncode == 0)
        asked = nbflow("runs", "clear", failed, "--only-failed")
        assert "No scheduler" not in asked.stdout
        until(lambda: told(nbflow("runs", "show", failed, "-f", "json"))["state"] == "success")


def test_an_executed_notebook_is_written_anew_after_a_clear(nbflow: Call, tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(FAILS)
    merged = tmp_path / "out.ipynb"
    assert nbflow("run", "etl.py", "-q", "--output", "out.ipynb").returncode == 1
    before = merged.read_text()
    (tmp_path / "ok").touch()
    cleared = nbflow("runs", "clear", "last", "--only-failed", "--run", "-q")
    assert "nbflow runs notebook" in cleared.stdout
    assert merged.read_text() == before
    written = nbflow("runs", "notebook", "last", "--output", "out.ipynb")
    assert (written.returncode, written.stdout) == (0, "")
    assert "answer 21" in merged.read_text()
    assert "not yet" not in json.dumps(json.loads(merged.read_text())["cells"][1]["outputs"])
    assert nbflow("runs", "notebook", "last").stdout == merged.read_text()


def test_clearing_takes_a_selection_and_names_what_is_unknown(ended: Ended) -> None:
    nbflow, failed, _ = ended
    silent = nbflow("runs", "clear", failed)
    assert (silent.returncode, "NBF662" in silent.stderr) == (2, True)
    unknown = nbflow("runs", "clear", failed, "--task", "nope")
    assert unknown.returncode == 2
    assert "Tasks: load, train, report." in unknown.stderr
    several = nbflow("runs", "open", failed, "+train")
    assert (several.returncode, "'+train' names 2 tasks" in several.stderr) == (2, True)
    assert "Name one of them: load, train." in several.stderr
    assert "NBF521" in nbflow("runs", "open", failed, "report+").stderr
    assert "no run 'nobody'" in nbflow("runs", "clear", "nobody", "--all").stderr
    korean = nbflow("runs", "clear", failed, NBFLOW_LANG="ko")
    assert "초기화" in korean.stderr


def test_deleting_asks_first_and_takes_everything(
    nbflow: Call, failed: str, tmp_path: Path
) -> None:
    assert nbflow("runs", "delete", failed).returncode == 1
    assert nbflow("runs", "show", failed).returncode == 0
    done = nbflow("runs", "delete", failed, "--yes")
    assert done.returncode == 0, done.stderr
    assert nbflow("runs", "show", failed).returncode == 2
    assert list((tmp_path / "home" / "store" / "runs").iterdir()) == []


def test_tasks_are_listed_told_and_their_logs_printed_try_by_try(ended: Ended) -> None:
    nbflow, failed, _ = ended
    listed = told(nbflow("tasks", "list", "etl", "--select", "train+", "--format", "json"))
    assert [(row["task"], row["waits_for"]) for row in listed] == [
        ("train", ["load"]), ("report", ["train"]),
    ]  # fmt: skip
    states = told(nbflow("tasks", "states", failed, "--select", "+train", "-f", "json"))
    assert [row["state"] for row in states] == ["success", "failed"]
    logs = nbflow("tasks", "logs", failed, "train", "--attempt", 1)
    assert "training" in logs.stdout
    assert "loaded" not in logs.stdout
    both = nbflow("runs", "logs", failed, "+train").stdout
    assert both.index("loaded") < both.index("training")
    for words, said in (
        (("tasks", "logs", failed, "train", "--attempt", 7), "Tries: 1."),
        (("tasks", "logs", failed, "report"), "tried no task 'report'"),
        (("runs", "logs", failed, "report"), "report: train did not succeed"),
        (("tasks", "logs", failed, "nope"), "Tasks: load, train, report."),
        (("tasks", "states", "nobody"), "no run 'nobody'"),
        (("tasks", "list", "nobody"), "DAGs: etl."),
    ):
        refused = nbflow(*words)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr


def test_why_a_run_failed_is_told_in_the_readers_language_wherever_its_state_is(
    ended: Ended,
) -> None:
    nbflow, failed, _ = ended
    reason = told(nbflow("runs", "show", failed, "-f", "json"))["tasks"][1]["reason"]
    assert reason
    assert f"→ {reason}" in nbflow("runs", "logs", failed, "train").stdout
    assert "→" not in nbflow("runs", "logs", failed, "load").stdout
    followed = nbflow("runs", "logs", failed, "-f").stderr
    assert f"train: {reason}" in followed
    assert "(train failed)" in followed
    state = nbflow("dags", "state", "etl")
    assert (state.stdout, state.stderr) == ("failed\n", "train failed\n")
    (row,) = told(nbflow("dags", "state", "etl", "-f", "json"))
    assert row["reason"] == "train failed"
    korean = {"NBFLOW_LANG": "ko"}
    assert "train 실패" in nbflow("dags", "state", "etl", **korean).stderr
    assert "train 실패" in nbflow("runs", "logs", failed, "-f", **korean).stderr


def test_following_a_log_prints_what_is_written_until_the_run_ends(
    nbflow: Call, tmp_path: Path
) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    with going(tmp_path, "run", "waits.py", "-q"):
        until((tmp_path / "begun").exists)
        with going(tmp_path, "runs", "logs", "last", "--follow") as reader:
            assert reader.stdout is not None
            seen = ""
            while "it waits" not in seen:
                line = reader.stdout.readline()
                assert line
                seen += line
            assert "one line" in seen
            assert "it went on" not in seen
            (tmp_path / "go").touch()
            rest, state = reader.communicate(timeout=60)
    assert "it went on" in rest
    assert "done" in state
    assert reader.returncode == 0
    ended = nbflow("runs", "logs", "last", "long", "-f")
    assert "it went on" in ended.stdout
    assert "one line" not in ended.stdout


def test_ctrl_c_ends_the_following_without_a_word_and_a_cancel_ends_the_run(
    nbflow: Call, tmp_path: Path
) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    with going(tmp_path, "run", "waits.py", "-q") as run:
        until((tmp_path / "begun").exists)
        with going(tmp_path, "runs", "logs", "last", "-f") as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            reader.send_signal(signal.SIGINT)
            _, errors = reader.communicate(timeout=60)
        assert (reader.returncode, errors) == (130, "")
        busy = nbflow("runs", "clear", "last", "--all")
        assert (busy.returncode, "NBF661" in busy.stderr) == (3, True)
        assert "NBF661" in nbflow("runs", "delete", "last", "-y").stderr
        assert "is asked to end" in nbflow("runs", "cancel", "last").stdout
        run.communicate(timeout=60)
    assert run.returncode == 130


@contextmanager
def opened(tmp_path: Path, *words: str) -> Iterator[tuple["subprocess.Popen[str]", str, str]]:
    """Open a task and wait until the kernel is ready: the process, what it said, its file."""
    with going(tmp_path, "runs", "open", *words) as process:
        said = until_said(process, "Ctrl-C ends the kernel.")
        yield process, said, said.partition("--existing ")[2].split()[0]


def kernel_of(file: str) -> int:
    """Return the process of the kernel that a connection file belongs to."""
    import psutil

    (pid,) = (p.pid for p in psutil.process_iter(["cmdline"]) if file in (p.info["cmdline"] or []))
    return int(pid)


def test_a_failed_task_is_opened_at_its_cell_until_ctrl_c(ended: Ended) -> None:
    nbflow, failed, tmp_path = ended
    from jupyter_client.blocking import BlockingKernelClient

    with opened(tmp_path, failed, "train") as (process, said, file):
        assert "Try 1 of train: ValueError: not yet" in said
        assert "raise ValueError" in said
        assert "Loaded: x" in said
        client = BlockingKernelClient(connection_file=file)
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive("assert x == 20", timeout=60)
        client.stop_channels()
        assert reply["content"]["status"] == "ok"
        pid = kernel_of(file)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "The kernel has ended." in rest
    assert not is_alive(pid)
    assert not Path(file).exists()
    assert nbflow("db", "check").returncode == 0


def test_opening_ends_when_somebody_shuts_the_kernel_down(ended: Ended) -> None:
    _, failed, tmp_path = ended
    from jupyter_client.blocking import BlockingKernelClient

    with opened(tmp_path, failed, "train") as (process, _, file):
        client = BlockingKernelClient(connection_file=file)
        client.load_connection_file()
        client.start_channels()
        client.shutdown()
        process.communicate(timeout=60)
        client.stop_channels()
    assert process.returncode == 0


def test_a_killed_opening_leaves_no_kernel(ended: Ended) -> None:
    _, failed, tmp_path = ended
    with opened(tmp_path, failed, "train") as (process, _, file):
        pid = kernel_of(file)
        process.kill()
        process.wait(60)
        until(lambda: not is_alive(pid))


def test_what_can_not_be_opened_is_said_in_words(ended: Ended) -> None:
    nbflow, failed, _ = ended
    missing = nbflow("runs", "open", failed, "report")
    assert (missing.returncode, "NBF521" in missing.stderr) == (2, True)
    assert "train is failed: open that task." in missing.stderr
    assert "Tasks: load, train, report." in nbflow("runs", "open", failed, "nope").stderr
    several = nbflow("runs", "open", failed, "+train")
    assert (several.returncode, "'+train' names 2 tasks" in several.stderr) == (2, True)
    assert "Name one of them: load, train." in several.stderr
    assert "NBF521" in nbflow("runs", "open", failed, "report+").stderr
    assert "no run 'nobody'" in nbflow("runs", "open", "nobody", "train").stderr


def test_who_follows_a_run_that_nobody_drives_is_told_so(nbflow: Call, tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(WAITS)
    assert nbflow("dags", "deploy", "waits.py").returncode == 0
    assert nbflow("dags", "trigger", "waits").returncode == 0
    with going(tmp_path, "runs", "logs", "last", "--follow") as reader:
        assert reader.stderr is not None
        assert "nothing happens until" in reader.stderr.readline()
        asked = nbflow("runs", "cancel", "last")
        assert "the run ends when one does" in asked.stdout
        reader.send_signal(signal.SIGINT)
        reader.communicate(timeout=60)
    assert reader.returncode == 130


def test_a_backfill_is_shown_with_how_its_runs_stand_and_why(nbflow: Call, tmp_path: Path) -> None:
    settings = "# ---\n# jupyter:\n#   nbflow: {version: 1, dag: {schedule: '@daily'}}\n# ---\n\n"
    (tmp_path / "etl.py").write_text(settings + FAILS)
    day = ("--from", "2026-03-01", "--to", "2026-03-01")
    assert nbflow("dags", "deploy", "etl.py").returncode == 0
    assert nbflow("backfill", "etl", *day).returncode == 0
    assert "No slot is decided on yet." in nbflow("backfill", "show", "last").stdout
    with going(tmp_path, "scheduler", "--quiet"):
        until(lambda: told(nbflow("runs", "list", "--state", "failed", "-f", "json")))
    (slot,) = told(nbflow("backfill", "show", "last", "-f", "json"))["decided"]
    assert (slot["why"], slot["state"], slot["reason"]) == ("no run", "failed", "train failed")
    wide = {"COLUMNS": "200"}
    assert "train failed" in nbflow("backfill", "show", "last", **wide).stdout
    assert "train 실패" in nbflow("backfill", "show", "last", NBFLOW_LANG="ko", **wide).stdout
