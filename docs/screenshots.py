"""Take the documentation's screenshots: real JupyterLab, real Notebook 7, real Chromium.

``python docs/screenshots.py`` writes docs/images/*.png. Needs the ``jupyter`` extra, Playwright and
a chromium; the pages are those of the browser tests.
"""

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "tests" / "browser"))
sys.path.insert(0, str(ROOT / "tests" / "unit" / "render"))

from jupyter_pages import CHROMIUM, FLAGS, jupyter_server, open_notebook, run_all  # noqa: E402

LOAD = "%load_ext nbflow\nimport stand_in"
LARGEST = 300_000


def main() -> int:
    """Take all pictures; return the exit code."""
    if CHROMIUM is None:
        print("chromium is not installed: no screenshots")
        return 1
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(parents=True, exist_ok=True)
    pictures()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for theme, suffix in (("JupyterLab Light", ""), ("JupyterLab Dark", "-dark")):
            with (
                tempfile.TemporaryDirectory() as folder,
                jupyter_server(Path(folder), theme=theme) as jupyter,
            ):
                for face in ("lab", "notebook"):
                    shoot(browser, jupyter, face, suffix)
        browser.close()
    return 0


def pictures() -> None:
    """Draw the example DAGs, in both themes."""
    from drawn_dags import first_steps, korean, nightly

    from nbflow.render.draw import to_png

    for name, dag, lang in (
        ("first-steps", first_steps(), "en"),
        ("nightly", nightly(), "en"),
        ("korean", korean(), "ko"),
    ):
        for theme in ("light", "dark"):
            keep(f"dag-{name}-{theme}.png", to_png(dag, theme=theme, lang=lang))


def shoot(browser: Any, jupyter: Any, face: str, suffix: str) -> None:
    """Open a notebook, draw, run, and keep two screens."""
    page = browser.new_page(viewport={"width": 1400, "height": 760})
    name = "first-steps.ipynb"
    jupyter.write(name, LOAD, "%dag", "%dag run -p pace=1")
    open_notebook(page, jupyter, face, name)
    run_all(page)
    page.locator('.nbflow-live .task[data-state="running"][data-task="features"]').wait_for()
    page.wait_for_timeout(400)
    keep(f"{face}-running{suffix}.png", page.screenshot())
    page.get_by_text("Run finished").first.wait_for()
    page.locator('a[href*="first-steps.run.ipynb"]').wait_for()
    keep(f"{face}-finished{suffix}.png", page.screenshot())
    page.close()


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
    raise SystemExit(main())
