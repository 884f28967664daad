"""A backfill: past slots of a DAG's schedule that somebody wants run, and what becomes of each."""

import enum
from dataclasses import dataclass
from datetime import datetime

from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.states import RunState


class Reprocess(enum.StrEnum):
    """Which slots that have a run already are run again."""

    NONE = "none"
    """None."""
    FAILED = "failed"
    """Those whose run failed or was cancelled."""
    COMPLETED = "completed"
    """Those whose run has ended, however."""


class BackfillState(enum.StrEnum):
    """Where a backfill stands."""

    RUNNING = "running"
    """Slots are still to be run, or their runs to end."""
    DONE = "done"
    """Every slot was decided on and every run has ended."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""


class SlotAction(enum.StrEnum):
    """What a backfill does with a slot."""

    NEW = "new"
    """It gets a run."""
    RERUN = "re-run"
    """Its run runs again, as a new attempt."""
    IN_FLIGHT = "in flight"
    """Its run goes on: nothing to do."""
    SKIPPED = "skipped"
    """Nothing is done."""


class SlotWhy(enum.StrEnum):
    """Why a backfill does that."""

    NO_RUN = "no run"
    """The slot never had a run."""
    SUCCEEDED = "succeeded"
    """Its run succeeded."""
    FAILED = "failed"
    """Its run failed."""
    CANCELLED = "cancelled"
    """Its run was cancelled."""
    GOES_ON = "goes on"
    """Its run has not ended."""
    BEFORE_START = "before start_date"
    """The slot lies before the DAG's start date."""
    AFTER_END = "after end_date"
    """The slot lies after the DAG's end date."""
    FUTURE = "in the future"
    """The slot has not come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backfill:
    """A backfill as the metastore keeps it. Instants are aware UTC.

    ``first`` and ``last`` are its earliest and latest slot, of ``slots`` in all. The schedule is the
    one that stood when it was asked for. ``cursor`` is the last slot decided on. ``max_active``
    None means that its runs count among the DAG's ``max_active_runs``; a number is a limit of their
    own, beside it.
    """

    id: str
    dag_id: DagId
    schedule_id: int
    expression: str
    timezone: str
    anchor: datetime | None
    first: datetime
    last: datetime
    slots: int
    reverse: bool = False
    reprocess: Reprocess = Reprocess.NONE
    max_active: int | None = None
    state: BackfillState = BackfillState.RUNNING
    cursor: datetime | None = None
    created: datetime | None = None
    ended: datetime | None = None
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DueBackfill:
    """A backfill under way: the DAG's version to run, how many more of its runs may be made, and
    how many have not ended.
    """

    entry: Backfill
    dag_version: Digest
    room: int
    unfinished: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillSlot:
    """What became, or will become, of one slot; ``run_id`` is the slot's run if it has one.

    ``run_state`` is how that run stands now, and ``note`` says why, of slots that were decided on.
    """

    slot: datetime
    action: SlotAction
    why: SlotWhy
    run_id: RunId | None = None
    run_state: RunState | None = None
    note: str = ""

    @property
    def is_outside(self) -> bool:
        """Tell whether it lies outside of the schedule's bounds, or in the future."""
        return self.why in _OUTSIDE


_OUTSIDE = frozenset({SlotWhy.BEFORE_START, SlotWhy.AFTER_END, SlotWhy.FUTURE})
