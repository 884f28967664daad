"""Markup in whatever people can name or print stays text in each view, through one load of the page."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_pages import Jupyter, open_notebook, save, shoot

from nbflow.app import open_service
from nbflow.model.states import RunState
from nbflow.service.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.timeout(240)]

EVIL = "<img src=x onerror=window.__xss=1>"
SHOW = f"""%%task show --when "word != '{EVIL} '"
import nbflow
print(word)
nbflow.metric({EVIL!r}, len(word))
seen = [word]"""
CELLS = (
    f"word: str = {EVIL!r}  # {EVIL}",
    SHOW,
    f"%%task fail\nassert word == 'other', seen[0] + {EVIL!r}",
)
HISTORY = ".nbf-of-history:visible"
DIALOG = "dialog.nbf-dialog"


@pytest.fixture
def service(jupyter: Jupyter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The server's installation, from outside."""
    monkeypatch.setenv("NBFLOW_HOME", str(jupyter.folder / "nbflow"))
    with open_service() as opened:
        yield opened


def planted(jupyter: Jupyter, service: Service, name: str) -> None:
    """A DAG with markup in all its texts, deployed, run twice."""
    jupyter.write(name, *CELLS)
    path = jupyter.folder / name
    document = json.loads(path.read_text(encoding="utf-8"))
    document["cells"][0]["metadata"]["tags"] = ["parameters"]
    heading = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": f"# {EVIL}"}
    document["cells"].insert(1, heading)
    document["metadata"]["nbflow"] = {
        "version": 1,
        "dag": {
            "schedule": "@daily", "description": EVIL, "owner": EVIL, "tags": [EVIL],
            "notify": [{"email": "ada@example.org", "subject": EVIL}],
        },
    }  # fmt: skip
    path.write_text(json.dumps(document), encoding="utf-8")
    service.deploy(path)
    for word in (EVIL, EVIL + EVIL):
        assert service.run(path, {"word": word}).state is RunState.FAILED
    document["cells"][2]["source"] += f"\nprint({EVIL!r})"
    path.write_text(json.dumps(document), encoding="utf-8")


def do(page: Any, command: str) -> None:
    page.evaluate("id => { void window.jupyterapp.commands.execute(id); }", command)


def assert_text(page: Any, place: str) -> None:
    """The markup can be read there, and none of it is an element."""
    page.locator(place).get_by_text("<img src=x").first.wait_for()
    assert page.locator(f"{place} img").count() == 0
    assert page.evaluate("() => window.__xss") is None


def leave(page: Any) -> None:
    page.locator(f"{DIALOG} :focus").wait_for()
    page.keyboard.press("Escape")
    page.locator(DIALOG).wait_for(state="detached")


@pytest.mark.abuse(1, 2)
def test_markup_is_text_in_runs_histories_comparisons_and_dialogs(
    page: Any, jupyter: Jupyter, service: Service
) -> None:
    planted(jupyter, service, "markup.ipynb")
    open_notebook(page, jupyter, "lab", "markup.ipynb")
    do(page, "nbflow:open-history")
    rows = page.locator(f"{HISTORY} tbody tr")
    rows.nth(1).wait_for()
    assert_text(page, HISTORY)
    rows.first.get_by_role("button").click()
    page.locator(f"{HISTORY} .nbf-of-task").get_by_text("AssertionError").first.wait_for()
    assert_text(page, f"{HISTORY} .nbf-of-task")
    for row in (rows.first, rows.nth(1)):
        row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare 2 runs").click()
    page.locator(f"{HISTORY} .nbf-compared tr").first.wait_for()
    assert_text(page, f"{HISTORY} .nbf-compared")
    shoot(page, "hostile-history")
    page.evaluate(
        """() => {
            const { shell } = window.jupyterapp;
            const [one] = [...shell.widgets('main')].filter(one => !one.node.querySelector('.nbf-of-history'));
            shell.activateById(one.id);
        }"""
    )
    do(page, "nbflow:edit-schedule")
    page.locator(f"{DIALOG} .nbf-meaning").wait_for()
    leave(page)
    do(page, "nbflow:backfill")
    page.locator(DIALOG).get_by_text("Slots that will run").wait_for()
    leave(page)
    save(page)
    do(page, "nbflow:deploy")
    page.locator(f'{DIALOG} [data-sign="+"]').first.wait_for()
    assert_text(page, DIALOG)
    shoot(page, "hostile-deploy")
    leave(page)
    do(page, "nbflow:run-all")
    page.locator("#nbflow-run .nbf-of-task").get_by_text("AssertionError").first.wait_for()
    assert_text(page, "#nbflow-run")
    shoot(page, "hostile-run")
    assert page.locator(".nbf-panel img, .nbf-dialog img, .nbf-of-history img").count() == 0
    assert page.evaluate("() => window.__xss") is None
