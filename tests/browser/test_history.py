"""The runs of a notebook beside it, and of all notebooks: on the real server, scheduler and engine."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_pages import (
    TOKEN,
    Jupyter,
    axe_violations,
    jupyter_server,
    kept_layout,
    open_document,
    shoot,
)

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.timeout(300)]

HISTORY = ".nbf-of-history:visible"
SALES = (
    "rows: int = 3",
    "%%task load\ndata = list(range(rows))\nprint('always the same')",
    "%%task sum\nimport nbflow\ntotal = sum(data)\nnbflow.metric('total', total)\nprint(total)",
    "%%task check\nfirst = 1\nassert total < 10, 'too much'\nprint('fine')",
)


@pytest.fixture(params=["jupyter", "dark"])
def look(request: pytest.FixtureRequest) -> str:
    """The server of a look and language."""
    return str(request.param)


@pytest.fixture
def served(request: pytest.FixtureRequest, look: str) -> tuple[Jupyter, str]:
    """Servers of both looks and languages."""
    return request.getfixturevalue(look), "ko" if look == "dark" else "en"


def do(page: Any, command: str, args: str = "{}") -> None:
    page.evaluate(f"() => {{ void window.jupyterapp.commands.execute('{command}', {args}); }}")


def two_runs(page: Any, jupyter: Jupyter, name: str) -> None:
    """Run a notebook as it is, then with more rows, so that its last task fails."""
    jupyter.write(name, *SALES)
    open_document(page, jupyter, "lab", name)
    page.evaluate(
        """async path => {
            const { serviceManager } = window.jupyterapp;
            const { baseUrl } = serviceManager.serverSettings;
            const document = (await serviceManager.contents.get(path)).content;
            document.cells[0].metadata.tags = ['parameters'];
            const xsrf = /_xsrf=([^;]+)/.exec(window.document.cookie)?.[1] ?? '';
            const ask = async (place, body) => (await fetch(`${baseUrl}nbflow/api/${place}`, {
                method: body ? 'POST' : 'GET', body: body && JSON.stringify(body),
                headers: { 'Content-Type': 'application/json', 'X-XSRFToken': xsrf }
            })).json();
            for (const parameters of [{}, { rows: 6 }]) {
                const run = await ask('runs', { path, notebook: document, parameters });
                for (let state = 'queued'; ['queued', 'running'].includes(state); ) {
                    await new Promise(resolve => setTimeout(resolve, 300));
                    state = (await ask(`runs/${run.run_id}`)).run.state;
                }
            }
        }""",
        name,
    )


def test_runs_are_listed_looked_into_and_compared(page: Any, served: tuple[Jupyter, str]) -> None:
    jupyter, lang = served
    name = "sales.ipynb"
    two_runs(page, jupyter, name)
    do(page, "nbflow:open-history")
    rows = page.locator(f"{HISTORY} tbody tr")
    rows.nth(1).wait_for()
    assert "rows = 6" in (rows.first.text_content() or "")
    when = rows.first.get_by_role("button").first
    assert re.search("ago|now|전|지금", when.locator("time").text_content() or "")
    # Who can't point at it reaches it by keyboard.
    page.keyboard.press("Tab")
    when.focus()
    shown = when.evaluate("button => getComputedStyle(button, '::after').content")
    assert re.search(r"20\d\d.*\d\d", shown)
    shoot(page, f"history-when-{lang}")
    run = jupyter.ask("runs?dag_id=sales&limit=1")["items"][0]["run_id"]
    assert re.search(rf"20\d\d.*\d\d.*\n{run}", when.get_attribute("title") or "")
    rows.first.locator('.nbf-state[data-state="failed"]').wait_for()
    rows.nth(1).locator('.nbf-state[data-state="success"]').wait_for()
    rows.first.get_by_role("button").click()
    page.locator(f"{HISTORY} .nbf-of-task").get_by_text("AssertionError: too much").first.wait_for()
    shoot(page, f"history-run-{lang}")
    assert axe_violations(page, ".nbf-of-history") == []
    for row in (rows.first, rows.nth(1)):
        row.get_by_role("checkbox").check()
    word = "Compare 2 runs" if lang == "en" else "실행 2개 비교"
    page.get_by_role("button", name=word).click()
    compared = page.locator(f"{HISTORY} .nbf-compared")
    line = compared.locator("tr", has_text="sum · total")
    line.get_by_text("+12").wait_for()
    assert [cell.text_content() for cell in line.locator("td").all()] == ["3", "15", "+12"]
    outputs = compared.locator("tr", has_text="stdout")
    assert [cell.text_content() for cell in outputs.first.locator("td").all()] == ["3", "15"]
    assert compared.get_by_text("always the same").count() == 0
    shoot(page, f"history-compared-{lang}")
    assert axe_violations(page, ".nbf-of-history") == []


@pytest.fixture
def long_history(jupyter: Jupyter) -> Iterator[None]:
    """A DAG with 26 runs, of which no other test has to wait for the end."""
    jupyter.write("long.ipynb", "%%task load\nn = 1")
    jupyter.ask("dags", {"path": "long.ipynb"})
    made = [jupyter.ask("dags/long/runs", {})["run_id"] for _ in range(26)]
    yield
    for run in made:
        jupyter.ask(f"runs/{run}/cancel", {})


@pytest.mark.own_page
@pytest.mark.usefixtures("long_history")
def test_a_long_history_has_pages_and_filters_and_is_there_again_after_a_reload(
    page: Any, jupyter: Jupyter
) -> None:
    open_document(page, jupyter, "lab", "long.ipynb")
    with kept_layout(page, "history:long.ipynb"):
        do(page, "nbflow:open-history")
    rows = page.locator(f"{HISTORY} tbody tr")
    earlier = page.get_by_role("button", name="Show earlier runs")
    rows.nth(24).wait_for()
    assert rows.count() == 25
    earlier.click()
    rows.nth(25).wait_for()
    earlier.wait_for(state="detached")
    state = page.locator(HISTORY).get_by_label("State of the runs")
    cause = page.locator(HISTORY).get_by_label("What made the runs")
    # The scheduler works on the runs meanwhile: how many of them wait or succeeded, nobody knows.
    for choice, none, some in ((state, "failed", ""), (cause, "backfill", "manual")):
        choice.select_option(none)
        page.locator(HISTORY).get_by_text("No run is like that.").wait_for()
        assert rows.count() == 0
        choice.select_option(some)
        rows.nth(24).wait_for()
    page.reload()
    page.locator(HISTORY).get_by_role("heading", name="Runs of long").wait_for()
    rows.nth(24).wait_for()


def test_a_run_that_cant_be_read_is_told_beside_those_that_can(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("hurt.ipynb", "%%task load\nn = 1")
    hurt, _ = (jupyter.ask("runs", {"path": "hurt.ipynb"})["run_id"] for _ in range(2))
    open_document(page, jupyter, "lab", "hurt.ipynb")
    do(page, "nbflow:open-history")
    rows = page.locator(f"{HISTORY} tbody tr")
    rows.locator(".nbf-state[data-state=success]").nth(1).wait_for(timeout=60_000)

    database = jupyter.folder / "nbflow" / "nbflow.db"

    def write(kind: str) -> None:
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as store:
            store.execute("UPDATE run SET kind = ? WHERE id = ?", (kind, hurt))
            store.commit()

    write("wished")
    left_out = page.locator(HISTORY).get_by_role("alert").filter(has_text=hurt)
    left_out.wait_for()
    assert rows.count() == 1
    write("manual")
    left_out.wait_for(state="detached")


@pytest.mark.own_page
def test_in_notebook_7_runs_stand_on_the_right_and_those_of_another_notebook_in_a_tab(
    page: Any, jupyter: Jupyter
) -> None:
    for name in ("here.ipynb", "there.ipynb"):
        jupyter.write(name, "%%task load\nn = 1")
    open_document(page, jupyter, "notebook", "here.ipynb")
    do(page, "nbflow:open-history")
    page.locator(HISTORY).get_by_role("heading", name="Runs of here").wait_for()
    page.wait_for_function("() => document.activeElement.classList.contains('nbf-of-history')")
    with page.context.expect_page() as opened:
        do(page, "nbflow:open-history", '{"path": "there.ipynb"}')
    there = opened.value.locator(HISTORY)
    there.get_by_role("heading", name="Runs of there").wait_for()
    there.get_by_text("Nothing has been run yet").wait_for()
    assert axe_violations(opened.value, ".nbf-of-history") == []
    shoot(opened.value, "history-notebook-tab")


def test_a_history_never_saves_over_what_was_typed_into_its_notebook(
    page: Any, jupyter: Jupyter
) -> None:
    name = "kept-safe.ipynb"
    jupyter.write(name, "%%task load\nn = 1")
    open_document(page, jupyter, "lab", name)
    do(page, "nbflow:open-history")
    page.locator(HISTORY).wait_for()
    for command, text in (
        ("docmanager:save", "typed_1 = 1"),
        ("docmanager:save-all", "typed_2 = 2"),
    ):
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Control+End")
        page.keyboard.type(f"\n{text}")
        page.evaluate(
            """command => {
                const { commands, shell } = window.jupyterapp;
                const [history] = [...shell.widgets('main')].filter(one => one.node.querySelector('.nbf-of-history'));
                shell.activateById(history.id);
                return commands.execute(command);
            }""",
            command,
        )
        assert text in (jupyter.folder / name).read_text(encoding="utf-8")
    page.evaluate(
        """async () => {
            const { commands, shell } = window.jupyterapp;
            for (const one of [...shell.widgets('main')]) {
                if (!one.node.querySelector('.nbf-of-history')) one.dispose();
            }
            await commands.execute('docmanager:save');
        }"""
    )
    assert "typed_2 = 2" in (jupyter.folder / name).read_text(encoding="utf-8")


def test_the_panel_of_runs_is_legible_in_both_themes_and_languages(
    page: Any, served: tuple[Jupyter, str]
) -> None:
    jupyter, lang = served
    name = "legible.ipynb"
    jupyter.write(name, *SALES[:3], "%%task check\n1 / 0")
    open_document(page, jupyter, "lab", name)
    do(page, "nbflow:run-all")
    page.locator("#nbflow-run .nbf-of-task").get_by_text("ZeroDivisionError").first.wait_for()
    page.locator("#nbflow-run .nbf-history > summary").click()
    shoot(page, f"run-panel-{lang}")
    assert axe_violations(page, "#nbflow-run") == []


@pytest.fixture
def unused(tmp_path: Path, chromium: Any) -> Iterator[Jupyter]:
    """A server on which nothing has run yet."""
    with jupyter_server(tmp_path) as server:
        yield server


def test_what_runs_failed_and_is_scheduled_is_told_outside_of_notebooks(
    page: Any, unused: Jupyter
) -> None:
    jupyter = unused
    name = "daily sales of all shops by region.ipynb"
    jupyter.write(name, "%%task load\nn = 1")
    jupyter.write("other.ipynb", "%%task load\nn = 1")
    path = jupyter.folder / name
    document = json.loads(path.read_text(encoding="utf-8"))
    document["metadata"]["nbflow"] = {"version": 1, "dag": {"schedule": "0 6 * * *"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    jupyter.ask("dags", {"path": name})
    page.goto(f"{jupyter.url}/lab/workspaces/outside?token={TOKEN}")
    marked = page.locator(".jp-DirListing-itemText[data-nbflow-schedule]")
    marked.wait_for()
    assert marked.count() == 1
    assert marked.text_content() == name
    assert marked.evaluate("one => one.scrollWidth > one.clientWidth"), "the name fits"
    first = marked.evaluate("one => getComputedStyle(one, '::before').content")
    assert "◷" in first, "the mark is where the name is cut off"
    said = marked.get_attribute("data-nbflow-schedule") or ""
    assert said.startswith("Runs by its schedule: ")
    assert "06:00" in said
    page.locator(".jp-LauncherCard").filter(has_text="Show the runs of all notebooks").wait_for()
    marked.click(button="right")
    for entry in ("Show the run history", "Show the DAG"):
        page.locator(".lm-Menu-itemLabel", has_text=entry).first.wait_for()
    shoot(page, "outside-of-notebooks")
    page.keyboard.press("Escape")
    failed = jupyter.ask("activity")["failed"]
    counted = "1 run" if failed == 1 else f"{failed} runs"
    status = page.get_by_role("button", name=f"0 runs go on, {counted} failed", exact=True)
    status.wait_for()
    assert axe_violations(page, ".nbf-status") == []
    with kept_layout(page, "nbflow-all-runs"):
        status.click()
    page.locator(HISTORY).get_by_text("Runs of all notebooks").wait_for()
    page.reload()
    page.locator(HISTORY).get_by_text("Runs of all notebooks").wait_for()
