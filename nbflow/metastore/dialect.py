"""How each database is connected to, and what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from nbflow.errors import MetastoreBusyError, MetastoreError, RowLockedError
from nbflow.model.sentence import Sentence

BUSY_TIMEOUT = 30_000
"""Milliseconds that SQLite waits for another writer."""
ANSWER = 10.0
"""Seconds that a server may be silent before it counts as gone: less than lies between the end of
trust in a lease and the end of the lease.
"""
CONNECT_TIMEOUT = 5
"""Seconds that a new connection may take."""
LOCK_TIMEOUT = 1.0
"""Seconds that a transaction on a server waits for a lock before it is tried again."""
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "glusterfs", "lustre"}
)
_RETRIED = frozenset({"40001", "40P01", "55P03", "1205", "1213"})
_FULL = ("disk is full", "disk I/O error", "No space left")
_SILENT = ("onnect", "timed out", "no answer")
_DAMAGED = ("malformed", "not a database", "disk image")


def parse_url(text: str) -> URL:
    """Return the address of a metastore with the driver that nbflow uses; MetastoreError if odd."""
    try:
        url = make_url(text)
        name = url.get_backend_name()
    except ArgumentError as error:
        raise MetastoreError(
            "The metastore's address is not a database URL.",
            hint="NBFLOW_DATABASE_URL looks like postgresql://user:password@host/database.",
            code="NBF605",
        ) from error
    drivers = {
        "sqlite": "sqlite",
        "postgresql": "postgresql+psycopg",
        "mysql": "mariadb+pymysql",
        "mariadb": "mariadb+pymysql",
    }
    if name not in drivers:
        raise MetastoreError(
            Sentence("nbflow keeps no metastore in {name}.", name=name),
            hint="Use sqlite, postgresql or mariadb.",
            code="NBF605",
        )
    return url.set(drivername=drivers[name])


def sqlite_path(url: URL) -> Path | None:
    """Return the file of an SQLite metastore, None for a server."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise MetastoreError(
            "A metastore in memory would be gone with the process.",
            hint="Name a file: sqlite:////home/me/nbflow/nbflow.db",
            code="NBF605",
        )
    return Path(url.database).absolute()


def file_system_of(path: Path, mounts: str | None = None) -> str:
    """Return the type of the file system that holds ``path``, "" where that can't be told."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(errors="replace")
        except OSError:
            return ""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind


def make_engine(url: URL, *, is_patient: bool = False) -> Engine:
    """Return an engine whose every transaction is begun as nbflow needs it.

    One that ``is_patient`` waits for a server, and for locks, as long as it takes.
    """
    path = sqlite_path(url)
    if path is not None:
        return _sqlite_engine(url, path)
    name = url.get_backend_name()
    try:
        engine = create_engine(
            url,
            isolation_level="READ COMMITTED",
            # Transactions are tried again on a new connection; a ping before each costs as much.
            pool_pre_ping=False,
            pool_size=4,
            max_overflow=8,
            connect_args=_arguments(name, is_patient=is_patient),
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        extra = name.replace("mysql", "mariadb")
        raise MetastoreError(
            Sentence("The driver for {extra} is not installed.", extra=extra),
            hint=Sentence("pip install 'jupyter-nbflow[{extra}]'", extra=extra),
            code="NBF605",
        ) from error
    if name == "postgresql" and not is_patient:
        event.listen(engine, "do_connect", _connect_postgresql)
    return engine


def _arguments(name: str, *, is_patient: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {"connect_timeout": (2 if is_patient else 1) * CONNECT_TIMEOUT}
    if name == "postgresql":
        return arguments
    arguments["charset"] = "utf8mb4"
    if not is_patient:
        arguments["read_timeout"] = arguments["write_timeout"] = ANSWER
        wait = f"SET SESSION innodb_lock_wait_timeout = {int(LOCK_TIMEOUT)}"
        arguments["init_command"] = wait
    return arguments


def _connect_postgresql(_dialect: Any, _record: Any, cargs: Any, cparams: dict[str, Any]) -> Any:
    from nbflow.metastore.postgresql import connect

    return connect(cargs, cparams, answer=ANSWER, lock=LOCK_TIMEOUT)


def _sqlite_engine(url: URL, path: Path) -> Engine:
    kind = file_system_of(path)
    if kind in NETWORK_FILE_SYSTEMS:
        raise MetastoreError(
            Sentence(
                "{path} is on a network file system ({kind}), where SQLite's log is not safe.",
                path=path,
                kind=kind,
            ),
            hint="Move NBFLOW_HOME to a local disk, or use PostgreSQL (NBFLOW_DATABASE_URL).",
            code="NBF606",
        )
    # mode=rw: a file that vanished is an error, never a new empty metastore.
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            f"{path.as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT / 1000,
            isolation_level=None,
            check_same_thread=False,
        ),
        # Kept open: the last one to close would copy the whole log back into the file.
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=8,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get("nbflow_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def error_code(error: DBAPIError) -> str:
    """Return the SQLSTATE or the MariaDB error number, "" if there is none."""
    arguments = getattr(error.orig, "args", ())
    if arguments and isinstance(arguments[0], int):
        return str(arguments[0])
    return str(getattr(error.orig, "sqlstate", None) or "")


def is_retried(error: DBAPIError) -> bool:
    """Tell whether the transaction was undone by another one and may simply be tried again."""
    return error_code(error) in _RETRIED


def wait_for_no_row(connection: Connection) -> None:
    """Let the transaction that has begun fail at once where others hold what it wants."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = 1")
    elif connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 0")


