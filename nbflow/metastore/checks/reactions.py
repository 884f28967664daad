"""What follows from slots, runs and metrics: backfills, triggers and notifications."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.checks.questions import Question, ask
from nbflow.metastore.checks.violation import Violation
from nbflow.metastore.schedules import slot_key
from nbflow.metastore.triggers import PREFIX, trigger_key
from nbflow.model.backfill import BackfillState
from nbflow.model.notices import NoticeEvent
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind, RunState
from nbflow.model.triggers import TriggerKind

_GOING = BackfillState.RUNNING.value
_TELLS = {
    NoticeEvent.FAILURE.value: RunState.FAILED.value,
    NoticeEvent.RECOVERY.value: RunState.SUCCESS.value,
}


def reactions(connection: Connection) -> Iterator[Violation]:
    """I32 to I37."""
    questions = [*_decided(), *_backfills(), *_triggers(), *_notices()]
    yield from ask(connection, questions)
    yield from _slots_of_backfills(connection)
    yield from _causes(connection)
    yield from _pending_events(connection)
    yield from _told_runs(connection)


def _decided() -> list[Question]:
    """I32: a backfill decides on each of its slots, in their order."""
    of, slot = t.backfill.c, t.backfill_slot.c
    decided = (
        select(
            slot.backfill_id,
            func.count().label("n"),
            func.min(slot.slot_utc).label("first"),
            func.max(slot.slot_utc).label("last"),
        )
        .group_by(slot.backfill_id)
        .subquery()
    )
    count = func.coalesce(decided.c.n, 0)
    newest = case((of.reverse == 1, decided.c.first), else_=decided.c.last)
    with_slots = t.backfill.outerjoin(decided, decided.c.backfill_id == of.id)
    return [
        Question(
            "I32",
            Sentence("the backfill decided on other slots than its own"),
            select(of.id)
            .select_from(with_slots)
            .where(
                or_(
                    decided.c.first < of.first_utc,
                    decided.c.last > of.last_utc,
                    count > of.slots,
                    and_(of.state == BackfillState.DONE.value, count != of.slots),
                )
            ),
        ),
        Question(
            "I32",
            Sentence("the backfill goes on from another slot than the last it decided on"),
            select(of.id).select_from(with_slots).where(of.cursor_utc.is_distinct_from(newest)),
        ),
    ]


def _backfills() -> list[Question]:
    """I33: a backfill has ended when its runs have, or were asked to."""
    of, run, other = t.backfill.c, t.run.c, t.backfill.alias("other")
    return [
        Question(
            "I33",
            Sentence("the backfill is over, but this run of it goes on"),
            select(run.backfill_id, run.id)
            .join(t.backfill, of.id == run.backfill_id)
            .where(
                run.state.in_(t.GOING),
                or_(
                    of.state == BackfillState.DONE.value,
                    and_(of.state == BackfillState.CANCELLED.value, run.cancel_requested == 0),
                ),
            ),
        ),
        Question(
            "I33",
            Sentence("is of a backfill that there is not"),
            select(run.id)
            .outerjoin(t.backfill, of.id == run.backfill_id)
            .where(run.backfill_id.is_not(None), of.id.is_(None)),
        ),
        Question(
            "I33",
            Sentence("has an end and goes on, or ended without one"),
            select(of.id).where(
                or_(
                    and_(of.state == _GOING, of.ended.is_not(None)),
                    and_(of.state != _GOING, of.ended.is_(None)),
                )
            ),
        ),
        Question(
            "I33",
            Sentence("two backfills are about the same slots"),
            select(of.id, other.c.id)
            .join(other, and_(other.c.dag_id == of.dag_id, other.c.id > of.id))
            .where(
                of.state == _GOING,
                other.c.state == _GOING,
                other.c.first_utc <= of.last_utc,
                other.c.last_utc >= of.first_utc,
            ),
        ),
    ]


def _slots_of_backfills(connection: Connection) -> Iterator[Violation]:
    """I32: the run that a backfill names is the slot's; cleaned-up runs are left out."""
    of, slot, run = t.backfill.c, t.backfill_slot.c, t.run.c
    query = (
        select(slot.backfill_id, slot.slot_utc, slot.run_id, of.schedule_id, of.dag_id)
        .add_columns(run.id, run.slot_key, run.dag_id.label("of_dag"))
        .join(t.backfill, of.id == slot.backfill_id)
        .outerjoin(t.run, run.id == slot.run_id)
        .where(or_(slot.run_id.is_(None), run.id.is_not(None)))
        .order_by(slot.backfill_id, slot.slot_utc)
    )
    for row in connection.execute(query):
        wanted = (row.dag_id, slot_key(row.schedule_id, row.slot_utc))
        if row.run_id is None or (row.of_dag, row.slot_key) != wanted:
            yield Violation(
                code="I32",
                place=f"{row.backfill_id}/{row.slot_utc.isoformat()}",
                message=Sentence("the backfill names another run than the slot's"),
            )


