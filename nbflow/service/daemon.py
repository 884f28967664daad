"""A scheduler in the background: one for each home, with its process id and its log in files there."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nbflow.errors import ExecutionError, UsageError
from nbflow.model.sentence import Sentence

if TYPE_CHECKING:
    from nbflow.service.service import Service

PID_FILE, LOG_FILE = "scheduler.pid", "scheduler.log"
_LARGEST_LOG = 16 << 20
_PATIENCE = 60.0
"""Seconds that a new scheduler may take to be at work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A scheduler that works in the background."""

    pid: int
    log: Path


def start(
    service: "Service", *, drain: float, quiet: bool = False, another: bool = False
) -> Started:
    """Start a scheduler that outlives this process; return when it is at work.

    Raises UsageError NBF716 if one works for this home already, unless ``another`` is wanted;
    ExecutionError NBF717 if it ends at once.
    """
    home = service.settings.home
    service.store.schedulers()  # what is wrong with the metastore is said here
    known = _known(home)
    if known is not None and not another:
        raise UsageError(
            Sentence("A scheduler works for {home} already (process {pid}).", home=home, pid=known),
            hint="`nbflow scheduler status` shows it; --another starts one beside it.",
            code="NBF716",
        )
    log = home / LOG_FILE
    command = [sys.executable, "-m", "nbflow", "scheduler", "--drain", str(drain)]
    with open_log(home) as out:
        process = subprocess.Popen(  # noqa: S603
            [*command, *(["--quiet"] if quiet else [])],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _await(service, process, log)
    _remember(home, process.pid)
    if process.poll() is not None:
        forget(home, process.pid)
    return Started(pid=process.pid, log=log)


def stop(home: Path) -> int | None:
    """Tell the scheduler that works in the background for a home to stop, as SIGTERM does. Return its
    process id, None if none works: whoever has that id by now is left alone.
    """
    pid = _known(home)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    return pid


def forget(home: Path, pid: int) -> None:
    """Remove the file with the process id when its process ends, unless it names another by now."""
    with suppress(OSError, ValueError):
        named, _ = (home / PID_FILE).read_text(encoding="ascii").split()
        if named == str(pid):
            (home / PID_FILE).unlink()


def open_log(home: Path) -> BinaryIO:
    """Open the log of a home's schedulers for more; one that is too large is put aside."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = home / LOG_FILE
    with suppress(OSError):
        if log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
    opened = log.open("ab")
    log.chmod(0o600)
    return opened


def _await(service: "Service", process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if any(one.pid == process.pid for one in service.store.schedulers()):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    else:
        process.terminate()
    raise ExecutionError(
        Sentence("The scheduler did not come to work: {log}.", log=log),
        hint=Sentence("Its last words: {words}", words=_last_line(log)),
        code="NBF717",
    )


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _known(home: Path) -> int | None:
    """Return the process id of the scheduler that the file names, if that process lives."""
    from nbflow.metastore.instances import process_start

    try:
        pid, started = (home / PID_FILE).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    found = process_start(int(pid)) if pid.isdecimal() else None
    return int(pid) if found is not None and str(found) == started else None


def _remember(home: Path, pid: int) -> None:
    from nbflow.metastore.instances import process_start

    half = home / f".{PID_FILE}.{os.getpid()}"
    half.touch(mode=0o600)
    half.write_text(f"{pid} {process_start(pid)}\n", encoding="ascii")
    half.replace(home / PID_FILE)
