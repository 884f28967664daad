"""Two people in one notebook, by jupyter-collaboration: each sees what the other tags and runs."""

from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_pages import Jupyter, forget, jupyter_server, open_document

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.timeout(240)]


@pytest.fixture
def pages(chromium: Any) -> Iterator[list[Any]]:
    """The pages of two people."""
    pages = [chromium.new_page() for _ in range(2)]
    yield pages
    forget(chromium, pages)


@pytest.fixture
def shared(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    with jupyter_server(tmp_path_factory.mktemp("shared"), is_shared=True) as jupyter:
        yield jupyter


def tags(page: Any) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(
        """() => Array.from(window.jupyterapp.shell.currentWidget.content.model.cells,
            cell => cell.getMetadata('tags') ?? [])"""
    )
    return found


def make_task(page: Any, cell: int, name: str) -> None:
    page.evaluate(
        """cell => {
            const { content } = window.jupyterapp.shell.currentWidget;
            content.deselectAll();
            content.activeCellIndex = cell;
        }""",
        cell,
    )
    page.evaluate(
        "name => window.jupyterapp.commands.execute('nbflow:make-task', { task: name })", name
    )


def test_two_people_tag_and_run_one_notebook_and_undo_what_is_theirs(
    pages: list[Any], shared: Jupyter
) -> None:
    shared.write("ours.ipynb", "rows = 3", "data = list(range(rows))", "print(sum(data))")
    one, other = pages
    for page in pages:
        open_document(page, shared, "lab", "ours.ipynb")
        page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    assert one.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.collaborative")
    make_task(one, 1, "load")
    other.locator(".nbf-badge-chip[data-tagged=true]", has_text="load").wait_for()
    make_task(other, 2, "sum")
    for page in pages:
        for task in ("load", "sum"):
            page.locator(f".nbf-canvas .task[data-task={task}]").wait_for()
    one.evaluate("() => window.jupyterapp.commands.execute('notebook:undo-cell-action')")
    other.locator(".nbf-badge-chip[data-tagged=true]", has_text="load").wait_for(state="hidden")
    assert tags(one) == tags(other) == [[], [], ["task:sum"]]
    one.evaluate("() => window.jupyterapp.commands.execute('notebook:redo-cell-action')")
    other.locator(".nbf-badge-chip[data-tagged=true]", has_text="load").wait_for()
    one.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:run-all'); }")
    for page in pages:
        for task in ("load", "sum"):
            drawn = page.locator(f".nbf-canvas .task[data-task={task}][data-state=success]")
            drawn.wait_for(timeout=60_000)
