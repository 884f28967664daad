"""Retention: old runs go with their files, by age and by size; nothing that is used goes."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from nbflow.model.going_on import GoesOn, always
from nbflow.model.ids import DagId, RunId

if TYPE_CHECKING:
    from nbflow.artifacts.store import ArtifactStore, Sizes
    from nbflow.metastore.prune import NamedFiles, RunFiles
    from nbflow.service.service import Service

_BATCH = 50
"""Runs deleted in one transaction, at most: nobody waits long."""
_YOUNG = timedelta(hours=1)
"""Files touched since are left though no row names them: whoever wrote them may yet record them."""
_LONGEST_DAYS = 365_000
_MARGIN = timedelta(minutes=5)
"""By so much the clocks of a metastore and of a file system may differ."""
_LEAST_SHARE = 0.1
"""Of the limit, so much is left to runs that may go, however much those hold that may not."""
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """What a clean-up deleted, and the bytes that the store holds after it, None if it broke off.

    ``stays`` are the bytes that may not go yet; if they alone are more than the limit, ``holders`` are
    the DAGs whose runs hold most of them. ``missed`` are slots, ``versions`` those of DAGs.
    """

    runs: int = 0
    values: int = 0
    attempts: int = 0
    missed: int = 0
    backfills: int = 0
    versions: int = 0
    freed: int = 0
    left: int | None = None
    stays: int = 0
    holders: tuple[DagId, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Which runs go so that the store gets as small as it should, or as it can."""

    runs: Sequence[RunId]
    stays: int
    holders: tuple[DagId, ...]


def cleanup(
    service: "Service",
    *,
    keep_days: float | None = None,
    max_bytes: float | None = None,
    goes_on: GoesOn = always,
) -> Cleaned:
    """Delete ended runs that are older than ``keep_days``, then the oldest ones until the store
    holds at most ``max_bytes``, as far as their files may go; then what no run on record names.
    Both are by default what the settings say. With their age go missed slots, ended backfills and
    versions, too, once no run needs them. ``goes_on`` is asked between small steps;
    once it says no, the rest is left for another time.

    A DAG's newest run that succeeded is kept whatever its age, and so are those whose values runs of
    some of its tasks read, and every file that an attempt that is under way may have touched. No run goes
    for space that these take. What fails holds up nothing else, and is raised in the end: MetastoreError,
    StoreError.
    """
    from nbflow.artifacts.store import ArtifactStore

    keep_days = service.settings.keep_days if keep_days is None else keep_days
    max_bytes = service.settings.keep_bytes if max_bytes is None else max_bytes
    work = _Cleaning(service, ArtifactStore(service.settings.store), goes_on)
    before = _kept_since(service, keep_days)
    steps: list[Callable[[], object]] = [work.collect, partial(work.make_room, max_bytes)]
    if before is not None:
        steps = [partial(work.delete_old, before), *steps, *work.forgetting(before)]
    failed: Exception | None = None
    for step in steps:
        if not goes_on():
            break
        try:
            step()
        except Exception as problem:
            failed = failed or problem
    if failed is not None:
        raise failed
    return work.done


class _Cleaning:
    """The steps of a clean-up; each adds what it deleted to ``done``."""

    def __init__(self, service: "Service", files: "ArtifactStore", goes_on: GoesOn) -> None:
        self._service, self._files, self._goes_on = service, files, goes_on
        self._retention = service.store.retention
        self.done = Cleaned()

    def delete_old(self, before: datetime) -> None:
        """Delete runs for their age."""
        while self._goes_on() and (batch := self._retention.old_runs(before, limit=_BATCH)):
            gone = self._retention.delete_runs(batch)
            self._add(runs=gone)
            if not gone:
                break

    def collect(self) -> None:
        """Delete files that no run on record names."""
        values, attempts, freed = collect(self._service, self._files, self._goes_on)
        self._add(values=values, attempts=attempts, freed=freed)

    def make_room(self, max_bytes: float) -> None:
        """Delete runs with their files while the store holds too much."""
        runs = self._retention.files_of_runs()
        room = make_room(self._service, self._files.sizes(), runs, max_bytes)
        for begin in range(0, len(room.runs), _BATCH):
            if self._goes_on():
                gone = self._retention.delete_runs(room.runs[begin : begin + _BATCH])
                self._add(runs=gone)
        if room.runs:
            self.collect()
        left = self._files.sizes().bytes
        self.done = replace(self.done, left=left, stays=room.stays, holders=room.holders)

    def forgetting(self, before: datetime) -> list[Callable[[], object]]:
        """Return the steps that delete what else is on record for too long, and named by no run."""
        kept, unused = self._retention, _unused_since(self._service, before)

        def forget(what: str, some: Callable[[], Iterator[int]]) -> None:
            for gone in some():
                self._add(**{what: gone})
                if not self._goes_on():
                    break

        return [
            partial(kept.forget_instances, before),
            partial(forget, "missed", partial(kept.forget_missed, before)),
            partial(forget, "backfills", partial(kept.forget_backfills, before)),
            partial(forget, "versions", partial(kept.forget_versions, unused)),
        ]

    def _add(self, **counts: int) -> None:
        sums = {name: getattr(self.done, name) + count for name, count in counts.items()}
        self.done = replace(self.done, **sums)


