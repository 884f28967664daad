"""Waiting for what other processes do, on machines that may be slow, or stand still for a while."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

LOOK_EVERY = 0.02
MOST_OF_A_LOOK = 0.1
"""Seconds that one look counts for, at most: while the machine was busy, or stood still, so that who
waits came to look more seldom, what is waited for was held up, too.
"""


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something to be found and return it; fail the test after ``seconds``."""
    waited, last = 0.0, time.monotonic()
    while not (value := found()):
        assert waited < seconds, f"not within {seconds} s"
        time.sleep(LOOK_EVERY)
        now = time.monotonic()
        waited += min(now - last, MOST_OF_A_LOOK)
        last = now
    return value


def until_said(process: "subprocess.Popen[str]", what: str) -> str:
    """Read what a process prints until it says something; return all of it."""
    assert process.stdout is not None
    said = ""
    while what not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return said
