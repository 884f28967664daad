"""Retention: old runs go with their files, by age and by size; nothing that is used goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbflow.artifacts.store import ArtifactStore
    from nbflow.service.service import Service

KEEP_DAYS = 90.0
MAX_BYTES = 1 << 30
_BATCH = 50
_YOUNG = 3600.0
"""Seconds for which files that no row names are left: whoever wrote them may yet record them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """What a clean-up deleted, and the bytes that the store holds after it."""

    runs: int
    values: int
    attempts: int
    freed: int
    left: int


def cleanup(
    service: "Service", *, keep_days: float = KEEP_DAYS, max_bytes: int = MAX_BYTES
) -> Cleaned:
    """Delete ended runs that are older than ``keep_days``, then the oldest ones until the store
    holds at most ``max_bytes``, as far as they ended an hour ago; then what no run on record names.

    A DAG's newest run that succeeded is kept whatever its age; no file goes while an attempt is under
    way, which may hold values that no row names yet. Raises MetastoreError, StoreError.
    """
    from nbflow.artifacts.store import ArtifactStore

    files = ArtifactStore(service.settings.store, clock=lambda: service.clock.wall().timestamp())
    oldest = service.clock.wall() - timedelta(days=keep_days)
    runs = _delete(service, oldest, lambda: True)
    found = collect(service, files)
    # Files of younger runs would stay for now: without them nothing is won, and the runs are lost.
    settled = service.clock.wall() - timedelta(seconds=_YOUNG)
    while service.store.named_files().is_settled and _held(files) > max_bytes:
        removed = _delete(service, settled, _once())
        if not removed:
            break
        runs += removed
        found = [a + b for a, b in zip(found, collect(service, files), strict=True)]
    values, attempts, freed = found
    return Cleaned(runs=runs, values=values, attempts=attempts, freed=freed, left=_held(files))


def _delete(service: "Service", before: datetime, goes_on: Callable[[], bool]) -> int:
    """Delete runs that ended before an instant, batch by batch, so that nobody waits long."""
    count = 0
    while goes_on() and (batch := service.store.old_runs(before, limit=_BATCH)):
        deleted = service.store.delete_runs(batch)
        count += deleted
        if not deleted:
            break
    return count


def _once() -> Callable[[], bool]:
    turns = iter([True])
    return lambda: next(turns, False)


def collect(service: "Service", files: "ArtifactStore") -> list[int]:
    """Delete what no run on record names, unless an attempt is under way; return how many values,
    how many attempts' folders, and the bytes.
    """
    named = service.store.named_files()
    if not named.is_settled:
        return [0, 0, 0]
    collected = files.collect_garbage(named.bundles, named.attempts, _YOUNG)
    return [collected.values, collected.attempts, collected.bytes]


def _held(files: "ArtifactStore") -> int:
    usage = files.usage()
    return usage.value_bytes + usage.attempt_bytes
