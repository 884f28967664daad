"""The open notebook gets a schedule in a real JupyterLab and a real Notebook 7."""

import json
from typing import Any

import pytest
from jupyter_pages import Jupyter, axe_violations, open_document, save, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = ("%%task load\nnumbers = [1, 2]", "%%task total\ntotal = sum(numbers)")
METADATA = """() => {
    const widgets = [...window.jupyterapp.shell.widgets('main')];
    return widgets.find(one => one.content?.widgets).context.model.getMetadata('nbflow') ?? null;
}"""


def start(page: Any, command: str) -> Any:
    """Start a command, as a menu entry does; return its dialog."""
    page.evaluate("id => { void window.jupyterapp.commands.execute(id); }", command)
    dialog = page.locator("dialog.nbf-dialog")
    dialog.wait_for()
    return dialog


def put(dialog: Any) -> None:
    dialog.get_by_role("button", name="Put into the notebook").click()
    dialog.wait_for(state="detached")


def assert_written(page: Any, jupyter: Jupyter, name: str, nbflow: Any) -> None:
    """The open notebook comes to hold this ``metadata.nbflow``, and so does its file."""
    page.wait_for_function(
        f"wanted => JSON.stringify(({METADATA})()) === wanted",
        arg=json.dumps(nbflow, separators=(",", ":"), ensure_ascii=False),
    )
    save(page)
    document = json.loads((jupyter.folder / name).read_text(encoding="utf-8"))
    assert document["metadata"].get("nbflow") == nbflow


def test_a_schedule_is_chosen_told_in_both_languages_and_put_into_the_notebook(
    page: Any, jupyter: Jupyter
) -> None:
    name = "chosen.ipynb"
    jupyter.write(name, *CELLS)
    open_document(page, jupyter, "lab", name)
    page.locator(".jp-Toolbar-item[data-jp-item-name=nbflow-schedule]").wait_for()
    dialog = start(page, "nbflow:edit-schedule")
    dialog.get_by_label("Repeats").select_option("weekdays")
    dialog.get_by_label("At", exact=True).fill("06:30")
    dialog.get_by_label("Time zone").fill("Asia/Seoul")
    dialog.get_by_text("Monday through Friday").wait_for()
    dialog.locator(".nbf-meaning").get_by_text("월요일").wait_for()
    dialog.locator(".nbf-fires tbody tr").nth(4).get_by_text("06:30 +09:00").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "schedule")
    put(dialog)
    dag = {"schedule": "30 6 * * 1-5", "timezone": "Asia/Seoul"}
    assert_written(page, jupyter, name, {"version": 1, "dag": dag})