def _triggers() -> list[Question]:
    """I35: an event fires once, for a trigger that is there."""
    told, of, run, missed = t.trigger_event.c, t.dag_trigger.c, t.run.c, t.missed.c
    same_key = and_(missed.dag_id == run.dag_id, missed.slot_key == run.slot_key)
    return [
        Question(
            "I35",
            Sentence("an event waits for a trigger that is gone"),
            select(told.trigger_id, told.name)
            .join(t.dag_trigger, of.id == told.trigger_id)
            .where(of.active == 0),
        ),
        Question(
            "I35",
            Sentence("an event made a run and counts as missed, too"),
            select(run.id)
            .join(t.missed, same_key)
            .where(run.slot_key.startswith(PREFIX, autoescape=True)),
        ),
    ]


def _causes(connection: Connection) -> Iterator[Violation]:
    """I34: a run that a trigger made tells what caused it, under a key that says the same."""
    run, of = t.run.c, t.dag_trigger.c
    by_trigger = or_(
        run.kind == RunKind.TRIGGERED.value, run.slot_key.startswith(PREFIX, autoescape=True)
    )
    triggers = {row.id: row.dag_id for row in connection.execute(select(of.id, of.dag_id))}
    query = select(run.id, run.dag_id, run.kind, run.slot_key, run.cause).where(by_trigger)
    for row in connection.execute(query.order_by(run.id)):
        number, _, event = row.slot_key.removeprefix(PREFIX).partition(":")
        message = None
        if row.kind != RunKind.TRIGGERED.value or not row.cause:
            message = Sentence("a trigger made it, but what caused that is not on record")
        elif not number.isdigit() or triggers.get(int(number)) != row.dag_id:
            message = Sentence("was made by a trigger that its DAG never had")
        elif row.cause.get("kind") == TriggerKind.DAG.value and not event.startswith(
            f"{row.cause.get('run')}:"
        ):
            message = Sentence("was made by another event than its cause")
        if message is not None:
            yield Violation(code="I34", place=row.id, message=message)


def _pending_events(connection: Connection) -> Iterator[Violation]:
    """I35: an event that was decided on waits no more."""
    told, of = t.trigger_event.c, t.dag_trigger.c
    query = select(told.trigger_id, told.name, of.dag_id).join(
        t.dag_trigger, of.id == told.trigger_id
    )
    for row in connection.execute(query.order_by(told.id)).all():
        key = trigger_key(row.trigger_id, row.name)
        for table in (t.run, t.missed):
            at = select(table.c.slot_key).where(
                table.c.dag_id == row.dag_id, table.c.slot_key == key
            )
            if connection.execute(at).first() is not None:
                message = Sentence("an event that was decided on waits still")
                yield Violation(code="I35", place=f"{row.dag_id}/{key}", message=message)


def _notices() -> list[Question]:
    """I36: a notification waits, was sent or was given up; and what ended was tried."""
    of = t.notice.c
    ends = [of.due.is_not(None), of.sent_at.is_not(None), of.dead_at.is_not(None)]
    how_many = sum((case((end, 1), else_=0) for end in ends[1:]), case((ends[0], 1), else_=0))
    return [
        Question(
            "I36",
            Sentence("a notification either waits, was sent or was given up"),
            select(of.id).where(how_many != 1),
        ),
        Question(
            "I36",
            Sentence("a notification is over, but was never tried"),
            select(of.id).where(of.due.is_(None), of.tries < 1),
        ),
    ]


def _told_runs(connection: Connection) -> Iterator[Violation]:
    """I37: what is told of a run is its end, once that was seen to."""
    of, told = t.notice.c, t.outbox.c
    query = (
        select(of.id, of.event, told.id.label("end"), told.payload, told.sent_at)
        .join(t.outbox, told.run_id == of.run_id)
        .order_by(of.id)
    )
    for row in connection.execute(query):
        if row.id.rpartition(":")[0] != row.end:
            continue  # of an end before the run was cleared
        if row.sent_at is None:
            message = Sentence("tells of an end that nobody has seen to")
        elif _TELLS.get(row.event) != row.payload.get("state"):
            message = Sentence("tells another end than the run's")
        else:
            continue
        yield Violation(code="I37", place=row.id, message=message)


def ends_on_record(connection: Connection) -> Iterator[Violation]:
    """I12: the notification of a run's end says how it ended, and only ended runs have one."""
    run, told = t.run.c, t.outbox.c
    query = (
        select(run.id, run.state, told.payload)
        .join(t.outbox, told.run_id == run.id)
        .where(told.id.like("run-end:%"))
    )
    for row in connection.execute(query.order_by(run.id)):
        if _state_of(row.payload) != row.state:
            message = Sentence("its notification tells another end")
            yield Violation(code="I12", place=row.id, message=message)


def _state_of(payload: Any) -> str | None:
    return payload.get("state") if isinstance(payload, dict) else None
