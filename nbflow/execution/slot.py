"""The slot: a child process that runs one attempt at a time, ``python -m nbflow.execution.slot``.

JSON lines come in at the standard input and go out at the standard output; both are taken away from
the rest of the process at once, so that nothing a library or kernel prints gets between them.

In: ``{"type": "start", "spec": …, "patience": …}``, ``alive``, ``cancel`` (token), ``close_group``
(group), ``stop``.
Out: ``ready``, ``cell`` and ``items`` (events), ``result`` (an `AttemptEnd`), and ``idle`` once the
attempt's processes are ended.

When the input ends, the process that drives the run is gone: the slot kills its kernels and exits. So
it does when an attempt runs and nothing has come for ``patience`` seconds: a process that is stopped,
or hangs, has lost its lease then, and somebody else may run the task again.
"""

import json
import os
import queue
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from nbflow.execution import processes
from nbflow.execution.codec import decode, encode
from nbflow.later import leave_out_unused
from nbflow.model.attempt import AttemptEnd, AttemptSpec


def main() -> None:
    """Serve attempts until told to stop, or until the parent is gone."""
    commands, events = _claim_pipes()
    leave_out_unused()
    processes.adopt_orphans()
    slot = Slot(events)
    threading.Thread(target=_listen, args=(commands, slot), name="commands", daemon=True).start()
    slot.serve()


class Slot:
    """Runs attempts in the main thread; commands arrive by `take` from another one."""

    def __init__(self, events: IO[str]) -> None:
        self._events = events
        self._writing = threading.Lock()
        self._is_abandoned = False
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._mark = os.environ.setdefault(processes.SLOT_MARK, f"{os.getpid()}-{time.time_ns()}")
        self._cancelled: set[int] = set()
        self._engine: Any = None
        self._heard = time.monotonic()

    def take(self, command: dict[str, Any]) -> None:
        """Take a command: a cancel acts at once, the others wait for the attempt to end."""
        self._heard = time.monotonic()
        if command["type"] == "alive":
            return
        if command["type"] != "cancel":
            self._waiting.put(command)
            return
        token = int(command["token"])
        self._cancelled.add(token)
        if self._engine is not None:
            self._engine.cancel(token)

    def serve(self) -> None:
        """Carry out commands one after the other."""
        from nbflow.execution.attempt_run import AttemptRunner

        self._engine = AttemptRunner(slot_mark=self._mark, emit=self.emit)
        self.emit({"type": "ready", "pid": os.getpid()})
        if self._waiting.empty():
            from nbflow.execution.papermill_import import import_papermill

            import_papermill()
        while True:
            command = self._waiting.get()
            match command["type"]:
                case "start":
                    with self._only_while_driven(command.get("patience")):
                        self._run(decode(AttemptSpec, command["spec"]))
                case "close_group":
                    self._engine.close_group(command["group"])
                case _:
                    self._engine.close()
                    return

    def abandon(self) -> None:
        """Kill every kernel and all below it, and end this process: nobody is left to report to.

        Nothing is told from here on, lest the attempt's end by this be taken for one of its own.
        """
        self._is_abandoned = True
        processes.sweep({processes.SLOT_MARK: self._mark}, adopted=True, seconds=2.0, hard=True)
        shutil.rmtree(os.environ[processes.SLOT_FOLDER], ignore_errors=True)
        os._exit(1)

    def emit(self, event: dict[str, Any]) -> None:
        """Send one line to the parent; any thread may."""
        line = json.dumps(event) + "\n"
        with self._writing:
            if self._is_abandoned:
                return
            try:
                self._events.write(line)
                self._events.flush()
            except OSError:
                self.abandon()

    @contextmanager
    def _only_while_driven(self, patience: float | None) -> Iterator[None]:
        """Abandon everything if nothing is heard of the parent for longer than ``patience``."""
        if patience is None:
            yield
            return
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(min(1.0, patience / 4)):
                if time.monotonic() - self._heard > patience:
                    self.abandon()

        threading.Thread(target=watch, name="driver-watch", daemon=True).start()
        try:
            yield
        finally:
            is_over.set()

    def _run(self, spec: AttemptSpec) -> None:
        if int(spec.token) in self._cancelled:
            self._engine.cancel(int(spec.token))
        result = self._engine.run(spec)
        end = AttemptEnd(token=spec.token, item=spec.item, result=result)
        self.emit({"type": "result", "end": encode(end)})
        self._engine.clean_up()
        self._cancelled.discard(int(spec.token))
        self.emit({"type": "idle"})


def _claim_pipes() -> tuple[IO[str], IO[str]]:
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return commands, events


def _listen(commands: IO[str], slot: Slot) -> None:
    for line in commands:
        slot.take(json.loads(line))
    slot.abandon()


if __name__ == "__main__":
    main()
