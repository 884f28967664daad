"""Which events make a run, and what a trigger remembers afterwards. All of it is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nbflow.model.triggers import FileMark, Trigger, TriggerKind, TriggerState

MAX_DEPTH = 32
"""Runs that triggered each other in a row; a longer chain is taken for a circle."""
NAMED_FILES = 20
"""Files that a cause names; it counts the others."""

FRESH = timedelta(seconds=2)
"""No file system's times are coarser: what changes again within it may look as it did."""
AHEAD = timedelta(minutes=1)
"""So far a file server's clock may be ahead; a time beyond says nothing about when a file changed."""
_SECOND = 1_000_000_000

Stamp = tuple[int, int, int]
"""Size of a file, its time of change, and its number in the file system."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaction:
    """What an event does: ``cause`` describes the run that it makes, None for none."""

    state: TriggerState
    cause: Mapping[str, Any] | None = None
    refused: str = ""
    """Why an event that would make a run makes none."""


def react(
    trigger: Trigger, state: TriggerState, event: Mapping[str, Any], now: datetime
) -> Reaction:
    """Say what a run's end, or a recorded metric, does."""
    depth = int(event.get("depth", 0)) + 1
    if trigger.kind is TriggerKind.METRIC:
        reaction = _react_to_metric(trigger, state, event, now)
    else:
        kept = {key: event[key] for key in ("dag", "run", "state")}
        reaction = Reaction(state=state, cause={"kind": TriggerKind.DAG.value, **kept})
    if reaction.cause is None:
        return reaction
    if depth > MAX_DEPTH:
        return replace(reaction, cause=None, refused="circle")
    return replace(reaction, cause={**reaction.cause, "depth": depth})


def _react_to_metric(
    trigger: Trigger, state: TriggerState, event: Mapping[str, Any], now: datetime
) -> Reaction:
    """A run is made when the condition comes to hold, at most one in each cool-down; a value that
    came to hold meanwhile makes one with the next value after it, if that still meets it.
    """
    condition, value = trigger.metric, float(event["value"])
    assert condition is not None, "a metric's trigger has a condition"
    if not condition.holds(value):
        return Reaction(state=replace(state, is_armed=True))
    rest = timedelta(seconds=trigger.cooldown)
    is_cool = state.fired is None or now - datetime.fromisoformat(state.fired) >= rest
    if not state.is_armed or not is_cool:
        return Reaction(state=state)
    cause = {key: event[key] for key in ("dag", "run", "task", "name", "value")}
    cause |= {
        "kind": TriggerKind.METRIC.value,
        "operator": condition.operator,
        "bound": condition.bound,
    }
    return Reaction(state=replace(state, is_armed=False, fired=now.isoformat()), cause=cause)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unrest:
    """Files that look other than they did, and since when (a monotonic instant)."""

    found: Mapping[str, Stamp]
    since: float


def is_as_read(mark: FileMark, stamp: Stamp) -> bool:
    """Tell whether a file need not be read again: its size, time and number vouch for its content."""
    size, time, inode = stamp
    is_same = (mark.size, mark.time) == (size, time) and mark.inode in (0, inode)
    return is_same and not mark.is_fresh


def is_fresh(stamp: Stamp, now: datetime) -> bool:
    """Tell whether a file that is read now may change and look no other."""
    age = now.timestamp() - stamp[1] / _SECOND
    return -AHEAD.total_seconds() < age < FRESH.total_seconds()


def watch_unrest(
    seen: Mapping[str, FileMark],
    found: Mapping[str, Stamp],
    before: Unrest | None,
    now: float,
    debounce: float,
) -> tuple[Unrest | None, bool]:
    """Say whether files may have changed, by what tells it without reading them, and have been quiet
    for ``debounce`` seconds.
    """
    if seen.keys() == found.keys() and all(is_as_read(seen[path], found[path]) for path in found):
        return None, False
    if before is None or before.found != found:
        before = Unrest(found=dict(found), since=now)
    return before, now - before.since >= debounce


def react_to_files(
    trigger: Trigger, state: TriggerState, found: Mapping[str, FileMark], version: str
) -> Reaction:
    """Say what files do, by content: one that is new or changed makes a run; one that is gone, or
    was only touched, doesn't. For code, so does another version of the DAG.
    """
    changed = sorted(
        path
        for path, mark in found.items()
        if path not in state.seen or state.seen[path].sha != mark.sha
    )
    after = replace(state, seen=dict(found), version=version)
    deployed = trigger.kind is TriggerKind.CODE and state.version != version
    if not changed and not deployed:
        return Reaction(state=after)
    cause = {
        "kind": trigger.kind.value,
        "files": changed[:NAMED_FILES],
        "count": len(changed),
        "depth": 1,
    }
    return Reaction(state=after, cause=cause | ({"deployed": version} if deployed else {}))
