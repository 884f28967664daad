"""The parent's end of a slot: its process, the pipe to it, what is known of it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from nbflow.execution import processes
from nbflow.execution.codec import encode
from nbflow.model.attempt import AttemptSpec

_LAST_WORDS = 20
_SOON = 1.0
"""Seconds in which a slot has cleaned up after most attempts; to start another one takes as long."""


class SlotProcess:
    """A running slot. ``on_event(slot, event)`` is called from a thread of its own for each line
    that the slot sends, and at last with ``{"type": "gone"}`` when its process has ended.

    ``running`` is what it runs, ``groups`` the names of the kernels it keeps; it is busy until it
    has cleaned up after the attempt, ``is_soon_idle`` while it does that, until it takes too long.
    """

    def __init__(
        self,
        on_event: Callable[["SlotProcess", dict[str, Any]], None],
        environment: Mapping[str, str],
    ) -> None:
        self.mark = uuid.uuid4().hex
        self.running: AttemptSpec | None = None
        self.is_busy = False
        self.soon_idle_until = 0.0
        self.groups: set[str] = set()
        self.attempts = 0
        self._on_event = on_event
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        # Sockets lie in it, whose paths may not be long.
        self._folder = tempfile.mkdtemp(prefix="nbflow-")
        marks = {processes.SLOT_MARK: self.mark, processes.SLOT_FOLDER: self._folder}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nbflow.execution.slot"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=_environment() | dict(environment) | marks,
            # A Ctrl-C at the terminal is for the process that drives the run; it cancels in order.
            start_new_session=os.name == "posix",
        )
        for target in (self._listen, self._keep_last_words):
            threading.Thread(target=target, name=f"slot-{self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_soon_idle(self) -> bool:
        """Tell whether it cleans up, and not for long yet."""
        return self.is_busy and self.running is None and time.monotonic() < self.soon_idle_until

    @property
    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        return "".join(self._last_words)

    def send(self, command: dict[str, Any]) -> None:
        """Send a command; one to a dead slot is dropped, its death is reported anyway."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return

    def start_attempt(self, spec: AttemptSpec, patience: float | None = None) -> None:
        """Hand it an attempt; without a sign of life for ``patience`` seconds it gives that up."""
        self.is_busy = True
        self.running = spec
        self.attempts += 1
        self.send({"type": "start", "spec": encode(spec), "patience": patience})

    def end_attempt(self, kept_kernel: str | None) -> None:
        """Note that its attempt has a result, and which kernel it keeps because of it."""
        if self.running is not None and self.running.group is not None:
            self.groups.discard(self.running.group)
        self.running = None
        self.soon_idle_until = time.monotonic() + _SOON
        if kept_kernel is not None:
            self.groups.add(kept_kernel)

    def stop(self) -> None:
        """Ask it to end its kernels and itself."""
        self.send({"type": "stop"})

    def hang_up(self) -> None:
        """Close the pipe to it: it kills everything below it, and ends."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def end(self, patience: float) -> None:
        """Wait ``patience`` seconds for its end, then kill it; nothing below it survives, and none
        of its kernels' files.
        """
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.hang_up()
        processes.sweep({processes.SLOT_MARK: self.mark}, hard=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def death(self) -> str:
        """Return how the process ended, in words."""
        status = self._process.wait()
        how = f"signal {-status}" if status < 0 else f"exit code {status}"
        return f"slot died ({how})"

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._on_event(self, json.loads(line))
        self._process.wait()
        self._on_event(self, {"type": "gone"})

    def _keep_last_words(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._last_words.append(line)


def _environment() -> dict[str, str]:
    """The slot never sees the metastore, and so no kernel does."""
    return {k: v for k, v in os.environ.items() if k != "NBFLOW_DATABASE_URL"}
