"""The verbs as people call them: answers, exit codes, errors that are sentences."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Call = Callable[..., "subprocess.CompletedProcess[str]"]
EXAMPLES = Path(__file__).parents[3] / "example_notebooks"


def write_notebook(path: Path, *sources: str, **cell_tags: list[str]) -> Path:
    """Write a notebook; ``c0=["task:a"]`` tags cell 0."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": cell_tags.get(f"c{number}", [])},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": cells,
    }
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def test_version_is_one_line(nbflow: Call) -> None:
    from nbflow import __version__

    assert nbflow("version").stdout == f"nbflow {__version__}\n"
    assert nbflow("version", "--format", "plain").stdout == f"{__version__}\n"
    assert json.loads(nbflow("version", "--format", "json").stdout) == {"nbflow": __version__}


def test_nothing_is_made_on_disk_by_verbs_that_only_look(nbflow: Call, tmp_path: Path) -> None:
    looks = (["version"], ["config"], ["info"], ["show", EXAMPLES / "first_steps.ipynb"])
    for words in looks:
        assert nbflow(*words).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_config_tells_where_a_setting_comes_from_and_hides_the_password(nbflow: Call) -> None:
    url = "postgresql+psycopg://me:secret@db.example/nbflow"
    done = nbflow("config", "--format", "json", NBFLOW_DATABASE_URL=url)
    rows = {row["setting"]: row for row in json.loads(done.stdout)}
    assert rows["database_url"]["value"] == "postgresql+psycopg://me:***@db.example/nbflow"
    assert rows["database_url"]["from"] == "NBFLOW_DATABASE_URL"
    assert rows["slots"]["from"] == "default"
    assert (rows["language"]["value"], rows["language"]["from"]) == ("en", "NBFLOW_LANG")
    assert rows["dot"]["from"] == "default"


def test_a_setting_that_cannot_be_meant_is_a_sentence(nbflow: Call) -> None:
    done = nbflow("config", NBFLOW_SLOTS="many")
    assert done.returncode == 2
    assert done.stderr.startswith("error NBF708: NBFLOW_SLOTS is 'many'")


def test_lint_prints_all_findings_with_their_cells_and_exits_with_1(
    nbflow: Call, tmp_path: Path
) -> None:
    path = write_notebook(
        tmp_path / "bad.ipynb",
        "print(x)",
        "y = (",
        c0=["task:a"],
        c1=["task:b", "after:nowhere"],
    )
    done = nbflow("lint", path, "--format", "json")
    findings = json.loads(done.stdout)["diagnostics"]
    assert done.returncode == 1
    assert {finding["cell"] for finding in findings} >= {"c0", "c1"}
    assert len([finding for finding in findings if finding["severity"] == "error"]) >= 3


def test_lint_shows_where_every_cell_ended_up(nbflow: Call) -> None:
    done = nbflow("lint", EXAMPLES / "first_steps.ipynb")
    assert done.returncode == 0
    assert "No findings." in done.stdout
    assert "heaviest: [6], [7]" in done.stdout


@pytest.mark.parametrize("form", ["text", "table", "plain", "json", "yaml", "svg", "dot"])
def test_show_draws_in_every_form(nbflow: Call, form: str) -> None:
    done = nbflow("show", EXAMPLES / "first_steps.ipynb", "--format", form)
    assert done.returncode == 0, done.stderr
    assert "report" in done.stdout
    if form == "yaml":
        assert yaml.safe_load(done.stdout)["dag_id"] == "first_steps"


def test_people_see_cells_by_their_prompts_and_programs_by_their_ids(
    nbflow: Call, tmp_path: Path
) -> None:
    path = write_notebook(
        tmp_path / "bad.ipynb", "# nothing yet", "print(y)", c0=["task:a"], c1=["task:b"]
    )
    row = nbflow("lint", path, "--format", "plain").stdout.splitlines()[0].split("\t")
    assert row[:4] == ["error", "NBF203", "[2]", "1"]
    told = json.loads(nbflow("lint", path, "--format", "json").stdout)
    assert [finding["cell"] for finding in told["diagnostics"]] == ["c1"]
    table = nbflow("lint", path).stdout
    assert table.startswith("NBF203 error · cell [2], line 1: 'y' is read before")
    assert "\n    print(y)\n  → " in table
    assert "  b: [2]\n" in table
    folder = nbflow("lint", EXAMPLES / "weather_report").stdout
    assert "  monthly: 2_monthly.ipynb[1], 2_monthly.ipynb[2]\n" in folder
    refused = nbflow("run", path)
    assert refused.returncode == 2
    assert "error: [2]:1: NBF203" in refused.stderr
    whys = nbflow("explain", EXAMPLES / "first_steps.ipynb", "--format", "plain").stdout
    assert "written at cell [2], line 1" in whys


