"""Compiling without the garbage collector looking through what is being built."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the collector of cycles off meanwhile, and leave it as it was found.

    A compile makes many containers that all stay, and each some hundred of them set the collector
    off: a tenth of the time of a compile, and now and then a walk through the whole heap (Mercurial
    pauses it while it builds lists of the same sort, ``util.nogc``). Other threads only go without
    it for that long.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
