"""Process-wide state that travels like a variable: generators of random numbers, working directory."""

from __future__ import annotations

import os
import random
import sys
from typing import Any

from .state import namespace


def take(state: str) -> tuple[Any, ...]:
    """Return the state as a value in a tuple; empty when the kernel has none (no numpy yet)."""
    if state == "random":
        return (random.getstate(),)
    if state == "cwd":
        return ({"folder": os.getcwd(), "before": namespace().get("_dh")},)
    if state == "numpy.random":
        numpy_random = sys.modules.get("numpy.random")
        return () if numpy_random is None else (numpy_random.get_state(legacy=False),)
    raise ValueError(f"unknown ambient state {state!r}")


def restore(state: str, value: Any) -> None:
    """Put a stored state in place."""
    if state == "random":
        random.setstate(value)
    elif state == "cwd":
        os.chdir(value["folder"])
        visited = namespace().get("_dh")
        if isinstance(visited, list) and isinstance(value["before"], list):
            visited[:] = value["before"]
    elif state == "numpy.random":
        _restore_numpy(value)
    else:
        raise ValueError(f"unknown ambient state {state!r}")


def _restore_numpy(value: Any) -> None:
    import numpy.random

    generators: Any = numpy.random
    wanted = value["bit_generator"]
    if generators.get_state(legacy=False)["bit_generator"] != wanted:
        generators.set_bit_generator(getattr(generators, wanted)())
    generators.set_state(value)
