import json
from pathlib import Path

import nbformat
import pytest

import nbflow
from nbflow.errors import ParameterError, UsageError
from nbflow.ipython.current import link_to
from nbflow.ipython.runs import RunRequest
from nbflow.service.on_page import OnPage
from nbflow.service.targets import Compiled, load_one


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    notebook = nbformat.v4.new_notebook()
    for source in ("%load_ext nbflow", "", "%%task a\nx = 1", "%%task b\nprint(x)\nexec('y = 1')"):
        notebook.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(notebook, tmp_path / "page.ipynb")
    return load_one(tmp_path / "page.ipynb")


def test_cells_go_by_the_prompts_that_run_all_would_give_them(compiled: Compiled) -> None:
    edge = next(e for e in OnPage(compiled).dag.edges if e.variable == "x")
    assert edge.writer is not None
    assert edge.reader is not None
    assert (edge.writer.cell, edge.writer.line) == ("[2]", 2)
    assert (edge.reader.cell, edge.reader.line) == ("[3]", 2)
    assert [task.cells for task in OnPage(compiled).dag.tasks] == [("[2]",), ("[3]",)]


def test_a_finding_shows_the_line_of_code_that_it_is_about(compiled: Compiled) -> None:
    finding = next(d for d in compiled.dag.diagnostics if d.line == 3)
    head, code, *_ = OnPage(compiled).finding(finding).splitlines()
    assert head.startswith(f"{finding.code} {finding.severity.value} · cell [3], line 3: ")
    assert code == "    exec('y = 1')"


def test_a_request_is_checked_before_anything_runs(
    compiled: Compiled, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunRequest(compiled=compiled).check()
    with pytest.raises(ParameterError):
        RunRequest(compiled=compiled, parameters={"n": "1"}).check()
    monkeypatch.setenv("NBFLOW_SLOT", "any")
    with pytest.raises(UsageError) as caught:
        RunRequest(compiled=compiled).check()
    assert caught.value.code == "NBF712"


def test_a_loaded_dag_names_its_cells_by_number_in_its_picture(compiled: Compiled) -> None:
    drawn = nbflow.load(compiled.dag.notebooks[0])._repr_mimebundle_()
    assert "cell [2], line 2" in drawn["text/html"]


def test_only_what_jupyter_serves_gets_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "root" / "notes"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert link_to(here / "out 1" / "a.ipynb") == "out%201/a.ipynb"
    assert link_to(tmp_path / "root" / "home" / "a.ipynb") is None
    monkeypatch.setenv("JPY_PARENT_PID", "4242")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    told = json.dumps({"root_dir": str(tmp_path / "root")})
    (tmp_path / "jpserver-4242.json").write_text(told)
    assert link_to(tmp_path / "root" / "home" / "a.ipynb") == "../home/a.ipynb"
    assert link_to(tmp_path / "root" / ".hidden" / "a.ipynb") is None
    assert link_to(tmp_path / "elsewhere" / "a.ipynb") is None
