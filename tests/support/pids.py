"""Looking at processes that may end at any moment, also between two looks at the same one."""

import psutil


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended, whether or not its parent knows that yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def command_of(process: psutil.Process) -> list[str]:
    """Return the words that a process was started with; none of one that has ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def parent_of(process: psutil.Process) -> int:
    """Return the process that started one; 0 of one that has ended."""
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0
