"""Ctrl-C as a request: the first one cancels in order, the second one at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import BinaryIO


class CancelSwitch:
    """Whether somebody wants the run to stop. Safe to use from any thread and signal handler: it takes
    no lock, which the code that a signal interrupts could hold.
    """

    def __init__(self, event: threading.Event | None = None) -> None:
        self._event = event
        self._is_pressed = False
        self.at_once = False
        """Don't wait for kernels to stop by themselves."""
        self.on_press: Callable[[], None] | None = None
        """Called at each press, maybe in a signal handler: it must take no lock of Python's either."""

    @property
    def is_pressed(self) -> bool:
        """Tell whether the run is to stop."""
        return self._is_pressed or (self._event is not None and self._event.is_set())

    def press(self) -> None:
        """Ask the run to stop; asked again, at once."""
        if self.is_pressed:
            self.at_once = True
        self._is_pressed = True
        if self.on_press is not None:
            self.on_press()


@contextmanager
def signals_press(switch: CancelSwitch) -> Iterator[None]:
    """Let SIGINT and SIGTERM press ``switch`` inside the block, where that is possible: only the
    main thread may set signal handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(_: int, __: FrameType | None) -> None:
        switch.press()

    before = {number: signal.signal(number, on_signal) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def press_at_end_of(stream: BinaryIO, switch: CancelSwitch) -> None:
    """Let the end of a stream press ``switch``, whenever it comes; what it says is not heard."""

    def listen() -> None:
        while stream.read(4096):
            pass
        switch.press()

    threading.Thread(target=listen, name="nbflow-attached", daemon=True).start()


def _signals() -> tuple[signal.Signals, ...]:
    return (signal.SIGINT, signal.SIGTERM)
