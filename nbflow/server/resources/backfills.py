"""Backfills: what one would do, asking for it, how it stands, cancelling it."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from nbflow.metastore.backfills import BackfillRow
from nbflow.model.backfill import BackfillSlot, SlotWhy
from nbflow.model.ids import DagId
from nbflow.server.models.fields import Changed
from nbflow.server.models.runs import CancelRequest
from nbflow.server.models.schedules import (
    BackfillAnswer,
    BackfillForm,
    BackfillList,
    BackfillPlanned,
    BackfillQuery,
    BackfillRequest,
    Calendar,
    CalendarQuery,
    DayForm,
    SlotForm,
)
from nbflow.server.resources.paging import part
from nbflow.server.routing import Call, Route
from nbflow.service import backfill
from nbflow.texts import told


def list_backfills(call: Call) -> BackfillList:
    """Return the backfills, the newest first."""
    asked: BackfillQuery = call.query

    def is_wanted(row: BackfillRow) -> bool:
        entry = row.entry
        return asked.dag_id in (None, entry.dag_id) and asked.state in (None, entry.state)

    rows = call.service.store.backfills.rows()
    here, more = part(rows, asked, lambda row: row.entry.id, is_wanted)
    return BackfillList(items=[_form(row) for row in here], next=more)


def show_calendar(call: Call) -> Calendar:
    """Return the days on which slots of a schedule lie, with how those stand."""
    dag_id, asked = DagId(call.path["dag_id"]), call.query
    entry, days = backfill.calendar(call.service, dag_id, asked.first, asked.last)
    return Calendar(
        dag_id=dag_id,
        timezone=entry.timezone,
        items=[_day(day, why) for day, why in days],
    )


def _day(day: date, why: Counter[SlotWhy]) -> DayForm:
    return DayForm(
        day=day,
        slots=why.total(),
        no_run=why[SlotWhy.NO_RUN],
        succeeded=why[SlotWhy.SUCCEEDED],
        failed=why[SlotWhy.FAILED],
        cancelled=why[SlotWhy.CANCELLED],
        goes_on=why[SlotWhy.GOES_ON],
        left_out=why[SlotWhy.BEFORE_START] + why[SlotWhy.AFTER_END],
        future=why[SlotWhy.FUTURE],
    )


def create_backfill(call: Call) -> BackfillPlanned:
    """Record a backfill, or with `dry_run` only say what it would do."""
    asked: BackfillRequest = call.body
    request = backfill.BackfillRequest(
        dag_id=DagId(asked.dag_id),
        first=asked.first,
        last=asked.last,
        reverse=asked.reverse,
        reprocess=asked.reprocess,
        max_active=asked.max_active,
        before_start=asked.before_start,
    )
    if asked.dry_run:
        made, planned = None, backfill.plan(call.service, request)
    else:
        made, planned = backfill.create(call.service, request, confirmed=asked.confirmed)
    return BackfillPlanned(
        backfill_id=made.id if made else None,
        will_run=len(planned.runs),
        slots=_slots(planned.slots, call.lang),
    )


def show_backfill(call: Call) -> BackfillAnswer:
    """Return a backfill with the slots it has decided on."""
    row, slots = backfill.show(call.service, call.path["backfill_id"])
    return BackfillAnswer(backfill=_form(row), decided=_slots(slots, call.lang))


def cancel_backfill(call: Call) -> Changed:
    """End a backfill and all its runs."""
    found, changed = backfill.cancel(call.service, call.path["backfill_id"])
    return Changed(id=found, changed=changed)


def _form(row: BackfillRow) -> BackfillForm:
    entry = row.entry
    return BackfillForm(
        backfill_id=entry.id,
        dag_id=entry.dag_id,
        state=entry.state.value,
        first=entry.first,
        last=entry.last,
        slots=entry.slots,
        decided=row.decided,
        runs={state.value: count for state, count in sorted(row.runs.items())},
        created=entry.created,
    )


def _slots(slots: Iterable[BackfillSlot], lang: str) -> list[SlotForm]:
    return [
        SlotForm(
            slot=one.slot,
            action=one.action.value,
            why=one.why.value,
            run_id=one.run_id,
            state=one.run_state.value if one.run_state else None,
            reason=told(one.note, lang),
        )
        for one in slots
    ]


ROUTES = (
    Route(
        method="GET",
        path="/dags/{dag_id}/calendar",
        answer=show_calendar,
        summary="Show the days on which slots of a schedule lie, and how their runs stand.",
        query=CalendarQuery,
        given=Calendar,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/backfills",
        answer=list_backfills,
        summary="List backfills, the newest first.",
        query=BackfillQuery,
        given=BackfillList,
    ),
    Route(
        method="POST",
        path="/backfills",
        answer=create_backfill,
        summary="Run past slots of a schedule, or say what would be run.",
        action="execute",
        body=BackfillRequest,
        given=BackfillPlanned,
        status=202,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/backfills/{backfill_id}",
        answer=show_backfill,
        summary="Show a backfill with the slots it has decided on.",
        given=BackfillAnswer,
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/backfills/{backfill_id}/cancel",
        answer=cancel_backfill,
        summary="End a backfill and all its runs.",
        action="execute",
        body=CancelRequest,
        given=Changed,
        status=202,
        problems=(404,),
    ),
)
