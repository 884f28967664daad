"""The only source of time, passed in everywhere so that no test has to wait for it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks: what the calendar says, and what never jumps."""

    def wall(self) -> datetime:
        """Return the current instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds from some fixed point; only differences mean anything."""


class SystemClock:
    """The machine's own clocks."""

    def wall(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from some fixed point; only differences mean anything."""
        return time.monotonic()
