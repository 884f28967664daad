"""What verbs print: four forms, and nothing that steers a terminal."""

import json
from pathlib import Path

import pytest
import yaml

from nbflow.cli.output import Form, clean_but_colours, emit, write
from nbflow.errors import UsageError
from nbflow.render.text import columns
from nbflow.texts import clean

ROWS = [{"task": "적재", "state": "success", "after": ["a", "b"]}, {"task": "x", "state": None}]


def test_json_is_the_rows_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, ["task", "state"], Form.JSON)
    assert json.loads(capsys.readouterr().out) == ROWS


def test_yaml_keeps_hangul_readable(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, ["task", "state"], Form.YAML)
    out = capsys.readouterr().out
    assert "적재" in out
    assert yaml.safe_load(out) == ROWS


def test_plain_is_one_line_a_row_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, ["task", "state", "after"], Form.PLAIN)
    assert capsys.readouterr().out == "적재\tsuccess\ta, b\nx\t\t\n"


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    emit([], ["task"], Form.TABLE, empty="No runs yet.")
    assert capsys.readouterr().out == "No runs yet.\n"


def test_a_table_holds_no_colours_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    emit(ROWS, ["task", "state"], Form.TABLE, styles={"state": {"success": "green"}})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "적재" in out


@pytest.mark.abuse(43)
@pytest.mark.parametrize(
    "evil",
    [
        "\x1b[2J\x1b[Hgone",
        "\x1b]0;title\x07gone",
        "\x1b]8;;file:///etc/passwd\x1b\\gone",
        "go\rne".replace("\r", "\x08") + "",
        "\x9b2Jgone",
        "\u202egone",
        "\x1bcgone",
    ],
)
def test_control_sequences_never_reach_the_terminal(evil: str) -> None:
    text = clean(evil)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e" for c in text)
    assert text.replace("go", "").endswith("ne")


def test_line_breaks_and_tabs_stay() -> None:
    assert clean("a\tb\nc") == "a\tb\nc"


def test_a_traceback_keeps_its_colours_and_nothing_else() -> None:
    text = "\x1b[31mError\x1b[0m \x1b[2Jhidden\x1b]0;t\x07"
    assert clean_but_colours(text) == "\x1b[31mError\x1b[0m hidden"


def test_a_file_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write("데이터", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "데이터\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write("x", tmp_path / "no" / "where.txt")
    assert caught.value.code == "NBF704"
    assert "where.txt" in str(caught.value)


@pytest.mark.parametrize("name", ["아주_긴_이름_" * 8, "x" * 90])
def test_a_long_name_is_broken_and_takes_no_other_column_away(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run = "manual__20261125T210323Z__dahmdgb6"
    rows = [{"dag_id": name, "tasks": 3, "schedule": "@daily", "state": "failed", "last_run": run}]
    emit(rows, ["dag_id", "tasks", "schedule", "state", "last_run"], Form.TABLE)
    heading, _, first, *rest = capsys.readouterr().out.splitlines()
    assert "schedule" in heading
    assert first.rstrip().endswith(run)
    assert "".join(line.split()[0] for line in (first, *rest)) == name
    assert max(map(columns, (heading, first, *rest))) <= 80
