"""Ctrl-C is heard wherever it meets the code that waits for it."""

import sys
from itertools import count
from types import FrameType
from typing import Any

import pytest

from nbflow.cli import open_verb
from nbflow.service.interrupts import CancelSwitch


class Kernel:
    """One that somebody shuts down after a few looks at it."""

    def __init__(self) -> None:
        self.looks = count(1)

    @property
    def is_alive(self) -> bool:
        return next(self.looks) < 4


def interrupted(switch: CancelSwitch, at_line: int) -> bool:
    """Wait, and let a signal come before the n-th line that is gone through; return whether it came.

    A handler runs between two lines of whatever the main thread is at, as this function does.
    """
    lines = count(1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and next(lines) == at_line:
            switch.press()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        open_verb._wait(Kernel(), switch)
    finally:
        sys.settrace(before)
    return switch.is_pressed


@pytest.mark.timeout(20)
def test_a_signal_meets_no_lock_that_the_wait_for_it_holds(monkeypatch):
    monkeypatch.setattr(open_verb, "_GLANCE", 0.001)
    came = 0
    while interrupted(CancelSwitch(), came + 1):
        came += 1
    assert came > 5
