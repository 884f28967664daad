"""The only wiring: settings become stores, executors and the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbflow.model.clock import Clock, SystemClock
from nbflow.service.service import Service
from nbflow.settings import Settings, load_settings

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore


@contextmanager
def open_service(
    settings: Settings | None = None, *, clock: Clock | None = None
) -> Iterator[Service]:
    """Yield the service of an installation; the metastore is opened, and made, at first need."""
    chosen = settings or load_settings()
    time = clock or SystemClock()
    opened: list[Metastore] = []

    def open_store() -> "Metastore":
        if not opened:
            from nbflow.metastore import open_metastore

            chosen.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened.append(open_metastore(chosen.database_url, clock=time))
            # Whoever looks next says what became of runs whose process died.
            opened[0].reap()
        return opened[0]

    def start_executor() -> "LocalExecutor":
        from nbflow.execution.executor import LocalExecutor

        return LocalExecutor(chosen.slots)

    service = Service(settings=chosen, clock=time, open_store=open_store, executor=start_executor)
    try:
        yield service
    finally:
        for store in opened:
            store.close()
