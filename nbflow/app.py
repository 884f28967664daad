"""The only wiring: settings become stores, executors and the service."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbflow.model.clock import Clock, SystemClock
from nbflow.service.service import Service
from nbflow.settings import Settings, load_settings

if TYPE_CHECKING:
    from nbflow.execution.executor import LocalExecutor
    from nbflow.metastore import Metastore
    from nbflow.model.dag import Dag
    from nbflow.service.loaded import LoadedDag
    from nbflow.service.reports import RunReport
    from nbflow.service.targets import Target


@contextmanager
def open_service(
    settings: Settings | None = None, *, clock: Clock | None = None
) -> Iterator[Service]:
    """Yield the service of an installation; the metastore is opened, and made, at first need."""
    chosen = settings or load_settings()
    time = clock or SystemClock()
    opened: list[Metastore] = []
    opening = threading.Lock()

    def open_store() -> "Metastore":
        with opening:
            if not opened:
                from nbflow.metastore import open_metastore
                from nbflow.service.reaping import reap

                chosen.home.mkdir(mode=0o700, parents=True, exist_ok=True)
                opened.append(open_metastore(chosen.database_url, clock=time))
                # Whoever looks next says what became of runs whose process died.
                reap(opened[0], time)
            return opened[0]

    def start_executor() -> "LocalExecutor":
        from nbflow.artifacts.store import ArtifactStore
        from nbflow.execution.executor import LocalExecutor
        from nbflow.execution.kernel_runtime import VALUE_KEY
        from nbflow.service.leases import TRUST

        # Kernels sign what they store, and load only what was signed here.
        key = ArtifactStore(chosen.store).value_key()
        return LocalExecutor(chosen.slots, environment={VALUE_KEY: key}, patience=TRUST)

    service = Service(settings=chosen, clock=time, open_store=open_store, executor=start_executor)
    try:
        yield service
    finally:
        for store in opened:
            store.close()


def load(target: "Target", *, dag: str | None = None) -> "LoadedDag":
    """Read and compile a notebook file, or a folder of notebooks that are one DAG.

    The object that comes back draws itself in a notebook and has ``run()``, ``lint()``,
    ``explain()`` and ``show()``. Findings don't raise; a file that is no notebook does
    (NotebookError), and so does a folder with several DAGs unless ``dag`` names one.
    """
    from nbflow.service.loaded import LoadedDag
    from nbflow.service.targets import load_one

    return LoadedDag(load_one(target, dag), open_service)


def compile_target(target: "Target", *, dag: str | None = None) -> "Dag":
    """Return the DAG of a notebook or folder as a value, with all findings. See `load`."""
    from nbflow.service.targets import load_one

    return load_one(target, dag).dag


def run(target: "Target", **parameters: Any) -> "RunReport":
    """Run a notebook or folder here and now with these parameters; see `LoadedDag.run`."""
    return load(target).run(**parameters)


def metrics(run: str = "last") -> "dict[str, dict[str, float]]":
    """Return what the tasks of a run recorded with `nbflow.metric`, by task and name.

    ``run`` is a run's id or its beginning. Raises NotFoundError, MetastoreError.
    """
    from nbflow.service.metrics import metrics_by_task

    with open_service() as service:
        return metrics_by_task(service, run)
