"""What is in the DAGs folder and what is deployed: listed, shown, asked about, deleted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


def notebook(source: str = "print('done')", tag: str = "task:only", **dag: object) -> str:
    cell = {
        "cell_type": "code", "id": "c0", "metadata": {"tags": [tag]},
        "execution_count": None, "outputs": [], "source": source,
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "nbflow": {"version": 1, "dag": dag}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}
    return json.dumps(document)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "home" / "dags"
    place.mkdir(parents=True)
    return place


def answer(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_list_says_whose_a_dag_is_when_it_runs_and_how_it_went(
    nbflow: Call, folder: Path
) -> None:
    path = folder / "tick.ipynb"
    text = notebook(schedule="0 6 * * 1-5", timezone="Asia/Seoul", owner="numbers")
    path.write_text(text, encoding="utf-8")
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["dag_id"], row["owner"], row["paused"], row["deployed"], row["next_run"]) == (
        "tick", "numbers", None, "never", None,
    )  # fmt: skip
    answer(nbflow("dags", "deploy", path, "-f", "json"))
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["schedule"], row["paused"], row["deployed"]) == ("0 6 * * 1-5", False, "same")
    assert row["next_run"].endswith("06:00+09:00")
    wide = {"COLUMNS": "200"}
    said = nbflow("dags", "list", **wide).stdout
    assert "At 06:00, Monday through Friday (Asia/Seoul)" in said
    assert "numbers" in said
    assert "월요일~금요일" in nbflow("dags", "list", NBFLOW_LANG="ko", **wide).stdout
    nbflow("dags", "pause", "tick")
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["paused"], row["next_run"]) == (True, None)
    shown = nbflow("dags", "show", "tick").stdout
    assert "tick is paused." in shown
    assert "Monday through Friday" in shown


def test_an_edit_shows_at_once_and_a_broken_notebook_hides_no_other(
    nbflow: Call, folder: Path
) -> None:
    (folder / "good.ipynb").write_text(notebook(), encoding="utf-8")
    (folder / "bad.ipynb").write_text("{ half", encoding="utf-8")
    (folder / "wrong.ipynb").write_text(notebook("def f(:"), encoding="utf-8")
    done = nbflow("dags", "list")
    assert "Notebooks with errors: 2." in done.stderr
    assert [row["dag_id"] for row in answer(nbflow("dags", "list", "-f", "json"))] == [
        "good", "wrong",
    ]  # fmt: skip
    errors = answer(nbflow("dags", "import-errors", "-f", "json"))
    assert [(Path(e["path"]).name, e["code"]) for e in errors] == [
        ("bad.ipynb", "NBF004"), ("wrong.ipynb", "NBF300"),
    ]  # fmt: skip
    assert errors[1]["message"].startswith("[1]:1: The cell is not Python")
    assert "tag the cell `skip`" in errors[1]["hint"]
    told = " ".join(nbflow("dags", "import-errors", COLUMNS="400").stdout.split())
    assert "NBF300 [1]:1: The cell is not Python" in told
    assert "tag the cell `skip`" in told
    (folder / "bad.ipynb").unlink()
    (folder / "wrong.ipynb").write_text(notebook("x = 1", id="mended"), encoding="utf-8")
    done = nbflow("dags", "list", "-f", "json")
    assert [row["dag_id"] for row in answer(done)] == ["good", "mended"]
    assert (
        "Every notebook can be deployed, and nothing is held up."
        in nbflow("dags", "import-errors").stdout
    )


def test_a_dag_of_several_notebooks_is_listed_once_and_follows_each_of_them(
    nbflow: Call, folder: Path
) -> None:
    def part(name: str) -> None:
        document = json.loads(notebook())
        document["metadata"]["nbflow"] = {"version": 1, "task": {"dag": "both", "name": name}}
        document["cells"][0]["metadata"] = {}
        (folder / f"{name}.ipynb").write_text(json.dumps(document), encoding="utf-8")

    part("first")
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["dag_id"], row["tasks"]) == ("both", 1)
    part("second")
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["dag_id"], row["tasks"]) == ("both", 2)
    (folder / "first.ipynb").unlink()
    assert answer(nbflow("dags", "list", "-f", "json"))[0]["tasks"] == 1


def test_the_state_of_a_dag_and_of_a_run_is_one_word(nbflow: Call, folder: Path) -> None:
    path = folder / "tick.ipynb"
    path.write_text(notebook(), encoding="utf-8")
    answer(nbflow("dags", "deploy", path, "-f", "json"))
    run_id = nbflow("dags", "trigger", "tick", "--date", "2026-03-01").stdout.strip()
    assert nbflow("dags", "state", "tick").stdout == "queued\n"
    assert nbflow("dags", "state", run_id).stdout == "queued\n"
    assert f"{run_id} 대기열" in nbflow("dags", "show", "tick", NBFLOW_LANG="ko").stdout
    assert "대기열" in nbflow("runs", "list", NBFLOW_LANG="ko").stdout
    assert "queued" in nbflow("runs", "list", "-f", "plain", NBFLOW_LANG="ko").stdout
    assert nbflow("dags", "state", "tick", "--date", "2026-03-01").stdout == "queued\n"
    assert answer(nbflow("dags", "state", "tick", "-f", "json"))[0]["run_id"] == run_id
    done = nbflow("dags", "state", "nobody")
    assert done.returncode == 2
    assert "There is no DAG and no run 'nobody'." in done.stderr
    assert "DAGs: tick." in done.stderr
    assert f"Did you mean {run_id}?" in nbflow("dags", "state", f"{run_id[:-1]}!").stderr


@pytest.mark.parametrize(
    ("form", "printed"), [("table", ""), ("plain", ""), ("json", "[]\n"), ("yaml", "[]\n")]
)
def test_a_dag_without_the_run_asked_for_has_no_state_that_a_program_could_take_for_one(
    nbflow: Call, folder: Path, form: str, printed: str
) -> None:
    (folder / "tick.ipynb").write_text(notebook(), encoding="utf-8")
    answer(nbflow("dags", "deploy", folder / "tick.ipynb", "-f", "json"))
    for date, why in (([], "has no runs yet"), (["--date", "2026-03-02"], "has no such run")):
        done = nbflow("dags", "state", "tick", *date, "-f", form)
        assert (done.returncode, done.stdout) == (1, printed)
        assert done.stderr == f"tick {why}.\n"


def test_a_dag_is_deleted_when_nothing_of_it_goes_on_and_somebody_means_it(
    nbflow: Call, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tick.ipynb"
    path.write_text(notebook(schedule="@daily"), encoding="utf-8")
    answer(nbflow("dags", "deploy", path, "-f", "json"))
    run = nbflow("run", path)
    assert run.returncode == 0, run.stderr
    unsure = nbflow("dags", "delete", "tick")
    assert unsure.returncode == 1
    assert len(answer(nbflow("dags", "list", "-f", "json"))) == 1
    assert "rests" in nbflow("dags", "delete", "tick", "--keep-runs", "--yes").stdout
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["next_run"], row["state"], row["paused"]) == (None, "success", None)
    answer(nbflow("dags", "deploy", path, "-f", "json"))
    waiting = nbflow("dags", "trigger", "tick").stdout.strip()
    refused = nbflow("dags", "delete", "tick", "--yes")
    assert "NBF619" in refused.stderr
    assert nbflow("runs", "cancel", waiting).returncode == 0
    assert "NBF619" in nbflow("dags", "delete", "tick", "--yes").stderr
    assert "nobody" in nbflow("dags", "delete", "nobody", "--yes").stderr


def test_a_dag_that_is_deployed_from_elsewhere_is_shown_as_it_is_deployed(
    nbflow: Call, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tick.ipynb"
    path.write_text(notebook(schedule="@daily"), encoding="utf-8")
    answer(nbflow("dags", "deploy", path, "-f", "json"))
    shown = nbflow("dags", "show", "tick")
    assert "not in the DAGs folder" in shown.stdout, shown.stderr
    assert answer(nbflow("dags", "show", "tick", "-f", "json"))["tasks"][0]["task"] == "only"


@pytest.fixture
def away(tmp_path: Path) -> Path:
    place = tmp_path / "mine"
    place.mkdir()
    return place / "tick.ipynb"


def drift(nbflow: Call) -> str:
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    return row["deployed"]


def test_a_notebook_outside_of_the_folder_that_differs_from_what_is_deployed_is_told_of_everywhere(
    nbflow: Call, folder: Path, away: Path
) -> None:
    away.write_text(notebook("x = 1", schedule="@daily"), encoding="utf-8")
    answer(nbflow("dags", "deploy", away, "-f", "json"))
    assert (drift(nbflow), drift(nbflow)) == ("same", "same")
    assert "differ" not in nbflow("dags", "list").stderr
    shown = nbflow("dags", "show", "tick").stdout
    assert str(away) in shown
    assert "differs" not in shown
    assert nbflow("dags", "next", "tick").stderr == ""

    away.write_text(notebook("x = 2", schedule="@daily"), encoding="utf-8")
    assert drift(nbflow) == "differs"
    assert answer(nbflow("dags", "show", "tick", "-f", "json"))["deployed"] == "differs"
    listed = nbflow("dags", "list").stderr
    assert "Notebooks that differ from what is deployed: tick." in listed
    way_out = f"nbflow dags deploy {away}"
    assert way_out in nbflow("dags", "show", "tick").stdout
    assert way_out in nbflow("dags", "next", "tick").stderr
    triggered = nbflow("dags", "trigger", "tick")
    assert triggered.stdout.startswith("manual__")
    assert way_out in triggered.stderr
    assert "배포된 것과 다르며" in nbflow("dags", "show", "tick", NBFLOW_LANG="ko").stdout

    answer(nbflow("dags", "deploy", away, "-f", "json"))
    assert drift(nbflow) == "same"


def test_a_notebook_that_was_run_and_saved_with_its_outputs_is_still_what_is_deployed(
    nbflow: Call, folder: Path, away: Path
) -> None:
    away.write_text(notebook("x = 1"), encoding="utf-8")
    answer(nbflow("dags", "deploy", away, "-f", "json"))
    document = json.loads(away.read_text(encoding="utf-8"))
    document["cells"][0] |= {
        "execution_count": 7,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "one"}],
    }
    away.write_text(json.dumps(document), encoding="utf-8")
    assert drift(nbflow) == "same"


def test_a_notebook_that_is_gone_or_can_not_be_read_is_told_of_and_what_is_deployed_is_shown(
    nbflow: Call, folder: Path, away: Path
) -> None:
    away.write_text(notebook(), encoding="utf-8")
    answer(nbflow("dags", "deploy", away, "-f", "json"))
    away.write_text("{ half", encoding="utf-8")
    assert drift(nbflow) == "differs"
    away.rename(away.with_name("moved.ipynb"))
    assert drift(nbflow) == "missing"
    assert "not where they were deployed from: tick." in nbflow("dags", "list").stderr
    shown = nbflow("dags", "show", "tick").stdout
    assert f"not where it was deployed from, {away}" in shown
    assert "only" in shown
    assert "배포한 자리" in nbflow("dags", "list", NBFLOW_LANG="ko").stderr
    away.write_text(notebook(), encoding="utf-8")
    assert drift(nbflow) == "same"


def test_of_a_dag_of_several_notebooks_outside_of_the_folder_each_counts(
    nbflow: Call, folder: Path, away: Path
) -> None:
    for name in ("first", "second"):
        document = json.loads(notebook(f"print({name!r})"))
        document["metadata"]["nbflow"] = {"version": 1, "task": {"dag": "both", "name": name}}
        document["cells"][0]["metadata"] = {}
        away.with_name(f"{name}.ipynb").write_text(json.dumps(document), encoding="utf-8")
    answer(nbflow("dags", "deploy", away.parent, "-f", "json"))
    (row,) = answer(nbflow("dags", "list", "-f", "json"))
    assert (row["deployed"], row["path"], row["tasks"]) == ("same", str(away.parent), 2)
    second = away.with_name("second.ipynb")
    second.write_text(second.read_text(encoding="utf-8").replace("'second'", "2"), encoding="utf-8")
    assert drift(nbflow) == "differs"
    second.unlink()
    assert drift(nbflow) == "missing"


def test_what_is_shown_of_a_dag_is_what_is_deployed_or_else_what_lies_in_the_folder(
    nbflow: Call, folder: Path
) -> None:
    path = folder / "tick.ipynb"

    def tasks() -> list[str]:
        shown = answer(nbflow("dags", "show", "tick", "-f", "json"))["tasks"]
        listed = answer(nbflow("tasks", "list", "tick", "-f", "json"))
        assert [row["task"] for row in shown] == [row["task"] for row in listed]
        return [row["task"] for row in shown]

    path.write_text(notebook(tag="task:first"), encoding="utf-8")
    assert tasks() == ["first"]
    assert nbflow("run", path, "-q").returncode == 0
    path.write_text(notebook(tag="task:second"), encoding="utf-8")
    assert tasks() == ["second"]
    answer(nbflow("dags", "deploy", path, "-f", "json"))
    path.write_text(notebook(tag="task:third"), encoding="utf-8")
    assert tasks() == ["second"]
    assert "differs from what is deployed" in nbflow("dags", "show", "tick").stdout


def test_a_name_that_no_dag_has_is_told_with_the_near_ones_or_all(
    nbflow: Call, folder: Path
) -> None:
    for name in ("tick", "report"):
        (folder / f"{name}.ipynb").write_text(notebook(), encoding="utf-8")
    for verb in (("dags", "show"), ("dags", "test"), ("tasks", "list"), ("dags", "state")):
        near, far = nbflow(*verb, "ticc"), nbflow(*verb, "nobody")
        assert (near.returncode, far.returncode) == (2, 2)
        assert "Did you mean tick?" in near.stderr
        assert "DAGs: report, tick." in far.stderr


def test_the_notebook_of_a_dag_that_was_deployed_from_elsewhere_is_run_by_the_dag_s_name(
    nbflow: Call, folder: Path, away: Path
) -> None:
    away.write_text(notebook(), encoding="utf-8")
    answer(nbflow("dags", "deploy", away, "-f", "json"))
    done = nbflow("dags", "test", "tick", "-q")
    assert done.returncode == 0, done.stderr
    away.unlink()
    assert str(away) in nbflow("dags", "test", "tick").stderr
