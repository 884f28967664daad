"""Which file is the notebook that this kernel belongs to, and how fresh the file is."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbflow.errors import UsageError
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
            f"The notebook's file {path.name} is not there.",
            hint="Save the notebook; after renaming it restart the kernel, or say %dag PATH.",
            code="NBF710",
        )
    raise UsageError(
        "This kernel doesn't say which notebook it belongs to.",
        hint="Say %dag PATH, e.g. %dag etl.ipynb.",
        code="NBF710",
    )


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
