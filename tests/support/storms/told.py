"""What is told during a storm: a real server that takes it, and what must have come of all of it."""

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore import trigger_key
from nbflow.model.notices import NoticeEvent
from nbflow.model.states import RunState

TURNS = (NoticeEvent.FAILURE.value, NoticeEvent.RECOVERY.value)
REFUSES = 0.1
"""The share of messages to which the server says that it can't now, although it has them."""


@contextmanager
def receiver(home: Path) -> Iterator[str]:
    """Serve in a process of its own, which notes the key of each message; give its address."""
    chance = random.Random(1)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with (home / "deliveries").open("a") as file:
                file.write(f"{self.headers['Idempotency-Key']}\n")
            self.send_response(503 if chance.random() < REFUSES else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    (home / "deliveries").touch()
    server = HTTPServer(("127.0.0.1", 0), Handler)
    pid = os.fork()
    if pid == 0:
        try:
            server.serve_forever()
        finally:
            os._exit(0)
    server.socket.close()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def deliveries(home: Path) -> Counter[str]:
    """Return how often each key was received."""
    return Counter((home / "deliveries").read_text().splitlines())


def untold(connection: Connection, received: Counter[str]) -> list[str]:
    """Return what is wrong with what people were told, if each DAG told all of its events."""
    run = t.run.c
    rows = connection.execute(
        select(t.notice, run.logical_date, run.created.label("made"))
        .outerjoin(t.run, run.id == t.notice.c.run_id)
        .order_by(t.notice.c.created)
    ).all()
    found = [
        f"{row.id} was sent, but never came" for row in rows if row.sent_at and not received[row.id]
    ]
    found += [f"{row.id} was not sent" for row in rows if not row.sent_at]
    found += [f"{key} is nobody's" for key in received.keys() - {row.id for row in rows}]
    for dag_id, health in connection.execute(select(t.dag.c.id, t.dag.c.health)):
        told = [row for row in rows if row.dag_id == dag_id and row.event in TURNS]
        turns = [row.event for row in told]
        # Runs end in any order: it takes one of no older date to recover from a failure.
        dates = [min(row.logical_date or row.made, row.made) for row in told]
        late = [
            row.id
            for row, date, before in zip(told[1:], dates[1:], dates[:-1], strict=True)
            if row.event == NoticeEvent.RECOVERY.value and date < before
        ]
        found += [f"{one} tells a recovery by an older run" for one in late]
        # A DAG fails and recovers by turns, and each turn is told.
        if turns != [TURNS[n % 2] for n in range(len(turns))]:
            found.append(f"{dag_id} did not fail and recover by turns: {turns}")
        elif len(turns) % 2 != (health == RunState.FAILED):
            found.append(f"{dag_id}: its last failure or recovery was told to nobody")
    return found


def unanswered(connection: Connection, watched: str, watching: str) -> list[str]:
    """Return the runs of a DAG whose end made no run of the one that waits for each of them."""
    of, run = t.dag_trigger.c, t.run.c
    query = select(of.id).where(of.dag_id == watching, of.active == 1)
    number = connection.execute(query).scalar_one()
    answered: set[Any] = set()
    for table in (t.run, t.missed):
        keys = select(table.c.slot_key).where(table.c.dag_id == watching)
        answered |= set(connection.execute(keys).scalars())
    ended = select(run.id).where(run.dag_id == watched, run.state.in_(t.ENDED))
    return [
        f"the end of {run_id} set nothing off"
        for run_id in connection.execute(ended).scalars()
        if trigger_key(number, f"{run_id}:0") not in answered
    ]
