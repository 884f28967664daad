"""Cancel many runs: those of a DAG that have not ended."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbflow.model.ids import DagId, RunId
from nbflow.model.states import RunState

if TYPE_CHECKING:
    from nbflow.service.service import Service


def runs_to_cancel(
    service: "Service", dag_id: str, state: RunState | None = None
) -> tuple[RunId, ...]:
    """Return the runs of a DAG that have not ended, or those of them in a state, newest first.

    Raises NotFoundError.
    """
    from nbflow.metastore.reads import RunFilter

    store, dag = service.store, DagId(dag_id)
    store.current_version(dag)
    # What waits comes first: else it would begin in the place of what was cancelled.
    states = (RunState.QUEUED, RunState.RUNNING) if state is None else (state,)
    pages = [store.page_of_runs(RunFilter(dag_id=dag, state=one, limit=None)) for one in states]
    # What can't be read of a run is no reason to let it go on.
    return tuple(
        run_id for page in pages for run_id in (*(run.id for run in page.rows), *page.unread)
    )


def cancel_runs(service: "Service", run_ids: Sequence[RunId]) -> int:
    """Ask whoever drives the runs to end them; return how many had not ended by themselves."""
    return sum(service.store.request_cancel(run_id) for run_id in run_ids)
