"""What was found out about files, kept between calls: whoever loses it only takes longer."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nbflow.errors import NotebookError

Stamp = tuple[int, int, int]
"""What of a file tells that it changed: time, size, inode."""


def stamp_of(path: Path) -> Stamp:
    """Return what tells that a file changed. Raises OSError."""
    about = path.stat()
    return about.st_mtime_ns, about.st_size, about.st_ino


def common_place(notebooks: Iterable[str]) -> Path:
    """Return a DAG's notebook, or the folder of its several ones."""
    paths = list(notebooks)
    return Path(paths[0] if len(paths) == 1 else os.path.commonpath(paths))


def remembered(place: Path, made_by: str) -> Mapping[str, Any] | None:
    """Return what was kept at a place; None if nothing was, or by another maker."""
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("made_by") == made_by else None


def remember(place: Path, made_by: str, what: Mapping[str, Any]) -> None:
    """Keep what was found out in the place of what was kept before."""
    from nbflow.notebooks.write import replace_file

    with suppress(OSError, NotebookError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(place, json.dumps({"made_by": made_by, **what}).encode(), mode=0o600)
