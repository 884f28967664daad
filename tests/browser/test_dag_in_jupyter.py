"""``%dag`` and ``%dag run`` in a real JupyterLab and a real Notebook 7, on the real engine."""

import re
from typing import Any

import pytest
from jupyter_pages import Jupyter, open_notebook, run_cells, save, shoot

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.timeout(240)]

LOAD = "%load_ext nbflow"
RUN = "%dag run"
TASKS = (
    "%%task load\nimport time\nfrom pathlib import Path\nnumbers = list(range(10))",
    "%%task total\nwhile not Path({gate!r}).exists(): time.sleep(0.05)\ntotal = sum(numbers)",
    "%%task largest\nlargest = max(numbers)",
    "%%task report\nprint(total, largest)",
)


@pytest.mark.parametrize("face", ["lab", "notebook"])
def test_dag_draws_inline_and_a_run_turns_every_task_green(
    page: Any, jupyter: Jupyter, face: str
) -> None:
    name = f"green-{face}.ipynb"
    gate = jupyter.folder / f"gate-{face}"
    jupyter.write(name, LOAD, "%dag", RUN, *(task.format(gate=str(gate)) for task in TASKS))
    open_notebook(page, jupyter, face, name)
    run_cells(page, 3)
    drawn = page.locator(".jp-OutputArea-output svg.nbflow-dag").first
    drawn.wait_for()
    assert drawn.locator(".task").count() == 4
    live = page.locator(".nbflow-live")
    live.locator('.task[data-state="running"][data-task="total"]').wait_for()
    assert live.locator('.task[data-state="success"][data-task="load"]').count() == 1
    assert live.locator(".nbflow-live-cancel").is_visible()
    time = live.locator(".nbflow-live-time").text_content() or ""
    assert re.fullmatch(r"\d+ s", time), "a clock of whole seconds while it goes on"
    shoot(page, f"{face}-running")
    gate.touch()
    cell = page.locator(".jp-CodeCell").nth(2)
    cell.get_by_text("Run finished").wait_for()
    assert cell.locator('.task[data-state="success"]').count() == 4
    shoot(page, f"{face}-finished")


def test_a_finished_run_is_saved_with_a_link_that_opens_the_executed_notebook(
    page: Any, jupyter: Jupyter
) -> None:
    name = "reopened.ipynb"
    jupyter.write(name, LOAD, RUN, "%%task only\nprint('the output of', 'only')")
    open_notebook(page, jupyter, "lab", name)
    run_cells(page, 2)
    link = page.get_by_text("Open the executed notebook")
    # The live view has the link before its cell has the picture that stays.
    link.wait_for()
    page.locator(".nbflow-live").wait_for(state="detached")
    page.locator('svg.nbflow-dag .task[data-state="success"]').wait_for()
    save(page)
    page.wait_for_function("() => !document.querySelector('.jp-Document.jp-mod-dirty')")
    page.goto("about:blank")
    open_notebook(page, jupyter, "lab", name)
    page.locator('svg.nbflow-dag .task[data-state="success"]').wait_for()
    assert page.get_by_text("Error displaying widget").count() == 0
    link.click()
    page.get_by_text("the output of only", exact=True).wait_for()


def test_the_cancel_button_stops_a_run(page: Any, jupyter: Jupyter) -> None:
    name = "cancelled.ipynb"
    jupyter.write(
        name, LOAD, RUN, "%%task long\nimport time\ntime.sleep(300)\nx = 1", "%%task after\nx"
    )
    open_notebook(page, jupyter, "lab", name)
    run_cells(page, 2)
    page.locator('.nbflow-live .task[data-state="running"]').wait_for()
    page.locator(".nbflow-live-cancel").click()
    page.get_by_text("Run cancelled").first.wait_for()
    assert page.locator('.task[data-state="cancelled"]').count() == 2
    shoot(page, "lab-cancelled")


def test_a_failed_run_says_where_and_why(page: Any, jupyter: Jupyter) -> None:
    name = "failed.ipynb"
    jupyter.write(
        name,
        LOAD,
        RUN,
        "%%task load\nrow = {'cost': 3}",
        "%%task price\nprice = row['price']",
        "%%task report\nprint(price)",
    )
    open_notebook(page, jupyter, "lab", name)
    run_cells(page, 2)
    page.get_by_text("Run failed").first.wait_for()
    page.get_by_text("price: KeyError: 'price' (cell [4], line 2)").first.wait_for()
    failed = page.locator('.task[data-state="failed"]').first
    assert failed.get_attribute("data-task") == "price"
    assert "KeyError" in (failed.text_content() or "")
    late = page.locator('.task[data-state="upstream_failed"]').first
    assert late.get_attribute("data-task") == "report"
    shoot(page, "lab-failed")


def test_korean_names_stay_inside_their_boxes(page: Any, jupyter: Jupyter) -> None:
    name = "그림.ipynb"
    jupyter.write(
        name,
        LOAD,
        "%dag",
        "%%task 데이터_적재\n표 = [1, 2]",
        "%%task 특성_만들기와_정규화_그리고_저장\n특성 = 표",
        "%%task 보고서\nprint(특성)",
    )
    open_notebook(page, jupyter, "lab", name)
    run_cells(page, 2)
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
    assert len(overflow) >= 3
    assert max(overflow) <= 0
    shoot(page, "lab-korean")
