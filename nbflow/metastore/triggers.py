"""Triggers: kept through deploys, and fired in one transaction under a key that no second run can
have. What they decide on comes from `trigger_events`, or from looking at files.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from nbflow.metastore import tables as t
from nbflow.metastore.codec import from_data, to_data
from nbflow.metastore.engine import Database
from nbflow.metastore.runs import NewRun, active_runs, cancel_others, insert_run, still_active
from nbflow.metastore.trigger_events import readable
from nbflow.model.ids import DagId, Digest
from nbflow.model.states import RunState
from nbflow.model.triggers import Trigger, TriggerKind, TriggerState

PREFIX = "trigger:"
_TOLD = (TriggerKind.DAG.value, TriggerKind.METRIC.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerRow:
    """A trigger of a DAG as it is kept. ``version`` counts the writes: a firing that saw an older
    one writes nothing. ``active_runs`` are the DAG's unfinished runs; ``is_waiting`` tells that a
    run that this trigger made has not begun.
    """

    id: int
    dag_id: DagId
    trigger: Trigger
    state: TriggerState
    version: int
    dag_version: Digest
    is_paused: bool
    active_runs: int = 0
    is_waiting: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerEvent:
    """Something that a trigger is to decide on: a run's end, a metric."""

    id: int
    name: str
    payload: Mapping[str, Any]
    at: datetime
    row: TriggerRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Firing:
    """What a decision writes, all in one transaction. ``event`` is what was decided on, None for
    files; ``run`` the run that is made, ``missed`` why none is where one would be; ``active_runs`` is
    how many unfinished runs of the DAG it rests on, None if on none.
    """

    seen: TriggerRow
    state: TriggerState
    slot_key: str
    event: int | None = None
    run: NewRun | None = None
    missed: str = ""
    cancel_others: bool = False
    active_runs: int | None = None


def trigger_key(row_id: int, event: str) -> str:
    """Return the key under which an event makes at most one run of a trigger's DAG."""
    return f"{PREFIX}{row_id}:{event}"


