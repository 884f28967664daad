"""The magics in a real kernel, as a person sees them who runs a notebook's cells one by one."""

import asyncio
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

TASKS = (
    ("n = 3", "parameters"),
    ("%%task load\nnumbers = list(range(n))",),
    ("%%task total\ntotal = sum(numbers)\nprint('total', total)",),
)


LONG = "%%task long\nimport pathlib, time\npathlib.Path('started').touch()\ntime.sleep(300)"


class Person:
    """Opens a notebook that is saved at ``path`` and runs cells of it."""

    def __init__(self, path: Path, *cells: tuple[str, ...]) -> None:
        self.document = nbformat.v4.new_notebook()
        for source, *tags in cells:
            cell = nbformat.v4.new_code_cell(source)
            cell.metadata["tags"] = tags
            self.document.cells.append(cell)
        nbformat.write(self.document, path)
        self.client = NotebookClient(
            self.document, timeout=120, resources={"metadata": {"path": str(path.parent)}}
        )

    def run(self, index: int) -> Any:
        """Run one cell and return it; raises CellExecutionError if it fails."""
        return self.client.execute_cell(self.document.cells[index], index)

    def text(self, index: int) -> str:
        """Run one cell and return what it shows as text."""
        return shown(self.run(index))


def shown(cell: Any) -> str:
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return "\n".join(texts).strip()


