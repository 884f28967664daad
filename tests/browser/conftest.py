import os
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from jupyter_pages import CHROMIUM, EXTENSION, FLAGS, Jupyter, forget, jupyter_server, put_away

_PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
        if report.failed:
            report.sections += [("page", told) for told in map(_told, _pages_of(item))]
    return report


def _pages_of(item: pytest.Item) -> list[Any]:
    browser = getattr(item, "funcargs", {}).get("chromium")
    return browser.pages[1:] if browser else []


def _told(page: Any) -> str:
    """What a page shows when its test failed."""
    try:
        seen = page.locator("body").aria_snapshot(timeout=5000)
    except (Exception, pytest.fail.Exception) as problem:  # the test's time may end meanwhile
        return f"{page.url} can't be asked any more: {problem}"
    return f"{page.url}\n{seen[:8000]}"


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


@pytest.fixture(scope="package")
def jupyter(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Jupyter]:
    """A Jupyter server with settings of its own, for all tests that need no others."""
    base = tmp_path_factory.getbasetemp()
    taken = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "taken-names"
    taken.mkdir(exist_ok=True)
    with jupyter_server(tmp_path_factory.mktemp("jupyter")) as server:
        yield replace(server, taken=taken)


@pytest.fixture(scope="package")
def dark(tmp_path_factory: pytest.TempPathFactory, chromium: Any) -> Iterator[Jupyter]:
    """A dark, Korean server below a base URL, as JupyterHub starts one for a user."""
    folder = tmp_path_factory.mktemp("dark")
    with jupyter_server(
        folder, theme="JupyterLab Dark", lang="ko_KR", base_url="/user/dana/"
    ) as server:
        yield server


@pytest.fixture
def idle(tmp_path: Path, chromium: Any) -> Iterator[Jupyter]:
    """A server that starts no scheduler."""
    with jupyter_server(tmp_path, has_scheduler=False) as server:
        yield server


@pytest.fixture(scope="package")
def loaded() -> dict[str, Any]:
    """Pages in which a server's JupyterLab stays loaded from test to test, by the server's fixture."""
    return {}


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Any, loaded: dict[str, Any]) -> Iterator[Any]:
    """A page for one test: a JupyterLab as it is when just loaded, or an empty one.

    It is empty at first, for Notebook 7, and for tests that have the mark ``own_page`` since they
    watch JupyterLab load or change the page. One in which a test failed serves no other.
    """
    server = _server_of(request)
    page = loaded.pop(server, None) or chromium.new_page()
    page.set_default_timeout(60_000)
    try:
        yield page
        if server and request.node.stash.get(_PASSED, False):
            put_away(page, request.getfixturevalue(server))
            loaded[server] = page
    finally:
        forget(chromium, [one for one in chromium.pages[1:] if one not in loaded.values()])


def _server_of(request: pytest.FixtureRequest) -> str:
    """Return the fixture of the server whose loaded JupyterLab a test can use, or nothing."""
    params = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if request.node.get_closest_marker("own_page") or params.get("face") == "notebook":
        return ""
    used = (params.get("look"), *request.fixturenames)
    return next((name for name in ("dark", "jupyter") if name in used), "")
