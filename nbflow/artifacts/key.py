"""The key that signs stored values: who holds it may have its values unpickled in this account."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from nbflow.artifacts.local import store_errors
from nbflow.errors import StoreError
from nbflow.model.sentence import Sentence

_BYTES = 32
_SHORTEST = 32
"""Characters; what is generated has twice as many."""


def value_key(path: Path) -> str:
    """Return the key kept in ``path`` (0600), generated on first use, for ``NBFLOW_VALUE_KEY``.

    Raises StoreError for a key that is too short or that others can read.
    """
    with store_errors(path):
        if not path.exists():
            _generate(path)
        status = path.stat()
        key = path.read_text("ascii", "replace").strip()
    if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
        raise StoreError(
            Sentence("the key of stored values can be read by others: {path}", path=path),
            code="NBF646",
            hint=Sentence(
                "chmod 600 {path}; if somebody may have read it, delete it: values are made anew",
                path=path,
            ),
        )
    if len(key) < _SHORTEST:
        raise StoreError(
            Sentence("the key of stored values is missing or too short: {path}", path=path),
            code="NBF646",
            hint="restore the file, or delete it: a new key is made, and stored values are made anew",
        )
    return key


def _generate(path: Path) -> None:
    """Write a new key; of several processes that do so at once, one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
