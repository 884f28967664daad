"""The open notebook is deployed, compared, paused and let run again, in a real JupyterLab."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jupyter_pages import Jupyter, axe_violations, open_document, save, shoot

from nbflow.app import open_service
from nbflow.metastore.backfills import BackfillRow
from nbflow.model.ids import DagId
from nbflow.service.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = ("%%task load\nnumbers = [1, 2]", "%%task total\ntotal = sum(numbers)\nprint(total)")
BAR = "#nbflow-dag .nbf-deployed"


@pytest.fixture
def service(jupyter: Jupyter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The server's installation, from outside."""
    monkeypatch.setenv("NBFLOW_HOME", str(jupyter.folder / "nbflow"))
    with open_service() as opened:
        yield opened


def scheduled(jupyter: Jupyter, name: str, **dag: Any) -> None:
    jupyter.write(name, *CELLS)
    path = jupyter.folder / name
    document = json.loads(path.read_text(encoding="utf-8"))
    document["metadata"]["nbflow"] = {"version": 1, "dag": dag}
    path.write_text(json.dumps(document), encoding="utf-8")


def start(page: Any, command: str) -> None:
    page.evaluate("id => { void window.jupyterapp.commands.execute(id); }", command)


def deploy(page: Any, button: str) -> None:
    dialog = page.locator("dialog.nbf-dialog")
    dialog.get_by_role("button", name=button, exact=True).click()
    dialog.wait_for(state="detached")


def test_a_notebook_is_deployed_changed_compared_and_deployed_again(
    page: Any, jupyter: Jupyter, service: Service
) -> None:
    dag = DagId("deployed-twice")
    scheduled(jupyter, f"{dag}.ipynb", schedule="0 6 * * 1-5", timezone="Asia/Seoul")
    open_document(page, jupyter, "lab", f"{dag}.ipynb")
    save(page)
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    page.locator(BAR).get_by_text("Not deployed").wait_for()
    page.locator(BAR).get_by_role("button", name="Deploy…").click()
    page.locator("dialog.nbf-dialog").get_by_text("runs by hand only").wait_for()
    deploy(page, "Deploy")
    page.locator(BAR).get_by_text("✓ Deployed").wait_for()
    page.locator(BAR).get_by_text(re.compile("next run: .* 06:00")).wait_for()
    first = service.store.current_version(dag)
    entry = service.store.schedule(dag)
    assert entry is not None
    assert (entry.expression, entry.timezone) == ("0 6 * * 1-5", "Asia/Seoul")
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint('<b>twice</b>', 2 * total)")
    page.locator(BAR).get_by_text("the notebook differs").wait_for()
    page.locator(BAR).get_by_role("button", name="Deploy again…").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    added = page.locator('.nbf-cell-change [data-sign="+"]')
    added.filter(has_text="<b>twice</b>").wait_for()
    assert page.locator(".nbf-cell-change b").count() == 0
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "deploy-again")
    deploy(page, "Deploy again")
    page.locator(BAR).get_by_text("✓ Deployed").wait_for()
    assert service.store.current_version(dag) != first
    assert axe_violations(page, BAR) == []
    shoot(page, "deployed")


def test_nothing_is_deployed_if_the_dialog_is_left(
    page: Any, jupyter: Jupyter, service: Service
) -> None:
    scheduled(jupyter, "left.ipynb", schedule="@daily")
    open_document(page, jupyter, "lab", "left.ipynb")
    save(page)
    start(page, "nbflow:deploy")
    # Before it has the focus, keys are the notebook's.
    page.locator("dialog.nbf-dialog :focus").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog.nbf-dialog").wait_for(state="detached")
    assert service.store.schedule(DagId("left")) is None


def test_what_somebody_else_deployed_meanwhile_is_shown_before_it_is_replaced(
    page: Any, jupyter: Jupyter, service: Service
) -> None:
    dag = DagId("two-people")
    scheduled(jupyter, f"{dag}.ipynb", schedule="0 6 * * *")
    mine = jupyter.folder / f"{dag}.ipynb"
    service.deploy(mine)
    open_document(page, jupyter, "lab", mine.name)
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint('mine')")
    save(page)
    start(page, "nbflow:deploy")
    dialog = page.locator("dialog.nbf-dialog")
    dialog.locator('[data-sign="+"]').filter(has_text="mine").wait_for()
    theirs = jupyter.folder / "theirs" / mine.name
    theirs.parent.mkdir()
    theirs.write_text(mine.read_text().replace("mine", "theirs").replace("0 6", "0 9"))
    service.deploy(theirs)
    seen = service.store.current_version(dag)
    dialog.get_by_role("button", name="Deploy again", exact=True).click()
    dialog.get_by_role("alert").get_by_text("nothing was deployed").wait_for()
    assert service.store.current_version(dag) == seen
    dialog.get_by_role("cell", name="0 9 * * *").wait_for()
    dialog.locator('[data-sign="-"]').filter(has_text="theirs").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "deploy-stale")
    deploy(page, "Deploy again")
    page.locator(".Toastify__toast--success").get_by_text("two-people is deployed").wait_for()
    entry = service.store.schedule(dag)
    assert entry is not None
    assert entry.expression == "0 6 * * *"


