"""Whole outputs, kept as files: a change of a picture is seen and meant.

To accept a change: ``NBFLOW_WRITE_GOLDEN=1 pytest tests/unit/render/test_golden_render.py``.
"""

import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from nbflow.model.states import TaskState
from nbflow.render.dot import to_dot
from nbflow.render.json_form import dag_schema, json_form, make_schema, to_json
from nbflow.render.picture import TaskProgress
from nbflow.render.svg import to_svg
from nbflow.render.text import to_text

GOLDEN = Path(__file__).parents[2] / "golden" / "render"
STATES = {
    "load": TaskProgress(state=TaskState.SUCCESS, seconds=1.2),
    "clean": TaskProgress(state=TaskState.SUCCESS, cached=True),
    "features": TaskProgress(state=TaskState.SUCCESS, seconds=65.2),
    "train-linear": TaskProgress(state=TaskState.FAILED, seconds=3, reason="ValueError"),
    "train-forest": TaskProgress(state=TaskState.RUNNING, seconds=12.3),
    "evaluate": TaskProgress(state=TaskState.UPSTREAM_FAILED),
    "report": TaskProgress(state=TaskState.SKIPPED),
}


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("NBFLOW_WRITE_GOLDEN"):
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"


@pytest.mark.parametrize("name", ["first_steps", "korean", "nightly"])
def test_dot_text_and_json_stay_as_they_are(dags: ModuleType, name: str) -> None:
    dag = getattr(dags, name)()
    check(f"{name}.dot", to_dot(dag).rstrip("\n"))
    check(f"{name}.txt", to_text(dag))
    check(f"{name}.json", to_json(dag))


@pytest.mark.parametrize("name", ["first_steps", "korean", "nightly"])
def test_the_picture_of_our_own_layout_stays_as_it_is(dags: ModuleType, name: str) -> None:
    check(f"{name}.svg", to_svg(getattr(dags, name)(), theme="light", engine="layered"))


def test_a_run_in_a_terminal_stays_as_it_is(dags: ModuleType) -> None:
    check("first_steps.run.txt", to_text(dags.first_steps(), STATES))
    check("first_steps.run.ansi.txt", to_text(dags.first_steps(), STATES, color=True))
    check("first_steps.run.ko.txt", to_text(dags.first_steps(), STATES, lang="ko"))


def test_the_shipped_schema_is_the_models() -> None:
    assert dag_schema() == make_schema()


def test_the_documented_form_fits_the_shipped_schema(dags: ModuleType) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for name in ("first_steps", "korean", "nightly"):
        form = json.loads(to_json(getattr(dags, name)()))
        jsonschema.Draft202012Validator(dag_schema()).validate(form)
        assert form == json_form(getattr(dags, name)())
        assert list(form) == ["dag_id", "tasks", "edges", "diagnostics"]
