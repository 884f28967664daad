"""Ends of attempts on their way into the metastore: none is dropped because another can't be written."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from nbflow.errors import (
    ConflictError,
    MetastoreBusyError,
    MetastoreError,
    NotFoundError,
    RowLockedError,
    SchemaError,
)
from nbflow.model.attempt import AttemptResult
from nbflow.model.clock import Clock
from nbflow.model.ids import RunId
from nbflow.model.run import TaskMove
from nbflow.service.flights import Flight

if TYPE_CHECKING:
    from nbflow.metastore import Metastore
    from nbflow.service.drive import RunDriver

ENDS_AT_ONCE = 8
"""Ends of attempts recorded in one transaction, at most: nobody waits long for the lock."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds until an end that could not be recorded is tried again; longer each time."""
_log = logging.getLogger("nbflow.scheduler")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The end of an attempt, to be recorded: its result, and where its task goes."""

    driver: "RunDriver"
    flight: Flight
    result: AttemptResult
    move: TaskMove

    @property
    def run_id(self) -> RunId:
        """Whose it is."""
        return self.flight.claim.run_id

    @property
    def is_wanted(self) -> bool:
        """Tell whether the driver still answers for the attempt: it may have let go of it."""
        return self.driver.awaits(self.flight.claim.token)


@dataclass(kw_only=True, slots=True)
class _Held:
    """The ends of a run that could not be recorded, and when they are tried again."""

    endings: list[Ending]
    due: float
    pause: float
    problem: Exception


@dataclass(kw_only=True, slots=True)
class Recorder:
    """Records attempts' ends, and in the same transaction what each releases; several in one.

    What can't be recorded now is kept, and tried again by `again`. Its driver goes on to hold the
    attempt's lease, which `renew` prolongs between two writes, since each may take seconds.
    """

    store: "Metastore"
    clock: Clock
    renew: Callable[[], None]
    _held: dict[RunId, _Held] = field(default_factory=dict)

    @property
    def waits_for(self) -> RowLockedError | None:
        """Tell what keeps an end from being recorded, if that is somebody who holds the run."""
        problems = (held.problem for held in self._held.values())
        return next((one for one in problems if isinstance(one, RowLockedError)), None)

    def record(self, endings: Sequence[Ending]) -> None:
        """Record what may be; ends of a run of which some are kept already are kept, too."""
        self._try(endings, FIRST_PAUSE)

    def again(self) -> bool:
        """Try what was kept, the runs that have waited longest first, until one must wait again;
        tell whether anything was tried.
        """
        now, has_tried = self.clock.monotonic(), False
        for run_id, held in sorted(self._held.items(), key=lambda item: item[1].due):
            if held.due > now:
                break
            del self._held[run_id]
            # Who is known to hold a row is not waited for: everything else would wait as well.
            self._try(held.endings, min(2 * held.pause, LONGEST_PAUSE), at_once=True)
            has_tried = True
            if run_id in self._held:
                break
        return has_tried

    def _try(self, endings: Sequence[Ending], pause: float, *, at_once: bool = False) -> None:
        left = [endings[n : n + ENDS_AT_ONCE] for n in range(0, len(endings), ENDS_AT_ONCE)]
        while left:
            batch = self._free(left.pop(0))
            try:
                self._write(batch, at_once=at_once)
            except SchemaError:
                raise
            except Exception as problem:
                if _is_gone(problem):
                    self._keep([*batch, *chain.from_iterable(left)], pause, problem)
                    _log.warning("the metastore is busy: %s", problem, extra={"action": "busy"})
                    return
                if len(batch) > 1:
                    left = [[one] for one in batch] + left
                else:
                    self._one_failed(batch[0], problem, pause)
            self.renew()

    def _free(self, endings: Sequence[Ending]) -> list[Ending]:
        """Return those that are to be tried: not what its driver let go of, nor what must wait
        because another end of its run does.
        """
        free = []
        for ending in endings:
            held = self._held.get(ending.run_id)
            if held is not None:
                held.endings.append(ending)
            elif ending.is_wanted:
                free.append(ending)
        return free

    def _one_failed(self, ending: Ending, problem: Exception, pause: float) -> None:
        about = {"action": "held_up", "run_id": ending.run_id, "task": ending.flight.task.name}
        match problem:
            case ConflictError() | NotFoundError():
                ending.driver.fenced(ending)
                return
            case RowLockedError():
                _log.warning("%s has to wait: %s", ending.run_id, problem, extra=about)
            case MetastoreError():
                _log.error("an end in %s: %s", ending.run_id, problem, extra=about)
            case _:
                _log.error("an end in %s", ending.run_id, exc_info=problem, extra=about)
        self._keep([ending], pause, problem)

    def _keep(self, endings: Iterable[Ending], pause: float, problem: Exception) -> None:
        due = self.clock.monotonic() + pause
        for ending in endings:
            new = _Held(endings=[], due=due, pause=pause, problem=problem)
            held = self._held.setdefault(ending.run_id, new)
            held.endings.append(ending)

    def _write(self, endings: Sequence[Ending], *, at_once: bool) -> None:
        from nbflow.metastore import Finish

        if not endings:
            return
        ends = [
            Finish(claim=e.flight.claim, result=e.result, move=e.move, decide=e.driver.decide)
            for e in endings
        ]
        follows = self.store.finish_all(ends, at_once=at_once)
        for ending, decisions in zip(endings, follows, strict=True):
            ending.driver.ended(ending, decisions)


def _is_gone(problem: Exception) -> bool:
    """Tell whether nothing else can be written either."""
    return isinstance(problem, MetastoreBusyError) and not isinstance(problem, RowLockedError)
