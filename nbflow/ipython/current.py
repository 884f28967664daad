"""Which file is the notebook that this kernel belongs to, and how fresh the file is."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbflow.errors import UsageError
from nbflow.model.sentence import Sentence
from nbflow.render.words import say

_ENDINGS = (".ipynb", ".py", ".md")


def current_notebook(names: Mapping[str, Any]) -> Path:
    """Return the notebook's file: as VS Code says (``__vsc_ipynb_file__`` in the kernel's names),
    else as Jupyter says (``JPY_SESSION_NAME``).

    Raises UsageError NBF710 if neither does, or the file isn't there.
    """
    told = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    path = Path(str(told).removeprefix("RTC:"))
    if told and path.suffix.lower() in _ENDINGS:
        # Real-time collaboration tells a path below the server's folder, the kernel runs in the
        # notebook's own folder.
        for candidate in (path, Path.cwd() / path.name):
            if candidate.is_file():
                return candidate
        raise UsageError(
            Sentence("The notebook's file {name} is not there.", name=path.name),
            hint="Save the notebook; after renaming it restart the kernel, or say %dag PATH.",
            code="NBF710",
        )
    raise UsageError(
        "This kernel doesn't say which notebook it belongs to.",
        hint="Say %dag PATH, e.g. %dag etl.ipynb.",
        code="NBF710",
    )


def server_root() -> Path | None:
    """Return the folder that this kernel's Jupyter server serves, as far as it can be told."""
    server = os.environ.get("JPY_PARENT_PID", "")
    if not server.isdecimal():
        return None
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        told = json.loads(Path(jupyter_runtime_dir(), f"jpserver-{server}.json").read_bytes())
        return Path(told["root_dir"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def link_to(file: Path) -> str | None:
    """Return the address of ``file`` relative to the kernel's folder, where Jupyter serves it.

    Hidden files are not served. Without a known server only what lies below the kernel's folder
    has an address.
    """
    here, there = Path.cwd(), file.absolute()
    root = server_root() or here
    if not (there.is_relative_to(root) and here.is_relative_to(root)):
        return None
    if any(part.startswith(".") for part in there.relative_to(root).parts):
        return None
    return quote(os.path.relpath(there, here).replace(os.sep, "/"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Freshness:
    """How a saved file stands to the kernel: its age in seconds, and whether cells that ran last
    aren't in it.
    """

    age: float
    behind: bool


def freshness(path: Path, ran: Sequence[str], now: datetime) -> Freshness:
    """Compare a file with the sources that ran in the kernel; ``now`` is aware."""
    saved = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    sources = _sources(path)
    behind = bool(sources) and any(r.strip() and r.strip() not in sources for r in ran[-3:])
    return Freshness(age=max(0.0, (now - saved).total_seconds()), behind=behind)


def age_words(seconds: float, lang: str) -> str:
    """Return an age as people say it: ``just now``, ``3 min ago``."""
    for size, key in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= size:
            return say(f"age.{key}", lang, n=int(seconds // size))
    return say("age.now", lang)


def _sources(path: Path) -> set[str]:
    """Return the sources of a saved .ipynb's cells; nothing for other files."""
    if path.suffix.lower() != ".ipynb":
        return set()
    try:
        cells = json.loads(path.read_bytes())["cells"]
        return {"".join(cell["source"]).strip() for cell in cells}
    except (ValueError, KeyError, TypeError, OSError):
        return set()
