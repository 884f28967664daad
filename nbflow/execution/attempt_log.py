"""The log file of one attempt: what it printed and what became of it, within a size."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

LOG_NAME = "attempt.log"
_PIECE = 2**20
"""Characters encoded at a time: a flood of output is never in memory twice."""


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


class AttemptLog:
    """Appends to ``attempt.log`` in the attempt's folder, at most ``limit`` bytes in all.

    At half the limit the file becomes ``attempt.log.1`` in place of the one before, so the newest
    half is always there. Text is kept raw; sentences of nbflow's own begin with ``[nbflow TIME]``.
    A full disk silences the log, never the attempt. Any thread may write.
    """

    def __init__(
        self, folder: Path, limit: int, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.path = folder / LOG_NAME
        self._half = max(limit // 2, 1)
        self._clock = clock
        self._lock = threading.Lock()
        self._size = 0
        self._at_line_start = True
        self._descriptor = self._open()

    def say(self, sentence: str) -> None:
        """Write a sentence about the attempt's life on a line of its own."""
        stamp = self._clock().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        start = "" if self._at_line_start else "\n"
        self.write(f"{start}[nbflow {stamp}Z] {sentence}\n")

    def write(self, text: str) -> None:
        """Write what a cell printed."""
        if not text:
            return
        step = min(_PIECE, max(self._half // 4, 1))
        with self._lock:
            self._at_line_start = text.endswith("\n")
            for start in range(0, len(text), step):
                self._append(text[start : start + step].encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Close the file; later writes are ignored."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _append(self, data: bytes) -> None:
        if self._descriptor is None:
            return
        try:
            if self._size and self._size + len(data) > self._half:
                os.close(self._descriptor)
                self._descriptor = None
                self.path.replace(self.path.with_name(LOG_NAME + ".1"))
                self._descriptor = self._open()
                self._size = 0
            if self._descriptor is not None:
                self._size += os.write(self._descriptor, data)
        except OSError:
            return

    def _open(self) -> int | None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        try:
            return os.open(self.path, flags, 0o600)
        except OSError:
            return None
