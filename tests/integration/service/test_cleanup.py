"""Retention with a real metastore and real files; the calendar is moved by hand."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from small_dags import ended, failed, run_id, small_dag, succeeded
from waiting import until

import nbflow.app
from nbflow.errors import MetastoreError, UsageError
from nbflow.metastore import NewRun, RunFilter, Tick, check, slot_key
from nbflow.model.backfill import Backfill
from nbflow.model.schedule import MissedSlot, ScheduleEntry
from nbflow.model.states import RunKind, TaskState
from nbflow.scheduling.decide import decide
from nbflow.service.background import beside_the_loop
from nbflow.service.live import LiveFolder
from nbflow.settings import Settings, load_settings

DAG = small_dag({"a": []})
OTHER = small_dag({"a": []}, dag_id="other")
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


def attempt(service, number, *, size=1000, ends=True, dag=DAG, well=True):
    """Make a run with one attempt that wrote a log of ``size`` bytes; return the log's path."""
    store, run = service.store, run_id(number)
    store.create_run(
        NewRun(
            run_id=run, dag_id=dag.id, version=dag.digest, kind=RunKind.MANUAL,
            slot_key=f"manual:{number}",
        )
    )  # fmt: skip
    store.apply(run, decide(dag, store.run_snapshot(run), service.clock.wall()))
    (claim,) = store.claim(run, limit=1)
    folder = service.settings.store / "runs" / run / "a" / str(claim.token)
    folder.mkdir(parents=True)
    log = folder / "attempt.log"
    log.write_bytes(b"x" * size)
    if ends:
        target = TaskState.SUCCESS if well else TaskState.FAILED
        result = succeeded() if well else failed()
        store.finish(
            claim, result, ended("a", target), lambda s: decide(dag, s, service.clock.wall())
        )
    for path in (log, folder):
        os.utime(path, (service.clock.wall().timestamp(),) * 2)
    return log


def stray(service):
    """Make an attempt's folder that no row names, touched now."""
    folder = service.settings.store / "runs" / "lost" / "a" / "9"
    folder.mkdir(parents=True)
    os.utime(folder, (service.clock.wall().timestamp(),) * 2)
    return folder


@pytest.mark.fault(35)
def test_runs_go_by_age_but_for_the_newest_success(service, calendar):
    logs = []
    for number in range(1, 6):
        logs.append(attempt(service, number))
        calendar.at += 10 * DAY
    would = service.cleanup(keep_days=25, max_bytes=1 << 30, dry_run=True)
    assert all(log.exists() for log in logs)
    done = service.cleanup(keep_days=25, max_bytes=1 << 30)
    assert (done.runs, done.attempts, done.freed) == (3, 3, 3000)
    assert would == done
    assert [log.exists() for log in logs] == [False, False, False, True, True]
    assert sorted(run.id for run in service.store.list_runs()) == [run_id(4), run_id(5)]
    calendar.at += 1000 * DAY
    assert service.cleanup(keep_days=25, max_bytes=1 << 30).runs == 1
    assert [run.id for run in service.store.list_runs()] == [run_id(5)]
    assert logs[-1].exists()


def test_a_clean_up_that_is_told_to_end_does_so_at_the_next_file_and_another_does_the_rest(
    service, calendar
):
    logs = []
    for number in range(1, 9):
        logs.append(attempt(service, number))
        calendar.at += timedelta(minutes=1)
    calendar.at += 30 * DAY
    stray(service)
    calendar.at += DAY
    asked = []

    def goes_on():
        asked.append(True)
        return len(asked) < 6

    done = service.cleanup(keep_days=25, max_bytes=1 << 30, goes_on=goes_on)
    assert done.runs == 7
    assert 0 < done.attempts < 8
    assert done.left is None
    assert len(asked) <= 8
    rest = service.cleanup(keep_days=25, max_bytes=1 << 30)
    assert done.attempts + rest.attempts == 8
    assert [log.exists() for log in logs] == [False] * 7 + [True]


def test_the_oldest_runs_go_while_the_store_holds_too_much(service, calendar):
    for number in range(1, 161):
        attempt(service, number, size=10_000)
        calendar.at += timedelta(minutes=1)
    calendar.at += DAY
    would = service.cleanup(keep_days=90, max_bytes=700_000, dry_run=True)
    done = service.cleanup(keep_days=90, max_bytes=700_000)
    assert would == done
    assert done.left <= 700_000
    assert (done.runs, done.attempts) == (90, 90)
    kept = sorted(run.id for run in service.store.list_runs(RunFilter(limit=200)))
    assert kept == [run_id(number) for number in range(91, 161)]