@contextmanager
def waiting_again(connection: Connection) -> Iterator[None]:
    """Undo `wait_for_no_row` once the transaction in the block is over: on MariaDB it would stay. A
    connection that can't be told is thrown away, whatever became of the transaction.
    """
    try:
        yield
    finally:
        if connection.dialect.name not in ("postgresql", "sqlite") and not connection.invalidated:
            usual = int(LOCK_TIMEOUT)
            try:
                connection.exec_driver_sql(f"SET SESSION innodb_lock_wait_timeout = {usual}")
                connection.rollback()
            except DBAPIError:
                connection.invalidate()


def translated(error: DBAPIError | sqlite3.Error, place: str) -> MetastoreError:
    """Return the error in words, with the place and a way out."""
    text = str(error.orig if isinstance(error, DBAPIError) else error)
    first = text.splitlines()[0] if text else type(error).__name__
    if any(word in text for word in _DAMAGED):
        return damaged(place, first)
    if "readonly" in text or "unable to open" in text or "read-only" in text:
        return MetastoreError(
            Sentence("The metastore {place} can't be written: {first}.", place=place, first=first),
            hint="Check the owner and the mode of the file and its folder.",
            code="NBF607",
        )
    if any(word in text for word in _FULL):
        return MetastoreBusyError(
            Sentence("The metastore {place} can't grow: {first}.", place=place, first=first),
            hint="Free some disk space; nothing was written, and work goes on then.",
            code="NBF608",
        )
    if isinstance(error, DBAPIError) and is_retried(error):
        return RowLockedError(
            Sentence("Others hold what is wanted in the metastore {place}.", place=place),
            hint="Nothing was written; try again, or end the session that holds it.",
        )
    if "locked" in text:
        return MetastoreBusyError(
            Sentence("The metastore {place} is locked by another process.", place=place),
            hint="Nothing was written; try again, or end the process that holds it.",
        )
    if isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or any(word in text for word in _SILENT)
        or error_code(error).startswith("57P")
    ):
        return MetastoreBusyError(
            Sentence("The metastore {place} does not answer: {first}.", place=place, first=first),
            hint="Check that its server runs and that NBFLOW_DATABASE_URL is right.",
            code="NBF609",
        )
    return MetastoreError(
        Sentence("The metastore {place} refused: {first}.", place=place, first=first),
        hint="See `nbflow db check`.",
    )


def damaged(place: str, detail: str) -> MetastoreError:
    """Return the error of a file that is no sound database any more."""
    return MetastoreError(
        Sentence("The metastore is damaged: {place}: {detail}.", place=place, detail=detail),
        hint="Run `nbflow db check`, then put a backup in its place.",
        code="NBF617",
    )


def no_metastore(path: Path) -> MetastoreError:
    """Return the error of a file that isn't there."""
    return MetastoreError(
        Sentence("There is no metastore at {path}.", path=path),
        hint="Run `nbflow db init`.",
        code="NBF616",
    )