def test_messages_from_below_the_command_line_are_korean_too(nbflow: Call, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "bad.ipynb", "print(y)", c0=["task:a", "taks:b", "Task:c"])
    lint = nbflow("lint", path, "--format", "plain", NBFLOW_LANG="ko").stdout
    assert "어느 셀도 정하기 전에 'y'을(를) 읽습니다" in lint
    assert "그것을 뜻했다면 task:c(으)로 쓰세요" in lint
    missing = nbflow("lint", tmp_path / "none.ipynb", NBFLOW_LANG="ko")
    assert "그런 파일이 없습니다" in missing.stderr
    assert "경로를 확인하세요" in missing.stderr
    program = json.loads(nbflow("lint", path, "--format", "json", NBFLOW_LANG="ko").stdout)
    assert any("read before any cell" in one["message"] for one in program["diagnostics"])


def test_explain_says_what_a_code_means(nbflow: Call) -> None:
    assert nbflow("explain", "NBF203").stdout.startswith("NBF203 error: Name read before it is")
    assert "값을 정하기 전에" in nbflow("explain", "nbf203", NBFLOW_LANG="ko").stdout
    assert json.loads(nbflow("explain", "NBF203", "-f", "json").stdout)["severity"] == "error"
    assert nbflow("explain", "NBF299").returncode == 2