def spec_key(trigger: Trigger) -> str:
    """Return what a trigger is known by in its DAG: a deploy that leaves it as it is keeps it."""
    text = json.dumps(to_data(trigger), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def keep_triggers(
    db: Database,
    connection: Connection,
    dag_id: DagId,
    wanted: Mapping[Trigger, TriggerState],
    now: datetime,
) -> None:
    """Make these the triggers of a DAG. One that was there goes on from its state; a new one begins
    with the state given. Rows stay when their trigger goes, so that their events keep their names.
    """
    of = t.dag_trigger.c
    keys = {spec_key(trigger): (trigger, state) for trigger, state in wanted.items()}
    gone = select(of.id).where(of.dag_id == dag_id, of.active == 1, of.key.not_in(keys))
    rows = connection.execute(db.locked(gone.order_by(of.id))).scalars().all()
    if rows:
        connection.execute(t.dag_trigger.update().where(of.id.in_(rows)).values(active=0))
        pending = t.trigger_event
        connection.execute(pending.delete().where(pending.c.trigger_id.in_(rows)))
    for key, (trigger, state) in keys.items():
        row = {
            "dag_id": dag_id,
            "key": key,
            "kind": trigger.kind.value,
            "watched": _watched(dag_id, trigger),
            "spec": to_data(trigger),
            "state": to_data(state),
            "active": 1,
            "created": now,
        }
        if db.insert_once(connection, t.dag_trigger, row):
            continue
        connection.execute(
            t.dag_trigger.update()
            .where(of.dag_id == dag_id, of.key == key, of.active == 0)
            .values(active=1, state=row["state"], version=of.version + 1)
        )


def _watched(dag_id: DagId, trigger: Trigger) -> str | None:
    if trigger.kind.value not in _TOLD:
        return None
    return trigger.dag or dag_id


def pending_events(db: Database, connection: Connection, limit: int) -> list[TriggerEvent]:
    """Return events to decide on, of each trigger the oldest only: the next one needs its state."""
    of = t.trigger_event.c
    ids = list(connection.execute(_oldest(), {"limit": limit}).scalars())
    if not ids:
        return []
    events = connection.execute(select(t.trigger_event).where(of.id.in_(ids)).order_by(of.id)).all()
    rows = _rows(db, connection, t.dag_trigger.c.id.in_([event.trigger_id for event in events]))
    return [
        TriggerEvent(
            id=event.id, name=event.name, payload=event.payload, at=event.at,
            row=rows[event.trigger_id],
        )
        for event in events
        if event.trigger_id in rows
    ]  # fmt: skip


@cache
def _oldest() -> Select[Any]:
    """Return the query for the ids of what `pending_events` returns."""
    of = t.trigger_event.c
    active = select(t.dag_trigger.c.id).where(t.dag_trigger.c.active == 1)
    oldest = select(func.min(of.id)).where(of.trigger_id.in_(active)).group_by(of.trigger_id)
    return oldest.order_by(func.min(of.id)).limit(bindparam("limit"))


def watched_files(db: Database, connection: Connection) -> list[TriggerRow]:
    """Return the triggers of active DAGs that look at files."""
    of = t.dag_trigger.c
    found = _rows(db, connection, of.kind.not_in(_TOLD), t.dag.c.paused == 0)
    return [found[key] for key in sorted(found)]


def triggers_of(db: Database, connection: Connection, dag_id: DagId) -> list[TriggerRow]:
    """Return a DAG's triggers."""
    found = _rows(db, connection, t.dag_trigger.c.dag_id == dag_id)
    return [found[key] for key in sorted(found)]


def _rows(db: Database, connection: Connection, *where: Any) -> dict[int, TriggerRow]:
    of, run = t.dag_trigger.c, t.run.c
    rows = connection.execute(
        select(t.dag_trigger, t.dag.c.version.label("dag_version"), t.dag.c.paused)
        .join(t.dag, t.dag.c.id == of.dag_id)
        .where(of.active == 1, *where)
    ).all()
    dags = {row.dag_id for row in rows}
    active = active_runs(connection, dags)
    queued: list[tuple[str, str]] = []
    if rows:
        waits = (run.dag_id.in_(dags), run.state == RunState.QUEUED.value)
        ours = run.slot_key.startswith(PREFIX)
        query = select(run.dag_id, run.slot_key).where(*waits, ours)
        queued = [(one.dag_id, one.slot_key) for one in connection.execute(query)]

    def build(row: Any) -> TriggerRow:
        return TriggerRow(
            id=row.id,
            dag_id=DagId(row.dag_id),
            trigger=from_data(Trigger, row.spec),
            state=from_data(TriggerState, row.state),
            version=row.version,
            dag_version=Digest(row.dag_version),
            is_paused=bool(row.paused),
            active_runs=active.get(row.dag_id, 0),
            is_waiting=any(
                dag_id == row.dag_id and key.startswith(trigger_key(row.id, ""))
                for dag_id, key in queued
            ),
        )

    return {row.id: row for row in readable(db, rows, build)}


def fire(db: Database, what: Firing, now: datetime) -> bool:
    """Write a decision; False, and nothing written, if somebody else came first (see `Triggers.fire`)."""
    seen, of = what.seen, t.dag_trigger.c

    def work(connection: Connection) -> bool:
        dag = select(t.dag.c.paused, t.dag.c.version).where(t.dag.c.id == seen.dag_id)
        if connection.execute(db.locked(dag)).one_or_none() != (seen.is_paused, seen.dag_version):
            return False
        if not still_active(connection, seen.dag_id, what.active_runs):
            return False
        guard = (of.id == seen.id, of.version == seen.version, of.active == 1)
        values = {"state": to_data(what.state), "version": seen.version + 1}
        if connection.execute(t.dag_trigger.update().where(*guard).values(values)).rowcount != 1:
            return False
        if what.event is not None:
            event = t.trigger_event
            connection.execute(event.delete().where(event.c.id == what.event))
        if what.run is not None:
            insert_run(db, connection, what.run, None, now)
            if what.cancel_others:
                cancel_others(db, connection, [seen.dag_id], [what.run.run_id])
        elif what.missed:
            row = {
                "dag_id": seen.dag_id, "slot_key": what.slot_key, "reason": what.missed, "at": now,
            }  # fmt: skip
            db.insert_once(connection, t.missed, row)
        return True

    def confirm(connection: Connection) -> bool | None:
        keys = select(t.run.c.id).where(
            t.run.c.dag_id == seen.dag_id, t.run.c.slot_key == what.slot_key
        )
        if what.run is not None:
            return connection.execute(keys).first() is not None or None
        version = connection.execute(select(of.version).where(of.id == seen.id)).scalar()
        return True if version is not None and version > seen.version else None

    return db.write("fire", work, confirm)
