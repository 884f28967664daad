"""What is done in the kernel around a task's cells: replay, load, ask the condition, store."""

from collections.abc import Callable
from pathlib import Path

from nbflow.execution.client import Steps
from nbflow.execution.outcome import Collected
from nbflow.model.attempt import AttemptSpec


def steps_for(
    spec: AttemptSpec, spec_path: Path, collected: Collected, on_text: Callable[[str], None]
) -> Steps:
    """Return the steps of an attempt; none for kernels without the runtime."""
    return Steps()
