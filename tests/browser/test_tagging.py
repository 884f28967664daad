"""Cells become tasks in a real JupyterLab and a real Notebook 7; undo takes it back."""

import json
from typing import Any

import pytest
from jupyter_pages import TOKEN, Jupyter, open_document, open_notebook, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = ("numbers = [1, 2]", "more = numbers", "total = sum(more)", "print(total)")
CONTENT = "[...window.jupyterapp.shell.widgets('main')].find(one => one.content?.widgets).content"


def run(page: Any, command: str, **args: str) -> None:
    """Start a command, as a menu entry does, and don't wait for its dialogs."""
    page.evaluate(
        "([id, args]) => { void window.jupyterapp.commands.execute(id, args); }", [command, args]
    )


def select(page: Any, first: int, last: int) -> None:
    page.evaluate(
        f"""([first, last]) => {{
            const notebook = {CONTENT};
            notebook.mode = 'command';
            notebook.deselectAll();
            notebook.activeCellIndex = first;
            if (last > first) notebook.extendContiguousSelectionTo(last);
            notebook.activeCell.node.focus();
        }}""",
        [first, last],
    )


def wait_for_tags(page: Any, *tags: list[str]) -> None:
    page.wait_for_function(
        f"""wanted => {{
            const cells = {CONTENT}.widgets.map(cell => cell.model.getMetadata('tags') ?? []);
            return JSON.stringify(cells) === wanted;
        }}""",
        arg=json.dumps(list(tags), separators=(",", ":"), ensure_ascii=False),
    )


def answer(page: Any, text: str, button: str) -> None:
    dialog = page.get_by_role("dialog")
    dialog.locator("input").fill(text)
    dialog.get_by_role("button", name=button).click()
    dialog.wait_for(state="detached")


