"""Processes that drive runs: who they are, and whether they still live."""

import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.model.states import TaskState

LONG_SILENT = timedelta(days=1)
"""Of whom nothing is heard for so long is no longer shown; who then is heard of is there again."""
_FIRST_SPACE = "pid:[4026531836]"
"""The process ids of the machine itself, by a constant of Linux."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """A process, as others can recognise it; ``started`` doesn't change with the calendar."""

    id: str
    host: str
    boot_id: str
    pid: int
    started: float


def this_process() -> Instance:
    """Return a new identity of the calling process."""
    pid = os.getpid()
    return Instance(
        id=uuid.uuid4().hex,
        host=host(),
        boot_id=boot_id(),
        pid=pid,
        started=process_start(pid) or 0.0,
    )


def host() -> str:
    """Return what names this host, as far as its process ids mean the same: in a container they are its
    own, though others of its name run on the same kernel.
    """
    name = socket.gethostname()
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = _FIRST_SPACE
    return name[:255] if space == _FIRST_SPACE else f"{name[:220]} {space}"


def host_name(host: str) -> str:
    """Return the part of a host that people know it by."""
    return host.partition(" ")[0]


@cache
def boot_id() -> str:
    """Return what names this boot of this machine, "" where the system doesn't tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def process_start(pid: int) -> float | None:
    """Return when a process started (since boot, where the system tells), None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else float(fields[19])
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_gone(row: Any) -> bool:
    """Tell whether an instance surely is dead: closed, or its process on this host is no more."""
    if row.closed is not None:
        return True
    if not row.boot_id or row.host != host():
        return False
    return bool(row.boot_id != boot_id() or process_start(row.pid) != row.pid_start)


def is_stale(db: Database, row: Any, lease: float, now: datetime) -> bool:
    """Tell whether an instance has not been heard of for longer than a lease."""
    if db.is_sqlite and row.boot_id and row.boot_id == boot_id():
        # On one machine the monotonic clock is shared: a jump of the calendar means nothing.
        return bool(row.heartbeat_mono + lease < db.clock.monotonic())
    return bool(row.heartbeat + timedelta(seconds=lease) < now)


def open_ones(connection: Connection, kind: str | None = None) -> Sequence[Any]:
    """Return the processes, or those of a kind, that have not said good-bye, the oldest first."""
    of = t.instance.c
    query = select(t.instance).where(of.closed.is_(None)).order_by(of.started)
    return connection.execute(query if kind is None else query.where(of.kind == kind)).all()


def living(
    db: Database, connection: Connection, lease: float, kind: str | None = None
) -> list[Any]:
    """Return the processes, or those of a kind, that work on this metastore."""
    rows, now = open_ones(connection, kind), db.now(connection)
    return [row for row in rows if not is_gone(row) and not is_stale(db, row, lease, now)]


def register(db: Database, connection: Connection, me: Instance, kind: str) -> None:
    """Record this process, if it isn't yet."""
    now = db.now(connection)
    db.insert_once(
        connection,
        t.instance,
        {
            "id": me.id,
            "kind": kind,
            "host": me.host,
            "boot_id": me.boot_id,
            "pid": me.pid,
            "pid_start": me.started,
            "started": now,
            "heartbeat": now,
            "heartbeat_mono": db.clock.monotonic(),
        },
    )


def beat(db: Database, connection: Connection, me: Instance) -> None:
    """Record that this process lives."""
    connection.execute(
        t.instance.update()
        .where(t.instance.c.id == me.id)
        .values(heartbeat=db.now(connection), heartbeat_mono=db.clock.monotonic(), closed=None)
    )


def close(db: Database, me: Instance) -> None:
    """Record that this process drives nothing any more."""

    def work(connection: Connection) -> None:
        connection.execute(
            t.instance.update()
            .where(t.instance.c.id == me.id)
            .values(closed=db.now(connection), heartbeat_mono=db.clock.monotonic())
        )

    db.write("close", work)


def close_gone(db: Database) -> None:
    """Close instances that are dead, or long silent, and own nothing any more: nobody else says it
    for them.
    """

    def gone(connection: Connection) -> list[str]:
        silent_since = db.now(connection) - LONG_SILENT
        open_ones = select(t.instance).where(t.instance.c.closed.is_(None), _owns_nothing())
        return [
            row.id
            for row in connection.execute(open_ones)
            if is_gone(row) or (row.boot_id != boot_id() and row.heartbeat < silent_since)
        ]

    def work(connection: Connection) -> None:
        of = t.instance.c
        still = select(of.id).where(of.id.in_(gone(connection)), of.closed.is_(None))
        dead = connection.execute(db.locked(still.order_by(of.id))).scalars().all()
        connection.execute(
            t.instance.update()
            .where(of.id.in_(dead), of.closed.is_(None), _owns_nothing())
            .values(closed=db.now(connection))
        )

    if db.read(gone):
        db.write("close_gone", work)


def forget(db: Database, before: datetime) -> int:
    """Delete instances that were closed before an instant and drove no run on record."""
    of = t.instance.c
    drove = select(t.run.c.owner).where(t.run.c.owner.is_not(None))
    running = select(t.task_instance.c.owner).where(t.task_instance.c.owner.is_not(None))
    old = select(of.id).where(of.closed < before, of.id.not_in(drove), of.id.not_in(running))

    def work(connection: Connection) -> int:
        found = connection.execute(db.locked(old.order_by(of.id))).scalars().all()
        return connection.execute(t.instance.delete().where(of.id.in_(found))).rowcount

    if db.read(lambda connection: connection.execute(old.limit(1)).first()) is None:
        return 0
    return db.write("instances_forget", work)


def _owns_nothing() -> ColumnElement[bool]:
    ti, run = t.task_instance.c, t.run.c
    running = exists().where(ti.owner == t.instance.c.id, ti.state == TaskState.RUNNING.value)
    driven = exists().where(run.owner == t.instance.c.id, run.state.in_(t.GOING))
    return ~running & ~driven
