"""The schema's version: a fresh metastore is made whole, an older or newer one is named."""

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from nbflow.errors import MetastoreError, SchemaError
from nbflow.faults import point
from nbflow.metastore import tables as t
from nbflow.metastore.dialect import translated
from nbflow.metastore.engine import Database
from nbflow.model.sentence import Sentence

REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
)
"""All migrations in their order; a test holds them against the files."""
REVISION = REVISIONS[-1]
"""The schema that this code works with."""
LOCK = 6_202_611
"""Key of the server's advisory lock under which a schema is made or changed."""
DEFAULT_POOL_SLOTS = 128


def build(connection: Connection) -> None:
    """Make all tables, their first rows, and last of all the stamp that says they are there."""
    t.metadata.create_all(connection, checkfirst=connection.dialect.name != "sqlite")
    seed(connection)
    stamp = "version_num VARCHAR(32) NOT NULL PRIMARY KEY"
    connection.execute(text(f"CREATE TABLE alembic_version ({stamp})"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:v)"), {"v": REVISION})


def seed(connection: Connection) -> None:
    """Insert the rows that every metastore starts with, unless they are there."""
    for table, row in (
        (t.counter, {"name": "token", "value": 0}),
        (t.pool, {"name": "default", "slots": DEFAULT_POOL_SLOTS}),
    ):
        if not connection.execute(table.select().where(table.c.name == row["name"])).all():
            connection.execute(table.insert().values(row))


def create_sqlite(path: Path) -> None:
    """Make a metastore file that appears whole or not at all; one that is there stays."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
        os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        half.chmod(0o600)
    except OSError as error:
        raise MetastoreError(
            Sentence(
                "The metastore {path} can't be made: {strerror}.",
                path=path,
                strerror=error.strerror,
            ),
            hint="Set NBFLOW_HOME to a folder that you may write to.",
            code="NBF607",
        ) from error
    try:
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(half, isolation_level=None)
        )
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            build(connection)
            connection.exec_driver_sql("COMMIT")
        engine.dispose()
        point("create.pre_commit")
        with suppress(FileExistsError):  # another process's metastore is as good
            os.link(half, path)
        point("create.post_commit")
    except (DBAPIError, sqlite3.Error) as error:
        raise translated(error, str(path)) from error
    finally:
        half.unlink(missing_ok=True)


def create_on_server(db: Database) -> None:
    """Make the tables on a server; of several starters one does it, the others wait."""
    with db.engine.connect() as connection, server_lock(connection), connection.begin():
        if revision(connection) is None:
            build(connection)
            point("create.pre_commit")


@contextmanager
def server_lock(connection: Connection) -> Iterator[None]:
    """Hold the metastore's lock on a server for a block; freed if the connection breaks."""
    if connection.dialect.name == "postgresql":
        take, free, key = "pg_advisory_lock(:key)", "pg_advisory_unlock(:key)", LOCK
    else:
        name = "CONCAT(DATABASE(), :key)"
        take, free, key = f"GET_LOCK({name}, 600)", f"RELEASE_LOCK({name})", LOCK
    connection.execute(text(f"SELECT {take}"), {"key": key})
    connection.commit()
    try:
        yield
    finally:
        connection.execute(text(f"SELECT {free}"), {"key": key})
        connection.commit()


def revision(connection: Connection) -> str | None:
    """Return the schema's version, None if there are no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def check_revision(found: str | None, place: str) -> None:
    """Raise SchemaError unless the schema is the one that this code works with."""
    if found == REVISION:
        return
    if found is None:
        raise SchemaError(
            Sentence("There are no tables in the metastore {place}.", place=place),
            hint="Run `nbflow db init`.",
        )
    if not found.isdigit() or int(found) > int(REVISION):
        raise SchemaError(
            Sentence(
                "The metastore's schema is newer: {found} > {revision}.",
                found=_number(found),
                revision=_number(REVISION),
            ),
            hint="Upgrade nbflow here too, or downgrade the metastore with the newer one.",
        )
    raise SchemaError(
        Sentence(
            "The metastore's schema is older: {found} < {revision}.",
            found=_number(found),
            revision=_number(REVISION),
        ),
        hint="Run `nbflow db migrate`.",
    )


def _number(name: str) -> str:
    return str(int(name)) if name.isdigit() else name
