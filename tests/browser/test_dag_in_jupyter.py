"""``%dag`` and ``%dag run`` in a real JupyterLab and a real Notebook 7."""

import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_pages import Jupyter, open_notebook, run_all, save

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FACES = ("lab", "notebook")
LOAD = "%load_ext nbflow\nimport stand_in"


def shoot(page: Any, name: str) -> None:
    """Keep a screenshot where NBFLOW_SCREENS says, for people to look at."""
    folder = os.environ.get("NBFLOW_SCREENS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize("face", FACES)
def test_dag_draws_inline_and_a_run_turns_every_task_green(
    page: Any, jupyter: Jupyter, face: str
) -> None:
    name = f"first-steps-{face}.ipynb"
    jupyter.write(name, LOAD, "%dag", "%dag run -p pace=0.6")
    open_notebook(page, jupyter, face, name)
    run_all(page)
    drawn = page.locator(".jp-OutputArea-output svg.nbflow-dag").first
    drawn.wait_for()
    assert drawn.locator(".task").count() == 7
    live = page.locator(".nbflow-live")
    live.locator('.task[data-state="running"]').first.wait_for()
    assert live.locator(".nbflow-live-cancel").is_visible()
    shoot(page, f"{face}-running")
    last = page.locator(".jp-CodeCell").nth(2)
    last.get_by_text("Run finished").wait_for()
    last.locator('a[href*="first-steps.run.ipynb"]').wait_for()
    assert last.locator('.task[data-state="success"]').count() == 7
    shoot(page, f"{face}-finished")


def test_the_finished_run_is_still_there_after_reopening(page: Any, jupyter: Jupyter) -> None:
    name = "reopened.ipynb"
    jupyter.write(name, LOAD, "%dag run -p pace=0.05")
    open_notebook(page, jupyter, "lab", name)
    run_all(page)
    page.locator('a[href*="first-steps.run.ipynb"]').wait_for()
    save(page)
    page.wait_for_function(
        "() => !document.querySelector('.jp-Document.jp-mod-dirty, .jp-mod-current .jp-DirtyIndicator')"
    )
    page.goto("about:blank")
    open_notebook(page, jupyter, "lab", name)
    page.locator(".jp-OutputArea-output svg.nbflow-dag").first.wait_for()
    assert page.locator('.task[data-state="success"]').count() == 7
    assert page.get_by_text("Error displaying widget").count() == 0


@pytest.mark.parametrize("face", FACES)
def test_the_cancel_button_stops_a_run(page: Any, jupyter: Jupyter, face: str) -> None:
    name = f"cancelled-{face}.ipynb"
    jupyter.write(name, LOAD, "%dag run -p pace=30")
    open_notebook(page, jupyter, face, name)
    run_all(page)
    page.locator('.nbflow-live .task[data-state="running"]').first.wait_for()
    page.locator(".nbflow-live-cancel").click()
    page.get_by_text("Run cancelled").first.wait_for()
    assert page.locator('.task[data-state="cancelled"]').count() == 1


def test_a_failed_run_says_where_and_why(page: Any, jupyter: Jupyter) -> None:
    name = "failed.ipynb"
    jupyter.write(name, LOAD, "%dag run -p fail=train-linear -p pace=0.1")
    open_notebook(page, jupyter, "lab", name)
    run_all(page)
    page.get_by_text("Run failed").first.wait_for()
    failed = page.locator('.task[data-state="failed"]')
    failed.first.wait_for()
    assert failed.get_attribute("data-task") == "train-linear"
    assert "ValueError" in (failed.text_content() or "")
    assert page.locator('.task[data-state="upstream_failed"]').count() == 2
    shoot(page, "lab-failed")


def test_korean_names_stay_inside_their_boxes(page: Any, jupyter: Jupyter) -> None:
    name = "재학습.ipynb"
    jupyter.write(name, LOAD, "%dag")
    open_notebook(page, jupyter, "lab", name)
    run_all(page)
    page.locator("svg.nbflow-dag").first.wait_for()
    overflow = page.evaluate(
        """() => [...document.querySelectorAll('svg.nbflow-dag .task')].map(task => {
            const box = task.querySelector('.box').getBoundingClientRect();
            return [...task.querySelectorAll('text')].map(text => {
                const t = text.getBoundingClientRect();
                return Math.max(box.left - t.left, t.right - box.right);
            });
        }).flat()"""
    )
    assert len(overflow) == 6
    assert max(overflow) <= 0
    shoot(page, "lab-korean")