def test_show_writes_a_picture_by_the_files_ending(nbflow: Call, tmp_path: Path) -> None:
    for name, start in (("dag.svg", b"<svg"), ("dag.png", b"\x89PNG")):
        done = nbflow("show", EXAMPLES / "retraining.ipynb", "--output", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert start in (tmp_path / name).read_bytes()[:200]


def test_explain_names_variable_cell_and_line(nbflow: Call) -> None:
    done = nbflow("explain", EXAMPLES / "first_steps.ipynb", "load", "clean", "-f", "json")
    (edge,) = json.loads(done.stdout)
    assert edge["variable"] == "penguins"
    assert edge["writer"] == {"cell": "load", "line": 1}
    assert "penguins" in edge["why"]


def test_explain_of_an_unknown_task_lists_the_known_ones(nbflow: Call) -> None:
    done = nbflow("explain", EXAMPLES / "first_steps.ipynb", "lode")
    assert done.returncode == 2
    assert "error NBF902" in done.stderr
    assert "load, clean" in done.stderr


def test_a_folder_of_several_dags_asks_which_one_is_meant(nbflow: Call) -> None:
    done = nbflow("show", EXAMPLES)
    assert done.returncode == 2
    assert "NBF705" in done.stderr
    assert "weather_report" in done.stderr
    assert nbflow("show", EXAMPLES, "--dag", "weather_report").returncode == 0


def test_tag_proposes_and_writes_only_when_asked(nbflow: Call, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "plain.ipynb", "a = sum(range(3))", "b = a + 1", "print(b)")
    before = path.read_bytes()
    proposal = json.loads(nbflow("tag", path, "--by", "cell", "--format", "json").stdout)
    assert path.read_bytes() == before
    assert [row["cells"] for row in proposal] == [["c0"], ["c1"], ["c2"]]
    assert nbflow("tag", path, "--by", "cell", "--write").returncode == 0
    tags = [cell["metadata"]["tags"] for cell in json.loads(path.read_text())["cells"]]
    assert tags == [[f"task:{row['task']}"] for row in proposal]


def test_tag_leaves_a_notebook_alone_in_which_every_cell_has_its_place(nbflow: Call) -> None:
    said = nbflow("tag", EXAMPLES / "first_steps.ipynb").stdout
    assert said == "Every cell has its place already.\n"


def test_a_broken_file_is_one_sentence_with_its_path(nbflow: Call, tmp_path: Path) -> None:
    (tmp_path / "broken.ipynb").write_text("<<<<<<< HEAD\n{")
    for verb in ("lint", "show", "run", "verify", "tag", "explain"):
        done = nbflow(verb, "broken.ipynb")
        assert done.returncode == 2, verb
        assert re.match(r"error NBF0\d\d: broken\.ipynb", done.stderr), done.stderr
        assert "Traceback" not in done.stderr


def test_a_fault_of_our_own_is_one_line_with_a_log_file(nbflow: Call, tmp_path: Path) -> None:
    program = (
        "import sys, nbflow.cli.info_verb as s, nbflow.cli as c\n"
        "s._facts = lambda: 1 / 0\nsys.argv = ['nbflow', 'info']\nc.main()"
    )
    import os

    env = os.environ | {"NBFLOW_HOME": str(tmp_path / "home"), "NBFLOW_LANG": "en"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    log = Path(re.findall(r"file: (.+)", done.stderr)[0])
    assert "ZeroDivisionError" in log.read_text()


def test_korean_names_survive_an_ascii_terminal(nbflow: Call) -> None:
    done = nbflow("show", EXAMPLES / "붓꽃_분류.ipynb", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert "\\uc801\\uc7ac" in done.stdout


def test_korean_help_and_messages(nbflow: Call) -> None:
    assert "옵션" in nbflow("run", "--help", NBFLOW_LANG="ko").stdout
    done = nbflow("lint", EXAMPLES / "붓꽃_분류.ipynb", NBFLOW_LANG="ko")
    assert "발견된 문제가 없습니다." in done.stdout


@pytest.mark.abuse(43)
def test_names_from_a_notebook_cannot_steer_the_terminal(nbflow: Call, tmp_path: Path) -> None:
    path = write_notebook(
        tmp_path / "evil.ipynb", "x = 1", "print(x)", c0=["task:a"], c1=["task:b\x1b[2J"]
    )
    for verb in ("lint", "show", "explain"):
        done = nbflow(verb, path)
        assert "\x1b" not in done.stdout + done.stderr, verb


def test_completion_is_offered(nbflow: Call) -> None:
    done = nbflow(_NBFLOW_COMPLETE="complete_bash", COMP_WORDS="nbflow ve", COMP_CWORD="1")
    assert {"version", "verify"} <= set(done.stdout.split())


def test_output_that_nobody_reads_to_the_end_is_no_error(tmp_path: Path) -> None:
    import os

    words = [
        sys.executable,
        "-m",
        "nbflow",
        "show",
        str(EXAMPLES / "first_steps.ipynb"),
        "-f",
        "json",
    ]
    env = os.environ | {"NBFLOW_HOME": str(tmp_path)}
    with subprocess.Popen(
        words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_fresh_metastore_has_no_violations_and_goes_down_and_up_again(nbflow: Call) -> None:
    assert nbflow("db", "check").stdout == "No violations.\n"
    assert json.loads(nbflow("db", "check", "--values", "--format", "json").stdout) == []
    assert nbflow("db", "downgrade", "0001").returncode == 0
    refused = nbflow("runs", "list")
    assert refused.returncode == 3
    assert "nbflow db migrate" in refused.stderr
    assert nbflow("db", "migrate").returncode == 0
    assert nbflow("runs", "list").stdout.startswith("No runs yet.")
    assert nbflow("db", "downgrade", "nowhere").returncode == 3


def test_info_names_kernels_layout_and_database(nbflow: Call) -> None:
    done = nbflow("info", "--format", "json")
    facts = {fact["what"]: fact for fact in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert "python3" in facts["kernels"]["value"]
    assert facts["database"]["value"].startswith("sqlite:///")
    assert facts["database"]["value"].endswith("(none yet: nbflow db init)")
    assert facts["layout"]["value"]
    assert nbflow("db", "init", "--without-examples").returncode == 0
    told = next(
        line for line in nbflow("info", "-f", "plain").stdout.splitlines() if "sqlite" in line
    )
    assert re.search(r"\(schema \d{4}\)$", told.rstrip())


def test_info_says_what_is_wrong(nbflow: Call) -> None:
    done = nbflow("info", "--format", "json", NBFLOW_DATABASE_URL="oracle://nobody@127.0.0.1/none")
    wrong = {fact["what"] for fact in json.loads(done.stdout) if fact["wrong"]}
    assert done.returncode == 1
    assert wrong == {"database"}
    table = nbflow("info", NBFLOW_DATABASE_URL="oracle://nobody@127.0.0.1/none").stdout
    assert "✕ database: nbflow keeps no metastore in oracle.\n  → Use sqlite" in table


@pytest.mark.parametrize("option", [("--state", "lost"), ("--format", "xml")])
def test_a_bad_choice_is_told_without_the_validator_s_own_words(
    option: tuple[str, str], nbflow: Call
) -> None:
    done = nbflow("runs", "list", *option)
    assert done.returncode == 2
    assert f"'{option[1]}' is not one of" in done.stderr
    assert "Value error" not in done.stderr
