"""Running the open notebook from JupyterLab and Notebook 7, on the real server, scheduler and engine."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from jupyter_pages import (
    Jupyter,
    kept_layout,
    open_document,
    open_notebook,
    shoot,
)

pytestmark = [pytest.mark.browser, pytest.mark.kernel, pytest.mark.timeout(240)]

TASKS = (
    "%%task load\nnumbers = list(range(10))\nprint('loaded', len(numbers))",
    "%%task total\ntotal = sum(numbers)",
    "%%task report\nprint('the total is', total)",
)
PANEL = "#nbflow-run"


def do(page: Any, command: str) -> None:
    page.evaluate("id => { void window.jupyterapp.commands.execute(id); }", command)


def open_beside(page: Any, name: str) -> None:
    """Open a notebook as one more tab, in front."""
    page.evaluate(
        """path => {
            const kernelPreference = { shouldStart: false, canStart: false, autoStartDefault: false };
            const args = { path, kernelPreference };
            void window.jupyterapp.commands.execute('docmanager:open', args);
        }""",
        name,
    )
    page.wait_for_function(
        "path => window.jupyterapp.shell.currentWidget?.context?.path === path", arg=name
    )


def state(page: Any, task: str, state: str) -> Any:
    """The row of a task in a state."""
    row = page.locator(f"{PANEL} .nbf-states > li").filter(has_text=task)
    return row.locator(f'.nbf-state[data-state="{state}"]')


def test_the_open_document_runs_and_every_task_tells_its_state(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("runs.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "runs.ipynb")
    do(page, "nbflow:run-all")
    for task in ("load", "total", "report"):
        state(page, task, "success").wait_for()
    page.locator(f"{PANEL} .nbf-task-state").first.click()
    page.locator(f"{PANEL} .nbf-log").filter(has_text="loaded 10").wait_for()
    page.get_by_text("1 of 1 cells done").wait_for()
    shoot(page, "run")
    do(page, "nbflow:run-failed")
    page.get_by_text("Nothing failed in the last run.").first.wait_for()


def test_a_run_waits_for_a_scheduler_and_no_longer_once_there_is_one(
    page: Any, idle: Jupyter
) -> None:
    idle.write("waits.ipynb", "%%task slow\nimport time\ntime.sleep(300)")
    open_document(page, idle, "lab", "waits.ipynb")
    do(page, "nbflow:run-all")
    told = page.locator(PANEL).get_by_text("No scheduler works")
    told.wait_for()
    do(page, "nbflow:run-all")
    page.get_by_text("A run of this notebook goes on").first.wait_for()
    home = {"NBFLOW_HOME": str(idle.folder / "nbflow"), "NBFLOW_SLOTS": "1"}
    command = [sys.executable, "-m", "nbflow", "scheduler"]
    with subprocess.Popen(command, env=os.environ | home, cwd=idle.folder) as scheduler:
        try:
            state(page, "slow", "running").wait_for()
            told.wait_for(state="hidden")
            page.get_by_role("button", name="Cancel the run").click()
            state(page, "slow", "cancelled").wait_for()
        finally:
            scheduler.terminate()


@pytest.mark.own_page
@pytest.mark.parametrize("is_heard", [True, False], ids=["heard", "asked for"])
def test_a_run_is_followed_with_the_event_bus_and_without(
    page: Any, jupyter: Jupyter, is_heard: bool
) -> None:
    heard: list[str] = []
    if is_heard:
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))),
        )
    else:
        page.route_web_socket("**/api/events/subscribe", lambda socket: socket.close())
    name = f"followed-{is_heard}.ipynb"
    jupyter.write(name, *TASKS)
    open_document(page, jupyter, "lab", name)
    do(page, "nbflow:run-all")
    state(page, "report", "success").wait_for()
    news = [frame for frame in heard if "urn:nbflow:event:run-moved" in frame]
    assert bool(news) == is_heard


def test_a_part_runs_with_what_was_stored_and_is_what_stands_in_the_editor(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("parts.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "parts.ipynb")
    do(page, "nbflow:run-all")
    state(page, "report", "success").wait_for()
    page.locator(".jp-CodeCell .cm-content").nth(2).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint('added', total + 1)")
    do(page, "nbflow:run-task")
    page.locator(f"{PANEL} .nbf-states > li").nth(1).wait_for(state="detached")
    state(page, "report", "success").wait_for()
    page.locator(f"{PANEL} .nbf-task-state").click()
    page.locator(f"{PANEL} .nbf-log").filter(has_text="added 46").wait_for()
    saved = json.loads((jupyter.folder / "parts.ipynb").read_text(encoding="utf-8"))
    assert "added" not in saved["cells"][2]["source"]
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    do(page, "nbflow:run-from-task")
    page.locator(f"{PANEL} .nbf-states > li").nth(1).wait_for()
    button = page.locator(f"{PANEL} .nbf-main")
    assert button.text_content() == "Run 2 tasks"


def test_parameters_are_asked_for_and_told_at_the_field_if_they_dont_fit(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write(
        "asks.ipynb",
        "rows: int = 3  # how many\nnames: list = ['a']\nis_dry = False",
        "%%task load\nprint('given', rows * 2, names, is_dry)",
    )
    path = jupyter.folder / "asks.ipynb"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["cells"][0]["metadata"]["tags"] = ["parameters"]
    path.write_text(json.dumps(document), encoding="utf-8")
    open_document(page, jupyter, "lab", "asks.ipynb")
    do(page, "nbflow:run-all")
    rows = page.locator(PANEL).get_by_label("rows")
    rows.fill("many")
    page.get_by_text("rows must be a whole number").wait_for()
    page.locator(f"{PANEL} .nbf-main:disabled").wait_for()
    button = page.locator(f"{PANEL} .nbf-main")
    rows.fill("21")
    page.locator(PANEL).get_by_label("names").fill("{1: 2}")
    page.locator(PANEL).get_by_label("is_dry").check()
    button.click()
    wrong = page.locator(f'{PANEL} .nbf-field[data-wrong="true"]')
    wrong.wait_for()
    assert "names" in (wrong.text_content() or "")
    shoot(page, "run-parameters")
    page.locator(PANEL).get_by_label("names").fill("['x']")
    button.click()
    state(page, "load", "success").wait_for()
    page.get_by_text("Runs of this notebook").click()
    row = page.locator(f"{PANEL} .nbf-history tbody tr").filter(has_text="rows = 21")
    row.locator('.nbf-state[data-state="success"]').wait_for()
    assert "by hand" in (row.text_content() or "")
    row.get_by_role("button").click()
    shoot(page, "run-history")
    page.locator(f"{PANEL} .nbf-task-state").click()
    page.locator(f"{PANEL} .nbf-log").filter(has_text="given 42 ['x'] True").wait_for()


def test_a_run_is_cancelled_and_what_did_not_succeed_runs_again(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write(
        "again.ipynb",
        "%%task load\nimport pathlib\nn = 1",
        "%%task slow\nimport time\nprint('begun')\nif not pathlib.Path('go').exists():\n"
        "    time.sleep(300)\nm = n",
        "%%task after\nprint('after', m)",
    )
    open_document(page, jupyter, "lab", "again.ipynb")
    do(page, "nbflow:open-dag")
    do(page, "nbflow:run-all")
    picture = page.locator("#nbflow-dag .task")
    slow = picture.and_(page.locator('[data-task="slow"][data-state="running"]'))
    slow.wait_for()
    seconds = slow.locator(".note").filter(has_text=re.compile(r"^\d+ s$"))
    first = seconds.text_content()
    slow.locator(".note").filter(has_not_text=re.compile(f"^{first}$")).wait_for()
    assert int(str(seconds.text_content()).split()[0]) > int(str(first).split()[0])
    state(page, "slow", "running").wait_for()
    page.locator(f"{PANEL} .nbf-task-state").nth(1).click()
    page.locator(f"{PANEL} .nbf-log").filter(has_text="begun").wait_for()
    shoot(page, "run-live")
    page.get_by_role("button", name="Cancel the run").click()
    state(page, "slow", "cancelled").wait_for()
    ended = picture.and_(page.locator('[data-task="slow"][data-state="cancelled"]'))
    ended.locator(".note").filter(has_text=re.compile(r"\d s$")).wait_for()
    (jupyter.folder / "go").touch()
    do(page, "nbflow:run-failed")
    state(page, "after", "success").wait_for()
    assert page.locator(f"{PANEL} .nbf-states > li").count() == 2


def test_a_failed_task_opens_at_its_cell_with_its_inputs_and_runs_again_once_mended(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write(
        "mended.ipynb",
        "%%task load\nrow = {'cost': 3}",
        "%%task price\nfirst = 1\nprice = row['price']",
        "%%task report\nprint('price', price)",
    )
    open_notebook(page, jupyter, "lab", "mended.ipynb")
    do(page, "nbflow:run-all")
    state(page, "report", "upstream_failed").wait_for()
    page.get_by_text("KeyError: 'price'").first.wait_for()
    page.get_by_role("button", name="Open at the failing cell").click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.get_by_text("Loaded: row").first.wait_for()
    shoot(page, "run-opened")
    active = page.locator(".jp-CodeCell.jp-mod-active")
    assert "row['price']" in (active.text_content() or "")
    active.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    for _ in range(len("price']")):
        page.keyboard.press("Backspace")
    page.keyboard.type("cost']")
    page.keyboard.press("Control+Enter")
    ran = re.compile(r"\[\d+\]")
    page.locator(".jp-CodeCell.jp-mod-active .jp-InputPrompt").filter(has_text=ran).wait_for()
    assert page.locator(".jp-CodeCell .jp-OutputArea-output").count() == 0
    do(page, "nbflow:run-failed")
    state(page, "report", "success").wait_for()
    assert page.locator(f"{PANEL} .nbf-states > li").count() == 2


@pytest.mark.own_page
def test_what_failed_is_known_though_the_panel_was_not_open(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("before.ipynb", "%%task load\nn = 1", "%%task check\nassert n > 1")
    open_document(page, jupyter, "lab", "before.ipynb")
    with kept_layout(page, "nbflow-run:run"):
        do(page, "nbflow:run-all")
    state(page, "check", "failed").wait_for()
    with kept_layout(page, "before.ipynb", without="nbflow-run:run"):
        page.locator(".lm-TabBar-tab", has_text="Run").locator(".lm-TabBar-tabCloseIcon").click()
    page.reload()
    page.locator(".nbf-badge-chip", has_text="check").wait_for()
    assert page.locator(PANEL).count() == 0
    with page.expect_request(lambda one: one.method == "POST" and "/runs" in one.url) as asked:
        do(page, "nbflow:run-failed")
    assert asked.value.post_data_json["tasks"] == ["check"]
    state(page, "check", "failed").wait_for()


def test_what_is_asked_of_one_notebook_is_not_done_to_another(page: Any, jupyter: Jupyter) -> None:
    for name in ("one.ipynb", "other.ipynb"):
        jupyter.write(name, f"%%task {name[:3]}\nx = 1")
        open_document(page, jupyter, "lab", name)
    open_beside(page, "one.ipynb")
    held: list[Any] = []
    page.route("**/nbflow/api/compile*", lambda route: held.append(route))
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.method} {one.url.split('?')[0]}"))
    with page.expect_request("**/nbflow/api/compile*"):
        do(page, "nbflow:run-all")
    open_beside(page, "other.ipynb")
    for route in held:
        route.continue_()
    page.unroute("**/nbflow/api/compile*")
    page.get_by_text("Nothing was run: another notebook came to the front.").first.wait_for()
    assert [one for one in asked if one.startswith("POST") and one.endswith("/runs")] == []


@pytest.mark.parametrize(
    ("sources", "command", "told"),
    [
        (("%%task only\nx = 1",), "nbflow:run-failed", "This notebook has not been run yet."),
        (("",), "nbflow:run-all", "There is no task to run yet."),
    ],
    ids=["never run", "no task"],
)
def test_a_command_that_means_no_task_runs_none(
    page: Any, jupyter: Jupyter, sources: tuple[str, ...], command: str, told: str
) -> None:
    name = f"nothing-{command.removeprefix('nbflow:')}.ipynb"
    jupyter.write(name, *sources)
    open_document(page, jupyter, "lab", name)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(f"{one.method} {one.url.split('?')[0]}"))
    do(page, command)
    page.get_by_text(told).first.wait_for()
    assert not [one for one in asked if one.startswith("POST") and one.endswith("/api/runs")]


def test_a_cell_that_is_asked_for_is_seen_though_another_tab_hides_its_notebook(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("behind.ipynb", "%%task load\nrow = {}", "%%task price\nrow['price']")
    (jupyter.folder / "over.txt").write_text("something else")
    open_document(page, jupyter, "lab", "behind.ipynb")
    do(page, "nbflow:run-all")
    state(page, "price", "failed").wait_for()
    page.get_by_text("0 of 1 cells done").wait_for()
    of_notebook = page.locator(".jp-NotebookPanel")
    page.evaluate(
        """async () => {
            const { commands, shell } = window.jupyterapp;
            const notebook = [...shell.widgets('main')].find(one => one.context);
            const options = { ref: notebook.id, mode: 'tab-after' };
            await commands.execute('docmanager:open', { path: 'over.txt', options });
        }"""
    )
    of_notebook.wait_for(state="hidden")
    page.get_by_role("button", name="cell [2]").click()
    of_notebook.wait_for(state="visible")
    active = page.locator(".jp-CodeCell.jp-mod-active")
    assert "row['price']" in (active.text_content() or "")


def test_the_list_of_tasks_tells_the_states_that_the_picture_shows(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("listed.ipynb", *TASKS)
    open_document(page, jupyter, "lab", "listed.ipynb")
    do(page, "nbflow:open-dag")
    page.locator("#nbflow-dag").get_by_role("button", name="List").click()
    do(page, "nbflow:run-all")
    row = page.locator("#nbflow-dag .nbf-tasks > li").filter(has_text="report")
    row.locator('.nbf-state[data-state="success"]').wait_for()


ATTACK = """from IPython.display import HTML, display
display(HTML('''<p id="told">waits</p><script>
const told = [];
try { told.push('cookie:' + document.cookie); } catch (error) { told.push('no cookie'); }
try { told.push('page:' + parent.document.title); } catch (error) { told.push('no page'); }
fetch(location.href.replace(/runs.*/, 'runs')).then(r => r.text())
    .then(text => told.push('api:' + text), () => told.push('no api'))
    .finally(() => { document.getElementById('told').textContent = told.join(', '); });
</script>'''))"""


@pytest.mark.abuse(3)
@pytest.mark.parametrize("face", ["lab", "notebook"])
def test_outputs_of_a_run_stand_beside_the_notebook_and_their_scripts_reach_nothing(
    page: Any, jupyter: Jupyter, face: str
) -> None:
    """Row 3 of the abuse table."""
    name = f"attack-{face}.ipynb"
    jupyter.write(name, f"%%task show\n{ATTACK}\nprint('an output of the run')")
    before = (jupyter.folder / name).read_bytes()
    open_document(page, jupyter, face, name)
    do(page, "nbflow:run-all")
    state(page, "show", "success").wait_for()
    page.get_by_role("button", name="Show the outputs").click()
    frame = page.frame_locator("#nbflow-outputs iframe")
    frame.get_by_text("an output of the run", exact=True).wait_for()
    frame.get_by_text("no cookie, no page, no api", exact=True).wait_for()
    shoot(page, f"run-outputs-{face}")
    assert page.locator(".jp-Notebook").is_visible()
    assert (jupyter.folder / name).read_bytes() == before
