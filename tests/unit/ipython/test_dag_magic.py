import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nbflow.errors import NotFoundError, UsageError
from nbflow.ipython.current import age_words, current_notebook, freshness
from nbflow.ipython.dag_magic import DagMagics, explain, parse_line
from nbflow.ipython.dag_view import DagView
from nbflow.render.fold import Folded
from nbflow.service.targets import Compiled


def test_a_line_is_read_into_its_parts() -> None:
    line = parse_line("run etl.ipynb -p year=2026 -p 'name=a b' --select +train --wait")
    assert (line.verb, line.path, line.select, line.wait) == ("run", "etl.ipynb", "+train", True)
    assert line.parameters == {"year": "2026", "name": "a b"}
    assert parse_line("").verb == "draw"
    assert parse_line("explain load clean").names == ["load", "clean"]
    assert parse_line("폴더/재학습.ipynb").path == "폴더/재학습.ipynb"


@pytest.mark.parametrize(
    "text", ["-x", "run -p", "run -p x", "run --select", "nonsense", "explain a", "run 'open"]
)
def test_a_line_that_makes_no_sense_is_answered_with_the_usage(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_line(text)
    assert caught.value.code == "NBF711"
    assert "%dag run" in caught.value.hint


def test_the_current_notebook_is_what_the_editor_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "etl.ipynb"
    here.write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(here))
    assert current_notebook({}) == here
    monkeypatch.setenv("JPY_SESSION_NAME", "RTC:somewhere/etl.ipynb")
    assert current_notebook({}) == here
    monkeypatch.delenv("JPY_SESSION_NAME")
    assert current_notebook({"__vsc_ipynb_file__": str(here)}) == here


def test_an_unknown_or_missing_notebook_is_a_sentence_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(UsageError) as caught:
        current_notebook({})
    assert "%dag PATH" in caught.value.hint
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "gone.ipynb"))
    with pytest.raises(UsageError) as caught:
        current_notebook({})
    assert "gone.ipynb" in caught.value.message
    monkeypatch.setenv("JPY_SESSION_NAME", "c0ffee-console")
    with pytest.raises(UsageError):
        current_notebook({})


def test_a_file_that_lacks_what_just_ran_is_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"source": ["x = 1\n", "y = 2"]}, {"source": "%dag"}]}))
    now = datetime.now(UTC)
    os.utime(path, (now.timestamp() - 190, now.timestamp() - 190))
    fresh = freshness(path, ["", "x = 1\ny = 2", "%dag"], now)
    assert not fresh.behind
    assert 189 < fresh.age < 192
    assert freshness(path, ["z = 3", "%dag"], now).behind
    assert freshness(path, ["x = 1\ny = 2"], now - timedelta(hours=1)).age == 0


def test_ages_are_words() -> None:
    assert [age_words(s, "en") for s in (5, 190, 7300, 200_000)] == [
        "just now",
        "3 min ago",
        "2 h ago",
        "2 days ago",
    ]
    assert age_words(190, "ko") == "3분 전"


def magics(dag: object) -> DagMagics:
    found = DagMagics(shell=None)
    found.shell = SimpleNamespace(user_ns={})
    found.load = lambda path: Compiled(dag=dag, notebooks=())
    return found


def test_drawing_gives_html_svg_and_text(dags: ModuleType) -> None:
    view = magics(dags.korean()).dag("재학습.ipynb")
    assert isinstance(view, DagView)
    bundle = view._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "특성_만들기" in bundle["text/plain"]
    assert json.loads(json.dumps(bundle)) == bundle


def test_the_head_line_is_text_not_markup(dags: ModuleType) -> None:
    view = DagView(
        Folded(whole=dags.korean(), dag=dags.korean()), head="<img src=x onerror=alert(1)>"
    )
    assert "<img" not in view._repr_mimebundle_()["text/html"]


def test_lint_prints_each_finding(dags: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    magics(dags.nightly()).dag("lint a.ipynb")
    assert "NBF101" in capsys.readouterr().out
    magics(dags.korean()).dag("lint a.ipynb")
    assert capsys.readouterr().out.strip()


def test_explain_says_why_with_the_places(dags: ModuleType) -> None:
    text = explain(dags.first_steps(), ["clean", "features"], "en")
    assert text.splitlines()[0] == "clean → features"
    assert "cell c2, line 1" in text
    assert "does not wait" in explain(dags.first_steps(), ["report", "load"], "en")
    assert explain(dags.first_steps(), [], "en").count(" → ") == 8
    with pytest.raises(NotFoundError):
        explain(dags.first_steps(), ["load", "nowhere"], "en")


def test_a_users_mistake_is_a_sentence_without_a_traceback(
    dags: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert magics(dags.nightly()).dag("run a.ipynb") is None
    assert magics(dags.korean()).dag("explain x y a.ipynb") is None
    err = capsys.readouterr().err
    assert "NBF200" in err
    assert "NBF101" in err
    assert "NBF902" in err
    assert "Traceback" not in err


def test_show_prints_the_forms(dags: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    magics(dags.korean()).dag("show a.ipynb --format json")
    assert json.loads(capsys.readouterr().out)["dag_id"] == "재학습"
    assert magics(dags.korean()).dag("show a.ipynb --format png").data.startswith(b"\x89PNG")