def test_no_run_goes_for_space_that_would_not_become_free(service, calendar):
    for number in range(1, 9):
        attempt(service, number, size=100_000)
        calendar.at += timedelta(minutes=1)
    would = service.cleanup(keep_days=90, max_bytes=700_000, dry_run=True)
    done = service.cleanup(keep_days=90, max_bytes=700_000)
    assert would == done
    assert (done.runs, done.left) == (0, 800_000)
    calendar.at += DAY
    assert service.cleanup(keep_days=90, max_bytes=700_000).runs == 1


def test_no_history_goes_for_space_that_the_newest_success_of_another_dag_takes(service, calendar):
    attempt(service, 1, size=3_000_000)
    calendar.at += timedelta(minutes=1)
    service.store.deploy(OTHER, {"etl.ipynb": b"{}"})
    logs = [attempt(service, number, size=7_000, dag=OTHER, well=False) for number in range(2, 40)]
    calendar.at += DAY
    would = service.cleanup(keep_days=90, max_bytes=2_000_000, dry_run=True)
    done = service.cleanup(keep_days=90, max_bytes=2_000_000)
    assert would == done
    assert done.holders == (DAG.id,)
    assert done.left <= 3_000_000 + 200_000
    assert [log.exists() for log in logs] == [False] * 10 + [True] * 28


def test_no_run_goes_for_space_that_a_running_attempt_keeps(service, calendar):
    attempt(service, 9, size=0, ends=False)
    for number in range(1, 9):
        attempt(service, number, size=100_000)
        calendar.at += timedelta(minutes=1)
    calendar.at += DAY
    assert service.cleanup(keep_days=90, max_bytes=700_000).runs == 0


@pytest.mark.fault(35)
def test_no_file_goes_that_a_running_attempt_may_have_stored(service, calendar):
    old = attempt(service, 1)
    calendar.at += 10 * DAY
    attempt(service, 2)
    calendar.at += 100 * DAY
    log = attempt(service, 3, ends=False)
    stored_by_it = stray(service)
    calendar.at += 3 * DAY
    would = service.cleanup(keep_days=1, max_bytes=0, dry_run=True)
    done = service.cleanup(keep_days=1, max_bytes=0)
    assert would == done
    assert (done.runs, done.freed) == (1, 1000)
    assert not old.exists()
    assert log.exists()
    assert stored_by_it.exists()


def test_schedulers_delete_what_the_settings_say(home, calendar):
    settings = Settings(
        home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=1, keep_days=30
    )
    with nbflow.app.open_service(settings, clock=calendar) as service:
        service.store.deploy(DAG, {"etl.ipynb": b"{}"})
        for number in (1, 2):
            attempt(service, number)
            calendar.at += 20 * DAY
        with beside_the_loop(service, LiveFolder(service=service)) as poke:
            poke()
            until(lambda: [run.id for run in service.store.list_runs()] == [run_id(2)])


@pytest.mark.parametrize(
    ("text", "days"), [("7", 7.0), ("0.5", 0.5), ("off", float("inf")), ("OFF", float("inf"))]
)
def test_how_long_runs_are_kept_is_a_setting(text, days):
    assert load_settings({"NBFLOW_KEEP_DAYS": text}).keep_days == days


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e9", "a week", "٣"])
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(UsageError, match="NBFLOW_KEEP_MIB"):
        load_settings({"NBFLOW_KEEP_MIB": text})


def test_off_keeps_everything(service, calendar):
    attempt(service, 1)
    calendar.at += 10 * DAY
    attempt(service, 2)
    calendar.at += 100_000 * DAY
    assert service.cleanup(keep_days=float("inf"), max_bytes=float("inf")).runs == 0


def test_what_nobody_recorded_goes_after_an_hour(service, calendar):
    attempt(service, 1)
    calendar.at = datetime.now(UTC)
    lost = stray(service)
    assert service.cleanup(keep_days=90_000, max_bytes=1 << 30).attempts == 0
    calendar.at += timedelta(hours=2)
    assert service.cleanup(keep_days=90_000, max_bytes=1 << 30).attempts == 1
    assert not lost.exists()


