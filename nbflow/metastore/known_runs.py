"""Large runs as they last were: of ten thousand tasks only those that moved since are read again."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.ids import Digest, RunId, TaskName

if TYPE_CHECKING:
    from nbflow.model.run import TaskSnapshot

LARGE = 200
"""Tasks of a run from which on it is kept: reading fewer costs no more than asking what moved."""
_KEPT = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownRun:
    """The tasks of a run after all of its events up to ``seq``; another version, or a clear, has
    others.
    """

    version: Digest
    clears: int
    seq: int
    tasks: "Mapping[TaskName, TaskSnapshot]"


class KnownRuns:
    """The runs that this process ended tasks of last; safe to use from several threads.

    What is put in was read while the run's row was held: nothing with an older event can come after
    it, but a claim of another process, whose task's next event brings it up to date.
    """

    def __init__(self) -> None:
        self._runs: OrderedDict[RunId, KnownRun] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run_id: RunId, version: Digest, clears: int) -> KnownRun | None:
        """Return what is known of a run that is still of this version, and cleared so often."""
        with self._lock:
            found = self._runs.get(run_id)
        return found if found and (found.version, found.clears) == (version, clears) else None

    def knows(self, run_id: RunId) -> bool:
        """Tell whether anything is known of a run."""
        with self._lock:
            return run_id in self._runs

    def put(self, found: Mapping[RunId, KnownRun]) -> None:
        """Keep what a transaction read that is committed by now."""
        with self._lock:
            for run_id, known in found.items():
                self._runs[run_id] = known
                self._runs.move_to_end(run_id)
            while len(self._runs) > _KEPT:
                self._runs.popitem(last=False)

    def forget(self, run_id: RunId) -> None:
        """Know nothing of a run any more."""
        with self._lock:
            self._runs.pop(run_id, None)
