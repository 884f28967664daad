"""Databases for storms."""

import uuid
from collections.abc import Callable

import pytest
from database_servers import postgresql_server, server_url, with_database
from sqlalchemy import create_engine, text

__all__ = ["postgresql_server"]


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path) -> Callable[[str], str]:
    """Return a maker of addresses at which there is nothing yet."""

    def make(backend: str) -> str:
        name = f"t{uuid.uuid4().hex[:12]}"
        if backend == "sqlite":
            return f"sqlite:///{tmp_path / name}.db"
        server = server_url(request, backend)
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return with_database(server, name)

    return make
