"""Finding and ending the processes that an attempt left behind, double-forked ones included.

Two nets: every kernel carries its attempt's marks in its environment, which its children inherit;
and a slot adopts orphans of its kernels (Linux' child subreaper), so that a child which emptied its
environment is still found below the slot.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

ATTEMPT_MARK = "NBFLOW_ATTEMPT"
"""Environment variable of every process of an attempt: the attempt's token."""
RUN_MARK = "NBFLOW_RUN"
"""Environment variable of every process of an attempt: its run, unique over all metastores."""
SLOT_MARK = "NBFLOW_SLOT"
"""Environment variable of a slot and of all below it: unique among all slots of the machine, so
that two metastores which number their attempts alike never end each other's processes."""
SLOT_FOLDER = "NBFLOW_SLOT_FOLDER"
"""Names the folder of a slot's kernels, which goes with the slot."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_IS_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if _IS_LINUX else None


def adopt_orphans() -> bool:
    """Make this process the parent of its descendants' orphans; False where the system can't."""
    return _libc is not None and _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def die_with_parent() -> None:
    """Have this process killed when the thread that started it ends; for use between fork and exec."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def is_alive(pid: int) -> bool:
    """Tell whether a process of that id exists and is no zombie."""
    if _IS_LINUX:
        state = _stat(pid)
        return state is not None and state[0] not in "ZX"
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def peak_memory(pid: int) -> int | None:
    """Return the highest resident memory of a process so far, in bytes; None if it can't be told."""
    if _IS_LINUX:
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return None
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def marked(marks: Mapping[str, str]) -> set[int]:
    """Return the ids of this user's processes whose environment holds all of ``marks``."""
    if _IS_LINUX:
        wanted = {f"{name}={value}".encode() for name, value in marks.items()}
        found = set()
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    environ = Path(entry.path, "environ").read_bytes()
                    if wanted <= set(environ.split(b"\0")):
                        found.add(int(entry.name))
        return found
    return _marked_elsewhere(marks)


def processes_of_runs() -> dict[str, set[int]]:
    """Return the ids of this user's processes that work for runs, by run."""
    found: dict[str, set[int]] = {}
    for pid, environ in _environments():
        if RUN_MARK in environ and is_alive(pid):
            found.setdefault(environ[RUN_MARK], set()).add(pid)
    return found


def _environments() -> Iterator[tuple[int, Mapping[str, str]]]:
    if _IS_LINUX:
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                with contextlib.suppress(OSError):
                    held = Path(entry.path, "environ").read_text(errors="replace").split("\0")
                    yield int(entry.name), dict(one.partition("=")[::2] for one in held)
        return
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            yield process.pid, process.environ()


def children(parent: int) -> set[int]:
    """Return the ids of the direct children of a process, zombies included."""
    if _IS_LINUX:
        found = set()
        with contextlib.suppress(OSError):
            for task in os.scandir(f"/proc/{parent}/task"):
                found |= {int(pid) for pid in Path(task.path, "children").read_text().split()}
        return found
    import psutil

    try:
        return {child.pid for child in psutil.Process(parent).children()}
    except psutil.Error:
        return set()


def descendants(parents: Iterable[int]) -> set[int]:
    """Return the ids of everything below ``parents``."""
    found: set[int] = set()
    pending = list(parents)
    while pending:
        below = children(pending.pop()) - found
        found |= below
        pending.extend(below)
    return found


def sweep(
    marks: Mapping[str, str],
    *,
    keep: Collection[int] = (),
    adopted: bool = False,
    seconds: float = 3.0,
    hard: bool = False,
) -> set[int]:
    """End every process that carries all of ``marks``, but for ``keep``.

    With ``adopted`` also the children of this process that aren't in ``keep`` and don't carry
    another attempt's mark. SIGTERM first, SIGKILL half a second later, or at once with
    ``hard``. Returns what is still alive after ``seconds``: nothing, normally.
    """
    begun = time.monotonic()
    term_sent: set[int] = set()
    while True:
        left = _leftovers(marks, keep, adopted)
        if not left or time.monotonic() - begun > seconds:
            return left
        hard = hard or time.monotonic() - begun > 0.5
        for pid in left if hard else left - term_sent:
            send_signal(pid, "SIGKILL" if hard else "SIGTERM")
        term_sent |= left
        time.sleep(0.02)


def send_signal(pid: int, name: str, *, group: bool = False) -> None:
    """Send the signal of that name (SIGTERM where the system lacks it); a vanished process is fine."""
    number = getattr(signal, name, signal.SIGTERM)
    with contextlib.suppress(ProcessLookupError, PermissionError, OSError):
        if group and hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def _leftovers(marks: Mapping[str, str], keep: Collection[int], adopted: bool) -> set[int]:
    mine = os.getpid()
    found = marked(marks)
    if adopted:
        orphans = {pid for pid in children(mine) if pid not in keep}
        _reap(orphans)
        orphans = {pid for pid in orphans if not _belongs_to_other(pid, marks)}
        found |= orphans | descendants(orphans)
    return {pid for pid in found - set(keep) - {mine} if is_alive(pid)}


def _reap(pids: Iterable[int]) -> None:
    if hasattr(os, "WNOHANG"):
        for pid in pids:
            with contextlib.suppress(OSError):
                os.waitpid(pid, os.WNOHANG)


def _belongs_to_other(pid: int, marks: Mapping[str, str]) -> bool:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    mark = next((v for v in environ if v.startswith(f"{ATTEMPT_MARK}=".encode())), None)
    return mark is not None and mark != f"{ATTEMPT_MARK}={marks.get(ATTEMPT_MARK)}".encode()


def _marked_elsewhere(marks: Mapping[str, str]) -> set[int]:
    import psutil

    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if marks.items() <= process.environ().items():
                found.add(process.pid)
    return found


def _stat(pid: int) -> str | None:
    """Return the state letter of a process, None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()[0]
