"""A real Jupyter server of its own, and a real Chromium that opens notebooks in it."""

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ports import reserved_port

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "nbflow" / "labextension" / "package.json"
AXE = ROOT / "extension" / "node_modules" / "axe-core" / "axe.min.js"
TOKEN = "for-this-test-only"
_WORKSPACES = itertools.count(1)


_KERNEL_IS_IDLE = """() => {
    const context = window.jupyterapp?.shell?.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.status === 'idle';
}"""

# What a command returns is not waited for: a browser may drop a promise that only it waits for.
_OPEN = """([path, isKernelNeeded]) => {
    const without = { shouldStart: false, canStart: false, autoStartDefault: false };
    const kernelPreference = isKernelNeeded ? undefined : without;
    void window.jupyterapp.commands.execute('docmanager:open', { path, kernelPreference });
}"""

_IS_OPEN_ALONE = """path => {
    const { shell } = window.jupyterapp;
    const all = [...shell.widgets('main')];
    const opened = all.find(({ context, content }) =>
        context?.path === path && context.isReady && content.widgets.length > 0);
    if (!opened) return false;
    for (const other of all) if (other !== opened) other.dispose();
    shell.activateById(opened.id);
    return shell.currentWidget === opened;
}"""

_PUT_AWAY = """async () => {
    const { commands, shell, serviceManager } = window.jupyterapp;
    for (const button of document.querySelectorAll('.jp-Dialog .jp-mod-reject')) button.click();
    for (const widget of [...shell.widgets('main')]) widget.dispose();
    shell.collapseRight();
    await serviceManager.sessions.shutdownAll();
    await commands.execute('apputils:dismiss-notification');
}"""

_IS_AS_LOADED = """() => {
    const { shell } = window.jupyterapp;
    const seen = '.jp-Dialog, .lm-Menu, .Toastify__toast, .jp-Notebook, .nbf-panel, .nbf-of-history';
    const isNotebook = widget => Boolean(widget.context);
    return !document.querySelector(seen) && shell.rightCollapsed &&
        ![...shell.widgets('main')].some(isNotebook);
}"""

# What is right is not counted up: it would be sent with its markup.
_VIOLATIONS = """async selector =>
    (await window.axe.run(selector, { resultTypes: ['violations'] })).violations"""

# The parser of RFC 3987 takes half of a server's start; nothing that it checks has a format of it.
_START = """import sys
sys.modules["rfc3987_syntax"] = None
from jupyterlab.labapp import main
main()
"""


def notebook(*sources: str) -> dict[str, Any]:
    """Return an nbformat document of code cells."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{index}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for index, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@dataclass(frozen=True)
class Jupyter:
    """A running server: its address and the folder that it serves.

    ``taken`` is where the names of notebooks are noted that tests took, in all processes of the
    tests: which of them meet on one server is chance.
    """

    url: str
    folder: Path
    taken: Path | None = None

    def write(self, name: str, *sources: str) -> None:
        """Write a notebook; its name is of one test only, since many tests share a server."""
        if self.taken is not None:
            with (self.taken / urllib.parse.quote(name, safe="")).open("x"):
                pass
        with (self.folder / name).open("x", encoding="utf-8") as file:
            json.dump(notebook(*sources), file)

    def address(self, name: str) -> str:
        """Return where Notebook 7 shows a notebook."""
        return f"{self.url}/notebooks/{urllib.parse.quote(name)}?token={TOKEN}"

    def ask(
        self, place: str, body: dict[str, Any] | None = None, *, method: str | None = None
    ) -> Any:
        """Ask nbflow's API, as somebody does who isn't at the page; what has a body is posted, unless
        a method is named.
        """
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url}/nbflow/api/{place}"
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())


@contextlib.contextmanager
def jupyter_server(
    folder: Path,
    *,
    theme: str = "JupyterLab Light",
    lang: str = "default",
    base_url: str = "/",
    is_shared: bool = False,
    has_scheduler: bool = True,
) -> Iterator[Jupyter]:
    """Serve ``folder/work`` with settings of its own; the server is ended at the end. Where it
    ``is_shared``, people edit one document together, by jupyter-collaboration.
    """
    work = folder / "work"
    work.mkdir()
    names = ("config", "data", "runtime", "settings", "ipython")
    places = {name: folder / name for name in names}
    for place in places.values():
        place.mkdir()
    extensions = places["settings"] / "@jupyterlab" / "apputils-extension"
    extensions.mkdir(parents=True)
    (extensions / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    (extensions / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    if not is_shared:
        _leave_out_sharing(places["config"])
    translation = places["settings"] / "@jupyterlab" / "translation-extension"
    translation.mkdir()
    (translation / "plugin.jupyterlab-settings").write_text(json.dumps({"locale": lang}))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(places["config"]),
        "JUPYTER_DATA_DIR": str(places["data"]),
        "JUPYTER_RUNTIME_DIR": str(places["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(places["settings"]),
        "IPYTHONDIR": str(places["ipython"]),
        # Below the served folder, so that what a run leaves behind can be opened in the browser.
        "NBFLOW_HOME": str(work / "nbflow"),
        "NBFLOW_LANG": "en",
        "NBFLOW_SLOTS": "2",
    }
    options = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.base_url={base_url}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={work}",
        f"--NbflowExtension.scheduler={has_scheduler}",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]
    with (folder / "server.log").open("w") as log, reserved_port() as port:
        server = subprocess.Popen(
            [sys.executable, "-c", _START, f"--port={port}", *options],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=work,
        )
        try:
            # Cookies know no ports; of two of a name, for / and below, page and server take another.
            host = "127.0.0.1" if base_url == "/" else "localhost"
            url = f"http://{host}:{port}{base_url}".removesuffix("/")
            _wait_until_up(url, server, folder / "server.log")
            yield Jupyter(url=url, folder=work)
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _leave_out_sharing(config: Path) -> None:
    """Switch jupyter-collaboration off, as who doesn't use it has it."""
    off = {"jupyter_server_ydoc": False, "jupyter_server_fileid": False}
    settings = {"ServerApp": {"jpserver_extensions": off}}
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    lab = config / "labconfig"
    lab.mkdir()
    parts = ("collaboration-extension", "docprovider-extension")
    gone = {"disabledExtensions": {f"@jupyter/{part}": True for part in parts}}
    (lab / "page_config.json").write_text(json.dumps(gone))


