"""Invariants about time: slots that have come, retries used up, processes that are gone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.checks.violation import Looks, Rules, Violation
from nbflow.metastore.engine import Database
from nbflow.metastore.instances import boot_id, living
from nbflow.metastore.pauses import read_pauses
from nbflow.metastore.schedules import entry_of, slot_key
from nbflow.metastore.versions import load_version
from nbflow.model.ids import Digest
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState, TaskState

_RUNNING, _QUEUED = TaskState.RUNNING.value, RunState.QUEUED.value
_GRACE = timedelta(seconds=5)
"""What an ended run's processes may take to go."""
_LOOK_BACK = timedelta(days=31)
_OVERDUE = timedelta(seconds=30)
"""A slot that came so long ago has its run, if a scheduler works."""


def time(db: Database, connection: Connection, looks: Looks) -> Iterator[Violation]:
    """I2, I20, I25, I26, I30, I40."""
    yield from _retries(connection)
    yield from _pauses(connection)
    yield from _left_over(db, connection, looks)
    at_work = _scheduler_works(db, connection, looks)
    yield from _orphans(db, connection, looks, at_work=at_work)
    if looks.rules is not None:
        yield from _slots(db, connection, looks.rules, at_work=at_work)


def _pauses(connection: Connection) -> Iterator[Violation]:
    """I40: the pauses on record follow each other, and the last one lasts while the DAG is paused."""
    of = t.dag.c
    some = or_(of.paused == 1, of.pauses.is_not(None))
    for row in connection.execute(select(of.id, of.paused, of.pauses).where(some)):
        pauses = read_pauses(row.pauses)
        bounds = [at for one in pauses for at in (one.since, one.until) if at is not None]
        if bounds != sorted(bounds) or any(one.until is None for one in pauses[:-1]):
            message = Sentence("its pauses do not follow each other")
        elif bool(row.paused) != bool(pauses and pauses[-1].until is None):
            message = Sentence("a pause on record and the DAG disagree on whether it is paused")
        else:
            continue
        yield Violation(code="I40", place=row.id, message=message)


def _retries(connection: Connection) -> Iterator[Violation]:
    """I25: no more failures and losses than allowed. The counts begin anew when a task is cleared."""
    ti, run = t.task_instance.c, t.run.c
    query = (
        select(ti.run_id, ti.task, ti.failures, ti.lost, ti.max_lost, run.version)
        .join(t.run, run.id == ti.run_id)
        .where(or_(ti.failures > 1, ti.lost > ti.max_lost + 1))
    )
    limits: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        if row.version not in limits:
            dag = load_version(connection, Digest(row.version))
            limits[row.version] = {task.name: task.options.retries for task in dag.tasks}
        place = f"{row.run_id}/{row.task}"
        too_often = row.failures > limits[row.version].get(row.task, row.failures) + 1
        if not (too_often or row.lost > row.max_lost + 1) or _rests(connection, row):
            continue
        if too_often:
            message = Sentence("tried again more often than allowed")
        else:
            message = Sentence("lost more often than allowed")
        yield Violation(code="I25", place=place, message=message)


def _rests(connection: Connection, row: Any) -> bool:
    """Tell whether a task was left alone when its run went on last: maybe with another version, whose
    limits are not those that it ran by.
    """
    of = t.event.c
    newest = select(func.max(of.seq)).where(of.run_id == row.run_id)
    clear = connection.execute(newest.where(of.task.is_(None), of.target == _QUEUED)).scalar()
    claim = connection.execute(newest.where(of.task == row.task, of.target == _RUNNING)).scalar()
    return clear is not None and (claim or 0) < clear


def _left_over(db: Database, connection: Connection, looks: Looks) -> Iterator[Violation]:
    """I30: a run that has ended leaves no process behind."""
    run, now = t.run.c, db.clock.wall()
    query = select(run.id, run.ended).where(
        run.id.in_(sorted(looks.processes)), run.state.in_(t.ENDED)
    )
    for row in connection.execute(query):
        if row.ended is None or row.ended + _GRACE < now:
            yield Violation(
                code="I30",
                place=row.id,
                message=Sentence(
                    "has ended, but processes of it live: {pids}",
                    pids=", ".join(str(pid) for pid in sorted(looks.processes[row.id])),
                ),
            )


def _scheduler_works(db: Database, connection: Connection, looks: Looks) -> bool:
    """Tell whether a scheduler has been at work for long enough to have found what lies about."""
    now = db.now(connection)
    patience = timedelta(seconds=looks.lease + 2 * looks.reap_every)
    at_work = living(db, connection, looks.lease, "scheduler")
    return any(row.started + patience < now for row in at_work)


def _orphans(
    db: Database, connection: Connection, looks: Looks, *, at_work: bool
) -> Iterator[Violation]:
    """I20: nobody's death goes unnoticed for longer than a lease and a look."""
    if not at_work and not looks.drained:
        return
    ti, now = t.task_instance.c, db.now(connection)
    patience = 0.0 if looks.drained else 2 * looks.reap_every
    query = (
        select(ti.run_id, ti.task, ti.lease_until, ti.lease_mono, t.instance)
        .join(t.instance, t.instance.c.id == ti.owner)
        .where(ti.state == _RUNNING)
    )
    for row in connection.execute(query):
        if _is_overdue(db, row, now, patience):
            yield Violation(
                code="I20",
                place=f"{row.run_id}/{row.task}",
                message=Sentence("runs, but the process that ran it is gone"),
            )


def _is_overdue(db: Database, row: Any, now: datetime, patience: float) -> bool:
    if db.is_sqlite and row.boot_id and row.boot_id == boot_id():
        return bool(row.lease_mono + patience < db.clock.monotonic())
    return bool(row.lease_until + timedelta(seconds=patience) < now)


def _slots(
    db: Database, connection: Connection, rules: Rules, *, at_work: bool
) -> Iterator[Violation]:
    """I2: each decided slot has a run or a missed record. I26: the next one is the schedule's."""
    query = select(t.schedule, t.dag.c.paused).join(t.dag, t.dag.c.id == t.schedule.c.dag_id)
    now = db.clock.wall()
    for row in connection.execute(query).all():
        if not row.expr:
            continue
        entry = entry_of(row)
        if rules.next_slot(entry) != entry.next_fire:
            yield _of(entry, "I26", Sentence("the next slot is not the one after the last"))
        due = entry.next_fire is not None and entry.next_fire + _OVERDUE < now
        if due and at_work and not row.paused:
            yield _of(entry, "I26", Sentence("a slot came, and nobody looked at it"))
        yield from _decided(connection, entry, row.since_utc, rules)


def _decided(
    connection: Connection, entry: ScheduleEntry, since: datetime | None, rules: Rules
) -> Iterator[Violation]:
    if since is None or since >= entry.cursor:
        return
    begin = max(since, entry.cursor - _LOOK_BACK)
    run, missed = t.run.c, t.missed.c
    known: set[str] = set()
    for of in (run, missed):
        first, last = slot_key(entry.id, begin), slot_key(entry.id, entry.cursor)
        within = and_(of.dag_id == entry.dag_id, of.slot_key >= first, of.slot_key <= last)
        known |= set(connection.execute(select(of.slot_key).where(within)).scalars())
    for slot in rules.slots(entry, begin, entry.cursor):
        if slot_key(entry.id, slot) not in known:
            message = Sentence("slot {slot} has no run and is not missed", slot=slot.isoformat())
            yield _of(entry, "I2", message)


def _of(entry: ScheduleEntry, code: str, message: Sentence) -> Violation:
    return Violation(code=code, place=entry.dag_id, message=message)
