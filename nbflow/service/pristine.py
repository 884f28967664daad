"""The notebook's folder as it was, so that every run of a comparison starts from the same files."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_FILES = 5_000
MOST_BYTES = 200_000_000
"""A larger folder isn't copied: all runs work in it, one after another."""


@dataclass(slots=True)
class Pristine:
    """A folder's copy beside it, made before a run changes it; each run gets a copy of the copy."""

    folder: str
    _master: str | None
    _stack: ExitStack

    def take(self) -> str:
        """Return a folder for the next run: a new copy, or the folder itself if there is none."""
        if self._master is None:
            return self.folder
        return _copy(self._master, self._stack)

    def as_if_here(self, document: dict[str, Any], ran_in: str) -> dict[str, Any]:
        """Return a notebook that ran in a copy with the folder's own path in its outputs."""
        if ran_in == self.folder:
            return document
        text = json.dumps(document, ensure_ascii=False)
        there, here = (json.dumps(one, ensure_ascii=False)[1:-1] for one in (ran_in, self.folder))
        found: dict[str, Any] = json.loads(text.replace(there, here))
        return found


@contextmanager
def pristine(folder: str) -> Iterator[Pristine]:
    """Copy a folder, side by side with it so that ``../data`` still leads there.

    Nothing is copied when it is large, or when its parent can't be written.
    """
    with ExitStack() as stack:
        master = None
        if _is_small(folder):
            with suppress(OSError):
                master = _copy(folder, stack)
        yield Pristine(folder, master, stack)


def _copy(folder: str, stack: ExitStack) -> str:
    target = tempfile.mkdtemp(prefix=".nbflow-verify-", dir=Path(folder).parent)
    stack.callback(shutil.rmtree, target, ignore_errors=True)
    shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True)
    return target


def _is_small(folder: str) -> bool:
    files = size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            files += 1
            try:
                size += Path(path, name).lstat().st_size
            except OSError:
                continue
        if files > MOST_FILES or size > MOST_BYTES:
            return False
    return True
