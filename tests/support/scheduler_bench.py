"""Schedulers at work in one test process: a calendar that moves when told to, and waiting for ends."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import nbflow.app
from nbflow.execution.executor import LocalExecutor
from nbflow.service.scheduler import Scheduler
from nbflow.service.service import Service

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PATIENCE = 90.0


class Calendar:
    """A calendar that moves when told to, beside a real monotonic clock that can be put forward."""

    def __init__(self) -> None:
        self.at = NOON
        self.ahead = 0.0
        self._held: float | None = None

    def wall(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (time.monotonic() if self._held is None else self._held) + self.ahead

    def stand_still(self) -> None:
        """Let no time pass by itself, where a pause must not be over on a slow machine."""
        self._held = time.monotonic()

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ahead += seconds


def in_kernels(service: Service) -> LocalExecutor:
    """Return the executor that a service has."""
    return service.executor()


@contextmanager
def schedulers(settings, calendar, count=1, *, execute=in_kernels) -> Iterator[list[Scheduler]]:
    """Open schedulers as separate processes would have them; ``execute`` makes a service's executor."""
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            opened = stack.enter_context(nbflow.app.open_service(settings, clock=calendar))
            executor = stack.enter_context(execute(opened))
            made.append(Scheduler(service=opened, executor=executor))
        yield made


def until(found, *working: Scheduler):
    """Let the schedulers work in turn until ``found`` says so."""
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < deadline, "it never came to be"
        for scheduler in working:
            scheduler.step(0.05)
    return result


def ended(service, count=1):
    """Return a question: have ``count`` runs ended? It answers with them, oldest first."""

    def look():
        runs = [run for run in service.store.list_runs() if run.state.is_final]
        return sorted(runs, key=lambda r: r.logical_date) if len(runs) >= count else None

    return look
