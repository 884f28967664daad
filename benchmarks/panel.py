"""From a keystroke to the picture of the changed DAG in a real JupyterLab, in real Chromium.

The bar is p95 of 150 ms with 100 cells. The peers are JupyterLab itself in the same page: opening the
notebook, and showing the character that was typed; and what an empty request takes there and back.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import bundle
from benchmarks.machine import Row

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / name) for name in ("browser", "support")]

TASKS, KEYSTROKES = 50, 60
LARGE, FEWER_KEYSTROKES = (300, 1000), 20
PER_SECTION = 25

_WATCH = """() => {
    window.nbflowTimes = [];
    window.echoTimes = [];
    let begun = null;
    let typed = null;
    document.addEventListener('keydown', () => { begun = typed = performance.now(); }, true);
    const canvas = document.querySelector('.nbf-canvas');
    const named = () => document.querySelector('.nbf-canvas .task[data-task^="first"]');
    let before = named().dataset.task;
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver(() => {
        const now = named()?.dataset.task;
        if (!now || now === before || begun === null) return;
        before = now;
        const from = begun;
        begun = null;
        requestAnimationFrame(() => window.nbflowTimes.push(performance.now() - from));
    }).observe(canvas, all);
    new MutationObserver(() => {
        if (typed === null) return;
        const from = typed;
        typed = null;
        requestAnimationFrame(() => window.echoTimes.push(performance.now() - from));
    }).observe(document.activeElement, all);
}"""
_EMPTY = """async () => {
    const { baseUrl, token } = window.jupyterapp.serviceManager.serverSettings;
    const times = [];
    for (let turn = 0; turn < 20; turn++) {
        const begun = performance.now();
        await fetch(`${baseUrl}api`, { headers: { Authorization: `token ${token}` } });
        times.push(performance.now() - begun);
    }
    return times;
}"""
_OPEN = """async path => {
    const begun = performance.now();
    const panel = await window.jupyterapp.commands.execute('docmanager:open', { path });
    await panel.revealed;
    await new Promise(resolve => requestAnimationFrame(resolve));
    return performance.now() - begun;
}"""
_DRAW = """async () => {
    const begun = performance.now();
    await window.jupyterapp.commands.execute('nbflow:open-dag');
    const isDrawn = () => document.querySelector('.nbf-canvas .task');
    while (!isDrawn()) await new Promise(resolve => requestAnimationFrame(resolve));
    return performance.now() - begun;
}"""
_CLOSE = """async () => {
    for (const widget of [...window.jupyterapp.shell.widgets('main')]) widget.dispose();
}"""


def measure() -> Iterator[Row]:
    """Sizes; then open, draw and type into a notebook, and into two large ones."""
    yield from bundle.measure()
    try:
        from jupyter_pages import CHROMIUM, EXTENSION
        from playwright import sync_api  # noqa: F401
    except ImportError:
        yield "keystroke to picture", "left out: Playwright is not installed"
        return
    if CHROMIUM is None or not EXTENSION.exists():
        yield "keystroke to picture", "left out: no chromium, or the extension is not built"
        return
    with _page() as (page, jupyter):
        yield "an empty request, there and back", _figures(page.evaluate(_EMPTY))
        yield from _notebook(page, jupyter, TASKS, KEYSTROKES)
        for tasks in LARGE:
            yield from _notebook(page, jupyter, tasks, FEWER_KEYSTROKES)


@contextmanager
def _page() -> Iterator[tuple[Any, Any]]:
    from jupyter_pages import CHROMIUM, FLAGS, TOKEN, jupyter_server
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as folder,
        jupyter_server(Path(folder)) as jupyter,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.set_default_timeout(120_000)
        page.goto(f"{jupyter.url}/lab?token={TOKEN}")
        page.locator(".jp-Launcher").wait_for()
        yield page, jupyter
        browser.close()


def _notebook(page: Any, jupyter: Any, tasks: int, keystrokes: int) -> Iterator[Row]:
    name = f"typed{tasks}.ipynb"
    (jupyter.folder / name).write_text(json.dumps(_document(tasks)), encoding="utf-8")
    opened = page.evaluate(_OPEN, name)
    drawn = page.evaluate(_DRAW)
    of = f"{2 * tasks:,} cells, {tasks:,} tasks"
    yield (
        f"first picture, {of}",
        f"{drawn:,.0f} ms, {drawn / opened:.1f} x JupyterLab's opening of it ({opened:,.0f} ms)",
    )
    section = page.locator('.nbf-canvas .task[aria-label*="First section"]')
    if section.count():
        section.click()
    echoes, times = _typed(page, keystrokes)
    ratio = median(times) / median(echoes)
    yield (
        f"keystroke to picture, {of}",
        f"{_figures(times)}, {ratio:.1f} x the character's own way ({_figures(echoes)})",
    )
    page.evaluate(_CLOSE)


def _document(tasks: int) -> dict[str, Any]:
    from jupyter_pages import notebook

    names = ["first"] + [f"step{number}" for number in range(1, tasks)]
    document = notebook()
    for number, name in enumerate(names):
        if number % PER_SECTION == 0:
            title = f"Section {number // PER_SECTION}" if number else "First section"
            heading = {"cell_type": "markdown", "metadata": {}, "source": f"## {title}"}
            document["cells"].append({"id": f"h{number}", **heading})
        step = "x + 1" if number else "0"
        sources = f"%%task {name}\nx = {step}\n{name}_a = [x] * 3", f"{name}_b = sum({name}_a)"
        for cell in notebook(*sources)["cells"]:
            document["cells"].append({**cell, "id": f"{cell['id']}-{number}"})
    return document


def _typed(page: Any, keystrokes: int) -> tuple[list[float], list[float]]:
    page.locator('.nbf-canvas .task[data-task="first"]').wait_for(state="attached")
    page.locator(".jp-CodeCell .cm-line", has_text="%%task first").click()
    page.keyboard.press("End")
    page.evaluate(_WATCH)
    for turn in range(keystrokes):
        page.keyboard.press("Backspace" if turn % 2 else "s")
        page.wait_for_function("count => window.nbflowTimes.length === count", arg=turn + 1)
    return page.evaluate("() => window.echoTimes"), page.evaluate("() => window.nbflowTimes")


def _figures(times: list[float]) -> str:
    ordered = sorted(times)
    return "  ".join(f"p{p} {ordered[int(p / 100 * (len(ordered) - 1))]:.0f} ms" for p in (50, 95))
