"""Backfills: planned, recorded, worked on by schedulers, cancelled."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import NotFoundError
from nbflow.model.backfill import Backfill, BackfillSlot, DueBackfill, Reprocess, SlotWhy
from nbflow.model.ids import DagId
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind
from nbflow.scheduling.backfill import (
    SlotRun,
    backfill_schedule,
    decide_slot,
    next_slots,
    plan_backfill,
    read_range,
    refuse_flood,
    will_run,
)
from nbflow.scheduling.schedule import ScheduleError, read_zone
from nbflow.scheduling.slots import data_interval
from nbflow.service.run import BASE32, new_run_id

if TYPE_CHECKING:
    from nbflow.metastore import BackfillRow
    from nbflow.service.service import Service

CHUNK = 100
"""Slots decided on in one transaction, at most."""
MOST_DAYS = timedelta(days=62)
"""Days that a calendar shows at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillRequest:
    """What is asked for. ``first`` and ``last`` are days or instants in ISO form, both included."""

    dag_id: DagId
    first: str
    last: str
    reverse: bool = False
    reprocess: Reprocess = Reprocess.NONE
    max_active: int | None = None
    before_start: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillPlan:
    """What a backfill would do with every slot of its range, and the schedule they are of."""

    entry: ScheduleEntry
    slots: tuple[BackfillSlot, ...]

    @property
    def runs(self) -> tuple[BackfillSlot, ...]:
        """The slots that get a run, or run again."""
        return will_run(self.slots)


def plan(service: "Service", request: BackfillRequest) -> BackfillPlan:
    """Say what a backfill would do; nothing is written.

    Raises NotFoundError for a DAG that is not deployed, ScheduleError for one without a schedule
    and for what is no range.
    """
    store = service.store
    store.current_version(request.dag_id)
    entry = store.schedule(request.dag_id)
    if entry is None or not entry.expression:
        raise ScheduleError(
            Sentence("{dag} has no schedule, so it has no slots", dag=request.dag_id),
            hint="give it one and deploy it; nbflow dags trigger --date runs it for a day",
            code="NBF225",
        )
    wanted = read_range(
        request.first, request.last, read_zone(entry.timezone), before_start=request.before_start
    )
    runs = {
        slot: SlotRun(run_id=run_id, state=state)
        for slot, (run_id, state) in store.backfills.slot_runs(
            request.dag_id, entry.id, wanted.first, wanted.last
        ).items()
    }
    slots = plan_backfill(entry, wanted, runs, request.reprocess, service.clock.wall())
    return BackfillPlan(entry=entry, slots=slots)


def calendar(
    service: "Service", dag_id: DagId, first: date, last: date
) -> tuple[ScheduleEntry, list[tuple[date, Counter[SlotWhy]]]]:
    """Return a schedule with the days of a range that have slots, in its zone, and how those stand.

    Raises what `plan` raises; ScheduleError for a range of more than two months.
    """
    if last - first >= MOST_DAYS:
        raise ScheduleError(
            Sentence("a calendar shows {most} days at most", most=MOST_DAYS.days),
            hint="choose a shorter range",
            code="NBF225",
        )
    wanted = BackfillRequest(dag_id=dag_id, first=first.isoformat(), last=last.isoformat())
    planned = plan(service, wanted)
    zone = read_zone(planned.entry.timezone)
    days: dict[date, Counter[SlotWhy]] = {}
    for one in planned.slots:
        days.setdefault(one.slot.astimezone(zone).date(), Counter())[one.why] += 1
    return planned.entry, sorted(days.items())


def create(
    service: "Service", request: BackfillRequest, *, confirmed: bool = False
) -> tuple[Backfill | None, BackfillPlan]:
    """Record a backfill for schedulers to work on; None if no slot would run.

    Raises what `plan` raises; ScheduleError for more than a thousand slots unless ``confirmed``;
    UsageError if another backfill is about some of the slots.
    """
    planned = plan(service, request)
    if not planned.runs:
        return None, planned
    if not confirmed:
        refuse_flood(planned.slots)
    entry = planned.entry
    inside = [one.slot for one in planned.slots if not one.is_outside]
    made = Backfill(
        id="".join(secrets.choice(BASE32) for _ in range(8)),
        dag_id=request.dag_id,
        schedule_id=entry.id,
        expression=entry.expression,
        timezone=entry.timezone,
        anchor=entry.start or entry.anchor,
        first=inside[0],
        last=inside[-1],
        slots=len(inside),
        reverse=request.reverse,
        reprocess=request.reprocess,
        max_active=request.max_active,
    )
    service.store.backfills.create(made)
    return made, planned


def cancel(service: "Service", text: str) -> tuple[str, bool]:
    """End a backfill and all its runs; return its id, and False if it had ended. NotFoundError."""
    backfills = service.store.backfills
    found = backfills.find(text)
    return found, backfills.cancel(found)


def show(service: "Service", text: str) -> "tuple[BackfillRow, Sequence[BackfillSlot]]":
    """Return a backfill with the slots it has decided on. NotFoundError."""
    backfills = service.store.backfills
    found = backfills.find(text)
    rows = backfills.rows(found)
    if not rows:
        raise NotFoundError(Sentence("There is no backfill {text!r}.", text=text), code="NBF613")
    return rows[0], backfills.decided(found)


def work_on(service: "Service", due: DueBackfill) -> bool:
    """Make the next runs of a backfill, or end it; tell whether anything was written."""
    from nbflow.metastore import Chunk, NewRun, slot_key

    entry = due.entry
    slots = next_slots(entry, CHUNK)
    if not slots and due.unfinished:
        return False
    schedule = backfill_schedule(entry)

    def new_run(slot: datetime) -> NewRun:
        interval = data_interval(schedule, slot)
        return NewRun(
            run_id=new_run_id(RunKind.BACKFILL, slot),
            dag_id=entry.dag_id,
            version=due.dag_version,
            kind=RunKind.BACKFILL,
            slot_key=slot_key(entry.schedule_id, slot),
            logical_date=slot,
            data_interval=(interval.start, interval.end),
            driven=False,
        )

    decide = partial(decide_slot, reprocess=entry.reprocess)
    chunk = Chunk(due=due, slots=slots, decide=decide, new_run=new_run)
    return service.store.backfills.work_on(chunk)