def test_records_of_what_is_long_past_go_with_the_runs_of_that_time(service, calendar):
    attempt(service, 1)
    for tasks in ("bc", "bd", "be"):
        edited = small_dag({task: [] for task in tasks})
        service.store.deploy(edited, {"etl.ipynb": tasks.encode()})
    calendar.at += 10 * DAY
    attempt(service, 2, dag=DAG)
    assert len(service.store.versions(DAG.id)) == 4
    service.cleanup(keep_days=11, max_bytes=1 << 30)
    assert len(service.store.versions(DAG.id)) == 4
    service.cleanup(keep_days=5, max_bytes=1 << 30)
    assert [row.number for row in service.store.versions(DAG.id)] == [4, 1]


@pytest.fixture
def aged(service, calendar):
    """Let a bit of everything grow old, and a run be made since; return what no row names any more."""
    attempt(service, 1)
    schedule = ScheduleEntry(
        dag_id=DAG.id, expression="@hourly", timezone="UTC", cursor=BEGIN, next_fire=BEGIN + DAY
    )
    for tasks in ("b", "c", "d"):
        edited = small_dag({"a": [], tasks: []})
        service.store.deploy(edited, {"etl.ipynb": tasks.encode()}, schedule=schedule)
        known = service.store.schedule(DAG.id)
        schedule = replace(schedule, id=known.id, version=known.version)
    late = [MissedSlot(dag_id=DAG.id, slot=BEGIN + DAY, reason="catchup", at=BEGIN + DAY)]
    tick = Tick(seen=known, cursor=BEGIN + DAY, next_fire=BEGIN + 99 * DAY, missed=late)
    assert service.store.tick(tick)
    assert service.store.notices.plan_missed(DAG.id, [slot_key(known.id, BEGIN + DAY)], [])
    of_slot = Backfill(
        id="old", dag_id=DAG.id, schedule_id=known.id, expression="@hourly", timezone="UTC",
        anchor=None, first=BEGIN, last=BEGIN, slots=1,
    )  # fmt: skip
    service.store.backfills.create(of_slot)
    service.store.backfills.cancel("old")
    left = stray(service)
    calendar.at += 10 * DAY
    attempt(service, 2)
    return left


@pytest.mark.usefixtures("aged")
def test_a_dry_run_counts_all_that_would_go(service):
    would = service.cleanup(keep_days=5, dry_run=True)
    done = service.cleanup(keep_days=5)
    assert would == done
    assert (done.runs, done.missed, done.backfills, done.versions) == (1, 1, 1, 2)
    assert service.cleanup(keep_days=5, dry_run=True) == replace(
        done, runs=0, attempts=0, missed=0, backfills=0, versions=0, freed=0
    )


@pytest.mark.usefixtures("aged")
def test_schedulers_tell_all_that_they_deleted(service, calendar, caplog):
    caplog.set_level("INFO", logger="nbflow")
    settings = replace(service.settings, keep_days=5)
    with (
        nbflow.app.open_service(settings, clock=calendar) as scheduler,
        beside_the_loop(scheduler, LiveFolder(service=scheduler)) as poke,
    ):
        poke()
        until(lambda: "retention deleted" in caplog.text)
    (told,) = [one.getMessage() for one in caplog.records if "retention" in one.getMessage()]
    assert "1 missed slots, 1 backfills, 2 versions" in told


@pytest.mark.parametrize(
    ("table", "stays"),
    [
        ("run", {"runs": 1}),
        ("missed", {"missed": 1}),
        ("backfill", {"backfills": 1}),
        ("dag_version", {"versions": 2}),
    ],
)
def test_what_can_not_be_deleted_keeps_nothing_else(service, aged, table, stays):
    def write(statement):
        service.store.db.write("test", lambda c: c.exec_driver_sql(statement))

    write(
        f"CREATE TRIGGER refused BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'not now'); END"
    )
    with pytest.raises(MetastoreError, match="not now"):
        service.cleanup(keep_days=5)
    write("DROP TRIGGER refused")
    assert not aged.exists()
    left = service.cleanup(keep_days=5)
    counts = {name: getattr(left, name) for name in ("runs", "missed", "backfills", "versions")}
    assert counts == {"runs": 0, "missed": 0, "backfills": 0, "versions": 0, **stays}


def test_what_was_recorded_just_now_stays_whatever_is_to_be_kept(service, calendar):
    draft = small_dag({"a": [], "b": []})
    service.store.deploy(draft, {"etl.ipynb": b"draft"}, current=False)
    service.store.deploy(small_dag({"c": []}), {"etl.ipynb": b"next"}, current=False)
    calendar.at += timedelta(minutes=10)
    assert service.cleanup(keep_days=0).versions == 0
    attempt(service, 1, dag=draft)
    calendar.at += DAY
    assert service.cleanup(keep_days=0).versions == 0
