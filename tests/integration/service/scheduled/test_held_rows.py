"""An end that can't be recorded now, or never, takes nothing else with it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager

import pytest
from noop_executor import NoopExecutor
from scheduler_bench import until
from sqlalchemy import create_engine, text

import nbflow.app
from nbflow.errors import RowLockedError
from nbflow.metastore import check, dialect
from nbflow.model.ids import TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.service import leases, run_loop
from nbflow.service import scheduler as scheduler_module
from nbflow.service.dags import deploy, trigger
from nbflow.service.reaping import reap
from nbflow.service.scheduler import Scheduler
from nbflow.settings import Settings

TRUST, LEASE = 3.0, 6.0


@pytest.fixture
def on_server(direct, home):
    return Settings(home=home, database_url=direct, slots=3)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(dialect, "LOCK_TIMEOUT", 0.05)
    monkeypatch.setattr(leases, "RENEW_EVERY", 0.1)
    monkeypatch.setattr(leases, "TRUST", TRUST)


@contextmanager
def at_work(settings):
    """Open a scheduler whose attempts end when `ends` says so."""
    with ExitStack() as stack:
        opened = stack.enter_context(nbflow.app.open_service(settings))
        opened.store.lease = LEASE
        executor = stack.enter_context(NoopExecutor(lasts=lambda: 600.0))
        yield opened, Scheduler(service=opened, executor=executor)


def end(scheduler, *run_ids):
    """Let the attempts of these runs end now, all in one poll."""
    waiting = scheduler.executor._ends
    waiting[:] = [(0.0 if spec.run_id in run_ids else at, spec) for at, spec in waiting]


@contextmanager
def locked(url, run_id, what="run WHERE id = :of"):
    """Hold a run's row in a session of its own, as somebody at a prompt may."""
    engine = create_engine(url)
    with closing(engine.connect()) as connection:
        query = text(f"SELECT * FROM {what} FOR UPDATE")
        connection.execute(query, {"of": run_id}).all()
        yield
        connection.rollback()
    engine.dispose()


def runs_of(service, page, *names):
    """Trigger a run of a DAG of one task for each name."""
    made = []
    for name in names:
        (deployed,) = deploy(service, page(("x = 1", "task:a"), name=name))
        made.append(trigger(service, deployed.dag.id))
    return made


def all_started(service, runs):
    return lambda: all(service.store.attempts(run) for run in runs)


def state(service, run_id):
    return service.store.show_run(run_id)[0].state


@pytest.mark.fault(18)
def test_an_end_whose_run_somebody_holds_longer_than_leases_last_waits_and_nothing_else_does(
    on_server, page, short
):
    with at_work(on_server) as (service, scheduler):
        held, free, long = runs = runs_of(service, page, "held", "free", "long")
        until(all_started(service, runs), scheduler)
        with locked(on_server.database_url, held):
            begun = time.monotonic()
            end(scheduler, held, free)
            until(lambda: state(service, free).is_final, scheduler)
            until(lambda: time.monotonic() - begun > LEASE + TRUST, scheduler)
            assert state(service, held) is RunState.RUNNING
            (later,) = runs_of(service, page, "later")
            # The place of what has ended is free, though its end is not on record.
            until(all_started(service, [later]), scheduler)
        until(lambda: state(service, held).is_final, scheduler)
        assert [spec.run_id for _, spec in scheduler.executor._ends] == [long, later]
        end(scheduler, long, later)
        until(lambda: state(service, later).is_final and state(service, long).is_final, scheduler)
        for run_id in (*runs, later):
            assert [a.outcome for a in service.store.attempts(run_id)] == ["success"]
    assert check(on_server.database_url) == []


def test_the_end_of_a_run_that_was_deleted_meanwhile_takes_no_other_end_with_it(
    settings, page, home
):
    with at_work(settings) as (service, scheduler):
        gone, stays = runs = runs_of(service, page, "gone", "stays")
        until(all_started(service, runs), scheduler)
        with service.store.db.engine.begin() as connection:
            connection.execute(
                text("UPDATE run SET state = 'cancelled', ended = created WHERE id = :of"),
                {"of": gone},
            )
        assert service.store.retention.delete_runs([gone]) == 1
        end(scheduler, gone, stays)
        until(lambda: state(service, stays).is_final, scheduler)
        assert state(service, stays) is RunState.SUCCESS
        assert scheduler.executor.is_idle
        assert not any(driver.claims for driver in scheduler._drivers.values())
    assert check(settings.database_url) == []


