"""The panel with the DAG, in a real JupyterLab and a real Notebook 7, on the real server."""

from typing import Any

import pytest
from jupyter_pages import Jupyter, open_notebook, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FACES = ("lab", "notebook")
TASKS = (
    "%%task load\nnumbers = list(range(10))",
    "%%task total\ntotal = sum(numbers)",
    "%%task report\nprint(total)",
)


def open_panel(page: Any) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('nbflow:open-dag')")


@pytest.mark.parametrize("face", FACES)
def test_the_panel_follows_what_is_typed(page: Any, jupyter: Jupyter, face: str) -> None:
    name = f"typed-{face}.ipynb"
    jupyter.write(name, *TASKS)
    open_notebook(page, jupyter, face, name)
    open_panel(page)
    tasks = page.locator(".nbf-tasks > li")
    tasks.nth(2).wait_for()
    assert "waits for total" in (tasks.nth(2).text_content() or "")
    page.locator(".jp-CodeCell .cm-content").nth(2).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nseen = numbers, unheard_of")
    page.get_by_text("waits for load").nth(1).wait_for()
    page.get_by_text("NBF203").wait_for()
    shoot(page, f"panel-{face}")


def test_a_task_leads_to_its_cells(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("cells.ipynb", *TASKS, "more = total")
    open_notebook(page, jupyter, "lab", "cells.ipynb")
    open_panel(page)
    page.get_by_role("button", name="report", exact=True).click()
    page.locator(".jp-Cell.jp-mod-selected").nth(1).wait_for()
    selected = page.locator(".jp-Cell.jp-mod-selected").all_text_contents()
    assert ["report" in selected[0], "more" in selected[1], len(selected)] == [True, True, 2]


def test_a_server_without_nbflow_is_told_with_the_way_out(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("absent.ipynb", *TASKS)
    page.route("**/nbflow/api/**", lambda route: route.fulfill(status=404, body="not found"))
    open_notebook(page, jupyter, "lab", "absent.ipynb")
    open_panel(page)
    trouble = page.get_by_role("alert").filter(has_text="server part is not enabled")
    trouble.wait_for()
    assert "jupyter server extension enable nbflow.server" in (trouble.text_content() or "")
    page.unroute("**/nbflow/api/**")
    trouble.get_by_role("button", name="Try again").click()
    page.locator(".nbf-tasks > li").first.wait_for()
    assert trouble.count() == 0
