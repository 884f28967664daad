"""An installation whose calendar moves when told to, and whose metastore is sound after each test."""

import pytest
from database_servers import postgresql_server
from scheduler_bench import Calendar

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
