"""Transactions: begun for writing, tried again when another one won, honest about their end."""

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Select, Table, literal, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from nbflow.errors import MetastoreBusyError
from nbflow.faults import LostReplyError, point
from nbflow.metastore.dialect import (
    ANSWER,
    error_code,
    is_retried,
    make_engine,
    sqlite_path,
    translated,
    wait_for_no_row,
    waiting_again,
)
from nbflow.metastore.known_runs import KnownRuns
from nbflow.metastore.tables import EPOCH
from nbflow.metastore.unread import UnreadRows
from nbflow.model.clock import Clock
from nbflow.model.sentence import Sentence

T = TypeVar("T")
ATTEMPTS = 5


class Database:
    """One metastore's engine. Each transaction is a function of a connection, and may run twice."""

    def __init__(self, url: URL, clock: Clock, *, is_patient: bool = False) -> None:
        path = sqlite_path(url)
        self.url = url
        self.path = path
        self.clock = clock
        self.name = url.get_backend_name()
        self.place = str(path) if path else url.render_as_string(hide_password=True)
        self.engine = make_engine(url, is_patient=is_patient)
        # At READ COMMITTED each statement sees a state of its own anyway: the two more messages of
        # a transaction tell nothing.
        self._reading = (
            self.engine.execution_options(isolation_level="AUTOCOMMIT")
            if self.name == "postgresql"
            else self.engine
        )
        self._writing = threading.RLock()
        self.known_runs = KnownRuns()
        self.unread = UnreadRows()

    @property
    def is_sqlite(self) -> bool:
        """Tell whether one file on this host is all there is."""
        return self.name == "sqlite"

    def read(self, work: Callable[[Connection], T], *, steady: bool = False) -> T:
        """Run ``work`` in one reading transaction; if ``steady``, all of it sees one state of the
        metastore (on SQLite it always does). It may run twice.
        """
        begun = time.monotonic()
        for attempt in (1, 2):
            try:
                return self._read_once(work, steady=steady)
            except (DBAPIError, sqlite3.Error) as error:
                # A connection that lay idle may have been closed by the server meanwhile.
                again = isinstance(error, DBAPIError) and error.connection_invalidated
                if not again or attempt == 2 or time.monotonic() - begun > ANSWER / 2:
                    raise translated(error, self.place) from error
        raise AssertionError("the last attempt returns or raises")

    def _read_once(self, work: Callable[[Connection], T], *, steady: bool) -> T:
        engine = self._reading
        if steady and not self.is_sqlite:
            engine = self.engine.execution_options(isolation_level="REPEATABLE READ")
        with engine.connect() as connection, connection.begin():
            return work(connection)

    def guard(self, work: Callable[[], T]) -> T:
        """Run ``work``, which makes its own transactions, with errors put in words."""
        try:
            return work()
        except (DBAPIError, sqlite3.Error) as error:
            raise translated(error, self.place) from error

    def write(
        self,
        name: str,
        work: Callable[[Connection], T],
        confirm: Callable[[Connection], T | None] | None = None,
        *,
        stands: Callable[[Connection, T], bool] | None = None,
        at_once: bool = False,
    ) -> T:
        """Run ``work`` in one writing transaction and commit it.

        Undone by another transaction, it is tried again, five times at most and not for long. When
        the end of a commit is unknown, ``confirm`` looks whether it took place and returns its
        result, or ``stands``, which is given the result, tells whether what ``work`` wrote is there.
        Without either, ``work`` is repeated, so it must then find its own traces. ``at_once`` waits
        for no row that others hold, and tries only once: RowLockedError.
        """
        if stands is not None:
            work, confirm = _remembered(work, stands)
        begun = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(name, work, confirm, at_once=at_once)
            except LostReplyError:
                continue
            except (DBAPIError, sqlite3.Error) as error:
                again = isinstance(error, DBAPIError) and (
                    (is_retried(error) and not at_once) or error.connection_invalidated
                )
                if not again or attempt == ATTEMPTS or time.monotonic() - begun > ANSWER / 2:
                    raise translated(error, self.place) from error
            time.sleep(random.uniform(0.2, 1.0) * 0.02 * 2**attempt)  # noqa: S311
        raise MetastoreBusyError(
            Sentence("The metastore {place} is busy.", place=self.place), hint="Try again."
        )

    def _once(
        self,
        name: str,
        work: Callable[[Connection], T],
        confirm: Callable[[Connection], T | None] | None,
        *,
        at_once: bool,
    ) -> T:
        committing = False
        try:
            with (
                self._lock(),
                self.engine.connect().execution_options(nbflow_writes=True) as connection,
                waiting_again(connection) if at_once else nullcontext(),
                connection.begin() as transaction,
            ):
                if at_once:
                    wait_for_no_row(connection)
                result = work(connection)
                point(f"{name}.pre_commit")
                committing = True
                transaction.commit()
                point(f"{name}.post_commit")
                return result
        except (DBAPIError, LostReplyError):
            if not committing or confirm is None:
                raise
            found = self.read(confirm)
            if found is None:
                raise
            return found

    def _lock(self) -> Any:
        # One writing connection per process: threads queue here, not at SQLite's busy handler.
        return self._writing if self.is_sqlite else _NOTHING

    def now(self, connection: Connection) -> datetime:
        """Return the instant that leases are judged by: a server's clock, or ours for a file."""
        if self.is_sqlite:
            return self.clock.wall()
        question = (
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
            if self.name == "postgresql"
            else "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
        )
        micros = connection.execute(text(question)).scalar_one()
        return EPOCH + timedelta(microseconds=int(micros))

    def locked(self, query: Select[Any], *, skip: bool = False, sole: bool = False) -> Select[Any]:
        """Return the query with its rows locked until the transaction's end (a no-op on SQLite); if
        ``sole``, no row that refers to them is inserted until then, as rows need that are to go.
        """
        if self.is_sqlite:
            return query
        weaker = self.name == "postgresql" and not sole
        return query.with_for_update(skip_locked=skip, key_share=weaker)

    def insert_once(self, connection: Connection, table: Table, row: dict[str, Any]) -> bool:
        """Insert a row unless one with its key is there; tell whether it was inserted."""
        if self.is_sqlite or self.name == "postgresql":
            query = (
                _insert(self.name, table).values(row).on_conflict_do_nothing().returning(literal(1))
            )
            return connection.execute(query).one_or_none() is not None
        try:
            connection.execute(table.insert().values(row))
        except IntegrityError as error:
            if error_code(error) != "1062":
                raise
            return False
        return True

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _insert(name: str, table: Table) -> Any:
    # A dialect is loaded by those who use it.
    if name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)


def _remembered(
    work: Callable[[Connection], T], stands: Callable[[Connection, T], bool]
) -> tuple[Callable[[Connection], T], Callable[[Connection], T | None]]:
    """Return the work, and how it is confirmed by what it returned."""
    results: list[T] = []

    def remembering(connection: Connection) -> T:
        results[:] = [work(connection)]
        return results[0]

    def confirm(connection: Connection) -> T | None:
        return results[0] if stands(connection, results[0]) else None

    return remembering, confirm


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_NOTHING = _Nothing()