def test_a_file_that_is_another_one_than_what_is_open_is_not_deployed(
    page: Any, jupyter: Jupyter, service: Service
) -> None:
    scheduled(jupyter, "changed-outside.ipynb", schedule="@daily")
    path = jupyter.folder / "changed-outside.ipynb"
    open_document(page, jupyter, "lab", path.name)
    save(page)
    path.write_text(path.read_text().replace("sum(numbers)", "max(numbers)"))
    start(page, "nbflow:deploy")
    page.locator("dialog.nbf-dialog").wait_for()
    deploy(page, "Deploy")
    said = page.locator(".Toastify__toast--error")
    said.get_by_text("The file was changed").filter(has_text="then deploy again").wait_for()
    shoot(page, "deploy-changed-outside")
    assert service.store.list_dags(DagId("changed-outside")) == []


def test_what_hinders_a_deploy_is_said_with_its_place(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("hindered.ipynb", "%%task load\nnumbers = [")
    open_document(page, jupyter, "lab", "hindered.ipynb")
    save(page)
    start(page, "nbflow:deploy")
    page.locator("dialog.nbf-dialog").wait_for()
    deploy(page, "Deploy")
    page.locator(".Toastify__toast--error").get_by_text("[1]").wait_for()


def test_a_dag_is_paused_and_let_run_again(page: Any, jupyter: Jupyter, service: Service) -> None:
    scheduled(jupyter, "paused.ipynb", schedule="@daily")
    service.deploy(jupyter.folder / "paused.ipynb")
    open_document(page, jupyter, "lab", "paused.ipynb")
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    page.locator(BAR).get_by_role("button", name="Pause").click()
    page.locator(BAR).get_by_text("no run is made by itself").wait_for()
    (row,) = service.store.list_dags(DagId("paused"))
    assert row.paused
    shoot(page, "paused")
    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nprint(2)")
    save(page)
    start(page, "nbflow:deploy")
    page.locator("dialog.nbf-dialog").wait_for()
    deploy(page, "Deploy again")
    page.get_by_text("paused is deployed; it is still paused").first.wait_for()
    page.locator(BAR).get_by_role("button", name="Let it run again…").click()
    page.locator(BAR).get_by_text("next run").wait_for()
    (row,) = service.store.list_dags(DagId("paused"))
    assert not row.paused


@pytest.mark.own_page
def test_who_was_told_how_many_runs_a_dag_makes_is_not_asked_twice(
    page: Any, idle: Jupyter
) -> None:
    begin = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}"
    scheduled(idle, "flood.ipynb", schedule="* * * * *", start_date=begin, catchup="all")
    idle.ask("dags", {"path": "flood.ipynb", "confirmed": True})
    open_document(page, idle, "lab", "flood.ipynb")
    start(page, "nbflow:open-dag")
    page.locator(BAR).get_by_role("button", name="Pause").click()
    page.locator(BAR).get_by_role("button", name="Let it run again…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile(r"Of these will run now: 1?,?44\d")).wait_for()
    dialog.get_by_role("button", name="Let it run").click()
    page.get_by_text("flood runs by itself again.").first.wait_for()
    assert dialog.count() == 0
    assert not idle.ask("dags/flood/schedule")["paused"]


def test_what_would_change_is_dark_and_korean_where_jupyterlab_is(page: Any, dark: Jupyter) -> None:
    scheduled(dark, "합계.ipynb", schedule="0 6 * * *", timezone="Asia/Seoul")
    open_document(page, dark, "lab", "합계.ipynb")
    save(page)
    page.evaluate("() => { void window.jupyterapp.commands.execute('nbflow:open-dag'); }")
    page.locator(BAR).get_by_role("button", name="배포…").click()
    dialog = page.locator("dialog.nbf-dialog")
    dialog.get_by_text("의존성").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "deploy-dark-korean")


