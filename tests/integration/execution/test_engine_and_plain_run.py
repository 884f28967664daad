"""The engine as papermill's users call it, the plain run, and a disk that is full."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from small_files import files_of_at_most

from nbflow.errors import ExecutionError
from nbflow.execution.executor import LocalExecutor
from nbflow.execution.kernels import check_kernel, installed_kernels
from nbflow.execution.plain import Handover, run_plain
from nbflow.model.attempt import Load
from nbflow.model.states import Reason, TaskState

pytestmark = pytest.mark.kernel


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.mark.parametrize(("source", "code"), [("1 + 1", 0), ("1 / 0", 1)])
def test_papermill_runs_a_notebook_with_the_engine(tmp_path, source, code):
    nbformat.write(notebook(source, "'last'"), tmp_path / "in.ipynb")
    command = [sys.executable, "-m", "papermill", "--engine", "nbflow", "in.ipynb", "out.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    executed = nbformat.read(tmp_path / "out.ipynb", 4)
    nbformat.validate(executed)
    code_cells = [cell for cell in executed.cells if cell.cell_type == "code"]
    wanted = ["failed", "not_run"] if code else ["completed", "completed"]
    assert [cell.metadata.nbflow.status for cell in code_cells] == wanted


def test_a_plain_run_keeps_the_page_and_leaves_out_what_is_skipped(tmp_path):
    page = notebook("%%task a\nx = 1", "x / 0", "k = 3", "print(x, k)")
    page.cells[2].metadata["tags"] = ["parameters"]
    executed = run_plain(
        page,
        cwd=str(tmp_path),
        kernel="python3",
        skip_cells=("c1",),
        parameters_source="k = 7",
        sources={"c0": "\nx = 1"},
    ).notebook
    assert [cell["source"] for cell in executed["cells"]] == [c.source for c in page.cells]
    assert executed["cells"][1]["outputs"] == []
    assert executed["cells"][3]["outputs"][0]["text"] == ["1 7\n"]


def test_a_plain_run_hands_values_to_the_next_which_binds_them_after_a_cell(tmp_path):
    first = run_plain(
        notebook("x = [1, 2]"),
        cwd=str(tmp_path),
        kernel="python3",
        handover=Handover(values=str(tmp_path / "values"), outputs=("x",)),
    )
    (value,) = first.values
    second = run_plain(
        notebook("x = 'default'\nx", "y = sum(x)\ny"),
        cwd=str(tmp_path),
        kernel="python3",
        handover=Handover(
            values=str(tmp_path / "values"), loads=(Load(name="x", value=value),), after="c0"
        ),
    )
    shown = [cell["outputs"][0]["data"]["text/plain"] for cell in second.notebook["cells"]]
    assert shown == [["'default'"], ["3"]]
    assert [cell["execution_count"] for cell in second.notebook["cells"]] == [1, 2]


def test_a_plain_run_stops_at_the_first_error(tmp_path):
    executed = run_plain(notebook("1 / 0", "2"), cwd=str(tmp_path), kernel="python3").notebook
    assert executed["cells"][0]["outputs"][0]["ename"] == "ZeroDivisionError"
    assert [c["metadata"]["nbflow"]["status"] for c in executed["cells"]] == ["failed", "not_run"]


def test_a_plain_run_without_its_kernel_is_an_error_for_people(tmp_path):
    with pytest.raises(ExecutionError, match="'nosuch' is not installed"):
        run_plain(notebook("1"), cwd=str(tmp_path), kernel="nosuch")


def test_a_full_disk_fails_the_attempt_and_leaves_a_whole_notebook(driver, spec_of):
    with files_of_at_most(400_000):
        executor = LocalExecutor(1)
        executor.warm()
    with executor:
        spec = spec_of("print('x' * 1_000_000)")
        result = type(driver)(executor).run(spec)
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.NO_SPACE)
    assert "no space" in result.message
    assert json.loads(Path(spec.workdir, "executed.ipynb").read_text())["cells"]
    assert not list(Path(spec.workdir).glob(".executed*"))


@pytest.mark.fault(9)
def test_a_kernel_that_stops_answering_after_the_last_cell_holds_nothing_up(driver, spec_of):
    deaf = "k = get_ipython().kernel\nk.kernel_info_request = k.shell_handlers['kernel_info_request'] = None"
    assert driver.run(spec_of(deaf), 20).state is TaskState.SUCCESS


def test_installed_kernels_are_listed_with_their_language():
    names = {kernel.name: kernel.language for kernel in installed_kernels()}
    assert names["python3"] == "python"
    assert check_kernel("python3").name == "python3"
