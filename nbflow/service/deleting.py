"""Delete runs that have ended: what is on record first, then the files that nothing names any more."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from nbflow.errors import ConflictError
from nbflow.model.ids import RunId
from nbflow.model.sentence import Sentence
from nbflow.service.cleanup import collect
from nbflow.service.looking import find_run

if TYPE_CHECKING:
    from nbflow.service.service import Service


def runs_to_delete(service: "Service", texts: Iterable[str]) -> tuple[RunId, ...]:
    """Return the runs that are meant, each once. Raises NotFoundError, and ConflictError NBF661 for
    one that goes on or is about to.
    """
    from nbflow.metastore.clear import not_ended

    found = tuple(dict.fromkeys(find_run(service, text) for text in texts))
    waiting = set(service.store.clears.requested())
    for run_id in found:
        if not service.store.run_snapshot(run_id).state.is_final:
            raise not_ended(run_id)
        if run_id in waiting:
            raise waits_to_go_on(run_id)
    return found


def waits_to_go_on(run_id: RunId) -> ConflictError:
    """Return the error for an ended run that waits to go on."""
    return ConflictError(
        Sentence("Run {run_id} was cleared and is about to go on.", run_id=run_id),
        hint="nbflow runs cancel withdraws the clear.",
        code="NBF661",
    )


def delete_runs(service: "Service", run_ids: Sequence[RunId]) -> int:
    """Delete ended runs with their executed notebooks and logs, and the values that no other run
    needs; return the bytes that became free.

    Values stored in the last hour, or since an attempt that is under way began, go with the next clean-up.
    Killed half-way, what is left are files that no row names: the next clean-up deletes them.
    """
    from nbflow.artifacts.store import ArtifactStore

    files = ArtifactStore(service.settings.store)
    freed = 0
    for run_id in run_ids:
        if service.store.retention.delete_runs([run_id]):
            freed += files.delete_run(run_id)
    _, _, collected = collect(service, files)
    return freed + collected
