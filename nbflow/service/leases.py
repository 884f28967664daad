"""The leases a process holds on its attempts: renewed in time, or trusted no longer."""

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nbflow.errors import MetastoreBusyError, RowLockedError
from nbflow.model.clock import Clock
from nbflow.model.ids import Token

if TYPE_CHECKING:
    from nbflow.metastore import Metastore

T = TypeVar("T")

RENEW_EVERY = 10.0
"""Seconds between renewals of the leases."""
TRUST = 45.0
"""Seconds after the start of the last renewal that worked; then the leases count as gone."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
"""Seconds between two tries at a metastore that refuses at once, as a full one does."""


class Lost(NamedTuple):
    """Tokens of attempts that are no longer this process's: others have ``taken`` them, or may take
    them at once, since somebody held their rows while their leases were ``late``.
    """

    taken: frozenset[Token] = frozenset()
    late: frozenset[Token] = frozenset()


class Leases:
    """Renews leases through a busy metastore, as long as they can be trusted."""

    def __init__(self, store: "Metastore", clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._renewed = self._trusted = clock.monotonic()
        self._late: dict[Token, float] = {}

    @property
    def are_trusted(self) -> bool:
        """Tell whether nobody else can have taken the attempts over yet."""
        return self._clock.monotonic() - self._trusted <= TRUST

    def insist(self, work: Callable[[], T]) -> T:
        """Try again, less and less often, while the metastore is busy or full. Raises
        MetastoreBusyError once trust is gone, and at once if others hold just the rows that are
        wanted: that may last, and the leases want to be renewed.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                return work()
            except MetastoreBusyError as problem:
                if not self.are_trusted or isinstance(problem, RowLockedError):
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def renew(self, tokens: Collection[Token]) -> Lost:
        """Renew if it is time; return the tokens of leases that are lost.

        Raises MetastoreBusyError once trust is gone: the caller ends its kernels then.
        """
        now = self._clock.monotonic()
        if now - self._renewed < RENEW_EVERY:
            return Lost()
        try:
            renewal = self._store.renew(tokens)
        except MetastoreBusyError:
            if not self.are_trusted:
                raise
            return Lost()
        # Since when a lease is late that was prolonged, or made, after the look before.
        self._late = {token: self._late.get(token, self._renewed) for token in renewal.late}
        self._renewed = self._trusted = now
        late = [token for token, since in self._late.items() if now - since > TRUST]
        return Lost(taken=frozenset(tokens) - renewal.held, late=frozenset(late))
