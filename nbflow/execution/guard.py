"""Ends an attempt from outside the event loop: wall-clock limit, cancel, output limit.

A thread of its own, working with signals only: it does its duty even while the loop is busy with a
flood of output or a slow disk.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from nbflow.execution import processes
from nbflow.model.states import Reason

_TICK = 0.25


class Interruptible(Protocol):
    """What the guard needs of a kernel session."""

    pid: int

    @property
    def is_alive(self) -> bool:
        """Whether its process still runs."""
        ...

    def interrupt(self) -> None:
        """Ask it to stop what it runs."""
        ...


class AttemptGuard:
    """Watches one attempt from its start to `close`.

    ``timeout`` is the attempt's wall clock in seconds. `end` stops the attempt for another reason.
    Either way: interrupt, ``grace`` seconds later SIGTERM, as long again later SIGKILL of the
    kernel's process group. ``reason`` tells afterwards what the guard did; None means nothing.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        grace: float = 5.0,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        self.reason: Reason | None = None
        self.peak_memory: int | None = None
        self._kernel: Interruptible | None = None
        self._grace = grace
        self._on_tick = on_tick
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="attempt-guard", daemon=True)
        self._thread.start()

    def attend(self, kernel: Interruptible) -> None:
        """Take over the kernel; at once ended if the reason came before it."""
        with self._changed:
            self._kernel = kernel
            self._changed.notify()

    def end(self, reason: Reason, *, grace: float | None = None) -> None:
        """Stop the attempt because of ``reason``; the first reason stands. From any thread."""
        with self._changed:
            if self.reason is None and not self._closed:
                self.reason = reason
                self._grace = self._grace if grace is None else grace
                self._changed.notify()

    def close(self) -> None:
        """Stop watching; the attempt's fate is known."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed and self.reason is None:
            self._look()
            self._wait(_TICK)
        for step in ("SIGINT", "SIGTERM", "SIGKILL"):
            self._wait_for_kernel()
            if self._closed or self._kernel is None:
                return
            if step == "SIGINT":
                self._kernel.interrupt()
            else:
                processes.send_signal(self._kernel.pid, step, group=True)
            self._wait_while_alive(self._grace)

    def _look(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self.end(Reason.TIMED_OUT)
        if self._kernel is not None:
            self.peak_memory = processes.peak_memory(self._kernel.pid) or self.peak_memory
        if self._on_tick is not None:
            self._on_tick()

    def _wait(self, seconds: float) -> None:
        with self._changed:
            if not self._closed and self.reason is None:
                self._changed.wait(seconds)

    def _wait_for_kernel(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._kernel is not None)

    def _wait_while_alive(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._closed and (left := deadline - time.monotonic()) > 0:
                if self._kernel is not None and not self._kernel.is_alive:
                    return
                self._changed.wait(min(left, _TICK))