def _wait_until_up(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/api", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")


def open_notebook(page: Any, jupyter: Jupyter, face: str, name: str) -> None:
    """Open a notebook and wait until its kernel is idle."""
    _open(page, jupyter, face, name, is_kernel_needed=True)
    page.wait_for_function(_KERNEL_IS_IDLE, timeout=60_000)


def open_document(page: Any, jupyter: Jupyter, face: str, name: str) -> None:
    """Open a notebook of which no cell is run in its own kernel; JupyterLab starts none."""
    _open(page, jupyter, face, name, is_kernel_needed=False)


def _open(page: Any, jupyter: Jupyter, face: str, name: str, *, is_kernel_needed: bool) -> None:
    if face == "lab":
        if not page.url.startswith(f"{jupyter.url}/lab"):
            # JupyterLab leaves a workspace that another of its pages has, by loading once more.
            place = f"lab/workspaces/{next(_WORKSPACES)}"
            page.goto(f"{jupyter.url}/{place}?token={TOKEN}")
            page.wait_for_function("() => Boolean(window.jupyterapp)", timeout=60_000)
            page.evaluate("async () => { await window.jupyterapp.restored; }")
            page.locator("#jupyterlab-splash").wait_for(state="detached")
        page.evaluate(_OPEN, [name, is_kernel_needed])
        page.wait_for_function(_IS_OPEN_ALONE, arg=name)
    else:
        page.goto(jupyter.address(name))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)


def put_away(page: Any, jupyter: Jupyter) -> None:
    """Close all that is open in a JupyterLab, unsaved; it is as it was when it had been loaded."""
    if not page.url.startswith(f"{jupyter.url}/lab"):
        return
    page.unroute_all()
    page.evaluate(_PUT_AWAY)
    page.wait_for_function(_IS_AS_LOADED)


def forget(browser: Any, pages: Iterable[Any]) -> None:
    """Close pages, with what they stored and asked for; the server's cookies are all pages' cookies."""
    pages = list(pages)
    parts = {urllib.parse.urlsplit(frame.url) for page in pages for frame in page.frames}
    for page in pages:
        page.close()
    session = browser.new_cdp_session(browser.pages[0])
    for origin in {f"{part.scheme}://{part.netloc}" for part in parts if part.netloc}:
        stores = {"origin": origin, "storageTypes": "local_storage,indexeddb"}
        session.send("Storage.clearDataForOrigin", stores)
    session.detach()
    browser.clear_permissions()
    browser.unroute_all()
    browser.set_offline(False)


def kept_layout(page: Any, what: str, *, without: str = "") -> Any:
    """Wait until the layout is kept with something in it, which is there again after a reload."""

    def has_it(reply: Any) -> bool:
        sent = reply.request.post_data if "/api/workspaces/" in reply.url else None
        layout = json.loads(sent)["data"].get("layout-restorer:data") if sent else None
        kept = json.dumps(layout)
        return what in kept and not (without and without in kept)

    return page.expect_response(has_it)


def run_cells(page: Any, count: int) -> None:
    """Run the first cells of a notebook just opened, as Shift-Enter does."""
    page.evaluate(
        """async count => {
            const { commands } = window.jupyterapp;
            for (let ran = 0; ran < count; ran++)
                void commands.execute('notebook:run-cell-and-select-next');
        }""",
        count,
    )


def save(page: Any) -> None:
    """Save the notebook, as the menu entry does."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")


def axe_violations(page: Any, selector: str) -> list[str]:
    """What axe-core finds wrong below an element: rules with the elements that break them."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.add_script_tag(path=str(AXE))
    found = page.evaluate(_VIOLATIONS, selector)
    return [f"{one['id']}: {[node['html'][:160] for node in one['nodes']]}" for one in found]


def shoot(page: Any, name: str) -> None:
    """Keep a screenshot where NBFLOW_SCREENS says, for people to look at."""
    folder = os.environ.get("NBFLOW_SCREENS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
