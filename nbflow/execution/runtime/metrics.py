"""Figures that the page's code records of its task, with `nbflow.metric`."""

from __future__ import annotations

import os

from .state import attempt, leave

MOST = 1000
"""Names that one attempt may use."""


def record_metric(name: str, value: float) -> None:
    """Note a figure for the slot to read, the last one of a name; in replayed code, nothing: the task
    whose code it is has recorded its own.
    """
    if attempt.replaying or attempt.pid != os.getpid():
        return
    if name not in attempt.metrics and len(attempt.metrics) >= MOST:
        raise ValueError(f"a task records at most {MOST} metrics")
    attempt.metrics[name] = value
    leave("metrics", {"ok": True, "metrics": attempt.metrics})
