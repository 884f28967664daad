"""The attempt that the kernel works for, and how an answer reaches the slot."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import Any, Awaitable, Callable

Answer = dict[str, Any]


class StepError(Exception):
    """A step failed at a known place of the page; ``__cause__`` is what user code raised."""

    def __init__(self, message: str, cell: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.cell = cell
        self.line = line


class _Attempt:
    """What is remembered: of the attempt (``spec``) and of the kernel's whole life (the rest)."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {}
        self.workdir = ""
        self.units: set[str] = set()
        self.lazily_run: set[str] = set()
        self.sources: list[str] = []
        self.held: dict[str, tuple[str, str, int]] = {}
        self.fingerprints: dict[str, Any] = {}
        self.code_before: dict[str, str] = {}
        self.metrics: dict[str, float] = {}
        self.replaying = False
        self.pid = 0
        self.define_lazily: Callable[[str], bool] = lambda _name: False
        """Replays what defines a name that a stored value needs; set by `replays`."""


attempt = _Attempt()


def shell() -> Any:
    """Return the kernel's IPython shell; raises StepError when there is none."""
    ipython = sys.modules.get("IPython")
    found = ipython.get_ipython() if ipython is not None else None
    if found is None:
        raise StepError("the kernel has no IPython shell")
    return found


def namespace() -> dict[str, Any]:
    """Return the namespace that the page's code runs in."""
    found: dict[str, Any] = shell().user_ns
    return found


def open_attempt(spec_path: str) -> Answer:
    """Read the spec; names that a kept kernel still holds are listed."""
    with open(spec_path, encoding="utf-8") as file:
        attempt.spec = json.load(file)
    attempt.fingerprints = {}
    attempt.code_before = {}
    attempt.lazily_run = set()
    attempt.metrics = {}
    attempt.pid = os.getpid()
    return {"kept": sorted(attempt.held)}


def open_task(spec_path: str) -> Answer:
    """Read the spec as for an attempt in a kernel that has run nothing."""
    attempt.units, attempt.sources, attempt.held = set(), [], {}
    open_attempt(spec_path)
    return {}


def set_prompt(number: int) -> Answer:
    """Number the next cell; the history behind it gets as long as page order makes it."""
    ipython = shell()
    ipython.execution_count = number
    history = ipython.user_ns.get("In")
    if isinstance(history, list) and history is ipython.history_manager.input_hist_parsed:
        for lines in (history, ipython.history_manager.input_hist_raw):
            lines.extend([""] * (number - len(lines)))
    return {}


def answer(verb: str, work: Callable[[], Answer], spec_path: str | None = None) -> None:
    """Write what ``work`` returns, or its error, as the verb's answer."""
    if spec_path is not None:
        attempt.workdir = os.path.dirname(os.path.abspath(spec_path))
    try:
        result: Answer = {"ok": True, **work()}
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:
        result = {"ok": False, "error": error_info(problem)}
    leave(verb, result)


async def answer_async(verb: str, work: Awaitable[Answer]) -> None:
    """As `answer`, for work that may have to wait."""
    try:
        result: Answer = {"ok": True, **(await work)}
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:
        result = {"ok": False, "error": error_info(problem)}
    leave(verb, result)


def error_info(problem: BaseException) -> Answer:
    """Return an exception as data; the user's own exception stands for the step that failed."""
    place = problem if isinstance(problem, StepError) else None
    shown = problem.__cause__ if place is not None and problem.__cause__ is not None else problem
    try:
        message = str(shown)
    except Exception:
        message = "(the exception has no text)"
    return {
        "name": type(shown).__name__,
        "message": message if place is None or shown is problem else f"{problem}: {message}",
        "traceback": _drawn(shown, message),
        "cell": place.cell if place else None,
        "line": place.line if place else None,
    }


def _drawn(problem: BaseException, message: str) -> list[str]:
    """Return the traceback as the shell draws it, from the first frame that isn't ours."""
    own = os.path.dirname(os.path.abspath(__file__))
    trace = problem.__traceback__
    while trace is not None and _is_own(trace.tb_frame.f_code.co_filename, own):
        trace = trace.tb_next
    last = f"{type(problem).__name__}: {message}"
    if trace is None:
        return [last]
    try:
        draw = shell().InteractiveTB.structured_traceback
        # Older IPython leaves out as many frames as it has itself around a cell.
        drawn = draw(type(problem), problem, trace, tb_offset=0)
        return [str(line) for line in drawn]
    except Exception:
        return [*traceback.format_tb(trace), last]


def _is_own(filename: str, folder: str) -> bool:
    return filename.startswith((folder + os.sep, "<_nbflow_runtime"))


def leave(verb: str, result: Answer) -> None:
    """Write the answer whole or not at all, readable by its owner only."""
    path = os.path.join(attempt.workdir, f"runtime-{verb}.json")
    handle, draft = tempfile.mkstemp(dir=attempt.workdir, prefix=".runtime-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(result, file)
        os.replace(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise
