"""DAG versions, named by their content, with snapshots of the notebooks they were made of."""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from nbflow.errors import ConflictError, NotFoundError
from nbflow.metastore import tables as t
from nbflow.metastore.codec import from_data, to_data
from nbflow.metastore.engine import Database
from nbflow.metastore.pools import check_needs
from nbflow.metastore.rows import VersionRow
from nbflow.model.dag import Dag
from nbflow.model.ids import DagId, Digest
from nbflow.model.names import did_you_mean
from nbflow.model.sentence import Sentence

_NOTEBOOKS_AT_ONCE = 50
_APART = timedelta(hours=1)
"""By less the clocks of two processes differ, and a transaction is shorter."""


def deploy(
    db: Database,
    dag: Dag,
    snapshots: Mapping[str, bytes],
    now: datetime,
    also: Callable[[Connection], None] | None = None,
    *,
    current: bool = True,
    replaces: Digest | Literal["any"] | None = "any",
) -> Digest:
    """Record a version, and make it the one that new runs of the DAG use (unless the DAG has one and
    not ``current``); with it, in the same transaction, ``also`` (its schedule, say). ConflictError,
    and nothing is recorded, if what is deployed is not what it ``replaces``.
    """

    def work(connection: Connection) -> Digest:
        # Pools are locked before the DAG, as a claim locks them.
        check_needs(db, connection, dag.id, _slots_wanted(dag))
        is_first = db.insert_once(
            connection, t.dag, {"id": dag.id, "version": dag.digest, "paused": 0, "deployed": now}
        )
        columns = (t.dag.c.version, t.dag.c.is_deployed)
        row = connection.execute(db.locked(select(*columns).where(t.dag.c.id == dag.id))).one()
        there = Digest(row.version) if row.is_deployed and not is_first else None
        if replaces not in ("any", there):
            raise _replaced(dag.id)
        if not note_used(connection, dag.digest, now):
            _insert_version(db, connection, dag, snapshots, now)
        if is_first or current:
            # Until now runs were made of it, and who read that may yet record one.
            note_used(connection, row.version, now)
            connection.execute(
                t.dag.update()
                .where(t.dag.c.id == dag.id)
                .values(
                    version=dag.digest,
                    is_deployed=1 if current else t.dag.c.is_deployed,
                    max_active_tasks=dag.options.max_active_tasks,
                    max_active_runs=dag.options.max_active_runs,
                    deployed=now,
                    owner=dag.options.owner or None,
                    description=dag.options.description or None,
                )
            )
        if also is not None:
            also(connection)
        return dag.digest

    def stands(connection: Connection, digest: Digest) -> bool:
        deployed = select(t.dag_version.c.digest, t.dag.c.version, t.dag.c.deployed).join(
            t.dag, t.dag.c.id == t.dag_version.c.dag_id
        )
        row = connection.execute(deployed.where(t.dag_version.c.digest == digest)).one_or_none()
        return row is not None and (not current or (row.version, row.deployed) == (digest, now))

    return db.write("deploy", work, stands=stands)


def note_used(connection: Connection, digest: str, now: datetime) -> bool:
    """Note that a version is in use, so that it is not deleted soon; False if it is not on record."""
    of = t.dag_version.c
    change = t.dag_version.update().where(of.digest == digest).values(used=now)
    return connection.execute(change).rowcount == 1


def _replaced(dag_id: DagId) -> ConflictError:
    return ConflictError(
        Sentence(
            "Another version of {dag} is deployed than the one that was looked at.", dag=dag_id
        ),
        hint="Compare with what is deployed now, then deploy again.",
        code="NBF664",
    )


def _slots_wanted(dag: Dag) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for task in dag.tasks:
        pool = task.options.pool
        wanted[pool] = max(wanted.get(pool, 1), task.options.pool_slots)
    return wanted


def _insert_version(
    db: Database, connection: Connection, dag: Dag, snapshots: Mapping[str, bytes], now: datetime
) -> None:
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in snapshots.items()}
    _keep_notebooks(db, connection, {digests[path]: snapshots[path] for path in snapshots})
    latest = select(func.max(t.dag_version.c.number)).where(t.dag_version.c.dag_id == dag.id)
    connection.execute(
        t.dag_version.insert().values(
            digest=dag.digest,
            dag_id=dag.id,
            number=(connection.execute(latest).scalar() or 0) + 1,
            document=to_data(dag),
            notebooks=digests,
            created=now,
            used=now,
        )
    )
    version = {"version": dag.digest}
    tasks = [
        version
        | {
            "name": task.name,
            "position": position,
            "pool": task.options.pool,
            "pool_slots": task.options.pool_slots,
            "priority": task.options.priority,
            "max_lost": task.options.max_lost,
        }
        for position, task in enumerate(dag.tasks)
    ]
    edges = [
        version
        | {
            "position": position,
            "source": edge.source,
            "target": edge.target,
            "kind": edge.kind.value,
            "variable": edge.variable,
        }
        for position, edge in enumerate(dag.edges)
    ]
    cells = [
        version | {"position": position, "cell": cell, "place": place}
        for position, (cell, place) in enumerate(dag.membership)
    ]
    for table, rows in ((t.dag_task, tasks), (t.edge, edges), (t.cell, cells)):
        if rows:
            connection.execute(table.insert(), rows)


