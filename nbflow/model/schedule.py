"""A DAG's schedule as the metastore keeps it, and what a tick writes. Instants are aware UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from nbflow.model.ids import DagId, Digest
from nbflow.model.options import Catchup, Overlap
from nbflow.model.sentence import Sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleEntry:
    """A schedule with its place in time.

    ``cursor`` is the last slot (or instant) decided, ``next_fire`` the first slot after it, None if
    there is none. ``anchor`` is the first deploy, where intervals without a start date begin.
    ``version`` counts the writes: a tick that saw an older one writes nothing.
    """

    dag_id: DagId
    expression: str
    timezone: str
    cursor: datetime
    next_fire: datetime | None
    anchor: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    catchup: Catchup = Catchup.LATEST
    overlap: Overlap = Overlap.QUEUE
    max_active_runs: int = 1
    id: int = 0
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A time in which a DAG made no runs: from ``since`` up to, not including, ``until``; None while
    it lasts.
    """

    since: datetime
    until: datetime | None = None

    def holds(self, instant: datetime) -> bool:
        """Tell whether the DAG was paused at an instant."""
        return self.since <= instant and (self.until is None or instant < self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class DueSchedule:
    """A schedule with a slot that has come: the DAG's version to run, its unfinished runs, and when
    it was paused.
    """

    entry: ScheduleEntry
    dag_version: Digest
    active_runs: int
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedSlot:
    """A slot that got no run, and why, as `missed_reason` knows it."""

    dag_id: DagId
    slot: datetime
    reason: str
    at: datetime
    """When it was decided."""


def in_zone(slot: datetime, zone: str, *, separator: str = " ") -> str:
    """Return a slot as people read it: in its schedule's own zone."""
    local = slot.astimezone(zone_or_utc(zone))
    return local.isoformat(separator, "seconds" if local.second else "minutes")


def zone_or_utc(name: str) -> tzinfo:
    """Return the IANA zone of that name, to tell times in; UTC if there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC


_MISSED = {
    "catchup": Sentence("no scheduler looked when it passed, and catchup leaves it out"),
    "paused": Sentence("the DAG was paused"),
    "overlap": Sentence("the run before it was still going"),
    "circle": Sentence("triggers set each other off, again and again"),
}


def missed_reason(code: str) -> str:
    """Return in words why a slot or an event got no run."""
    return _MISSED.get(code, code)