def _unused_since(service: "Service", before: datetime) -> datetime:
    """Return the instant since when versions were not used that go: whoever has just recorded one may
    yet make a run of it.
    """
    return min(before, service.clock.wall() - _YOUNG)


def preview(
    service: "Service", *, keep_days: float | None = None, max_bytes: float | None = None
) -> Cleaned:
    """Tell what `cleanup` would delete now; nothing is."""
    from nbflow.artifacts.store import ArtifactStore
    from nbflow.metastore.old_records import OldRecords

    retention = service.store.retention
    keep_days = service.settings.keep_days if keep_days is None else keep_days
    max_bytes = service.settings.keep_bytes if max_bytes is None else max_bytes
    files = ArtifactStore(service.settings.store)
    before = _kept_since(service, keep_days)
    old = set() if before is None else set(retention.old_runs(before))
    touched = _untouched_since(service, retention.named_files()).timestamp()
    runs = {run_id: run for run_id, run in retention.files_of_runs().items() if run_id not in old}

    def garbage(runs: "Collection[RunFiles]") -> "Sizes":
        bundles = frozenset(digest for run in runs for digest in run.bundles)
        attempts = frozenset(name for run in runs for name in run.attempts)
        return files.garbage(bundles, attempts, touched)

    whole, first = files.sizes(), garbage(runs.values())
    room = make_room(service, whole.without(first), runs, max_bytes)
    goes = garbage([run for run_id, run in runs.items() if run_id not in room.runs])
    records = OldRecords()
    if before is not None:
        gone = {*old, *room.runs}
        records = retention.old_records(before, _unused_since(service, before), without=gone)
    return Cleaned(
        missed=records.missed, backfills=records.backfills, versions=records.versions,
        runs=len(old) + len(room.runs), values=len(goes.values), attempts=len(goes.attempts),
        freed=goes.bytes, left=whole.bytes - goes.bytes, stays=room.stays, holders=room.holders,
    )  # fmt: skip


def _kept_since(service: "Service", keep_days: float) -> datetime | None:
    """Return the instant before which runs ended that go for their age, None if none does."""
    if keep_days == math.inf:
        return None
    return service.clock.wall() - timedelta(days=min(keep_days, _LONGEST_DAYS))


def make_room(
    service: "Service", sizes: "Sizes", runs: "Mapping[RunId, RunFiles]", max_bytes: float
) -> Room:
    """Choose the runs to delete of ``runs``, the oldest first and none more than need be.

    What may not go is left out of account where it alone fills the store: else every other run would
    go and nothing be won.
    """
    if sizes.bytes <= max_bytes:
        return Room(runs=(), stays=0, holders=())
    # Files of younger runs would stay for now.
    before = _untouched_since(service, service.store.retention.named_files())
    may_go = [run for run in service.store.retention.old_runs(before) if run in runs]
    gains = _gains(runs, may_go, sizes)
    stays = sizes.bytes - sum(gains)
    target = max(max_bytes, stays + _LEAST_SHARE * max_bytes)
    chosen, left = [], sizes.bytes
    for run_id, gain in zip(may_go, gains, strict=True):
        if left <= target:
            break
        chosen.append(run_id)
        left -= gain
    gone = set(may_go)
    kept = [run for run_id, run in runs.items() if run_id not in gone]
    return Room(
        runs=chosen, stays=stays, holders=_holders(kept, sizes) if stays > max_bytes else ()
    )


def _gains(runs: Mapping[RunId, "RunFiles"], going: Sequence[RunId], sizes: "Sizes") -> list[int]:
    """Return the bytes that become free with each run, if those before it have gone."""
    uses = Counter(bundle for run in runs.values() for bundle in run.bundles)
    gains = []
    for run_id in going:
        run = runs[run_id]
        uses.subtract(run.bundles)
        alone = (bundle for bundle in run.bundles if not uses[bundle])
        gains.append(
            sum(sizes.attempts.get(name, 0) for name in run.attempts)
            + sum(sizes.values.get(bundle, 0) for bundle in alone)
        )
    return gains


def _holders(runs: Iterable["RunFiles"], sizes: "Sizes") -> tuple[DagId, ...]:
    """Return the DAGs whose runs hold most."""
    held: Counter[DagId] = Counter()
    for run in runs:
        held[run.dag_id] += sum(sizes.values.get(bundle, 0) for bundle in run.bundles)
        held[run.dag_id] += sum(sizes.attempts.get(name, 0) for name in run.attempts)
    return tuple(dag for dag, size in held.most_common(_NAMED) if size)


def _untouched_since(service: "Service", named: "NamedFiles") -> datetime:
    """Return the instant before which a file must have been touched last to go, if no row names it."""
    young = service.clock.wall() - _YOUNG
    return young if named.since is None else min(young, named.since - _MARGIN)


def collect(service: "Service", files: "ArtifactStore", goes_on: GoesOn = always) -> list[int]:
    """Delete what no run on record names and no attempt under way can have touched; return how many
    values, how many attempts' folders, and the bytes.
    """
    named = service.store.retention.named_files()
    oldest = _untouched_since(service, named)
    before = oldest.timestamp()
    collected = files.collect_garbage(named.bundles, named.attempts, before, goes_on)
    return [collected.values, collected.attempts, collected.bytes]
