"""One metastore suite over SQLite, PostgreSQL and MariaDB; the servers start once per session."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from database_servers import (
    mariadb_server,
    postgresql_server,
    server_url,
    with_database,
)
from lock_order import watch
from sqlalchemy import Engine, create_engine, text

from nbflow.metastore import Metastore, open_metastore
from nbflow.metastore.schema import seed
from nbflow.metastore.tables import metadata
from nbflow.model.clock import SystemClock

__all__ = ["mariadb_server", "postgresql_server"]


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
        server = server_url(request, backend)
        with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        made.append(name)
        return with_database(server, name)

    yield make
    if made:
        engine = create_engine(server_url(request, backend), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in made:
                force = " WITH (FORCE)" if backend == "postgresql" else ""
                connection.execute(text(f"DROP DATABASE {name}{force}"))
        engine.dispose()


@pytest.fixture(scope="session")
def kept() -> Iterator[dict[str, Engine]]:
    """The databases of the servers whose tables are made once: whoever empties them stays connected."""
    engines: dict[str, Engine] = {}
    yield engines
    for engine in engines.values():
        engine.dispose()


@pytest.fixture
def url(backend: str, new_url: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the address of an empty metastore; a server's tables are made once and emptied."""
    if backend == "sqlite":
        yield new_url()
        return
    server = server_url(request, backend)
    kept: dict[str, Engine] = request.getfixturevalue("kept")
    place = with_database(server, "kept")
    if backend not in kept:
        with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("CREATE DATABASE kept"))
        kept[backend] = create_engine(place)
    yield place
    with kept[backend].begin() as connection:
        busy = {
            "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = 'kept' "
            "AND pid <> pg_backend_pid() AND state LIKE 'idle in%'",
            "mariadb": "SELECT count(*) FROM information_schema.innodb_trx "
            "WHERE trx_mysql_thread_id <> CONNECTION_ID()",
        }
        left_open = connection.execute(text(busy[backend])).scalar_one()
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        seed(connection)
    assert left_open == 0, "a transaction was left open"


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def goes_back() -> Iterator[list[str]]:
    """Return where transactions take locks in another order than others do; none may."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def open_store(
    url: str, clock: StillClock, goes_back: list[str]
) -> Iterator[Callable[[], Metastore]]:
    """Return an opener of metastores as separate processes would have them."""
    opened: list[Metastore] = []

    def make() -> Metastore:
        store = open_metastore(url, clock=clock)
        opened.append(store)
        if not store.db.is_sqlite:
            watch(store.db.engine, goes_back)
        return store

    yield make
    for store in opened:
        pool = store.db.engine.pool
        assert pool.checkedout() == 0, "a connection was not given back"  # type: ignore[attr-defined]
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Metastore]) -> Metastore:
    return open_store()
