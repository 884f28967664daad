"""Retention with a real metastore and real files; the calendar is moved by hand."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from small_dags import ended, run_id, small_dag, succeeded

import nbflow.app
from nbflow.metastore import NewRun, check
from nbflow.model.states import RunKind
from nbflow.scheduling.decide import decide
from nbflow.settings import Settings

DAG = small_dag({"a": []})
BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Calendar:
    def __init__(self):
        self.at = BEGIN

    def wall(self):
        return self.at

    def monotonic(self):
        return time.monotonic()


@pytest.fixture
def calendar():
    return Calendar()


@pytest.fixture
def service(home, calendar):
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=1)
    with nbflow.app.open_service(settings, clock=calendar) as opened:
        opened.store.deploy(DAG, {"etl.ipynb": b"{}"})
        yield opened
    assert check(settings.database_url) == []


def attempt(service, number, *, size=1000, ends=True):
    """Make a run with one attempt that wrote a log of ``size`` bytes; return the log's path."""
    store, run = service.store, run_id(number)
    store.create_run(
        NewRun(
            run_id=run, dag_id=DAG.id, version=DAG.digest, kind=RunKind.MANUAL,
            slot_key=f"manual:{number}",
        )
    )  # fmt: skip
    store.apply(run, decide(DAG, store.run_snapshot(run), service.clock.wall()))
    (claim,) = store.claim(run, limit=1)
    folder = service.settings.store / "runs" / run / "a" / str(claim.token)
    folder.mkdir(parents=True)
    log = folder / "attempt.log"
    log.write_bytes(b"x" * size)
    if ends:
        store.finish(claim, succeeded(), ended("a"), lambda s: decide(DAG, s, service.clock.wall()))
    for path in (log, folder):
        os.utime(path, (service.clock.wall().timestamp(),) * 2)
    return log


@pytest.mark.fault(35)
def test_runs_go_by_age_but_for_the_newest_success(service, calendar):
    logs = []
    for number in range(1, 6):
        logs.append(attempt(service, number))
        calendar.at += 10 * DAY
    done = service.cleanup(keep_days=25, max_bytes=1 << 30)
    assert (done.runs, done.attempts, done.freed) == (3, 3, 3000)
    assert [log.exists() for log in logs] == [False, False, False, True, True]
    assert sorted(run.id for run in service.store.list_runs()) == [run_id(4), run_id(5)]
    calendar.at += 1000 * DAY
    assert service.cleanup(keep_days=25, max_bytes=1 << 30).runs == 1
    assert [run.id for run in service.store.list_runs()] == [run_id(5)]
    assert logs[-1].exists()


def test_the_oldest_runs_go_while_the_store_holds_too_much(service, calendar):
    for number in range(1, 161):
        attempt(service, number, size=10_000)
        calendar.at += timedelta(minutes=1)
    calendar.at += DAY
    done = service.cleanup(keep_days=90, max_bytes=700_000)
    assert done.left <= 700_000
    assert (done.runs, done.attempts) == (100, 100)
    kept = sorted(run.id for run in service.store.list_runs())
    assert kept[0] > run_id(100)


def test_no_run_goes_for_space_that_would_not_become_free(service, calendar):
    for number in range(1, 9):
        attempt(service, number, size=100_000)
        calendar.at += timedelta(minutes=1)
    done = service.cleanup(keep_days=90, max_bytes=700_000)
    assert (done.runs, done.left) == (0, 800_000)
    calendar.at += DAY
    attempt(service, 9, ends=False)
    assert service.cleanup(keep_days=90, max_bytes=700_000).runs == 0


@pytest.mark.fault(35)
def test_no_file_goes_while_an_attempt_runs(service, calendar):
    old = attempt(service, 1)
    calendar.at += 10 * DAY
    attempt(service, 2)
    calendar.at += 100 * DAY
    log = attempt(service, 3, ends=False)
    done = service.cleanup(keep_days=1, max_bytes=0)
    assert (done.runs, done.freed) == (1, 0)
    assert log.exists()
    assert old.exists()


def test_what_nobody_recorded_goes_after_an_hour(service, calendar):
    attempt(service, 1)
    stray = service.settings.store / "runs" / "lost" / "a" / "9"
    stray.mkdir(parents=True)
    calendar.at = datetime.now(UTC)
    assert service.cleanup(keep_days=90_000, max_bytes=1 << 30).attempts == 0
    calendar.at += timedelta(hours=2)
    assert service.cleanup(keep_days=90_000, max_bytes=1 << 30).attempts == 1
    assert not stray.exists()
