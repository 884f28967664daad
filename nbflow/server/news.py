"""That runs moved, told on the event bus of Jupyter Server while somebody looks at some.

What moved is told by the API alone, to those who may read: on the bus stands no more than a run's id.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, TypeVar

from nbflow.errors import MetastoreError
from nbflow.metastore.rows import EventRow
from nbflow.service.drift import has_metastore
from nbflow.service.service import Service

SCHEMA_ID = "urn:nbflow:event:run-moved"
SCHEMA: dict[str, Any] = {
    "$id": SCHEMA_ID,
    "version": "1",
    "title": "A run moved",
    "personal-data": False,
    "description": "Something happened in a run: ask the API for its events.",
    "type": "object",
    "required": ["run_id", "seq"],
    "properties": {
        "run_id": {"title": "The run", "type": "string"},
        "seq": {"title": "The number of its newest event", "type": "integer"},
    },
    "additionalProperties": False,
}
AWAKE = 40.0
"""Seconds for which news are looked for after somebody asked: longer than a page waits to ask again."""
AFTER_TROUBLE = 5.0
"""Seconds between looks at a metastore that does not answer."""
_log = logging.getLogger("nbflow.news")
_Found = TypeVar("_Found")


class RunNews:
    """Looks into the metastore while runs are followed: who drives them is another process."""

    def __init__(
        self, service: Service, threads: Executor, tell: Callable[[dict[str, Any]], object]
    ) -> None:
        # Its metastore is made at first need: not because a server starts.
        self._service = service
        self._threads = threads
        self._tell = tell
        self._until: dict[float, float] = {}
        self._sooner = asyncio.Event()
        self._begins: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def follow(self, every: float) -> None:
        """Tell from now on, for a while, which runs move, after a look every so many seconds.
        Raises MetastoreError; who asks while a metastore is silent shares what one attempt finds.
        """
        loop = asyncio.get_running_loop()
        if every < self._pause(loop.time(), most=math.inf):
            self._sooner.set()
        self._until[every] = loop.time() + AWAKE
        if self._task is None or self._task.done():
            if self._begins is None or self._begins.done():
                self._begins = loop.create_task(self._begin(), name="nbflow-news-begin")
            # One of those who wait may go without taking the attempt from the others.
            await asyncio.shield(self._begins)

    async def _begin(self) -> None:
        seen = await self._in_thread(self._newest)
        self._task = asyncio.get_running_loop().create_task(self._look(seen), name="nbflow-news")

    def _newest(self) -> int:
        return self._service.store.newest_event() if has_metastore(self._service) else 0

    def _since(self, seen: int) -> Sequence[EventRow]:
        return self._service.store.events(seen) if has_metastore(self._service) else ()

    def _pause(self, now: float, *, most: float) -> float:
        """Return the seconds until the next look, as those want who still look."""
        return min((every for every, until in self._until.items() if until > now), default=most)

    def close(self) -> None:
        """Tell nothing more."""
        for task in (self._begins, self._task):
            if task is not None:
                task.cancel()

    async def _look(self, seen: int) -> None:
        loop = asyncio.get_running_loop()
        while (pause := self._pause(loop.time(), most=0)) > 0:
            # Before the look: who follows a run while it is made is not kept waiting, either.
            self._sooner.clear()
            try:
                rows = await self._in_thread(partial(self._since, seen))
            except MetastoreError as problem:
                _log.warning("runs can't be followed: %s", problem)
                rows, pause = (), AFTER_TROUBLE
            for run_id, seq in {row.run_id: row.seq for row in rows}.items():
                self._tell({"run_id": run_id, "seq": seq})
            seen = rows[-1].seq if rows else seen
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until somebody follows a run."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._sooner.wait(), seconds)

    async def _in_thread(self, work: Callable[[], _Found]) -> _Found:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