def appears(marker: Path) -> bool:
    end = time.monotonic() + 60
    while not marker.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return marker.exists()


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Return a function that opens a notebook of these cells in a kernel of its own."""
    path = tmp_path / "totals.ipynb"
    monkeypatch.setenv("NBFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NBFLOW_LANG", "en")
    monkeypatch.setenv("NBFLOW_SLOTS", "1")
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    kernels = []

    def open_notebook(*cells):
        person = Person(path, ("%load_ext nbflow",), *cells)
        person.client.create_kernel_manager()
        person.client.start_new_kernel(env=dict(os.environ))
        person.client.start_new_kernel_client()
        kernels.append(person.client)
        person.run(0)
        return person

    yield open_notebook
    for client in kernels:
        asyncio.run(client._async_cleanup_kernel())


def test_a_notebook_is_drawn_checked_explained_and_run_in_place(opened, tmp_path):
    person = opened(
        *TASKS,
        ("%dag",),
        ("%dag lint",),
        ("%dag explain load total",),
        ("%dag run -p n=5 --wait",),
        ("print('still', 'free')", "skip"),
    )
    drawn = person.run(4)
    assert set(drawn.outputs[0].data) == {"text/html", "image/svg+xml", "text/plain"}
    assert "total  ← load (numbers)" in shown(drawn)
    assert person.text(5) == "No findings."
    # The magics' own cells count like any other: total is the fourth prompt.
    assert "reads numbers (written at cell [3], line 2, read at cell [4], line 2)" in person.text(6)
    ran = person.run(7)
    (picture,) = ran.outputs
    assert "Run finished · 2 of 2 tasks" in picture.data["text/plain"]
    assert picture.data["text/html"].count('data-state="success"') == 2
    (executed,) = (tmp_path / "home" / "store" / "executed").iterdir()
    assert f'href="home/store/executed/{executed.name}"' in picture.data["text/html"]
    outputs = [c["outputs"] for c in json.loads(executed.read_text("utf-8"))["cells"]]
    assert outputs[3][0]["text"] == ["total 10\n"]
    assert outputs[7] == [], "a run does not run itself"
    assert person.text(8) == "still free"


def test_a_run_leaves_the_kernel_free_and_its_picture_turns_green_later(opened):
    person = opened(
        *TASKS,
        ("import nbflow\ndag = nbflow.load('totals.ipynb')\ndag", "skip"),
        ("run = dag.live(n=4)\nrun", "skip"),
        ("print(run.wait().state)", "skip"),
    )
    assert "total  ← load (numbers)" in person.text(4)
    begun = person.run(5)
    assert "application/vnd.jupyter.widget-view+json" in begun.outputs[0].data
    assert person.text(6) == "success"
    assert "Run finished · 2 of 2 tasks" in shown(begun)


def test_with_wait_a_failed_run_fails_the_cell_in_one_line(opened):
    person = opened(
        ("%%task load\nrow = {'cost': 3}",),
        ("%%task price\nprice = row['price']",),
        ("%dag run --wait",),
    )
    with pytest.raises(CellExecutionError):
        person.run(3)
    picture, error = person.document.cells[3].outputs
    assert "✕ price  KeyError" in picture.data["text/plain"]
    assert error.traceback == [
        "NBF501: Run failed. price: KeyError: 'price' (cell [3], line 2)",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%dag run -p n=many", "NBF401: n is int, and 'many' is not"),
        ("%dag run -p m=1", "NBF401: 'm' is not a parameter"),
        ("%dag run --select tootal", "NBF512: There is no task 'tootal'"),
        ("%dag explain load nowhere", "NBF902: There is no task 'nowhere'"),
        ("%dag lint gone.ipynb", "NBF0"),
    ],
)
def test_what_can_not_be_meant_is_one_clear_line(opened, line, said):
    person = opened(*TASKS, (line,))
    (output,) = person.run(4).outputs
    assert output.name == "stderr"
    assert output.text.startswith(said)
    assert "Traceback" not in output.text


@pytest.mark.skipif(os.name != "posix", reason="interrupts as signals of POSIX")
def test_interrupt_cancels_a_waiting_run_and_no_process_stays(opened, tmp_path):
    person = opened(
        (LONG,),
        ("%dag run --wait",),
    )

    kernel = psutil.Process(person.client.km.provisioner.pid)
    below = []

    def interrupt_when_running():
        if appears(tmp_path / "started"):
            below.extend(kernel.children(recursive=True))
            os.killpg(os.getpgid(kernel.pid), signal.SIGINT)  # as Jupyter's Interrupt does

    presses = threading.Thread(target=interrupt_when_running)
    presses.start()
    with pytest.raises(CellExecutionError):
        person.run(2)
    presses.join()
    picture, error = person.document.cells[2].outputs
    assert "long  cancelled" in picture.data["text/plain"]
    assert error.traceback == ["NBF501: Run cancelled."]
    assert below
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_a_kernel_that_is_killed_takes_its_runs_processes_along(opened, tmp_path):
    person = opened(
        (LONG,),
        ("%dag run",),
    )
    person.run(2)
    assert appears(tmp_path / "started")
    kernel = psutil.Process(person.client.km.provisioner.pid)
    below = kernel.children(recursive=True)
    assert below
    kernel.kill()
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive


def test_open_loads_a_tasks_inputs_into_the_notebooks_own_kernel(opened, tmp_path):
    ran = "with open('ran', 'a') as log:\n    log.write('x')\n"
    person = opened(
        ("def twice(n):\n    return 2 * n", "setup"),
        (f"%%task load\n{ran}numbers = [twice(1), 3]",),
        ("%%task total\nimport warnings\nwarnings.warn('odd')\nassert sum(numbers) == 0",),
        ("%dag run --wait",),
        ("%dag open last total",),
        ("print(numbers, twice(4))",),
        ("%dag open last nope",),
        ("%dag open last",),
    )
    with pytest.raises(CellExecutionError):
        person.run(4)
    said = person.text(5)
    assert "Try 1 of total: AssertionError" in said
    assert "Loaded: numbers" in said
    assert (tmp_path / "ran").read_text() == "x"
    assert person.text(6) == "[2, 3] 8"
    # Cells go on as usual: their warnings are shown, what they raise is what they raise.
    with pytest.raises(CellExecutionError, match="AssertionError"):
        person.run(3)
    assert "UserWarning: odd" in shown(person.document.cells[3])
    assert "Tasks: load, total." in person.text(7)
    assert "open takes a run and a task." in person.text(8)
