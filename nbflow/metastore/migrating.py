"""Bring a metastore's schema to another version, whole or not at all."""

import os
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text

from nbflow.errors import MetastoreBusyError, SchemaError
from nbflow.faults import point
from nbflow.metastore.dialect import damaged, no_metastore, parse_url, sqlite_path
from nbflow.metastore.engine import Database
from nbflow.metastore.schema import REVISION, REVISIONS, create_sqlite, revision, server_lock
from nbflow.model.clock import SystemClock
from nbflow.model.sentence import Sentence

_PATIENCE = 5.0
"""Seconds to wait for other processes that have an SQLite metastore open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaState:
    """The schema's version as found, None without tables, and the one this code works with.

    ``interrupted`` tells that a migration began and did not end (MariaDB only).
    """

    found: str | None
    expected: str
    interrupted: bool = False

    @property
    def is_current(self) -> bool:
        """Tell whether nothing is to be done."""
        return self.found == self.expected and not self.interrupted


def schema_state(url: str) -> SchemaState:
    """Tell which schema a metastore has; MetastoreError if it can't be read."""
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is not None and not path.exists():
        return SchemaState(found=None, expected=REVISION)
    db = Database(parsed, SystemClock())
    try:
        return db.read(_state)
    finally:
        db.close()


def _state(connection: Connection) -> SchemaState:
    found = revision(connection)
    steps = 0
    if connection.dialect.name not in ("sqlite", "postgresql") and inspect(connection).has_table(
        "schema_step"
    ):
        steps = connection.execute(text("SELECT COUNT(*) FROM schema_step")).scalar_one()
    return SchemaState(found=found, expected=REVISION, interrupted=steps > 0)


def migrate(url: str) -> str:
    """Bring the schema to this code's version, making it if there is none; return that version.

    Of several processes that start this, one does it and the others find it done. Raises
    SchemaError if the schema is newer than this code.
    """
    _change(url, REVISION, upgrade=True)
    return REVISION


def downgrade(url: str, target: str) -> None:
    """Take the schema back to an older version; rows stay but for what that version lacks.

    Raises SchemaError for a version that there never was, or that is newer than the metastore's.
    """
    if target not in REVISIONS:
        raise SchemaError(
            Sentence("There is no version {target!r} of the schema.", target=target),
            hint=Sentence("One of {revisions}.", revisions=", ".join(REVISIONS)),
        )
    _change(url, target, upgrade=False)


def _change(url: str, target: str, *, upgrade: bool) -> None:
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is not None and not path.exists():
        if not upgrade:
            raise no_metastore(path)
        create_sqlite(path)
    elif path is not None:
        _change_file(path, target, upgrade=upgrade)
    else:
        db = Database(parsed, SystemClock(), is_patient=True)
        try:
            db.guard(lambda: _change_on_server(db, target, upgrade=upgrade))
        finally:
            db.close()


def _change_on_server(db: Database, target: str, *, upgrade: bool) -> None:
    with db.engine.connect() as connection, server_lock(connection):
        before = _state(connection)
        _refuse_impossible(before, target, upgrade=upgrade)
        connection.commit()
        if before.found != target or before.interrupted:
            if db.name == "postgresql":
                connection.begin()  # alembic leaves the commit to whoever began
            _run_alembic(connection, target, upgrade=upgrade)
            point("migrate.pre_commit")
            connection.commit()
            point("migrate.post_commit")


def _change_file(path: Path, target: str, *, upgrade: bool) -> None:
    """Change a copy, then put it in the file's place; writers are kept out meanwhile."""
    try:
        while True:
            seen = path.stat().st_ino
            with closing(_locked_file(path)) as original:
                if path.stat().st_ino != seen:
                    continue  # another process put its copy there while we waited
                before = SchemaState(found=_stamp(original), expected=REVISION)
                _refuse_impossible(before, target, upgrade=upgrade)
                if before.found != target:
                    _replace(path, lambda c: _run_alembic(c, target, upgrade=upgrade))
                return
    except sqlite3.OperationalError as error:
        raise MetastoreBusyError(
            Sentence("The metastore {path} is in use: {error}.", path=path, error=error),
            hint="Stop the other nbflow processes, then run this again.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise damaged(str(path), str(error)) from error


def _locked_file(path: Path) -> sqlite3.Connection:
    """Open the file, fold its log in, and keep all others from writing."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_PATIENCE
    )
    try:
        # Without a log the file is all there is, and may be replaced.
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        if mode != "delete":
            raise sqlite3.OperationalError("another process has it open")
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise
    return connection


def _stamp(connection: sqlite3.Connection) -> str | None:
    table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
    if connection.execute(table).fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _replace(path: Path, change: Callable[[Connection], None]) -> None:
    """Change a copy and put it in place. SQLite itself refuses to write to a file that moved."""
    for stray in path.parent.glob(f".{path.name}.*.migrating"):
        stray.unlink(missing_ok=True)  # of one that was killed: the lock is ours
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}.migrating")
    os.close(os.open(half, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    half.chmod(0o600)
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as reader:
            reader.execute("VACUUM INTO ?", (str(half),))
        point("migrate.copied")
        engine = create_engine(
            "sqlite://",
            # mode=rw: a copy that is gone must not come back as an empty metastore.
            creator=lambda: sqlite3.connect(
                f"{half.as_uri()}?mode=rw", uri=True, isolation_level=None
            ),
        )
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            change(connection)
            connection.exec_driver_sql("COMMIT")
        engine.dispose()
        _sync(half)
        point("migrate.pre_commit")
        half.replace(path)
        _sync(path.parent)
        point("migrate.post_commit")
    finally:
        half.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_impossible(state: SchemaState, target: str, *, upgrade: bool) -> None:
    found = state.found
    if found is not None and found not in REVISIONS:
        number = str(int(found)) if found.isdigit() else found
        raise SchemaError(
            Sentence(
                "The metastore's schema is newer: {number} > {revision}.",
                number=number,
                revision=int(REVISION),
            ),
            hint="Run this with the nbflow that made it.",
        )
    if not upgrade and (found is None or int(found) < int(target)):
        raise SchemaError(
            Sentence("The metastore's schema is older than {target} already.", target=int(target)),
            hint="`nbflow db migrate` brings it up to date.",
        )


def _run_alembic(connection: Connection, target: str, *, upgrade: bool) -> None:
    # Alembic is slow to import, and only migrations need it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    (command.upgrade if upgrade else command.downgrade)(config, target)
