"""Every example compiles without a finding, and as a pipeline says what a plain run says."""

import json
import re
from pathlib import Path

import pytest

from nbflow.app import open_service
from nbflow.service.targets import load_one
from nbflow.settings import load_settings

EXAMPLES = Path(__file__).parents[3] / "example_notebooks"
NAMES = [
    "first_steps.ipynb",
    "retraining.ipynb",
    "weather_report",
    "electricity.py",
    "붓꽃_분류.ipynb",
]


def test_every_example_is_in_this_list() -> None:
    found = {
        path.name if path.parent == EXAMPLES else path.parent.name
        for pattern in ("*.ipynb", "*.py")
        for path in EXAMPLES.rglob(pattern)
        if ".ipynb_checkpoints" not in path.parts
    }
    assert found == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_compiles_without_warnings(name: str) -> None:
    with open_service(load_settings()) as service:
        dag = service.load(EXAMPLES / name)
    assert [d.text() for d in dag.diagnostics if d.severity != "info"] == []
    assert 3 <= len(dag.tasks) <= 8


@pytest.mark.abuse(34)
@pytest.mark.parametrize("name", NAMES)
def test_no_example_runs_by_itself_or_calls_a_shell(name: str) -> None:
    options = load_one(EXAMPLES / name).dag.options
    assert (options.schedule, options.on) == (None, ())
    for path in (
        (EXAMPLES / name).parent.rglob("*") if "." in name else (EXAMPLES / name).rglob("*")
    ):
        if path.suffix in (".ipynb", ".py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(
                r'os\.system|subprocess|shell=|^\s*"?[!]|%%(bash|sh|script|system)', text, re.M
            )


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.ipynb")), ids=lambda path: path.name)
def test_an_example_is_stored_without_outputs_and_with_telling_cell_ids(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        assert cell["id"].replace("-", "").isalpha(), cell["id"]
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_every_data_file_is_described_with_its_licence() -> None:
    readme = (EXAMPLES / "data/README.md").read_text(encoding="utf-8")
    for path in (EXAMPLES / "data").glob("*.csv"):
        row = next(line for line in readme.splitlines() if f"`{path.name}` |" in line)
        assert any(licence in row for licence in ("CC0", "CC BY 4.0", "public domain"))


@pytest.mark.kernel
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_gives_as_a_pipeline_what_it_gives_from_top_to_bottom(
    name: str, tmp_path: Path
) -> None:
    settings = load_settings({"NBFLOW_HOME": str(tmp_path)})
    with open_service(settings) as service:
        outcome = service.verify(EXAMPLES / name)
    assert outcome.run.is_success
    assert {k: v for k, v in outcome.differences.items() if v} == {}
    assert outcome.cells >= 3
    assert outcome.uncompared == ()


@pytest.mark.kernel
@pytest.mark.timeout(300)
def test_the_retraining_example_alerts_when_the_target_is_out_of_reach(tmp_path: Path) -> None:
    settings = load_settings({"NBFLOW_HOME": str(tmp_path)})
    out = tmp_path / "out.ipynb"
    with open_service(settings) as service:
        report = service.run(
            EXAMPLES / "retraining.ipynb", {"target": "0.9999", "trees": "5"}, output=out
        )
    states = {task.name: task.state.value for task in report.tasks}
    assert report.is_success
    assert (states["promote"], states["alert"], states["summary"]) == (
        "skipped",
        "success",
        "success",
    )
    assert "Outcome: alert" in out.read_text()
