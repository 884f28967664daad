"""The story of JupyterLab's part, played by keyboard alone.

Tag, see, run, fail, open, mend, run again, schedule, deploy, look back.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_pages import AXE, ROOT, Jupyter, axe_violations, open_notebook

CELLS = (
    ("load", "prices = [5, 3, 8, 2, 4]"),
    ("clean", "clean = sorted(prices)"),
    ("mean", "mean = sum(clean) / len(clean)"),
    ("spread", "spread = clean[-1] - clean[0]"),
    ("grade", "grade = 'dear' if mean > 4 else 'cheap'"),
    ("report", "print(grade, 'at', mean, 'within', spread, 'from', clean[9])"),
)
EDGES = 8
WRONG, RIGHT = "9])", "0])"
PANELS = ("#nbflow-dag", "#nbflow-run", ".nbf-of-history", ".nbf-badge", "dialog.nbf-dialog")
KINDS_BEFORE_WEEKDAYS = 4
CRON, ZONE, FIRES = "30 6 * * 1-5", "Asia/Seoul", "06:30 +09:00"
AHEAD = -9 * 60
"""Minutes, as browsers tell how far a zone is from UTC."""
REACH = 120
"""Presses of Tab in which everything must be reached."""
PATIENCE = 120_000
"""Milliseconds that a run with a kernel for each task may take."""
IS_STILL = "() => !window.jupyterapp.shell.currentWidget?.content?._isScrolling"
REST = """() => new Promise(done => requestIdleCallback(
    () => requestAnimationFrame(() => requestIdleCallback(() => done()))))"""
Keep = Callable[[str], None]


def in_english(text: str) -> str:
    """Return a text as the page says it in English."""
    return text


def in_korean(text: str) -> str:
    """Return a text as the page says it in Korean."""
    catalog = ROOT / "nbflow" / "locale" / "ko_KR" / "LC_MESSAGES" / "nbflow.json"
    return str(json.loads(catalog.read_text(encoding="utf-8"))[text][0])


class Story:
    """One notebook in one face of Jupyter; each step is what a person does next."""

    def __init__(
        self,
        page: Any,
        jupyter: Jupyter,
        face: str,
        *,
        say: Callable[[str], str] = in_english,
        keep: Keep = lambda name: None,
    ) -> None:
        self.page, self.jupyter, self.face, self.say, self.keep = page, jupyter, face, say, keep
        self.name = f"prices-{face}.ipynb"
        jupyter.write(self.name, *(source for _, source in CELLS))

    def play(self) -> None:
        """Play it all."""
        open_notebook(self.page, self.jupyter, self.face, self.name)
        self.tag()
        self.see()
        self.run_and_fail()
        self.open_and_mend()
        self.run_again()
        self.schedule()
        self.deploy()
        self.look_back()

    def tag(self) -> None:
        """Each cell becomes a task."""
        press = self.page.keyboard.press
        self.page.evaluate(
            "() => { const { content } = window.jupyterapp.shell.currentWidget;"
            "content.mode = 'command'; content.activeCell.node.focus(); }"
        )
        for number, (task, _) in enumerate(CELLS):
            if number:
                press("ArrowDown")
            self._rest()
            press("Alt+t")
            self.page.locator("dialog input:focus").wait_for()
            self.page.keyboard.type(task)
            press("Enter")
            self.page.locator(".nbf-badge-chip[data-tagged=true]", has_text=task).wait_for()

    def see(self) -> None:
        """The DAG appears."""
        self.page.keyboard.press("Alt+g")
        for task, _ in CELLS:
            self.page.locator(f'.nbf-canvas .task[data-task="{task}"]').wait_for()
        assert self.page.locator(".nbf-canvas .edge").count() == EDGES
        self.look("dag")

    def run_and_fail(self) -> None:
        """All tasks run; the last one fails, and the page says why."""
        self._command("Run all tasks")
        self._state("report", "failed").wait_for(timeout=PATIENCE)
        self.page.get_by_text("IndexError: list index out of range").first.wait_for()
        assert self.page.locator("#nbflow-run .nbf-main").text_content() == self.say(
            "Run %1 task"
        ).replace("%1", "6").replace("task", "tasks")
        self.look("failed")

    def open_and_mend(self) -> None:
        """The kernel gets what the task found; the cell is mended and tried."""
        page, press = self.page, self.page.keyboard.press
        self._press(self._button(page, "Open at the failing cell"))
        page.get_by_role("dialog").wait_for()
        press("Enter")
        page.get_by_text("Loaded: ").first.wait_for()
        self.look("opened")
        page.locator(".jp-CodeCell.jp-mod-active .cm-focused").wait_for()
        press("Control+End")
        for _ in WRONG:
            press("Backspace")
        page.keyboard.type(RIGHT)
        press("Control+Enter")
        page.locator(".jp-OutputArea-output", has_text="dear at 4.4").wait_for()

    def run_again(self) -> None:
        """Only what failed runs; the rest is taken from the first run."""
        self._command("Run what failed")
        self._state("report", "success").wait_for(timeout=PATIENCE)
        assert self.page.locator("#nbflow-run .nbf-states > li").count() == 1
        self.look("mended")

    def schedule(self) -> None:
        """It shall run by itself: a choice, then an expression of one's own, told in words."""
        self.page.locator(".jp-Toolbar-item[data-jp-item-name=nbflow-schedule]").wait_for()
        press = self.page.keyboard.press
        self._command("Schedule…")
        dialog = self.page.locator("dialog.nbf-dialog")
        self._reach(dialog.get_by_label(self.say("Repeats")))
        for _ in range(KINDS_BEFORE_WEEKDAYS):
            press("ArrowDown")
        written = dialog.get_by_label(self.say("Written"))
        self._reach(written)
        assert written.input_value().endswith("* * 1-5")
        for label, text in (("Written", CRON), ("Time zone", ZONE)):
            self._reach(dialog.get_by_label(self.say(label)))
            press("Control+a")
            self.page.keyboard.type(text)
        dialog.locator(".nbf-fires tbody tr").nth(4).get_by_text(FIRES).wait_for()
        for word in ("Monday through Friday", "월요일"):
            dialog.locator(".nbf-meaning").get_by_text(word).wait_for()
        self.look("schedule")
        self._press(self._button(dialog, "Put into the notebook"))
        dialog.wait_for(state="detached")

    def deploy(self) -> None:
        """What is saved is what runs from now on; before, it is told what changes."""
        self._command("Deploy…")
        self.page.get_by_role("dialog").get_by_text(self.say("Save the notebook first?")).wait_for()
        self.page.keyboard.press("Enter")
        dialog = self.page.locator("dialog.nbf-dialog")
        dialog.get_by_text(CRON).first.wait_for()
        self.look("deploy")
        self._press(self._button(dialog, "Deploy"))
        dialog.wait_for(state="detached")
        told = self.say("%1 is deployed").replace("%1", self.name.removesuffix(".ipynb"))
        self.page.get_by_text(told).first.wait_for()

    def look_back(self) -> None:
        """The runs of the notebook: one that failed, then what differs from the one that did not."""
        self._command("Show the run history")
        history = self.page.locator(".nbf-of-history:visible")
        rows = history.locator("section:first-child tbody tr", has_text=self.say("by hand"))
        rows.nth(1).wait_for()
        when = rows.nth(1).get_by_role("button")
        is_abroad = self.page.evaluate("() => new Date().getTimezoneOffset()") != AHEAD
        assert (f"({ZONE})" in (when.get_attribute("title") or "")) == is_abroad
        self._press(when)
        history.locator(".nbf-states > li").nth(len(CELLS) - 1).wait_for()
        self.look("history")
        for number in (1, 0):
            self._reach(rows.nth(number).get_by_role("checkbox"), "Shift+Tab")
            self.page.keyboard.press("Space")
        self._press(self._button(history, "Compare 2 runs"), "Shift+Tab")
        compared = history.locator(".nbf-compared")
        compared.get_by_text("dear at 4.4 within 6 from 2").first.wait_for()
        self.look("compared")

    def look(self, name: str) -> None:
        """Keep a picture, and let axe-core look at what is ours."""
        self.keep(name)
        if AXE.exists():
            for panel in PANELS:
                if self.page.locator(panel).count():
                    assert axe_violations(self.page, panel) == []

    def _rest(self) -> None:
        """Let the page come to rest, as people do: JupyterLab scrolls to a cell, then focuses it."""
        self.page.wait_for_function(IS_STILL)
        self.page.evaluate(REST)

    def _state(self, task: str, state: str) -> Any:
        row = self.page.locator("#nbflow-run .nbf-states > li").filter(has_text=task)
        return row.locator(f'.nbf-state[data-state="{state}"]')

    def _command(self, label: str) -> None:
        """Choose a command in the palette."""
        self._rest()
        self.page.keyboard.press("Control+Shift+c")
        palette = self.page.locator("#modal-command-palette, .jp-ModalCommandPalette")
        palette.locator("input").fill(self.say(label))
        palette.locator(
            ".lm-CommandPalette-item.lm-mod-active", has_text=self.say(label)
        ).wait_for()
        self.page.keyboard.press("Enter")
        palette.locator("input").wait_for(state="hidden")

    def _button(self, inside: Any, label: str) -> Any:
        return inside.get_by_role("button", name=self.say(label), exact=True)

    def _press(self, control: Any, way: str = "Tab") -> None:
        self._reach(control, way)
        self.page.keyboard.press("Enter")

    def _reach(self, control: Any, way: str = "Tab") -> None:
        """Press Tab until a control has the focus."""
        for _ in range(REACH):
            if control.evaluate("control => control === document.activeElement"):
                return
            self.page.keyboard.press(way)
        raise AssertionError(f"{way} does not reach {control}")


def keeper(page: Any, folder: Path, prefix: str) -> Keep:
    """Return what writes pictures of a page into a folder."""

    def keep(name: str) -> None:
        page.screenshot(path=str(folder / f"{prefix}-{name}.png"), animations="disabled")

    return keep
