"""Pauses: noted with the DAG in the transaction that begins or ends one, for as long as a slot may lie
in them on which nothing was decided yet.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.versions import no_dag
from nbflow.model.ids import DagId
from nbflow.model.schedule import Pause

MOST = 32
"""Pauses that are kept. Of more, slots in the oldest count as passed while nobody looked."""


def pause(db: Database, dag_id: DagId, *, paused: bool) -> bool:
    """Stop or start making runs of a DAG; False if it stood so already. NotFoundError."""
    now = db.clock.wall()

    def work(connection: Connection) -> bool:
        of = t.dag.c
        query = select(of.paused, of.pauses).where(of.id == dag_id)
        row = connection.execute(db.locked(query)).one_or_none()
        if row is None:
            raise no_dag(connection, dag_id)
        if bool(row.paused) == paused:
            return False
        known = read_pauses(row.pauses)
        if paused:
            known = _begun(known, now)
        else:
            next_fire = select(t.schedule.c.next_fire_utc).where(t.schedule.c.dag_id == dag_id)
            known = still_needed(_ended(known, now), connection.execute(next_fire).scalar())
        connection.execute(
            t.dag.update().where(of.id == dag_id).values(paused=int(paused), pauses=written(known))
        )
        return True

    def stands(connection: Connection, _: bool) -> bool:
        stands_now = select(t.dag.c.paused).where(t.dag.c.id == dag_id)
        return connection.execute(stands_now).scalar() == int(paused)

    return db.write("pause", work, stands=stands)


def _begun(known: Sequence[Pause], now: datetime) -> tuple[Pause, ...]:
    before = known[-1].until if known else None
    # Where the calendar was set back meanwhile, the one before holds what comes until then.
    return (*known, Pause(since=max(now, before or now)))[-MOST:]


def _ended(known: Sequence[Pause], now: datetime) -> tuple[Pause, ...]:
    ended = (Pause(since=one.since, until=one.until or now) for one in known)
    # Where the calendar was set back meanwhile, nothing more lies in it.
    return tuple(one for one in ended if one.until is not None and one.since < one.until)


def still_needed(known: Sequence[Pause], next_fire: datetime | None) -> tuple[Pause, ...]:
    """Return the pauses that hold a slot from ``next_fire`` on, the first on which nothing was decided
    (None: there is none), and the one that lasts.
    """
    return tuple(
        one
        for one in known
        if one.until is None or (next_fire is not None and next_fire < one.until)
    )


def read_pauses(data: Sequence[Mapping[str, Any]] | None) -> tuple[Pause, ...]:
    """Return a DAG's pauses, oldest first, of what `written` made."""
    return tuple(
        Pause(
            since=datetime.fromisoformat(one["from"]),
            until=datetime.fromisoformat(one["to"]) if one["to"] else None,
        )
        for one in data or ()
    )


def written(known: Sequence[Pause]) -> list[dict[str, str | None]] | None:
    """Return pauses as they are kept; None stands for none."""
    return [
        {"from": one.since.isoformat(), "to": one.until.isoformat() if one.until else None}
        for one in known
    ] or None