@pytest.mark.fault(18)
def test_who_holds_the_row_of_a_task_for_longer_than_leases_last_costs_that_task_its_lease_alone(
    on_server, page, short, monkeypatch
):
    monkeypatch.setattr(scheduler_module, "REAP_EVERY", 0.3)
    with at_work(on_server) as (service, scheduler):
        held, free = runs = runs_of(service, page, "held", "free")
        until(all_started(service, runs), scheduler)
        with locked(on_server.database_url, held, "task_instance WHERE run_id = :of"):
            begun = time.monotonic()
            until(lambda: time.monotonic() - begun > LEASE + TRUST, scheduler)
        end(scheduler, free)
        until(lambda: state(service, free).is_final, scheduler)
        assert [a.outcome for a in service.store.attempts(free)] == ["success"]
        until(lambda: len(service.store.attempts(held)) >= 2, scheduler)
        until(lambda: end(scheduler, held) or state(service, held).is_final, scheduler)
        outcomes = [a.outcome for a in service.store.attempts(held)]
        assert (set(outcomes[:-1]), outcomes[-1]) == ({"lost"}, "success")
    assert check(on_server.database_url) == []


@pytest.mark.kernel
@pytest.mark.fault(18)
def test_a_run_by_hand_says_that_it_waits_for_who_holds_its_row_and_not_for_ever(
    on_server, page, short, monkeypatch, caplog
):
    monkeypatch.setattr(run_loop, "HELD_AT_MOST", 1.0)
    with ExitStack() as holding, nbflow.app.open_service(on_server) as service:

        def hold(event):
            if event.state is TaskState.RUNNING:
                holding.enter_context(locked(on_server.database_url, event.run_id))

        with pytest.raises(RowLockedError, match="Others hold what is wanted"):
            service.run(page(("x = 1", "task:a")), on_event=hold)
        holding.close()
        assert "has to wait: Others hold what is wanted" in caplog.text
    with at_work(on_server) as (service, scheduler):
        scheduler._reap()
        (run,) = service.store.list_runs()
        assert run.state is RunState.FAILED
    assert check(on_server.database_url) == []


WAITS = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)\n"


@pytest.mark.kernel
@pytest.mark.fault(18)
@pytest.mark.parametrize("shares", [False, True], ids=["alone", "in a kernel group"])
def test_a_run_by_hand_takes_a_task_back_whose_row_somebody_held_until_its_lease_was_over(
    on_server, page, short, monkeypatch, tmp_path, caplog, shares
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_loop, "REAP_EVERY", 0.3)
    source = "x = (n for n in range(3))" if shares else "x = 3"
    looks = []
    with ExitStack() as holding, nbflow.app.open_service(on_server) as service:
        service.store.lease = LEASE

        def hold(event):
            if event.state is TaskState.RUNNING and event.task == "b" and not looks:
                rows = "task_instance WHERE run_id = :of AND task = 'b'"
                holding.enter_context(locked(on_server.database_url, event.run_id, rows))

        def look(*these):
            looks.append(these)
            if len(looks) == 2:
                holding.close()
                (tmp_path / "go").touch()
            return reap(*these)

        monkeypatch.setattr(run_loop, "reap", look)
        cells = (source, "task:a"), (f"{WAITS}y = list(range(3)), x", "task:b")
        report = service.run(page(*cells), on_event=hold)
        assert report.state is RunState.SUCCESS
        outcomes = [a.outcome for a in service.store.attempts(report.run_id, TaskName("b"))]
        # On a busy machine the second try may be lost, too.
        assert (set(outcomes[:-1]), outcomes[-1]) == ({"lost"}, "success")
        assert "has to wait: Others held the row of task b" in caplog.text
    assert check(on_server.database_url) == []


@pytest.fixture
def by_hand(on_server, page, tmp_path):
    """Start ``nbflow run`` in a process of its own, and return it with its run's id once it works."""
    os.mkfifo(tmp_path / "begun")
    cell = f"open('begun', 'w').close()\n{WAITS}"
    process = subprocess.Popen(
        [sys.executable, "-m", "nbflow", "run", str(page((cell, "task:a")))],
        cwd=tmp_path,
        env=os.environ
        | {
            "NBFLOW_HOME": str(on_server.home),
            "NBFLOW_DATABASE_URL": on_server.database_url,
            "NBFLOW_LANG": "en",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever starts the tests in the background has Ctrl-C ignored, and all below inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        (tmp_path / "begun").read_text()
        with nbflow.app.open_service(on_server) as service:
            (run,) = service.store.list_runs()
        yield process, run.id
    finally:
        process.kill()
        process.communicate()


@pytest.mark.kernel
@pytest.mark.fault(18)
@pytest.mark.parametrize("row", ["run WHERE id = :of", "task_instance WHERE run_id = :of"])
def test_a_second_ctrl_c_ends_a_run_by_hand_while_somebody_holds_its_row(on_server, by_hand, row):
    process, run_id = by_hand
    with locked(on_server.database_url, run_id, row):
        process.send_signal(signal.SIGINT)
        said = iter(process.stderr.readline, "")
        assert any("has to wait" in line for line in said)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 3
        assert "Others hold what is wanted" in errors
    with nbflow.app.open_service(on_server) as service:
        run, _ = service.store.show_run(run_id)
        assert run.state is RunState.FAILED
        assert "the process that drove it is gone" in run.note
    assert check(on_server.database_url) == []
