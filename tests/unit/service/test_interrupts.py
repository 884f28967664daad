"""Ctrl-C is heard wherever it meets the code that waits for it, or that hears another one."""

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

import pytest

from nbflow.cli import open_verb
from nbflow.service.interrupts import CancelSwitch

LINES = 80
"""More than are gone through in two looks at the kernel."""


class Kernel:
    """One that nobody shuts down."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def is_alive(self) -> bool:
        self.looks += 1
        return True


def interrupted(work: Callable[[], None], handler: Callable[[], None], at_line: int) -> None:
    """Do some work, and call the handler of a signal before the n-th line that is gone through: one
    runs between two lines of whatever the main thread is at, as a trace function does.
    """
    lines = count(1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line" and next(lines) == at_line:
            handler()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)


@pytest.mark.timeout(20)
def test_a_signal_ends_the_wait_for_it_whatever_it_interrupts(monkeypatch):
    monkeypatch.setattr(open_verb, "_GLANCE", 0.001)
    for line in range(1, LINES):
        switch, kernel = CancelSwitch(), Kernel()
        looks = []

        def press(switch=switch, kernel=kernel, looks=looks) -> None:
            looks.append(kernel.looks)
            switch.press()

        interrupted(lambda s=switch, k=kernel: open_verb._wait(k, s), press, line)
        assert kernel.looks <= looks[0] + 1


@pytest.mark.timeout(20)
def test_a_signal_may_interrupt_the_handler_of_another():
    for line in range(1, 10):
        switch = CancelSwitch()
        interrupted(switch.press, switch.press, line)
        assert switch.is_pressed
        switch.press()
        assert switch.at_once