def _keep_notebooks(db: Database, connection: Connection, contents: Mapping[str, bytes]) -> None:
    """Record notebooks, and hold their rows: those that were there may be about to go."""
    for digest, content in sorted(contents.items()):
        there = select(t.notebook_snapshot.c.digest).where(t.notebook_snapshot.c.digest == digest)
        # Held before it is inserted: on MariaDB, two who find by inserting that it is there share it,
        # and then each waits for the other.
        while connection.execute(db.locked(there)).one_or_none() is None:
            row = {"digest": digest, "size": len(content), "content": zlib.compress(content, 6)}
            if db.insert_once(connection, t.notebook_snapshot, row):
                break


def delete_versions(connection: Connection, digests: Sequence[str]) -> None:
    """Delete versions that nothing names; who does it holds their rows. Their notebooks stay, see
    `delete_unused_notebooks`.
    """
    for table in (t.dag_task, t.edge, t.cell):
        connection.execute(table.delete().where(table.c.version.in_(digests)))
    connection.execute(t.dag_version.delete().where(t.dag_version.c.digest.in_(digests)))


def delete_unused_notebooks(db: Database) -> Iterator[int]:
    """Delete the notebooks that no version was made of, some at a time; yields how many went.

    All versions are looked at once, and in each transaction only those that were taken since.
    """
    of, snapshot = t.dag_version.c, t.notebook_snapshot
    since = db.clock.wall() - _APART
    named = db.read(lambda connection: _named(connection, select(of.notebooks)))
    if named is None:
        return
    digests = db.read(
        lambda connection: connection.execute(select(snapshot.c.digest)).scalars().all()
    )
    unused = sorted(set(digests) - named)
    for begin in range(0, len(unused), _NOTEBOOKS_AT_ONCE):
        some = unused[begin : begin + _NOTEBOOKS_AT_ONCE]
        yield db.write("notebooks_forget", partial(_delete_notebooks, db, some, since))


def _delete_notebooks(
    db: Database, digests: Sequence[str], since: datetime, connection: Connection
) -> int:
    of = t.notebook_snapshot.c
    there = select(of.digest).where(of.digest.in_(digests)).order_by(of.digest)
    held = connection.execute(db.locked(there, skip=True)).scalars().all()
    # Asked only now, since whoever records a version of them holds their rows.
    new = select(t.dag_version.c.notebooks).where(t.dag_version.c.used >= since)
    named = _named(connection, new)
    unused = [] if named is None else [digest for digest in held if digest not in named]
    return connection.execute(t.notebook_snapshot.delete().where(of.digest.in_(unused))).rowcount


def _named(connection: Connection, query: Select[Any]) -> set[str] | None:
    """Return the notebooks that versions were made of, None if one of them can't tell."""
    found: set[str] = set()
    for notebooks in connection.execute(query).scalars():
        if not isinstance(notebooks, dict):
            return None
        found.update(notebooks.values())
    return found


def load_version(connection: Connection, digest: Digest) -> Dag:
    """Return the DAG as it was deployed."""
    query = select(t.dag_version.c.document).where(t.dag_version.c.digest == digest)
    document = connection.execute(query).scalar()
    if document is None:
        raise NotFoundError(
            Sentence("There is no DAG version {digest}.", digest=digest[:12]),
            hint="`nbflow dags show` lists a DAG's versions.",
            code="NBF613",
        )
    return from_data(Dag, document)


def list_versions(connection: Connection, dag_id: DagId) -> list[VersionRow]:
    """Return a DAG's versions, the newest first; NotFoundError if there is no such DAG."""
    of, dag = t.dag_version.c, t.dag.c
    rows = connection.execute(
        select(of.digest, of.number, of.created, dag.version)
        .join(t.dag, dag.id == of.dag_id)
        .where(of.dag_id == dag_id)
        .order_by(of.number.desc())
    ).all()
    if not rows:
        raise no_dag(connection, dag_id)
    return [
        VersionRow(
            version=row.digest,
            number=row.number,
            created=row.created,
            is_current=row.digest == row.version,
        )
        for row in rows
    ]


def current_version(connection: Connection, dag_id: DagId) -> Digest:
    """Return the version that new runs of a DAG use."""
    of = t.dag.c
    deployed = select(of.version).where(of.id == dag_id, of.is_deployed == 1)
    found = connection.execute(deployed).scalar()
    if found is None:
        raise no_dag(connection, dag_id)
    return Digest(found)


def no_dag(connection: Connection, dag_id: str) -> NotFoundError:
    """Return the error for a DAG that was never deployed, with those that may be meant."""
    known = connection.execute(select(t.dag.c.id).where(t.dag.c.is_deployed == 1)).scalars()
    return NotFoundError(
        Sentence("No DAG {dag_id!r} is deployed.", dag_id=dag_id),
        hint=did_you_mean(dag_id, known)
        or Sentence(
            "`nbflow dags deploy NOTEBOOK` deploys one; `nbflow dags list` shows what there is."
        ),
        code="NBF613",
    )


def load_notebooks(connection: Connection, digest: Digest) -> dict[str, bytes]:
    """Return the notebooks of a version as they were when it was deployed, by path."""
    query = select(t.dag_version.c.notebooks).where(t.dag_version.c.digest == digest)
    wanted: Mapping[str, str] = connection.execute(query).scalar() or {}
    rows = connection.execute(
        select(t.notebook_snapshot).where(t.notebook_snapshot.c.digest.in_(set(wanted.values())))
    )
    contents = {row.digest: zlib.decompress(row.content) for row in rows}
    return {path: contents[found] for path, found in wanted.items()}
