"""`nbflow run` with real kernels: what a person is told, what a program reads."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

Call = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.kernel

FAILING = """\
# %%
# %%task load
rows = [1, 2]

# %%
# %%task train
def fit(rows):
    return rows["\\x1b[2Jx"]
model = fit(rows)

# %%
# %%task report
print(model)
"""
PARAMETERS = """\
# %% tags=["parameters"]
target: float = 0.5

# %%
# %%task a
print("target", target)
"""


class Failed(NamedTuple):
    """A run that failed: its folder, the environment that it had, what it said."""

    folder: Path
    env: dict[str, str]
    done: "subprocess.CompletedProcess[str]"


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Failed:
    folder = tmp_path_factory.mktemp("failing")
    (folder / "failing.py").write_text(FAILING)
    env = {k: v for k, v in os.environ.items() if not k.startswith("NBFLOW_")}
    env |= {"NBFLOW_HOME": str(folder / "home"), "NBFLOW_LANG": "en"}
    words = [sys.executable, "-m", "nbflow", "run", "failing.py"]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return Failed(folder, env, done)


def test_a_failed_task_is_told_with_cell_traceback_notebook_and_what_was_not_run(
    failed: Failed,
) -> None:
    done = failed.done
    assert done.returncode == 1
    assert "✕ Task train failed: TypeError" in done.stdout
    assert re.search(r"cell \S+, line 4", done.stdout)
    assert "----> 3 model = fit(rows)" in done.stdout
    assert "report: not run: upstream failed (train did not succeed)" in done.stdout
    notebook = re.findall(r"executed notebook: (.+)", done.stdout)[0]
    assert json.loads(Path(notebook).read_text())["nbformat"] == 4
    assert "✓ load" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "Traceback (most recent call last)" not in done.stderr


def test_a_program_reads_one_line_per_task(failed: Failed) -> None:
    folder, env, _ = failed
    words = [sys.executable, "-m", "nbflow", "run", "failing.py", "-q", "--format", "json"]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["task"], row["state"], row["attempts"]) for row in rows] == [
        ("load", "success", 1),
        ("train", "failed", 1),
        ("report", "upstream_failed", 0),
    ]
    assert set(rows[0]) == {"task", "state", "attempts", "seconds", "reason"}
    assert done.stderr == ""


def test_a_terminal_gets_a_live_table_and_only_colours(
    failed: Failed,
) -> None:
    folder, env, _ = failed
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "nbflow", "run", "failing.py"]
    env = env | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen(words, cwd=folder, env=env, stdout=slave, stderr=slave) as process:
        os.close(slave)
        seen = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
    os.close(master)
    text = seen.decode(errors="replace")
    assert process.returncode == 1
    assert "3 of 3 tasks" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "\x1b[2J" not in text
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", text), "the traceback has lost its colours"


def test_runs_are_on_record_afterwards(failed: Failed) -> None:
    folder, env, _ = failed

    def ask(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "nbflow", *words],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    rows = json.loads(ask("runs", "list", "--dag", "failing", "--format", "json"))
    assert rows
    assert {row["state"] for row in rows} == {"failed"}
    shown = json.loads(ask("runs", "show", rows[0]["run_id"], "--format", "json"))
    assert [task["state"] for task in shown["tasks"]] == ["success", "failed", "upstream_failed"]
    assert "attempt 1 of task 'train'" in ask("runs", "logs", "last", "train")
    assert json.loads(ask("dags", "list", "--format", "json"))[0]["state"] == "failed"


def test_parameters_are_typed_and_wrong_ones_refused_before_a_run(
    nbflow: Call, tmp_path: Path
) -> None:
    (tmp_path / "with.py").write_text(PARAMETERS)
    out = tmp_path / "out.ipynb"
    done = nbflow("run", "with.py", "-q", "-p", "target=0.75", "--output", out)
    assert done.returncode == 0, done.stderr
    assert "target 0.75" in out.read_text()
    for given, code in (("target=high", "NBF401"), ("goal=1", "NBF401"), ("target", "NBF709")):
        done = nbflow("run", "with.py", "-q", "-p", given)
        assert (done.returncode, done.stderr.split()[1]) == (2, f"{code}:"), done.stderr
    done = nbflow("run", "with.py", "-q", "--date", "tomorrow")
    assert (done.returncode, done.stderr.split()[1]) == (2, "NBF404:"), done.stderr


def test_a_selector_takes_inputs_from_the_run_before(nbflow: Call, tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text("# %%\n# %%task a\nx = 2\n\n# %%\n# %%task b\nprint(x)\n")
    refused = nbflow("run", "two.py", "-q", "--select", "b")
    assert refused.returncode == 2
    assert "+b" in refused.stderr
    assert nbflow("run", "two.py", "-q").returncode == 0
    done = nbflow("run", "two.py", "-q", "--select", "b", "--format", "json")
    assert [json.loads(line)["task"] for line in done.stdout.splitlines()] == ["b"]


def test_db_init_brings_the_examples_and_dags_test_runs_one(nbflow: Call, tmp_path: Path) -> None:
    first = nbflow("db", "init")
    assert first.returncode == 0, first.stderr
    assert "붓꽃_분류.ipynb" in first.stdout
    mine = tmp_path / "home/dags/first_steps.ipynb"
    mine.write_text(mine.read_text().replace("First steps", "My steps"))
    assert "already" in nbflow("db", "init").stdout
    assert "My steps" in mine.read_text()
    ids = {row["dag_id"] for row in json.loads(nbflow("dags", "list", "-f", "json").stdout)}
    assert ids == {"electricity", "first_steps", "retraining", "weather_report", "붓꽃_분류"}
    done = nbflow("dags", "test", "weather_report", "--quiet", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [json.loads(x)["state"] for x in done.stdout.splitlines()] == ["success"] * 3
