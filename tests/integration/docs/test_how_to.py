"""Every command of the how-to pages does what its page says: each line is run as it is written."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(300)]

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to"
EXAMPLES = Path(__file__).parents[3] / "example_notebooks"
FAILURES = (HOW_TO / "failures.md").read_text(encoding="utf-8")
PARAMETERS = """\
day: str = "2026-01-01"
limit: int | None = None
target: str = "report.csv"
ds = "2026-01-01"
logical_date = None"""
TRAIN = """\
import pathlib
if pathlib.Path("broken").exists():
    raise ValueError("not yet")
model = rows + 1"""
EVALUATE = 'import nbflow\nnbflow.metric("accuracy", 0.91)\nprint(model, day, target, ds)'
LEFT_OUT = {
    "pip install": "it would change the environment that the tests run in",
    "export NBFLOW_DATABASE_URL": "the contract tests ask the servers",
    "jupyter lab": "the tests of the server start one",
    "nbflow notifications retry": "the tests of notifications give one up first",
    "curl": "the tests of the API ask a server",
    "ask": "the tests of the API ask a server",
    "api=": "the tests of the API ask a server",
}
"""Beginnings of commands that are not run here, and why."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page takes for granted, and what its commands print."""

    before: tuple[str, ...] = ()
    """Commands; after the last one that makes a run, the page is about that run."""
    says: dict[str, str] = field(default_factory=dict)
    fails: dict[str, int] = field(default_factory=dict)
    """Commands whose exit code is not 0."""


RUN = "nbflow run notebook.ipynb -q"
FAILED_RUN = ("touch broken", f"{RUN} || true", "rm broken")
DEPLOYED = "nbflow dags deploy report.ipynb"
PAGES = {
    "api.md": Page(),
    "backfill.md": Page(
        before=(DEPLOYED, "nbflow backfill report --from 2025-10-01 --to 2025-10-02"),
        says={
            "nbflow backfill report --from 2026-11-01 --to 2026-11-30 --dry-run": (
                "2026-11-30 06:00+09:00"
            ),
            "nbflow backfill list": "running",
            "nbflow backfill cancel last": "is cancelled",
        },
    ),
    "deployed.md": Page(
        before=(DEPLOYED, "nbflow run report.ipynb -q --date 2026-11-01"),
        says={
            "nbflow dags list": "report",
            "nbflow dags show report": "Monday through Friday",
            "nbflow dags state report": "success\n",
            "nbflow dags state report --date 2026-11-01": "success\n",
            "nbflow dags delete report": "is deleted, with its runs: 1.",
            "nbflow dags delete report --keep-runs": "No DAG 'report' is deployed",
        },
        # The other way to do what the line before has done.
        fails={"nbflow dags delete report --keep-runs": 2},
    ),
    "edit_and_rerun.md": Page(
        before=(RUN,),
        says={"nbflow run notebook.ipynb --select train+": "evaluate: done"},
    ),
    "explain.md": Page(
        says={
            "nbflow explain first_steps.ipynb heaviest report": "reads winner",
            "nbflow explain NBF203": "Name read before it is bound",
        },
    ),
    "failures.md": Page(
        before=FAILED_RUN,
        says={
            "nbflow runs show RUN": "ValueError: not yet",
            "nbflow runs logs RUN TASK": "ValueError: not yet",
            "nbflow runs clear RUN --task train": "cleared",
        },
    ),
    "metastore.md": Page(says={"nbflow db init": "nbflow.db"}),
    "metrics.md": Page(
        before=(RUN, RUN),
        says={
            "nbflow runs show last": "Metrics of evaluate: accuracy 0.91",
            "nbflow runs metrics last": "0.91",
            "nbflow runs metrics RUN OTHER": "0.91",
        },
    ),
    "notifications.md": Page(before=("nbflow db init --without-examples",)),
    "parameters.md": Page(
        says={"nbflow run notebook.ipynb --date 2026-11-01": "done"},
    ),
    "pools.md": Page(says={"nbflow pools list": "gpu"}),
    "schedules.md": Page(
        says={
            "nbflow dags deploy report.ipynb": "report",
            "nbflow dags next report": "06:00+09:00",
            "nbflow dags pause report": "is paused",
            "nbflow dags unpause report": "is active",
            "nbflow scheduler status": "works",
        },
    ),
    "several_notebooks.md": Page(says={"nbflow show weather_report": "monthly  ← extract"}),
    "verify.md": Page(),
}


