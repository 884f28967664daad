"""Work of a scheduler beside its loop: looking at files, sending messages, deleting what is old; in
threads of its own, so that a slow disk or mail server holds up nothing that drives runs.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import MetastoreBusyError, NbflowError
from nbflow.model.clock import Clock
from nbflow.model.going_on import GoesOn

if TYPE_CHECKING:
    from nbflow.service.live import LiveFolder
    from nbflow.service.service import Service

RETAIN_EVERY = 3600.0
"""Seconds between looks for runs that are too old, or too many."""
_log = logging.getLogger("nbflow.background")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Something to do again and again; ``every`` seconds from one end to the next begin."""

    name: str
    every: float
    work: Callable[[], object]


class Background:
    """Does a job again and again in a thread of its own; close it before what the job uses."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._due = clock.monotonic()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"nbflow-{job.name}")
        self._running: Future[None] | None = None

    def poke(self) -> None:
        """Start the job if it is due, unless it still goes on. Never waits; not after `close`."""
        if self._running is not None and not self._running.done():
            return
        if self._due <= self._clock.monotonic():
            self._running = self._thread.submit(self._once)

    def close(self) -> None:
        """Wait for what goes on, and begin nothing more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _once(self) -> None:
        name = self._job.name
        about = {"action": "background", "job": name}
        try:
            self._job.work()
        except MetastoreBusyError as problem:
            _log.warning("%s has to wait: %s", name, problem, extra=about)
        except NbflowError as problem:
            _log.error("%s failed: %s", name, problem, extra=about)
        except Exception:
            _log.exception("%s failed", name, extra=about)
        self._due = self._clock.monotonic() + self._job.every


@contextmanager
def beside_the_loop(service: "Service", live: "LiveFolder") -> Iterator[Callable[[], None]]:
    """Do what a scheduler does beside its loop; yields what is to be called before each step."""
    from nbflow.service.notices import Relay
    from nbflow.service.triggers import Triggers

    ending = threading.Event()

    def goes_on() -> bool:
        return not ending.is_set()

    live.goes_on = goes_on
    jobs = (
        Job(name="live", every=2.0, work=live.look),
        Job(name="notices", every=2.0, work=Relay.of(service, goes_on).work),
        Job(name="files", every=2.0, work=Triggers(service=service, goes_on=goes_on).look),
        Job(name="retention", every=RETAIN_EVERY, work=partial(_retain, service, goes_on)),
    )
    with ExitStack() as stack:
        # Each may take long, and none should wait for another.
        threads = [stack.enter_context(Background(job, service.clock)) for job in jobs]

        def poke() -> None:
            for thread in threads:
                thread.poke()

        try:
            yield poke
        finally:
            ending.set()


def _retain(service: "Service", goes_on: GoesOn) -> None:
    done = service.cleanup(goes_on=goes_on)
    if done.runs or done.freed or done.missed or done.backfills or done.versions:
        _log.info(
            "retention deleted %d runs, %d bytes, %d missed slots, %d backfills, %d versions",
            done.runs, done.freed, done.missed, done.backfills, done.versions,
            extra={"action": "retention"},
        )  # fmt: skip
    if done.holders:
        _log.warning(
            "the store holds %d bytes, more than it should; what may not go yet is mostly of %s",
            done.left, ", ".join(done.holders), extra={"action": "retention"},
        )  # fmt: skip
