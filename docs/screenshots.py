"""Take the documentation's pictures: real JupyterLab, real Notebook 7, real Chromium, real runs.

``python docs/screenshots.py [drawings|examples|story …]`` writes docs/images/. Needs the ``jupyter`` and ``examples`` extras,
Playwright and a chromium; the pages are those of the browser tests.
"""

import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
EXAMPLES = ROOT / "example_notebooks"
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("browser", "support")]

from jupyter_pages import (  # noqa: E402
    CHROMIUM,
    FLAGS,
    Jupyter,
    jupyter_server,
    notebook,
    open_notebook,
    run_cells,
)
from story import Story, in_english, in_korean  # noqa: E402

LARGEST = 200_000
PATIENCE = 120_000
"""Milliseconds that a run may take."""


LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
TOLD = ("dag", "failed", "opened", "schedule", "deploy", "compared")
TOLD_IN_KOREAN = ("failed",)
"""Pictures of the story that are taken in Korean, on dark ground, too."""


def main(parts: list[str]) -> int:
    """Take the pictures of these parts, or all; return the exit code."""
    if CHROMIUM is None:
        print("chromium is not installed: no screenshots")
        return 1
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    if not parts or "drawings" in parts:
        drawings()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        if not parts or "examples" in parts:
            examples(browser)
        if not parts or "story" in parts:
            story(browser)
        browser.close()
    return 0


def examples(browser: Any) -> None:
    """The examples as `%dag` shows them."""
    for theme, suffix in ((LIGHT, ""), (DARK, "-dark")):
        with (
            tempfile.TemporaryDirectory() as folder,
            jupyter_server(Path(folder), theme=theme) as jupyter,
        ):
            shutil.copytree(EXAMPLES / "data", jupyter.folder / "data")
            shoot_retraining(browser, jupyter, suffix)
            if not suffix:
                shoot_first_steps(browser, jupyter)
                shoot_failure(browser, jupyter)


def story(browser: Any) -> None:
    """What JupyterLab's part does, from the first tag to the comparison of two runs."""
    with tempfile.TemporaryDirectory() as folder, jupyter_server(Path(folder)) as jupyter:
        shoot_story(browser, jupyter, "story", in_english, TOLD)
    with (
        tempfile.TemporaryDirectory() as folder,
        jupyter_server(Path(folder), theme=DARK, lang="ko_KR") as jupyter,
    ):
        shoot_story(browser, jupyter, "story-korean", in_korean, TOLD_IN_KOREAN)


def drawings() -> None:
    """Draw examples as `nbflow show` does."""
    import nbflow

    for name in ("first_steps", "retraining"):
        drawn = nbflow.load(EXAMPLES / f"{name}.ipynb").show("svg")
        (IMAGES / f"{name}.svg").write_text(str(drawn), encoding="utf-8")


def shoot_retraining(browser: Any, jupyter: Jupyter, suffix: str) -> None:
    """Two models in training side by side, and the end."""
    page = browser.new_page(viewport={"width": 1400, "height": 700})
    page.set_default_timeout(PATIENCE)
    place(jupyter, "retraining.ipynb", "%load_ext nbflow", "%dag run")
    open_notebook(page, jupyter, "lab", "retraining.ipynb")
    page.evaluate(_NO_FILES)
    run_cells(page, 3)
    for task in ("train_linear", "train_forest"):
        page.locator(f'.nbflow-live .task[data-state="running"][data-task="{task}"]').wait_for()
    keep(f"lab-running{suffix}.png", page.screenshot())
    if not suffix:
        page.get_by_text("Open the executed notebook").wait_for()
        keep("lab-finished.png", page.screenshot())
    page.close()


def shoot_first_steps(browser: Any, jupyter: Jupyter) -> None:
    """The first example in Notebook 7, drawn and run."""
    page = browser.new_page(viewport={"width": 1200, "height": 905})
    page.set_default_timeout(PATIENCE)
    place(jupyter, "first_steps.ipynb", "%load_ext nbflow", "%dag", "%dag run")
    open_notebook(page, jupyter, "notebook", "first_steps.ipynb")
    run_cells(page, 4)
    page.get_by_text("Open the executed notebook").wait_for()
    keep("notebook-finished.png", page.screenshot())
    page.close()


def shoot_failure(browser: Any, jupyter: Jupyter) -> None:
    """A failed run: which task, why, where, and what did not run because of it."""
    page = browser.new_page(viewport={"width": 1200, "height": 620})
    page.set_default_timeout(PATIENCE)
    (jupyter.folder / "prices.ipynb").write_text(json.dumps(_failing()), encoding="utf-8")
    open_notebook(page, jupyter, "notebook", "prices.ipynb")
    run_cells(page, 2)
    page.get_by_text("Open the executed notebook").wait_for()
    keep("notebook-failed.png", page.screenshot())
    page.close()


def shoot_story(
    browser: Any,
    jupyter: Jupyter,
    prefix: str,
    say: Callable[[str], str],
    wanted: Collection[str],
) -> None:
    """Play the story in JupyterLab, and take these pictures of it."""
    page = browser.new_page(viewport={"width": 1400, "height": 820})
    page.set_default_timeout(PATIENCE)

    def shoot(name: str) -> None:
        if name in _ROOM:
            page.evaluate(_ROOM[name])
        if name in wanted:
            keep(f"{prefix}-{name}.png", page.screenshot(animations="disabled"))

    Story(page, jupyter, "lab", say=say, keep=shoot).play()
    page.close()


_NO_FILES = """() => {
    window.jupyterapp.shell.collapseLeft();
    const drawn = () => new Promise(resolve => requestAnimationFrame(resolve));
    return drawn().then(drawn);
}"""
_ROOM = {
    "dag": _NO_FILES,
    "history": """() => {
        const panels = [...window.jupyterapp.shell.widgets('main')];
        panels.filter(one => one.id === 'nbflow-run').forEach(one => one.close());
    }""",
}
"""What makes room before a picture is taken."""


def place(jupyter: Jupyter, name: str, *sources: str) -> None:
    """Put an example where Jupyter serves it, with cells of these sources after its title."""
    document = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    added = notebook(*sources)["cells"]
    for number, cell in enumerate(added):
        cell["id"] = f"added-{number}"
    title = document["cells"][0]
    title["source"] = "".join(title["source"]).split("\n")[0]
    document["cells"][1:1] = added
    (jupyter.folder / name).write_text(json.dumps(document), encoding="utf-8")


def _failing() -> dict[str, Any]:
    return notebook(
        "%load_ext nbflow",
        "%dag run",
        "%%task load\nimport pandas as pd\nflats = pd.DataFrame({'rooms': [2, 3], 'rent': [900, 1200]})",
        "%%task price_per_room\nper_room = flats['price'] / flats['rooms']",
        "%%task largest\nlargest = flats['rooms'].max()",
        "%%task report\nprint(per_room, largest)",
    )


def keep(name: str, data: bytes) -> None:
    """Write a picture with few colours, so that the repository stays small."""
    from PIL import Image

    picture = Image.open(io.BytesIO(data)).convert("RGB").quantize(128)
    path = IMAGES / name
    picture.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{name}: {size // 1000} kB")
    if size > LARGEST:
        raise SystemExit(f"{name} has {size} bytes; at most {LARGEST} are allowed")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
