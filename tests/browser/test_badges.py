"""Badges at cells, in a real JupyterLab and a real Notebook 7."""

import re
from pathlib import Path
from typing import Any

import pytest
from jupyter_pages import Jupyter, axe_violations, open_document, open_notebook, save, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = (
    "import math",
    "%%task load\nnumbers = [1, 2]",
    "more = numbers",
    "%%task total\ntotal = sum(more) + unheard_of",
    "%%skip\n1 / 0",
)


def test_each_cell_says_where_it_belongs_and_what_is_wrong(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("badges.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "badges.ipynb")
    chips = page.locator(".nbf-badge-chip")
    chips.nth(4).wait_for()
    assert chips.all_text_contents() == ["↳ setup", "load", "↳ load", "total", "skipped"]
    assert "writes: more, numbers" in (chips.nth(1).get_attribute("title") or "")
    assert "by its place on the page" in (chips.nth(2).get_attribute("title") or "")
    finding = page.locator(".jp-Cell").nth(3).locator(".nbf-badge-finding")
    assert "NBF203" in (finding.text_content() or "")
    assert "bind the name first" in (finding.text_content() or "")
    assert axe_violations(page, ".nbf-badge") == []
    shoot(page, "badges")


def test_a_badge_follows_the_tags_and_leads_to_the_picture(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("follow.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "follow.ipynb")
    page.get_by_role("button", name="Task total").wait_for()
    page.evaluate(
        """() => {
            const { content } = window.jupyterapp.shell.currentWidget;
            content.widgets[2].model.setMetadata('tags', ['task:more']);
        }"""
    )
    page.get_by_role("button", name="Task more").click()
    page.locator('.nbf-canvas .nbf-chosen[data-task="more"]').wait_for()


def waiting_for(gate: Path) -> tuple[str, str]:
    """A task that goes on until a file is there, and one after it that fails."""
    waits = f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)"
    return f"%%task load\nimport pathlib, time\n{waits}\nn = 1", "%%task total\nprint(n / 0)"


@pytest.mark.kernel
def test_a_badge_tells_how_its_task_stands_while_a_run_goes_on_and_how_the_last_one_ended(
    page: Any, jupyter: Jupyter
) -> None:
    gate = jupyter.folder / "gate"
    jupyter.write("ran.ipynb", *waiting_for(gate))
    open_document(page, jupyter, "lab", "ran.ipynb")
    page.get_by_role("button", name="Task total").wait_for()
    ran = page.locator(".nbf-badge-ran")
    assert ran.filter(visible=True).count() == 0
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:run-all'); }")
    first = ran.first
    first.locator(".nbf-state[data-state=running]").get_by_text("running").wait_for(timeout=90_000)
    begun = first.locator(".nbf-time").text_content()
    page.wait_for_function(
        "begun => document.querySelector('.nbf-badge-ran .nbf-time').textContent !== begun",
        arg=begun,
    )
    gate.touch()
    ended = "failed", "ZeroDivisionError: division by zero"
    for word in ended:
        ran.nth(1).get_by_text(word).wait_for(timeout=90_000)
    first.locator(".nbf-state[data-state=success]").get_by_text("done").wait_for()
    assert axe_violations(page, ".nbf-badge") == []
    shoot(page, "badges-ran")
    save(page)
    page.goto("about:blank")
    open_document(page, jupyter, "lab", "ran.ipynb")
    for word in ended:
        ran.nth(1).get_by_text(word).wait_for()
    assert "Last run: ended" in (ran.nth(1).get_attribute("title") or "")


@pytest.mark.kernel
def test_badges_and_picture_tell_soon_how_runs_ended_that_somebody_else_asked_for(
    page: Any, jupyter: Jupyter
) -> None:
    gate = jupyter.folder / "another-gate"
    jupyter.write("theirs.ipynb", *waiting_for(gate))
    open_document(page, jupyter, "lab", "theirs.ipynb")
    page.get_by_role("button", name="Task load").wait_for()
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    jupyter.ask("runs", {"path": "theirs.ipynb"})
    ran = page.locator(".nbf-badge-ran")
    # Sooner than the page asks by itself again: the server's event bus told it.
    ran.first.locator(".nbf-state").wait_for(timeout=25_000)
    gate.touch()
    ran.first.locator(".nbf-state[data-state=success]").wait_for(timeout=60_000)
    drawn = page.locator(".nbf-canvas .task")
    stands = (("load", "success"), ("total", "failed"))
    for task, state in stands:
        drawn.and_(page.locator(f"[data-task={task}][data-state={state}]")).wait_for(timeout=60_000)
    gate.unlink()
    jupyter.ask("runs", {"path": "theirs.ipynb", "tasks": ["load"]})
    for task, state in (("load", "running"), ("total", "failed")):
        drawn.and_(page.locator(f"[data-task={task}][data-state={state}]")).wait_for(timeout=60_000)
    gate.touch()
    drawn.and_(page.locator("[data-task=load][data-state=success]")).wait_for()


@pytest.mark.own_page
def test_a_notebook_without_tags_is_sent_nowhere_and_gets_no_badges(
    page: Any, jupyter: Jupyter
) -> None:
    """What runs on the whole is asked for by the status bar, and which DAGs there are where any ran."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    jupyter.write("plain.ipynb", "x = 1", "print(unheard_of)")
    open_notebook(page, jupyter, "lab", "plain.ipynb")
    page.locator(".jp-CodeCell .cm-content").first.click()
    with page.expect_response(lambda reply: "/api/contents/plain.ipynb" in reply.url):
        page.keyboard.type("y = 2")
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    assert page.locator(".nbf-badge").count() == 0
    about = [one for one in asked if "nbflow/api" in one]
    whole = re.compile(r"^GET .*nbflow/api/(activity|dags)(\?|$)")
    assert [one for one in about if not whole.search(one)] == []
    assert [one for one in about if "plain" in one] == []
