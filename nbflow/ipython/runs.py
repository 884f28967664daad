"""The seam between the live view and whoever runs a notebook."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nbflow.model.states import RunState
from nbflow.service.events import OnEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """What to run: the file, the values of its parameters, and a task selector (all if None)."""

    path: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    select: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnding:
    """How the run ended: ``message`` says what went wrong, ``executed`` is the executed notebook."""

    state: RunState
    message: str = ""
    executed: Path | None = None


class RunNotebook(Protocol):
    """Runs a notebook to its end, in the calling thread."""

    def __call__(
        self, request: RunRequest, *, on_event: OnEvent, cancelled: threading.Event
    ) -> RunEnding:
        """Run; tell ``on_event`` every step, and stop soon after ``cancelled`` is set.

        Raises NbflowError for what the user can mend.
        """
        ...
