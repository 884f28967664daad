"""Slots and events that got no run, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.codec import if_readable
from nbflow.metastore.schedules import is_slot, slot_of
from nbflow.model.ids import DagId
from nbflow.model.triggers import Trigger


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedRow:
    """A slot, or else an event of a trigger, that got no run. ``key`` names it in its DAG; ``reason``
    is a code; ``at`` is when it was decided.
    """

    dag_id: DagId
    key: str
    reason: str
    at: datetime
    slot: datetime | None = None
    trigger: Trigger | None = None


def missed(connection: Connection, dag_id: DagId | None, limit: int) -> list[MissedRow]:
    """Return what was missed by a DAG, or by any, decided last before others."""
    of = t.missed.c
    query = select(t.missed).order_by(of.at.desc(), of.dag_id, of.slot_key.desc()).limit(limit)
    if dag_id is not None:
        query = query.where(of.dag_id == dag_id)
    return found(connection, query)


def found(connection: Connection, query: Any) -> list[MissedRow]:
    """Return the rows of the table that a query selects, in its order."""
    rows = connection.execute(query).all()
    events = {row.slot_key: _number(row.slot_key) for row in rows if not is_slot(row.slot_key)}
    spec = t.dag_trigger.c
    wanted = select(spec.id, spec.spec).where(spec.id.in_(set(events.values())))
    triggers = {row.id: if_readable(Trigger, row.spec) for row in connection.execute(wanted)}
    return [
        MissedRow(
            dag_id=DagId(row.dag_id),
            key=row.slot_key,
            reason=row.reason,
            at=row.at,
            slot=slot_of(row.slot_key) if is_slot(row.slot_key) else None,
            trigger=triggers.get(events.get(row.slot_key, -1)),
        )
        for row in rows
    ]


def _number(key: str) -> int:
    """Return the trigger that an event's key names."""
    return int(key.split(":", 2)[1])