def test_selected_cells_become_a_task_and_undo_takes_it_back(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("make.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "make.ipynb")
    select(page, 0, 1)
    run(page, "nbflow:make-task")
    page.get_by_role("dialog").wait_for()
    shoot(page, "make-task")
    answer(page, "load", "Make the task")
    wait_for_tags(page, ["task:load"], ["task:load"], [], [])
    page.locator(".nbf-badge-chip").nth(3).wait_for()
    assert page.locator(".nbf-badge-chip").all_text_contents() == ["load", "load", *["↳ load"] * 2]
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:undo-cell-action')")
    wait_for_tags(page, [], [], [], [])
    page.locator(".nbf-badge-chip", has_text="load").first.wait_for(state="hidden")


def test_a_task_is_split_renamed_and_ordered_and_what_depends_on_it_follows(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("story.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "story.ipynb")
    select(page, 0, 0)
    run(page, "nbflow:make-task", task="load")
    wait_for_tags(page, ["task:load"], [], [], [])
    select(page, 2, 2)
    run(page, "nbflow:split-task")
    answer(page, "sum", "Split")
    wait_for_tags(page, ["task:load"], [], ["task:sum"], [])
    select(page, 2, 2)
    run(page, "nbflow:order-task")
    dialog = page.get_by_role("dialog")
    dialog.locator("select").select_option("load")
    dialog.get_by_role("button", name="Order").click()
    wait_for_tags(page, ["task:load"], [], ["task:sum", "after:load"], [])
    select(page, 0, 0)
    run(page, "nbflow:rename-task")
    answer(page, "적재", "Rename")
    wait_for_tags(page, ["task:적재"], [], ["task:sum", "after:적재"], [])
    select(page, 3, 3)
    run(page, "nbflow:mark-cells", role="skip")
    wait_for_tags(page, ["task:적재"], [], ["task:sum", "after:적재"], ["skip"])


def test_a_line_in_the_cell_is_changed_as_a_line(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("line.ipynb", "%%task load --retries 2\nx = 1", "%%task late --after load\nx")
    open_document(page, jupyter, "lab", "line.ipynb")
    select(page, 0, 0)
    run(page, "nbflow:rename-task")
    answer(page, "fetch", "Rename")
    page.wait_for_function(
        f"""() => {CONTENT}.widgets.map(cell => cell.model.sharedModel.getSource()).join() ===
            '%%task fetch --retries 2\\nx = 1,%%task late --after fetch\\nx'"""
    )
    wait_for_tags(page, [], [])


def test_suggested_tasks_are_shown_and_taken(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("suggest.ipynb", "import math", *CELLS, "other = math.pi")
    open_document(page, jupyter, "lab", "suggest.ipynb")
    run(page, "nbflow:suggest-tasks")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("listitem").first.wait_for()
    shoot(page, "suggested-tasks")
    dialog.get_by_role("button", name="Tag").click()
    page.locator('.nbf-badge-chip[data-tagged="true"]').first.wait_for()


def test_a_name_that_is_none_is_refused_with_the_reason(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("refused.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "refused.ipynb")
    run(page, "nbflow:make-task", task="<img src=x>")
    page.get_by_text("A name may hold").first.wait_for()
    wait_for_tags(page, [], [], [], [])


def test_a_name_that_does_not_fit_is_asked_for_again_as_it_was_typed(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("reasked.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "reasked.ipynb")
    select(page, 0, 0)
    run(page, "nbflow:make-task")
    dialog = page.get_by_role("dialog")
    dialog.locator("input").fill("train model")
    dialog.get_by_role("button", name="Make the task").click()
    dialog.get_by_text("A name may hold letters").wait_for()
    assert dialog.locator("input").input_value() == "train model"
    answer(page, "train_model", "Make the task")
    wait_for_tags(page, ["task:train_model"], [], [], [])
    select(page, 1, 1)
    run(page, "nbflow:split-task")
    answer(page, "check", "Split")
    wait_for_tags(page, ["task:train_model"], ["task:check"], [], [])
    run(page, "nbflow:rename-task")
    dialog.locator("input").fill("train_model")
    dialog.get_by_role("button", name="Rename").click()
    dialog.get_by_text("There is a task train_model already").wait_for()
    answer(page, "test", "Rename")
    wait_for_tags(page, ["task:train_model"], ["task:test"], [], [])


def test_the_panel_of_a_notebook_without_tasks_offers_to_find_some(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("offered.ipynb", "import math", *CELLS)
    open_document(page, jupyter, "lab", "offered.ipynb")
    run(page, "nbflow:open-dag")
    offer = page.locator("#nbflow-dag").get_by_role("button", name="Suggest Tasks…")
    offer.click()
    page.get_by_role("dialog").get_by_role("button", name="Tag").click()
    page.locator('.nbf-badge-chip[data-tagged="true"]').first.wait_for()
    offer.wait_for(state="detached")


def test_only_documented_tags_and_metadata_are_written(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("saved.ipynb", *CELLS)
    open_notebook(page, jupyter, "lab", "saved.ipynb")
    select(page, 0, 0)
    run(page, "nbflow:make-task", task="load")
    wait_for_tags(page, ["task:load"], [], [], [])
    page.locator(".nbf-badge-chip").first.wait_for()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !document.querySelector('.jp-Document.jp-mod-dirty')")
    saved = json.loads((jupyter.folder / "saved.ipynb").read_text())
    assert [set(cell["metadata"]) - {"trusted"} for cell in saved["cells"]] == [
        {"tags"}, set(), set(), set(),
    ]  # fmt: skip
    assert set(saved["metadata"]) <= {"kernelspec", "language_info"}


def test_a_task_s_options_are_filled_in_beside_the_notebook(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("options.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "options.ipynb")
    select(page, 0, 0)
    page.evaluate("() => window.jupyterapp.commands.execute('property-inspector:show-panel')")
    page.get_by_text("nbflow: options of the task").click()
    retries = page.locator('input[id$="/nbflow/task/retries"]')
    retries.fill("2")
    retries.blur()
    page.wait_for_function(
        f"""() => JSON.stringify({CONTENT}.widgets[0].model.getMetadata('nbflow')) ===
            '{{"task":{{"retries":2}}}}'"""
    )


def test_text_becomes_no_task_and_nobody_is_asked_for_its_name(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("texts.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "texts.ipynb")
    select(page, 0, 0)
    run(page, "notebook:change-cell-to-markdown")
    run(page, "nbflow:make-task")
    page.get_by_text("Select at least one code cell.").first.wait_for()
    assert page.get_by_role("dialog").count() == 0


def test_only_what_can_come_before_is_offered_to_come_before(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("orders.ipynb", "%%task a\nx = 1", "%%task b\ny = x", "%%task c\nz = 1")
    open_document(page, jupyter, "lab", "orders.ipynb")
    select(page, 0, 0)
    run(page, "nbflow:order-task")
    dialog = page.get_by_role("dialog")
    dialog.locator("option").first.wait_for(state="attached")
    assert dialog.locator("option").all_text_contents() == ["c"]


@pytest.mark.own_page
@pytest.mark.parametrize("look", ["jupyter", "dark"])
def test_the_options_of_a_task_are_said_in_the_language_of_jupyterlab(
    look: str, page: Any, request: pytest.FixtureRequest
) -> None:
    jupyter: Jupyter = request.getfixturevalue(look)
    name = f"options-{look}.ipynb"
    jupyter.write(name, "%%task load\nn = 1")
    open_document(page, jupyter, "lab", name)
    korean = look == "dark"
    page.get_by_role("tab", name="속성 탐색기" if korean else "Property Inspector").click()
    section = page.locator(".jp-NotebookTools .jp-Collapse").filter(
        has_text="nbflow: 작업 옵션" if korean else "nbflow: options of the task"
    )
    section.locator(".jp-Collapse-header").click()
    form = section.locator(".jp-MetadataForm")
    form.get_by_text("트리거 규칙" if korean else "Trigger rule", exact=True).wait_for()
    rule = form.locator("select")
    said = "앞선 작업이 모두 성공하면" if korean else "every task before it succeeded"
    assert rule.locator("option", has_text="all_success").text_content() == f"all_success: {said}"
    words = form.text_content() or ""
    assert ("실패했을 때 다시 시도할 횟수입니다." in words) == korean
    assert ("How often a failed attempt is tried again." in words) != korean
    shoot(page, f"options-{look}")
    rule.select_option(label=f"all_success: {said}")
    page.wait_for_function(
        """() => window.jupyterapp.shell.currentWidget.content.activeCell.model
            .getMetadata('nbflow')?.task?.trigger_rule === 'all_success'"""
    )


@pytest.mark.own_page
def test_where_files_are_listed_no_part_of_nbflow_fails_to_start(
    page: Any, jupyter: Jupyter
) -> None:
    said: list[str] = []
    page.on("console", lambda told: said.append(told.text) if told.type == "error" else None)
    page.goto(f"{jupyter.url}/tree?token={TOKEN}")
    page.wait_for_function("() => Boolean(window.jupyterapp)", timeout=60_000)
    page.evaluate("async () => { await window.jupyterapp.restored; }")
    page.locator(".jp-DirListing-content").wait_for()
    assert [one for one in said if "nbflow" in one] == []
