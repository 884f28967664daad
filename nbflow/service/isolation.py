"""What goes wrong with one DAG, run, trigger or notification is told, and takes nothing else along."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nbflow.errors import (
    ConflictError,
    MetastoreError,
    NbflowError,
    NotFoundError,
    RowLockedError,
    is_contained,
    unforeseen,
)
from nbflow.model.clock import Clock
from nbflow.model.codes import HELD_UP
from nbflow.model.sentence import Sentence

if TYPE_CHECKING:
    from nbflow.metastore import Metastore

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds until something that went wrong is tried again; longer each time."""
LONGEST_WAIT = 5.0
"""Seconds until rows that others hold, and parts of a scheduler's look, are tried again, at most."""
LOOK = "look"
"""Work that is a part of each look of a scheduler."""
_NO_SUCH_MOVE = "NBF612"
_LONGEST_WORDS = 500
_log = logging.getLogger("nbflow.isolation")


class Subject(NamedTuple):
    """What a piece of work is about: ``what`` it is, and the name that people know it by."""

    what: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.what})"


@dataclass(kw_only=True, slots=True)
class _Trouble:
    due: float
    pause: float
    problem: str
    is_listed: bool = False


@dataclass(kw_only=True, slots=True)
class Isolation:
    """Does pieces of work that have nothing to do with each other, in one thread.

    What fails is logged and listed for users, and not tried again before a pause, which grows; when
    it works again, it is listed no more. Problems that are of no single piece are raised.
    """

    store: "Metastore"
    clock: Clock
    _troubles: dict[Subject, _Trouble] = field(default_factory=dict)

    def may(self, about: Subject) -> bool:
        """Tell whether it is time to do something about it."""
        trouble = self._troubles.get(about)
        return trouble is None or trouble.due <= self.clock.monotonic()

    def paused(self, *what: str) -> list[str]:
        """Return the names of what is left alone for now."""
        return [
            about.name for about in self._troubles if about.what in what and not self.may(about)
        ]

    def do(self, about: Subject, work: Callable[[], T]) -> T | None:
        """Do a piece of work, and return its result; None if it failed, or must wait."""
        if not self.may(about):
            return None
        try:
            result = work()
        except Exception as problem:
            if not is_contained(problem):
                raise
            self.failed(about, problem)
            return None
        self.worked(about)
        return result

    def failed(self, about: Subject, problem: Exception) -> None:
        """Note that work failed, and leave it alone for a while."""
        if isinstance(problem, ConflictError) and problem.code != _NO_SUCH_MOVE:
            # Somebody else was first, and what is to be done is seen at the next look.
            return
        words = str(problem) if isinstance(problem, NbflowError) else unforeseen(problem)
        before = self._troubles.get(about)
        is_held = isinstance(problem, RowLockedError)
        longest = LONGEST_WAIT if is_held or about.what == LOOK else LONGEST_PAUSE
        pause = FIRST_PAUSE if before is None else min(2 * before.pause, longest)
        # Others let go of most rows at once.
        wait = 0.0 if is_held and before is None else pause
        trouble = self._troubles[about] = _Trouble(
            due=self.clock.monotonic() + wait,
            pause=pause,
            problem=words,
            is_listed=before is not None and before.is_listed,
        )
        self._log(about, problem, is_new=before is None or before.problem != words)
        if not is_held and not isinstance(problem, NotFoundError):
            trouble.is_listed = self._list(about, words) or trouble.is_listed

    def worked(self, about: Subject) -> None:
        """Note that work went well."""
        trouble = self._troubles.get(about)
        if trouble is not None and (not trouble.is_listed or self._unlist(about)):
            del self._troubles[about]

    def look_over(self, *what: str) -> None:
        """Tell of rows of these kinds that could not be read, and forget what there was nothing more
        to do about.
        """
        for row in self.store.unread.take(*what):
            about = Subject(row.what, row.name)
            if self.may(about):
                self.failed(about, row.problem)
        now = self.clock.monotonic()
        for about, trouble in tuple(self._troubles.items()):
            if trouble.due + LONGEST_PAUSE < now:
                self.worked(about)

    def _log(self, about: Subject, problem: Exception, *, is_new: bool) -> None:
        more = {"action": "held_up", "what": about.what, "about": about.name}
        if isinstance(problem, RowLockedError):
            _log.warning("%s has to wait: %s", about.name, problem, extra=more)
        elif isinstance(problem, NbflowError):
            _log.error("%s can't go on: %s", about, problem, extra=more)
        else:
            trace = problem if is_new else None
            _log.error("%s can't go on: %s", about, unforeseen(problem), exc_info=trace, extra=more)

    def _list(self, about: Subject, words: str) -> bool:
        from nbflow.metastore import ImportErrorRow

        row = ImportErrorRow(
            path=str(about),
            code=HELD_UP,
            message=Sentence("a scheduler can't go on with it: {why}", why=words[:_LONGEST_WORDS]),
            hint=Sentence("It is tried again and again; everything else goes on meanwhile."),
        )
        with suppress(MetastoreError):
            self.store.import_errors.hold_up(row)
            return True
        return False

    def _unlist(self, about: Subject) -> bool:
        with suppress(MetastoreError):
            self.store.import_errors.goes_on(str(about))
            return True
        return False
