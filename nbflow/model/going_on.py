"""Work that may take long asks, between small steps, whether to go on."""

from collections.abc import Callable

GoesOn = Callable[[], bool]
"""Tells whether to go on; once it says no, it stays with that."""


def always() -> bool:
    """Go on: nobody waits for the end."""
    return True
