"""The panel with the DAG, in a real JupyterLab and a real Notebook 7, on the real server."""

from typing import Any

import pytest
from jupyter_pages import Jupyter, axe_violations, kept_layout, open_document, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TASKS = (
    "%%task load\nnumbers = list(range(10))",
    "%%task total\ntotal = sum(numbers)",
    "%%task report\nprint(total)",
)


def open_panel(page: Any) -> None:
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    page.locator(".nbf-canvas .task").first.wait_for()


def task(page: Any, name: str) -> Any:
    return page.locator(f'.nbf-canvas .task[data-task="{name}"]')


def line(page: Any, ends: str) -> Any:
    """The line whose reason begins so."""
    return page.locator(".nbf-canvas .edge").filter(has_text=ends)


def test_the_picture_follows_what_is_typed(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("drawn.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "drawn.ipynb")
    open_panel(page)
    assert page.locator(".nbf-canvas .edge").count() == 2
    page.locator(".jp-CodeCell .cm-content").nth(2).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nseen = numbers, unheard_of")
    line(page, "report waits for load").wait_for(state="attached")
    page.locator(".nbf-findings").get_by_text("NBF203").wait_for()
    page.locator('.nbf-canvas svg[data-engine="graphviz"]').wait_for()
    shoot(page, "panel")


def test_a_click_on_a_task_selects_its_cells(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("cells.ipynb", *TASKS, "more = total")
    open_document(page, jupyter, "lab", "cells.ipynb")
    open_panel(page)
    task(page, "report").click()
    page.locator(".jp-Cell.jp-mod-selected").nth(1).wait_for()
    selected = page.locator(".jp-Cell.jp-mod-selected").all_text_contents()
    assert ["report" in selected[0], "more" in selected[1], len(selected)] == [True, True, 2]


def test_an_arrow_tells_why_it_is_there_and_leads_to_the_lines(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("why.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "why.ipynb")
    open_panel(page)
    line(page, "report waits for total").locator(".reach").hover(force=True)
    reasons = page.get_by_role("region", name="Reasons")
    reasons.get_by_text(
        "reads total (written at cell [2], line 2, read at cell [3], line 2)"
    ).wait_for()
    line(page, "report waits for total").locator(".reach").click(force=True)
    reasons.get_by_role("button", name="Go to reader").click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content?.activeCell?.editor"
        "?.getCursorPosition().line === 1"
    )
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activeCellIndex") == 2


def test_the_keyboard_walks_from_task_to_task(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("keys.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "keys.ipynb")
    open_panel(page)
    page.get_by_role("button", name="List", exact=True).focus()
    page.keyboard.press("Tab")
    for name, key in (("load", "ArrowRight"), ("total", "End"), ("report", "ArrowLeft")):
        page.wait_for_function("name => document.activeElement?.dataset.task === name", arg=name)
        page.keyboard.press(key)
    page.wait_for_function("() => document.activeElement?.dataset.task === 'total'")
    page.keyboard.press("Enter")
    page.locator(".jp-Cell.jp-mod-selected", has_text="total").wait_for()
    page.get_by_role("region", name="Reasons").get_by_text("reads numbers").wait_for()


def test_the_list_says_what_the_picture_says(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("list.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "list.ipynb")
    open_panel(page)
    page.get_by_role("button", name="List", exact=True).click()
    items = page.get_by_role("list", name="Tasks").locator("> li")
    assert items.count() == 3
    assert "waits for total · reads total" in (items.nth(2).text_content() or "")
    assert page.locator(".nbf-canvas").count() == 0


def test_a_search_leaves_what_fits(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("search.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "search.ipynb")
    open_panel(page)
    page.get_by_role("searchbox").fill("NUMBERS")
    page.get_by_text("2 found").wait_for()
    assert page.locator(".nbf-canvas .nbf-dim").get_attribute("data-task") == "report"


def test_korean_names_stay_inside_their_boxes(page: Any, jupyter: Jupyter) -> None:
    jupyter.write(
        "재학습.ipynb", "%%task 특성_만들기와_정규화_그리고_저장\n특성 = 1", "%%task 보고\n특성"
    )
    open_document(page, jupyter, "lab", "재학습.ipynb")
    open_panel(page)
    overflow = page.evaluate(
        """() => [...document.querySelectorAll('.nbf-canvas .task')].map(task => {
            const box = task.querySelector('.box').getBoundingClientRect();
            return [...task.querySelectorAll('text')].map(text => {
                const t = text.getBoundingClientRect();
                return Math.max(box.left - t.left, t.right - box.right);
            });
        }).flat()"""
    )
    assert len(overflow) >= 2
    assert max(overflow) <= 0
    shoot(page, "panel-korean")


@pytest.mark.abuse(1, 2)
def test_markup_in_a_notebook_is_shown_and_never_becomes_part_of_the_page(
    page: Any, jupyter: Jupyter
) -> None:
    evil = "<img src=x onerror=window.__xss=1>"
    cells = [f"%%task t{n} --when \"x == '{evil}'\"\nx = 1\ny{n} = x" for n in range(3)]
    jupyter.write("evil.ipynb", *cells, f'open("{evil}.csv")\nz = ({evil}')
    open_document(page, jupyter, "lab", "evil.ipynb")
    open_panel(page)
    page.locator(".nbf-findings > li").first.wait_for()
    task(page, "t1").hover()
    page.get_by_role("region", name="Reasons").get_by_text("<img").first.wait_for()
    assert page.locator(".nbf-panel img").count() == 0
    assert page.evaluate("() => window.__xss") is None


def test_the_panel_opens_above_the_runs_and_no_button_covers_a_task(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("above.ipynb", *(f"%%task t{number}\nx{number} = 1" for number in range(9)))
    open_document(page, jupyter, "lab", "above.ipynb")
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-run'); }")
    page.get_by_role("button", name="Run 9 tasks").wait_for()
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    page.locator(".nbf-canvas .task").nth(8).wait_for()
    dag, runs = (page.locator(place).bounding_box() for place in ("#nbflow-dag", "#nbflow-run"))
    assert dag["x"] == runs["x"]
    assert dag["y"] + dag["height"] <= runs["y"]
    page.get_by_role("button", name="Fit").click()
    buttons = page.locator(".nbf-zoom").bounding_box()["y"]
    page.wait_for_function(
        """top => [...document.querySelectorAll('.nbf-canvas .task')].every(
            task => task.getBoundingClientRect().bottom <= top)""",
        arg=buttons,
    )


def test_a_thousand_tasks_are_folded_and_open_at_once(page: Any, jupyter: Jupyter) -> None:
    chain = [f"%%task t{n}\nx{n} = {f'x{n - 1}' if n % 25 else '1'}" for n in range(1_000)]
    jupyter.write("large.ipynb", *chain)
    open_document(page, jupyter, "lab", "large.ipynb")
    open_panel(page)
    page.get_by_text("sections are folded").wait_for()
    assert page.locator(".nbf-canvas .task").count() <= 60
    page.locator(".nbf-canvas .task").first.click()
    task(page, "t3").wait_for()
    page.get_by_role("button", name="Open all").click()
    task(page, "t999").wait_for(state="attached")
    page.get_by_role("button", name="Fit").click()
    shoot(page, "panel-thousand")
    page.get_by_role("button", name="Fold sections").click()
    task(page, "t999").wait_for(state="detached")


@pytest.mark.own_page
def test_the_panel_is_there_again_after_a_reload(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("reloaded.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "reloaded.ipynb")
    with kept_layout(page, "dag:dag"):
        open_panel(page)
    page.reload()
    task(page, "report").wait_for()


@pytest.mark.own_page
def test_a_panel_that_was_closed_is_not_there_again_after_a_reload(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("closed.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "closed.ipynb")
    with kept_layout(page, "dag:dag"):
        open_panel(page)
    with kept_layout(page, "closed.ipynb", without="dag:dag"):
        page.locator(".lm-TabBar-tab", has_text="DAG").locator(".lm-TabBar-tabCloseIcon").click()
    page.reload()
    page.locator(".nbf-badge-chip", has_text="report").wait_for()
    assert page.locator(".nbf-panel").count() == 0
    open_panel(page)
    task(page, "report").wait_for()


@pytest.mark.own_page
def test_a_server_without_nbflow_is_told_with_the_way_out(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("absent.ipynb", *TASKS)
    page.route("**/nbflow/api/**", lambda route: route.fulfill(status=404, body="not found"))
    open_document(page, jupyter, "lab", "absent.ipynb")
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    trouble = page.get_by_role("alert").filter(has_text="server part is not enabled")
    trouble.wait_for()
    assert "jupyter server extension enable nbflow.server" in (trouble.text_content() or "")
    again = trouble.get_by_role("button", name="Try again")
    with page.expect_response("**/nbflow/api/compile*"):
        again.click()
    page.unroute("**/nbflow/api/**")
    # It asks by itself, too, when the notebook changes, as while it is opened.
    again.evaluate_all("buttons => buttons.forEach(button => button.click())")
    task(page, "report").wait_for()
    assert trouble.count() == 0


@pytest.mark.parametrize("view", ["picture", "list"])
def test_axe_finds_nothing_in_the_panel(page: Any, jupyter: Jupyter, view: str) -> None:
    jupyter.write(f"axe-{view}.ipynb", *TASKS, "print(unheard_of)")
    open_document(page, jupyter, "lab", f"axe-{view}.ipynb")
    open_panel(page)
    page.locator(".nbf-findings").get_by_text("NBF203").wait_for()
    if view == "list":
        page.get_by_role("button", name="List", exact=True).click()
    assert axe_violations(page, ".nbf-panel") == []
