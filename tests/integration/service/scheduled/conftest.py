"""An installation whose calendar moves when told to, and whose metastore is sound after each test."""

import uuid

import pytest
from database_servers import postgresql_server, server_url, with_database
from scheduler_bench import Calendar
from sqlalchemy import create_engine, text

import nbflow.app
from nbflow.metastore import check
from nbflow.settings import Settings

__all__ = ["postgresql_server"]


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def settings(home) -> Settings:
    return Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)


@pytest.fixture
def service(settings, calendar):
    with nbflow.app.open_service(settings, clock=calendar) as opened:
        yield opened
    assert check(settings.database_url) == []


@pytest.fixture
def direct(request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database on a server."""
    name = f"t{uuid.uuid4().hex[:12]}"
    server = server_url(request, "postgresql")
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return with_database(server, name)