def commands(page: str) -> list[str]:
    """Return the shell commands of a page, without the remarks behind them."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [re.split(r"\s+# ", line)[0].strip() for line in lines]


WITH_COMMANDS = [path.name for path in sorted(HOW_TO.glob("*.md")) if commands(path.name)]


def notebook(**dag: object) -> str:
    def cell(source: str, tag: str, **options: object) -> dict[str, Any]:
        metadata = {"tags": [tag], "nbflow": {"task": options}} if options else {"tags": [tag]}
        return {
            "cell_type": "code", "id": tag.replace(":", "-"), "metadata": metadata,
            "execution_count": None, "outputs": [], "source": source,
        }  # fmt: skip

    cells = [
        cell(PARAMETERS, "parameters"),
        cell("rows = 3", "task:load"),
        cell(TRAIN, "task:train", retries=1, retry_delay=0),
        cell(EVALUATE, "task:evaluate"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "nbflow": {"version": 1, "dag": dag}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


class Shell:
    """A user's shell in a folder with the notebooks that the pages speak of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        bin_folder = Path(sys.executable).parent
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NBFLOW_", "LC_"))}
        self.env = kept | {
            "NBFLOW_HOME": str(self.home), "NBFLOW_LANG": "en", "COLUMNS": "160",
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        }  # fmt: skip

    def start(self, command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=self.folder, env=self.env, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # Whoever starts the tests in the background has Ctrl-C ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; whoever is asked says yes."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder, env=self.env, text=True, input="y\n", timeout=200, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def until_ctrl_c(self, command: str, ready: str) -> None:
        """Run a command that goes on, until it says that it is at work; then press Ctrl-C."""
        process = self.start(command)
        assert process.stdout is not None
        said = ""
        try:
            for line in process.stdout:
                said += line
                if ready in line:
                    break
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert ready in said, said
        assert process.returncode in (0, 130), said + rest

    def runs(self) -> list[str]:
        found = self.run("nbflow runs list -f json 2>/dev/null")
        return [row["run_id"] for row in json.loads(found.stdout or "[]")]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    schedule = {"schedule": "0 6 * * 1-5", "timezone": "Asia/Seoul"}
    (tmp_path / "report.ipynb").write_text(notebook(**schedule), encoding="utf-8")
    for name in ("notebook", "large"):
        (tmp_path / f"{name}.ipynb").write_text(notebook(), encoding="utf-8")
    for name in ("first_steps.ipynb", "weather_report", "data"):
        (tmp_path / name).symlink_to(EXAMPLES / name)
    shell = Shell(tmp_path)
    yield shell
    shell.run("nbflow scheduler stop")


GOES_ON = {"nbflow scheduler": "works", "nbflow runs open": "Ctrl-C"}
"""Commands that go on until Ctrl-C, and what they say when they are at work."""


def test_what_pages_say_to_python_works_as_it_is_written(shell: Shell) -> None:
    assert shell.run(RUN).returncode == 0
    asked = '{"evaluate": {"accuracy": 0.91}}'
    metrics = f'nbflow.metrics("last")  # {asked}\n'
    assert metrics in (HOW_TO / "metrics.md").read_text(encoding="utf-8")
    opened = re.search(r"^with nbflow\..*\n(?:    .*\n)+", FAILURES, re.MULTILINE)
    assert opened is not None
    program = f"import nbflow\nassert {metrics.strip()[:22]} == {asked}\n{opened[0]}"
    (shell.folder / "asks.py").write_text(
        f"{program}    client.wait_for_ready(timeout=60)\n    print(client.is_alive())\n"
    )
    done = shell.run("python asks.py")
    assert done.stdout.endswith("True\n"), done.stdout


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_works_as_it_is_written(page: str, shell: Shell) -> None:
    expected = PAGES[page]
    for command in expected.before:
        done = shell.run(command)
        assert done.returncode == 0, (command, done.stdout)
    runs = shell.runs() if expected.before else []
    for command in commands(page):
        if any(command.startswith(begin) for begin in LEFT_OUT):
            continue
        written = command.replace("TASK", "train")
        for name, run in zip(("RUN", "OTHER"), runs, strict=False):
            written = re.sub(rf"\b{name}\b", run, written)
        ready = next((say for word, say in GOES_ON.items() if goes_on(command, word)), None)
        if ready is not None:
            shell.until_ctrl_c(written, ready)
            continue
        done = shell.run(written)
        assert done.returncode == expected.fails.get(command, 0), (command, done.stdout)
        assert expected.says.get(command, "") in done.stdout, (command, done.stdout)


def goes_on(command: str, words: str) -> bool:
    return command == words or (words == "nbflow runs open" and command.startswith(words))


def test_every_page_with_commands_is_run() -> None:
    assert set(WITH_COMMANDS) == set(PAGES)
