"""The live view: a run in a background thread, and the widget that shows it.

The cell returns at once; the kernel stays free, so the Cancel button and other cells work while
the tasks run in kernels of their own. When the run has ended, the output turns into a plain
picture that is saved with the notebook.
"""

import threading
import time
from importlib import resources
from typing import Any

import anywidget
import traitlets

from nbflow.errors import NbflowError
from nbflow.ipython.current import link_to
from nbflow.ipython.progress import RunProgress
from nbflow.ipython.runs import RunEnding, RunNotebook, RunRequest
from nbflow.model.states import RunState
from nbflow.render.fold import Folded
from nbflow.render.inline import mime_bundle
from nbflow.render.svg import to_svg
from nbflow.render.tokens import tokens
from nbflow.render.words import duration, say
from nbflow.service.events import RunEvent
from nbflow.texts import told

_UPDATE_SECONDS = 0.1
"""At most this often the browser is told of news."""

_LOOKS = {RunState.QUEUED: "queued", RunState.RUNNING: "running"}


def _script() -> str:
    """Return the view's script with what it imports: a widget's script comes as one text."""
    files = resources.files("nbflow")
    times = files.joinpath("render/times.mjs").read_text(encoding="utf-8")
    live = files.joinpath("ipython/live.js").read_text(encoding="utf-8")
    return times + live.replace('import { clock } from "../render/times.mjs";\n', "")


class LiveView(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget has no types
    """What the browser shows. Every trait is plain data; the picture is drawn once."""

    _esm = _script()
    _css = resources.files(__package__).joinpath("live.css").read_text(encoding="utf-8")
    svg = traitlets.Unicode().tag(sync=True)
    icons = traitlets.Dict().tag(sync=True)
    tasks = traitlets.List().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    links = traitlets.List().tag(sync=True)


class LiveRun:
    """One run with its view. ``run`` does the work; ``show`` puts the view into the cell's output."""

    def __init__(self, view: Folded, request: RunRequest, run: RunNotebook, *, lang: str) -> None:
        self._request = request
        self._run = run
        self._lang = lang
        self._cancelled = threading.Event()
        self._news = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._ending: RunEnding | None = None
        self._handle: Any = None
        self._picture: dict[str, str] | None = None
        self._folded = view
        self.progress = RunProgress(view=view)
        self.view = LiveView(
            svg=to_svg(view.dag, view.states(self.progress.tasks), lang=lang, members=view.members),
            icons={name: look.icon for name, look in tokens().states.items()},
            tasks=self.progress.to_wire(lang),
            status=self._status(),
        )
        self.view.on_msg(self._on_message)
        self._worker = threading.Thread(target=self._work, name="nbflow-run", daemon=True)
        self._teller = threading.Thread(target=self._tell, name="nbflow-live", daemon=True)

    @property
    def ending(self) -> RunEnding | None:
        """How the run ended; None while it goes on."""
        return self._ending

    def start(self) -> None:
        """Run in the background."""
        self._worker.start()
        self._teller.start()

    def show(self) -> None:
        """Show the view as this cell's output; of a run that has ended, its picture."""
        from IPython.display import display

        with self._lock:
            if self._picture is None:
                self._handle = display(self.view, display_id=True)
            else:
                display(self._picture, raw=True)

    def _ipython_display_(self) -> None:
        self.show()

    def cancel(self) -> None:
        """Ask the run to stop; its tasks are cancelled soon."""
        self._cancelled.set()
        self._news.set()

    def wait(self) -> RunEnding:
        """Wait for the end and return it; Interrupt (KeyboardInterrupt) cancels the run."""
        while not self._over.is_set():
            try:
                # In short spans: not every system interrupts a thread that waits without an end.
                # Not Thread.join: Python 3.11 takes the thread for ended when that's interrupted.
                self._over.wait(0.5)
            except KeyboardInterrupt:
                if self._cancelled.is_set():
                    raise
                self.cancel()
        assert self._ending is not None
        return self._ending

    def _work(self) -> None:
        try:
            ending = self._run(self._request, on_event=self._take, cancelled=self._cancelled)
        except NbflowError as error:
            hint = f"\n{told(error.hint, self._lang)}" if error.hint else ""
            ending = RunEnding(
                state=RunState.FAILED, message=f"{told(error.message, self._lang)}{hint}"
            )
        except Exception as error:  # a fault of ours must end the view too, not leave it turning
            ending = RunEnding(
                state=RunState.FAILED,
                message=say("live.fault", self._lang, kind=type(error).__name__, error=error),
            )
        with self._lock:
            self._ending = ending
            self.progress.state = ending.state
            self.progress.ended = self.progress.ended or time.time()
        self._news.set()

    def _take(self, event: RunEvent) -> None:
        with self._lock:
            self.progress.take(event)
        self._news.set()

    def _tell(self) -> None:
        try:
            self._tell_until_end()
        finally:
            # A browser that can't be told is no reason to leave anybody waiting.
            self._worker.join()
            self._over.set()

    def _tell_until_end(self) -> None:
        """Hand news to the browser, gathered, until the run has ended."""
        while True:
            self._news.wait()
            self._news.clear()
            with self._lock:
                wire, status = self.progress.to_wire(self._lang), self._status()
                ended = self._ending
            self.view.tasks = wire
            self.view.status = status
            if ended is not None:
                self._leave_picture(ended)
                return
            time.sleep(_UPDATE_SECONDS)

    def _leave_picture(self, ending: RunEnding) -> None:
        """Put the finished run's picture in the widget's place: it needs no kernel to be seen."""
        links = _links(ending, self._lang)
        self.view.links = [{"label": label, "href": href} for label, href in links.items()]
        status = self.view.status
        head = " · ".join(
            part for part in (status["word"], status["count"], status["took"]) if part
        )
        if ending.message:
            head += f" — {'; '.join(ending.message.splitlines())}"
        if ending.executed is not None and not links:
            head += f" · {ending.executed}"
        picture = mime_bundle(
            self._folded.dag,
            self._folded.states(self.progress.tasks),
            lang=self._lang,
            head=head,
            links=links,
            members=self._folded.members,
        )
        with self._lock:
            self._picture = picture
            if self._handle is not None:
                self._handle.update(picture, raw=True)

    def _status(self) -> dict[str, Any]:
        progress = self.progress
        state = self._ending.state if self._ending else progress.state
        # The tasks end a little before the run does: its executed notebook is still to be written.
        final = self._ending is not None or state.is_final
        cancelling = self._cancelled.is_set() and not final
        key = "starting" if state is RunState.QUEUED else state.value
        total = len(progress.tasks)
        shown = progress.well if final else progress.done
        took = ""
        if final and progress.begun and progress.ended:
            took = duration(progress.ended - progress.begun)
        return {
            "look": _LOOKS.get(state, state.value),
            "word": say("live.cancelling" if cancelling else f"live.{key}", self._lang),
            "count": say("live.progress", self._lang, n=shown, m=total),
            "cancel": say("live.cancel", self._lang),
            "done": progress.done,
            "total": total,
            "begun": progress.begun,
            "ended": progress.ended if final else None,
            "took": took,
            "final": final,
            "cancelling": cancelling,
            "message": self._ending.message if self._ending else "",
        }

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("kind") == "cancel":
            self.cancel()


def _links(ending: RunEnding, lang: str) -> dict[str, str]:
    """Return a link to the executed notebook, if Jupyter serves it."""
    address = link_to(ending.executed) if ending.executed is not None else None
    return {say("live.output", lang): address} if address else {}
