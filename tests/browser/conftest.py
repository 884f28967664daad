import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from jupyter_pages import CHROMIUM, EXTENSION, FLAGS, Jupyter, forget, jupyter_server


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium; the tests are skipped by name where there is none.

    Its profile is one for all of them, since JupyterLab's scripts are compiled once for a profile.
    While it is there, an event loop runs in the thread of the tests: not longer than for this folder.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    if not EXTENSION.exists():
        pytest.skip("the JupyterLab extension is not built: make setup, with Node.js installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"), executable_path=CHROMIUM, args=FLAGS,
            viewport={"width": 1500, "height": 1100},
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Jupyter]:
    """A Jupyter server with settings of its own."""
    with jupyter_server(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of its own; nothing that it stores in the browser outlives it."""
    page = chromium.new_page()
    page.set_default_timeout(30_000)
    yield page
    forget(chromium)