def test_past_slots_are_looked_at_run_followed_and_cancelled(
    page: Any, jupyter: Jupyter, service: Service
) -> None:
    def made() -> list[BackfillRow]:
        return [row for row in service.store.backfills.rows() if row.entry.dag_id == "past"]

    deployed_to_run_long(jupyter, "past")
    open_document(page, jupyter, "lab", "past.ipynb")
    start(page, "nbflow:backfill")
    dialog = page.locator("dialog.nbf-dialog")
    dialog.get_by_text("Slots that will run: 7 of 7").wait_for()
    dialog.get_by_label("To, included").fill("2020-01-01")
    dialog.get_by_role("alert").wait_for()
    dialog.locator("button:disabled", has_text="Start").wait_for()
    dialog.get_by_label("From").fill("2026-01-01")
    dialog.get_by_label("To, included").fill("2026-01-03")
    dialog.get_by_text("Slots that will run: 3 of 3").wait_for()
    days = dialog.get_by_role("table", name="Slots of January 2026")
    days.get_by_role(
        "button", name=re.compile(r" 5 January 2026: slots: 1 \(without a run 1\)")
    ).click()
    dialog.get_by_text("Slots that will run: 1 of 1").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    dialog.get_by_text("Slots that will run: 7 of 7").wait_for()
    assert dialog.get_by_label("From").input_value() == "2026-01-05"
    assert dialog.get_by_label("To, included").input_value() == "2026-01-11"
    page.keyboard.press("PageDown")
    dialog.get_by_role("table", name="Slots of February 2026").wait_for()
    assert page.evaluate("() => document.activeElement.dataset.day") == "2026-02-11"
    page.keyboard.press("PageUp")
    days.wait_for()
    dialog.get_by_label("Runs at once, at most").fill("1")
    dialog.get_by_label("To, included").fill("2026-01-07")
    dialog.get_by_text("Slots that will run: 3 of 3").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "backfill")
    assert made() == []
    dialog.get_by_role("button", name="Start").click()
    dialog.get_by_text("The backfill goes on.").wait_for()
    (row,) = made()
    assert (row.entry.slots, row.entry.max_active) == (3, 1)
    dialog.get_by_text(re.compile("running: 1")).wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "backfill-goes-on")
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")
    start(page, "nbflow:backfill")
    dialog.get_by_role("button", name="Cancel the backfill").click()
    dialog.get_by_text("The backfill was cancelled.").wait_for()
    page.get_by_text("The backfill is cancelled").first.wait_for()
    (row,) = made()
    assert row.entry.state.value == "cancelled"
    dialog.get_by_role("button", name="Close").click()


def deployed_to_run_long(jupyter: Jupyter, name: str) -> None:
    """A daily notebook whose runs take long is deployed; it is paused, so that none begins by itself
    at midnight and holds up the runs of other tests.
    """
    scheduled(jupyter, f"{name}.ipynb", schedule="@daily")
    path = jupyter.folder / f"{name}.ipynb"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["cells"][0]["source"] += "\nimport time\ntime.sleep(600)"
    path.write_text(json.dumps(document), encoding="utf-8")
    jupyter.ask("dags", {"path": path.name})
    jupyter.ask(f"dags/{name}", {"paused": True}, method="PATCH")


def backfilled(jupyter: Jupyter, name: str) -> str:
    """A backfill of a deployed notebook whose runs take long; returns its id."""
    deployed_to_run_long(jupyter, name)
    days = {"dag_id": name, "first": "2026-01-01", "last": "2026-01-02", "max_active": 1}
    made: str = jupyter.ask("backfills", days)["backfill_id"]
    return made


def test_a_backfill_is_cancelled_and_the_next_one_chosen_by_keyboard_alone(
    page: Any, jupyter: Jupyter
) -> None:
    made = backfilled(jupyter, "by-keys")
    open_document(page, jupyter, "lab", "by-keys.ipynb")
    start(page, "nbflow:backfill")
    dialog = page.locator("dialog.nbf-dialog")
    dialog.locator("button:focus", has_text="Close").wait_for()
    page.keyboard.press("Tab")
    going = dialog.get_by_role("region", name="Backfills of by-keys")
    dialog.locator("section:focus").wait_for()
    page.keyboard.press("Tab")
    going.locator("button:focus", has_text="Cancel the backfill").wait_for()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    told = going.get_by_role("status")
    told.get_by_text("The backfill was cancelled.").wait_for()
    assert re.search(r"1 Jan 2026 .* 2 Jan 2026 .*: ■", told.text_content() or "")
    assert jupyter.ask(f"backfills/{made}")["backfill"]["state"] == "cancelled"
    going.locator("li:focus").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    start(page, "nbflow:backfill")
    dialog.locator("input:focus").first.wait_for()
    dialog.get_by_label("To, included").fill("2026-01-11")
    dialog.get_by_role("button", name="The month before").focus()
    page.keyboard.press("Enter")
    dialog.get_by_role("table", name="Slots of December 2025").wait_for()
    dialog.get_by_role("button", name="The month after").focus()
    page.keyboard.press("Enter")
    dialog.locator('[data-day][tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.activeElement.dataset.day === '2026-01-02'")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.nbf-dialog input[type=date]').value === '2026-01-02'"
    )
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_what_can_not_be_asked_any_more_is_said_above_what_is_known(
    page: Any, jupyter: Jupyter
) -> None:
    made = backfilled(jupyter, "unknown")
    open_document(page, jupyter, "lab", "unknown.ipynb")
    start(page, "nbflow:backfill")
    dialog = page.locator("dialog.nbf-dialog")
    dialog.get_by_text("The backfill goes on.").wait_for()
    page.route("**/nbflow/api/backfills?*", lambda route: route.abort())
    dialog.get_by_role("alert").get_by_role("button", name="Try again").wait_for()
    dialog.get_by_text("The backfill goes on.").wait_for()
    jupyter.ask(f"backfills/{made}/cancel", {})
    page.unroute_all()
    # It asks by itself, too, and may have been first.
    again = dialog.get_by_role("button", name="Try again")
    again.evaluate_all("buttons => buttons.forEach(button => button.click())")
    dialog.get_by_text("The backfill was cancelled.").wait_for()
    dialog.get_by_role("alert").wait_for(state="detached")
    dialog.get_by_role("button", name="Close").click()


