"""An executor whose attempts do nothing: what is left is the scheduler's own work."""

import hashlib
import os
import queue
import random
import time
from collections.abc import Callable
from pathlib import Path

from nbflow.model.attempt import AttemptEnd, AttemptResult, AttemptSpec, ErrorInfo, StoredValue
from nbflow.model.ids import Digest, Token
from nbflow.model.states import Reason, TaskState


class NoopExecutor:
    """Ends every attempt after ``lasts()`` seconds; one in ``fails`` of them badly.

    Each start is a line in ``effects``, a file of the outside world that no transaction undoes.
    """

    def __init__(
        self,
        *,
        lasts: Callable[[], float] = lambda: 0.0,
        fails: float = 0.0,
        effects: Path | None = None,
    ) -> None:
        self._lasts = lasts
        self._fails = fails
        self._effects = effects
        self._ends: list[tuple[float, AttemptSpec]] = []
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._cancelled: list[AttemptSpec] = []

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing runs."""
        return not self._ends and not self._cancelled

    def warm(self, slots: int | None = None) -> None:
        """There is nothing to start."""

    def start(self, spec: AttemptSpec) -> None:
        """Start an attempt."""
        if self._effects is not None:
            with self._effects.open("a") as file:
                file.write(f"{spec.run_id} {spec.task} {spec.token} {os.getpid()}\n")
        self._ends.append((time.monotonic() + self._lasts(), spec))

    def poll(self, timeout: float | None = None) -> list[AttemptEnd]:
        """Return the attempts that have ended, waiting up to ``timeout`` seconds for one."""
        deadline = time.monotonic() + (3600 if timeout is None else timeout)
        while True:
            now = time.monotonic()
            over = [spec for at, spec in self._ends if at <= now]
            stopped, self._cancelled = self._cancelled, []
            if over or stopped or now >= deadline:
                break
            next_end = min([deadline, *(at for at, _ in self._ends)])
            try:
                self._woken.get(timeout=max(0.0, next_end - now))
                break
            except queue.Empty:
                continue
        self._ends = [(at, spec) for at, spec in self._ends if at > now]
        ends = [AttemptEnd(token=spec.token, result=self._result(spec)) for spec in over]
        cancelled = AttemptResult(
            state=TaskState.CANCELLED, reason=Reason.CANCELLED, message="cancelled"
        )
        return [*ends, *(AttemptEnd(token=spec.token, result=cancelled) for spec in stopped)]

    def _result(self, spec: AttemptSpec) -> AttemptResult:
        if random.random() < self._fails:
            return AttemptResult(
                state=TaskState.FAILED,
                reason=Reason.ERROR,
                message="ValueError: by chance",
                error=ErrorInfo(name="ValueError", message="by chance"),
            )
        return AttemptResult(
            state=TaskState.SUCCESS,
            reason=Reason.DONE,
            message="",
            values=tuple(_value(name, spec.token) for name in spec.outputs),
        )

    def wake(self) -> None:
        """Make a waiting `poll` return."""
        self._woken.put(None)

    def cancel(self, token: Token) -> None:
        """Cancel an attempt."""
        self._cancelled += [spec for _, spec in self._ends if spec.token == token]
        self.end(token)

    def end(self, token: Token) -> None:
        """End an attempt; nothing is reported of it."""
        self._ends = [(at, spec) for at, spec in self._ends if spec.token != token]

    def close_group(self, group: str) -> None:
        """There are no kernels."""

    def close(self) -> None:
        """End everything."""
        self._ends.clear()

    def __enter__(self) -> "NoopExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def nothing(_: object) -> NoopExecutor:
    """Return an executor, for a service, whose attempts end well at once."""
    return NoopExecutor()


def failures(_: object) -> NoopExecutor:
    """Return an executor, for a service, whose attempts fail at once."""
    return NoopExecutor(fails=1.0)


def _value(name: str, token: Token) -> StoredValue:
    digest = Digest(hashlib.sha256(f"{name} {token}".encode()).hexdigest())
    return StoredValue(name=name, bundle=digest, key=name, size=1, type="int")