@pytest.mark.own_page
def test_a_dialog_is_gone_through_by_keyboard_however_late_the_page_renders(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("late.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "late.ipynb")
    # Lab takes the first idle moment for the one in which a dialog's body is there.
    page.evaluate("() => { window.requestIdleCallback = done => { done(); return 0; }; }")
    dialog = start(page, "nbflow:edit-schedule")
    dialog.locator("select:focus").wait_for()
    dialog.get_by_role("button", name="Put into the notebook").focus()
    page.keyboard.press("Tab")
    dialog.locator("select:focus").wait_for()


def test_an_expression_is_typed_and_what_is_wrong_is_said_at_its_field(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("expression.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "expression.ipynb")
    dialog = start(page, "nbflow:edit-schedule")
    dialog.get_by_label("Repeats").select_option("custom")
    written = dialog.get_by_label("Written")
    written.fill("0 0 31 2 *")
    dialog.get_by_role("alert").filter(has_text="never fires").wait_for()
    assert written.get_attribute("aria-invalid") == "true"
    dialog.locator("button:disabled", has_text="Put into the notebook").wait_for()
    dialog.get_by_label("Time zone").fill("Mars/Olympus")
    dialog.get_by_role("alert").filter(has_text="there is no time zone").wait_for()
    shoot(page, "schedule-wrong")
    dialog.get_by_label("Time zone").fill("Europe/Berlin")
    written.fill("30 2 * * *")
    dialog.get_by_text("the clock is set forward, 02:30 does not come").wait_for()
    dialog.get_by_text("02:30 comes twice; only the first time runs").wait_for()
    dialog.locator("button:enabled", has_text="Put into the notebook").wait_for()
    shoot(page, "schedule-clock")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate(METADATA) is None


def test_what_is_the_default_is_not_written_and_other_metadata_stays(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("kept.ipynb", *CELLS)
    path = jupyter.folder / "kept.ipynb"
    document = json.loads(path.read_text(encoding="utf-8"))
    dag = {"owner": "dana", "schedule": "@daily", "timezone": "UTC", "catchup": "latest"}
    document["metadata"]["nbflow"] = {"version": 1, "dag": dag}
    path.write_text(json.dumps(document), encoding="utf-8")
    open_document(page, jupyter, "lab", "kept.ipynb")
    dialog = start(page, "nbflow:edit-schedule")
    assert dialog.get_by_label("Repeats").input_value() == "daily"
    dialog.get_by_label("Repeats").select_option("none")
    dialog.locator(".nbf-meaning").get_by_text("by hand").wait_for()
    put(dialog)
    assert_written(page, jupyter, "kept.ipynb", {"version": 1, "dag": {"owner": "dana"}})


def test_the_dialog_is_dark_and_korean_where_jupyterlab_is(page: Any, dark: Jupyter) -> None:
    dark.write("예약.ipynb", *CELLS)
    open_document(page, dark, "lab", "예약.ipynb")
    dialog = start(page, "nbflow:edit-schedule")
    dialog.get_by_label("반복").select_option("weekdays")
    dialog.get_by_label("시간대").fill("Europe/Berlin")
    dialog.locator(".nbf-meaning").get_by_text("월요일").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "schedule-dark-korean")


def test_policies_triggers_and_people_to_tell_are_filled_in_by_keyboard(
    page: Any, jupyter: Jupyter
) -> None:
    jupyter.write("whole.ipynb", *CELLS)
    open_document(page, jupyter, "lab", "whole.ipynb")
    dialog = start(page, "nbflow:edit-schedule")
    dialog.locator("select:focus").wait_for()
    dialog.get_by_label("Repeats").select_option("daily")
    dialog.get_by_label("Not before").fill("2027-01-01")
    dialog.get_by_label("Runs missed").select_option("all")
    dialog.get_by_label("While the run before").select_option("queue")
    dialog.get_by_label("Retries").fill("2")
    dialog.get_by_label("Wait between tries").fill("90s")
    dialog.get_by_role("button", name="Add a trigger").focus()
    page.keyboard.press("Enter")
    dialog.get_by_label("Trigger 1", exact=True).select_option("metric")
    condition = dialog.get_by_label("Condition")
    condition.fill("accuracy < 0.9")
    dialog.get_by_role("alert").filter(has_text="must be written metric").wait_for()
    condition.fill('metric("accuracy") < 0.9')
    dialog.get_by_role("button", name="Add somebody").focus()
    page.keyboard.press("Enter")
    dialog.get_by_label("Addresses").fill("nobody")
    dialog.get_by_role("alert").filter(has_text="is not a mail address").wait_for()
    dialog.get_by_label("Addresses").fill("ada@example.org")
    dialog.get_by_label("runs are missed").uncheck()
    dialog.get_by_role("alert").first.wait_for(state="detached")
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "schedule-whole")
    put(dialog)
    dag = {
        "schedule": "0 6 * * *", "start_date": "2027-01-01", "catchup": "all",
        "defaults": {"retries": 2, "retry_delay": "90s"},
        "on": [{"metric": 'metric("accuracy") < 0.9'}],
        "notify": [{"email": "ada@example.org", "on": ["failure", "recovery"]}],
    }  # fmt: skip
    page.wait_for_function(f"() => ({METADATA})() !== null")
    assert page.evaluate(METADATA) == {"version": 1, "dag": dag}


def test_what_hinders_settings_without_a_field_is_said(page: Any, jupyter: Jupyter) -> None:
    jupyter.write("hidden.ipynb", *CELLS)
    path = jupyter.folder / "hidden.ipynb"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["metadata"]["nbflow"] = {"version": 1, "dag": {"track": "sometimes"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    open_document(page, jupyter, "lab", "hidden.ipynb")
    dialog = start(page, "nbflow:edit-schedule")
    dialog.get_by_text("track: must be").wait_for()
    dialog.locator("button:disabled", has_text="Put into the notebook").wait_for()


def test_what_somebody_changed_while_the_dialog_was_open_is_shown_and_kept(
    page: Any, jupyter: Jupyter
) -> None:
    name = "together.ipynb"
    jupyter.write(name, *CELLS)
    open_document(page, jupyter, "lab", name)
    dialog = start(page, "nbflow:edit-schedule")
    dialog.get_by_label("Repeats").select_option("daily")
    dialog.get_by_label("At", exact=True).fill("06:30")
    dialog.get_by_text("At 06:30").wait_for()
    # As a change arrives of somebody who works in the same notebook.
    page.evaluate(
        """() => {
            const widgets = [...window.jupyterapp.shell.widgets('main')];
            const { model } = widgets.find(one => one.content?.widgets).context;
            model.setMetadata('nbflow', { version: 1, dag: { timezone: 'Asia/Seoul' } });
        }"""
    )
    dialog.get_by_role("button", name="Put into the notebook").click()
    dialog.get_by_role("alert").get_by_text("were changed meanwhile, not from here").wait_for()
    dialog.locator(".nbf-fires tbody tr").first.get_by_text("06:30 +09:00").wait_for()
    assert axe_violations(page, ".nbf-dialog") == []
    shoot(page, "schedule-stale")
    put(dialog)
    dag = {"timezone": "Asia/Seoul", "schedule": "30 6 * * *"}
    assert_written(page, jupyter, name, {"version": 1, "dag": dag})
