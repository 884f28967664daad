"""Processes of their own that need not load anew what most of them load.

One process per session has loaded what lies below the command line, and forks for each call. The child
takes the arguments, environment, folder and streams of the call, and from there on does what
``python -m nbflow`` does, or ``python -c PROGRAM``: it keeps nothing of another call and leaves nothing
behind.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_NOT_LOADED = ("cli", "execution", "ipython", "metastore.migrations", "server")
"""Rooms that are left to the call: the texts of the command line are made in the language of the call."""
_LIBRARIES = (
    "IPython.core.inputtransformer2", "alembic.command", "croniter", "cron_descriptor", "jupyter_client",
    "nbflow.execution.executor", "nbformat", "rich.console", "rich.table", "sqlalchemy.dialects.sqlite",
    "typer",
)  # fmt: skip
NEEDS_A_START = ("PYTHON", "LANG", "LC_")
"""Beginnings of variables that count when Python starts."""


class ForkedCalls:
    """Calls ``nbflow``, or Python programs, in forks."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, env=os.environ | {"LANG": "C.UTF-8"},
            )  # fmt: skip
        self._answers = self._control.makefile()

    def close(self) -> None:
        """End the process that forks."""
        self._answers.close()
        self._control.close()
        self._process.wait(10)

    def run(self, program: str, *words: str, fault: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a program as ``python -c`` does, with a crash point or none."""
        env = os.environ | ({"NBFLOW_FAULT": fault} if fault else {})
        return self.call(words, env, Path.cwd(), program=program)

    def call(
        self,
        words: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        *,
        program: str | None = None,
        timeout: float = 110,
    ) -> "subprocess.CompletedProcess[str]":
        """Return what one call wrote and its exit code; of ``nbflow`` if not of a program."""
        asked, ours = os.pipe()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        with os.fdopen(ours, "w", encoding="utf-8", errors="surrogateescape") as request:
            asked_for = {
                "words": list(words),
                "env": dict(env),
                "cwd": str(cwd),
                "program": program,
            }
            json.dump(asked_for, request)
        ends = [asked, out_end, err_end]
        socket.send_fds(self._control, [b"?"], ends)
        for end in ends:
            os.close(end)
        pid = int(self._answers.readline())
        texts, is_late = _read([out, err], timeout)
        if is_late:
            os.kill(pid, 9)
        code = int(self._answers.readline())
        if is_late:
            raise subprocess.TimeoutExpired(list(words), timeout, *texts)
        return subprocess.CompletedProcess(list(words), code, *texts)


def _read(pipes: Sequence[int], timeout: float) -> tuple[list[str], bool]:
    """Read pipes until nobody writes to them; tell whether that took too long."""
    deadline = time.monotonic() + timeout
    said = dict.fromkeys(pipes, b"")
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(deadline - time.monotonic()):
                piece = os.read(key.fd, 65536)
                said[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
        is_late = bool(selector.get_map())
    for pipe in pipes:
        os.close(pipe)
    texts = [one.decode("utf-8", "surrogateescape") for one in said.values()]
    return [text.replace("\r\n", "\n") for text in texts], is_late


def _load() -> None:
    import nbflow
    from nbflow.later import leave_out_unused

    leave_out_unused()
    for name in _LIBRARIES:
        importlib.import_module(name)
    skipped = tuple(f"nbflow.{name}" for name in _NOT_LOADED)
    for module in pkgutil.walk_packages(nbflow.__path__, "nbflow."):
        # What is run as a program does its work when it is imported.
        if not module.name.startswith(skipped) and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _become(request: int, out: int, err: int) -> None:
    """Turn this process, just forked, into one that was started for a call."""
    from nbflow import faults

    with os.fdopen(request, encoding="utf-8", errors="surrogateescape") as told:
        asked = json.load(told)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for place, stream in enumerate((nothing, out, err)):
        os.dup2(stream, place)
        os.close(stream)
    # What Python made of the streams at its start holds for those that were there.
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace")
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    faults._spec = os.environ.get("NBFLOW_FAULT", "")
    sys.path[0] = asked["cwd"]
    gc.unfreeze()
    if asked["program"] is not None:
        sys.argv = ["-c", *asked["words"]]
        exec(asked["program"], {"__name__": "__main__"})
        return
    sys.argv = ["nbflow", *asked["words"]]
    runpy.run_module("nbflow", run_name="__main__", alter_sys=True)


def _serve(control: socket.socket) -> None:
    while True:
        asked, pipes, _, _ = socket.recv_fds(control, 1, 3)
        if not asked:
            return
        child = os.fork()
        if child == 0:
            control.close()
            _become(*pipes)
            return
        for pipe in pipes:
            os.close(pipe)
        control.sendall(f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        control.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    _load()
    gc.collect()
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
