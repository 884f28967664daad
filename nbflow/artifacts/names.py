"""Names inside the store: from what people chose to what every file system takes."""

import hashlib
import re
import urllib.parse

from nbflow.errors import StoreError
from nbflow.model.ids import Digest, RunId, TaskName, Token
from nbflow.model.sentence import Sentence

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_READABLE = 40


def value_name(digest: Digest) -> str:
    """Return where a bundle lies under ``values/``. Raises StoreError for anything but a digest."""
    if not _DIGEST.fullmatch(digest):
        raise StoreError(
            Sentence("{digest!r} is no digest of a stored value", digest=digest[:80]), code="NBF643"
        )
    return f"{digest[:2]}/{digest[2:]}"


def attempt_folder(run: RunId, task: TaskName, token: Token) -> str:
    """Return where an attempt's files lie under the store's root. Raises StoreError for what is no
    run's id.
    """
    return f"runs/{id_part(run)}/{task_part(task)}/{int(token)}"


def id_part(identifier: str) -> str:
    """Return a server-made id as a path's part. Raises StoreError for what could be a path."""
    if not _ID.fullmatch(identifier) or set(identifier) == {"."}:
        raise StoreError(
            Sentence("{identifier!r} is no id", identifier=identifier[:80]), code="NBF644"
        )
    return identifier.replace(":", "%3A")


def task_part(task: str) -> str:
    """Return a task's name, of any script, as one part of a path.

    Short plain names stay as they are; others are percent-encoded, cut, and told apart by a hash.
    The result has no capitals beside the escapes', so two names never fall together where a file
    system doesn't mind case.
    """
    if _PLAIN.fullmatch(task) and not _RESERVED.fullmatch(task):
        return task
    escaped = urllib.parse.quote(task.lower(), safe="").replace(".", "%2E").lower()
    readable = re.sub(r"%[0-9a-f]?$", "", escaped[:_READABLE]).lstrip("-")
    return f"{readable}~{hashlib.sha256(task.encode()).hexdigest()[:12]}"