def test_several_backfills_are_followed_side_by_side_and_one_of_them_is_cancelled(
    page: Any, jupyter: Jupyter
) -> None:
    deployed_to_run_long(jupyter, "several")
    for first, last in (("2026-01-01", "2026-01-03"), ("2026-02-01", "2026-02-02")):
        days = {"dag_id": "several", "first": first, "last": last, "max_active": 1}
        jupyter.ask("backfills", days)
    open_document(page, jupyter, "lab", "several.ipynb")
    start(page, "nbflow:backfill")
    dialog = page.locator("dialog.nbf-dialog")
    going = dialog.locator(".nbf-backfills > li")
    january, february = (going.filter(has_text=f"{month} 2026") for month in ("Jan", "Feb"))
    january.get_by_role("progressbar").wait_for()
    february.get_by_role("button", name="Cancel the backfill").click()
    february.get_by_text("The backfill was cancelled.").wait_for()
    assert "goes on" in (january.text_content() or "")
    dialog.get_by_role("button", name="Run more slots…").click()
    dialog.get_by_label("From").fill("2026-03-01")
    dialog.get_by_label("To, included").fill("2026-03-01")
    dialog.get_by_text("Slots that will run: 1 of 1").wait_for()
    dialog.get_by_role("button", name="Start").click()
    going.nth(2).wait_for()
    assert "Mar 2026" in (going.first.text_content() or "")
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "backfills-go-on")
    january.get_by_role("button", name="Cancel the backfill").click()
    january.get_by_text("The backfill was cancelled.").wait_for()
    going.first.get_by_role("button", name="Cancel the backfill").click()
    going.first.get_by_text("The backfill was cancelled.").wait_for()
    dialog.get_by_role("button", name="Close").click()


@pytest.mark.parametrize("look", ["jupyter", "dark"])
def test_slots_of_an_hour_that_comes_twice_are_told_apart(
    look: str, page: Any, request: pytest.FixtureRequest
) -> None:
    jupyter: Jupyter = request.getfixturevalue(look)
    dag = f"clock-put-back-{look}"
    scheduled(jupyter, f"{dag}.ipynb", schedule="@hourly", timezone="America/New_York")
    jupyter.ask("dags", {"path": f"{dag}.ipynb"})
    open_document(page, jupyter, "lab", f"{dag}.ipynb")
    start(page, "nbflow:backfill")
    dialog = page.locator("dialog.nbf-dialog")
    days = dialog.locator("input[type=date]")
    days.nth(0).fill("2025-11-02")
    days.nth(1).fill("2025-11-02")
    dialog.locator("section > .nbf-head", has_text=re.compile(r"25\D+25")).wait_for()
    slots = dialog.locator(".nbf-slots tbody td:first-child").all_text_contents()
    assert len(set(slots)) == len(slots) == 25
    told = [slot.partition(" (America")[0].split()[-2:] for slot in slots]
    assert told[1:3] == [["01:00", "-04:00"], ["01:00", "-05:00"]]
    assert all(hour == f"{at:02}:00" for at, (_, hour) in enumerate(told[3:], 2))
    shoot(page, f"slots-{look}")


def test_a_notebook_of_before_cells_had_ids_is_deployed(page: Any, jupyter: Jupyter) -> None:
    scheduled(jupyter, "colab.ipynb", schedule="@daily")
    path = jupyter.folder / "colab.ipynb"
    document = json.loads(path.read_text(encoding="utf-8")) | {"nbformat_minor": 4}
    for cell in document["cells"]:
        del cell["id"]
    path.write_text(json.dumps(document), encoding="utf-8")
    open_document(page, jupyter, "lab", "colab.ipynb")
    save(page)
    start(page, "nbflow:open-dag")
    start(page, "nbflow:deploy")
    deploy(page, "Deploy")
    page.locator(BAR).get_by_text("✓ Deployed").wait_for()
