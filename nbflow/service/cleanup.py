"""Retention: old runs go with their files, by age and by size; nothing that is used goes."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbflow.artifacts.store import ArtifactStore, Usage
    from nbflow.service.service import Service

_BATCH = 50
"""Runs deleted in one transaction, at most: nobody waits long."""
_ATTEMPTS_A_RUN = 10
_YOUNG = timedelta(hours=1)
"""Files touched since are left though no row names them: whoever wrote them may yet record them."""
_LONGEST_DAYS = 365_000
_MARGIN = timedelta(minutes=5)
"""By so much the clocks of a metastore and of a file system may differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """What a clean-up deleted, and the bytes that the store holds after it."""

    runs: int
    values: int
    attempts: int
    freed: int
    left: int


def cleanup(
    service: "Service", *, keep_days: float | None = None, max_bytes: float | None = None
) -> Cleaned:
    """Delete ended runs that are older than ``keep_days``, then the oldest ones until the store
    holds at most ``max_bytes``, as far as their files may go; then what no run on record names.
    Both are by default what the settings say.

    A DAG's newest run that succeeded is kept whatever its age, and so is every file that an attempt
    that is under way may have touched. Raises MetastoreError, StoreError.
    """
    keep_days = service.settings.keep_days if keep_days is None else keep_days
    max_bytes = service.settings.keep_bytes if max_bytes is None else max_bytes
    from nbflow.artifacts.store import ArtifactStore

    files = ArtifactStore(service.settings.store)
    runs = 0
    if keep_days < math.inf:
        before = service.clock.wall() - timedelta(days=min(keep_days, _LONGEST_DAYS))
        while deleted := _delete(service, before, _BATCH):
            runs += deleted
    found = collect(service, files)
    while (usage := files.usage()).bytes > max_bytes:
        # Files of younger runs would stay for now: without them nothing is won, and the runs are lost.
        deleted = _delete(service, untouched_since(service), _few(usage, max_bytes))
        if not deleted:
            break
        runs += deleted
        found = [a + b for a, b in zip(found, collect(service, files), strict=True)]
    values, attempts, freed = found
    return Cleaned(
        runs=runs, values=values, attempts=attempts, freed=freed, left=files.usage().bytes
    )


def _delete(service: "Service", before: datetime, count: int) -> int:
    """Delete up to ``count`` runs that ended before an instant, the oldest first."""
    batch = service.store.old_runs(before, limit=count)
    return service.store.delete_runs(batch) if batch else 0


def _few(usage: "Usage", most: float) -> int:
    """Say how many runs to delete before the store is looked at again: surely not too many."""
    too_much = (usage.bytes - most) / usage.bytes
    return max(1, min(_BATCH, int(usage.attempts * too_much / _ATTEMPTS_A_RUN)))


def untouched_since(service: "Service", since: datetime | None = None) -> datetime:
    """Return the instant before which a file must have been touched last to go, if no row names it."""
    now = service.clock.wall()
    since = since or service.store.named_files().since
    return min(now - _YOUNG, since - _MARGIN) if since else now - _YOUNG


def collect(service: "Service", files: "ArtifactStore") -> list[int]:
    """Delete what no run on record names and no attempt under way can have touched; return how many
    values, how many attempts' folders, and the bytes.
    """
    named = service.store.named_files()
    oldest = untouched_since(service, named.since)
    collected = files.collect_garbage(named.bundles, named.attempts, oldest.timestamp())
    return [collected.values, collected.attempts, collected.bytes]
