"""Looking at processes that may end at any moment, also between two looks at the same one."""

import psutil


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
