"""Connections to PostgreSQL that don't wait for ever: for an answer, or for somebody else's lock."""

import math
import time
from collections.abc import Generator
from typing import Any

import psycopg


class BoundedConnection(psycopg.Connection):  # type: ignore[misc]
    """A connection that is closed when the server has been silent for too long: a network that
    swallows packets says nothing by itself.
    """

    answer = math.inf

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        """Wait for what was asked, at most ``answer`` seconds between two signs of life."""
        try:
            return super().wait(_bounded(gen, self.answer), *args, **options)
        except _SilenceError as error:
            self.close()
            raise psycopg.OperationalError(str(error)) from None


class _SilenceError(Exception):
    """The server did not answer in time."""


def _bounded(gen: Generator[Any, Any, Any], answer: float) -> Generator[Any, Any, Any]:
    """Do what ``gen`` does, but give up after ``answer`` seconds in which nothing came."""
    try:
        wanted = next(gen)
        heard = time.monotonic()
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard = now
            elif now - heard > answer:
                raise _SilenceError(f"no answer within {answer:g} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def connect(cargs: Any, cparams: dict[str, Any], *, answer: float, lock: float) -> Any:
    """Return a connection that waits ``answer`` seconds for the server, ``lock`` for a lock."""
    connection = BoundedConnection.connect(*cargs, **cparams)
    connection.answer = answer
    connection.execute(f"SET lock_timeout = {int(lock * 1000)}")
    connection.commit()
    return connection
