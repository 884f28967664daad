"""Processes that drive runs: who they are, and whether they still live."""

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database


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
        host=socket.gethostname()[:255],
        boot_id=boot_id(),
        pid=pid,
        started=process_start(pid) or 0.0,
    )


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
    if not row.boot_id or row.host != socket.gethostname()[:255]:
        return False
    return bool(row.boot_id != boot_id() or process_start(row.pid) != row.pid_start)


def is_stale(db: Database, row: Any, lease: float, now: datetime) -> bool:
    """Tell whether an instance has not been heard of for longer than a lease."""
    if db.is_sqlite and row.boot_id and row.boot_id == boot_id():
        # On one machine the monotonic clock is shared: a jump of the calendar means nothing.
        return bool(row.heartbeat_mono + lease < db.clock.monotonic())
    return bool(row.heartbeat + timedelta(seconds=lease) < now)


def lives(db: Database, connection: Connection, kind: str, lease: float) -> bool:
    """Tell whether a process of a kind works on this metastore."""
    of = t.instance.c
    rows = connection.execute(select(t.instance).where(of.kind == kind, of.closed.is_(None))).all()
    now = db.now(connection)
    return any(not is_gone(row) and not is_stale(db, row, lease, now) for row in rows)


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
        .values(heartbeat=db.now(connection), heartbeat_mono=db.clock.monotonic())
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
