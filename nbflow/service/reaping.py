"""What dead processes left behind is taken over, and what follows from it in its runs is decided."""

import logging
from functools import partial
from typing import TYPE_CHECKING

from nbflow.model.clock import Clock
from nbflow.model.ids import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbflow.metastore import Metastore, Reaped
    from nbflow.model.run import Decisions, RunSnapshot

REAP_EVERY = 10.0
"""Seconds between looks at what dead processes left behind."""
_log = logging.getLogger("nbflow.scheduler")


def reap(store: "Metastore", clock: Clock, *, level: int = logging.INFO) -> "list[Reaped]":
    """End or queue again what dead processes left behind, and release what waited for it; each is
    logged with ``level``.
    """
    found = store.reap(partial(_decide, store, clock))
    for one in found:
        _log.log(
            level, "%s: %s", " ".join(filter(None, (one.run_id, one.task))), one.note,
            extra={"action": "reaped", "run_id": one.run_id, "task": one.task},
        )  # fmt: skip
    return found


def _decide(
    store: "Metastore", clock: Clock, version: Digest
) -> "Callable[[RunSnapshot], Decisions]":
    # Loaded by who finds something: everybody who opens a metastore asks.
    from nbflow.scheduling.decide import decide

    return partial(decide, store.load_version(version), now=clock.wall())
