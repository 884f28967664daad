"""What schedulers make of calendars that jump, of a sleep, of stalls, locks and newer schemas."""

import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from types import SimpleNamespace

import pytest
from noop_executor import NoopExecutor
from scheduler_bench import HOUR, NOON, ended, schedulers, until

import nbflow.app
from nbflow.cli import entry
from nbflow.errors import SchemaError
from nbflow.execution import processes
from nbflow.metastore import RunFilter, dialect
from nbflow.model.states import Reason, RunState
from nbflow.service import scheduler as scheduler_module
from nbflow.service.dags import deploy, trigger
from nbflow.service.scheduler import Scheduler


@contextmanager
def at_work(settings, calendar, lasts=0.0):
    """Open a scheduler whose attempts last as long as they are told to, and do nothing."""
    with ExitStack() as stack:
        opened = stack.enter_context(nbflow.app.open_service(settings, clock=calendar))
        executor = stack.enter_context(NoopExecutor(lasts=lambda: lasts))
        yield Scheduler(service=opened, executor=executor)


def slots(service, dag):
    """Return the slots of a DAG that got runs, oldest first."""
    runs = service.store.list_runs(RunFilter(dag_id=dag, limit=1000))
    return sorted(run.logical_date for run in runs)


@pytest.mark.fault(24)
@pytest.mark.parametrize("catchup", ["latest", "all", "none"])
def test_a_calendar_that_jumps_ahead_loses_no_attempt_and_makes_the_runs_of_its_policy_only(
    service, settings, calendar, page, catchup
):
    # The newest slot is on time.
    runs = {"latest": 1, "all": 120, "none": 1}[catchup]
    minutely = {"schedule": "* * * * *", "catchup": catchup}
    deploy(service, page(("x = 1", "task:a"), name="minutely", dag=minutely))
    (held,) = deploy(service, page(("x = 1", "task:a"), name="held"))
    run_id = trigger(service, held.dag.id)
    with at_work(settings, calendar, lasts=600.0) as scheduler:
        until(lambda: service.store.attempts(run_id), scheduler)
        calendar.at = NOON + 2 * HOUR
        calendar.ahead += scheduler_module.REAP_EVERY
        for _ in range(4):
            scheduler.step(0)
        made = slots(service, "minutely")
        missed = service.store.missed("minutely", limit=1000)
    assert (len(made), len(missed)) == (runs, 120 - runs)
    assert made[-1] == NOON + 2 * HOUR
    (attempt,) = service.store.attempts(run_id)
    assert attempt.reason in (None, Reason.DRAINED)
    assert service.store.run_snapshot(run_id).tasks["a"].lost == 0


@pytest.mark.fault(44)
def test_a_task_that_waits_for_a_failure_starts_when_the_failed_tasks_process_is_gone(
    service, settings, calendar, page
):
    (held,) = deploy(
        service,
        page(
            ("x = 1", {"max_lost": 0}, "task:a"),
            ("y = 1", "task:b"),
            ("z = 1", {"trigger_rule": "one_failed", "after": ["a", "b"]}, "task:c"),
        ),
    )
    run_id = trigger(service, held.dag.id)

    def states():
        return {name: t.state.value for name, t in service.store.run_snapshot(run_id).tasks.items()}

    with at_work(settings, calendar, lasts=600.0) as living:
        with nbflow.app.open_service(settings, clock=calendar) as dying:
            Scheduler(service=dying, executor=living.executor)._decide_waiting()
            assert [claim.task for claim in dying.store.claim(limit=1)] == ["a"]
        until(lambda: states()["b"] == "running", living)
        calendar.ahead += scheduler_module.REAP_EVERY
        until(lambda: states()["a"] == "failed", living)
        assert states() == {"a": "failed", "b": "running", "c": "running"}


@pytest.mark.fault(25)
def test_a_calendar_that_is_set_back_fires_nothing_twice_and_no_time_is_negative(
    service, settings, calendar, page, monkeypatch, capsys
):
    deploy(service, page(("x = 1", "task:a"), ("print(x)", "task:b"), dag={"schedule": "@hourly"}))
    with at_work(settings, calendar, lasts=0.2) as scheduler:
        calendar.at = NOON + HOUR
        until(lambda: slots(service, "page"), scheduler)
        until(lambda: service.store.attempts(service.store.list_runs()[0].id), scheduler)
        before = service.store.events()[-1].seq
        calendar.at -= 3 * HOUR
        (run,) = until(ended(service), scheduler)
        assert run.state is RunState.SUCCESS
        for hour in (-1, 0, 1):
            calendar.at = NOON + hour * HOUR
            scheduler.step(0)
        assert slots(service, "page") == [NOON + HOUR]
        calendar.at = NOON + 2 * HOUR
        until(ended(service, 2), scheduler)
    assert slots(service, "page") == [NOON + HOUR, NOON + 2 * HOUR]
    later = service.store.events(before)
    assert [event.seq for event in later] == sorted({event.seq for event in later})
    assert min(event.at for event in later) < NOON
    monkeypatch.setenv("NBFLOW_HOME", str(settings.home))
    for words in (("runs", "list"), ("runs", "show", run.id), ("tasks", "states", run.id)):
        monkeypatch.setattr(sys, "argv", ["nbflow", *words, "-f", "plain"])
        assert entry.run() == 0
        assert "-108" not in capsys.readouterr().out


@pytest.mark.fault(28)
@pytest.mark.parametrize("catchup", ["latest", "all"])
def test_after_a_sleep_of_eight_hours_missed_slots_are_told_or_run_in_small_lots(
    service, settings, calendar, page, catchup
):
    deploy(service, page(("x = 1", "task:a"), dag={"schedule": "* * * * *", "catchup": catchup}))
    with at_work(settings, calendar) as scheduler:
        scheduler.step(0)
        calendar.move(8 * 3600)
        ticks = [len(slots(service, "page"))]
        while service.store.due(calendar.wall()):
            scheduler._ticker.move_on(service.store.due(calendar.wall()))
            ticks.append(len(slots(service, "page")))
        # The oldest runs go first, far behind those that a list shows.
        until(lambda: service.store.list_runs(RunFilter(state=RunState.SUCCESS)), scheduler)
    made = slots(service, "page")
    assert len(made) + len(service.store.missed("page", limit=1000)) == 480
    assert made[-1] == NOON + 8 * HOUR
    assert len(made) == (1 if catchup == "latest" else 480)
    # However long it slept, nobody waits for the lock while hundreds of runs are made.
    assert max(after - before for before, after in pairwise(ticks)) <= 100


@pytest.mark.fault(23)
@pytest.mark.kernel
def test_a_scheduler_that_wakes_after_its_lease_ends_its_kernel_and_publishes_nothing(
    service, settings, calendar, page, tmp_path
):
    mark = tmp_path / "on"
    first = (
        f"import os, time\nif not os.path.exists({str(mark)!r}):\n    open({str(mark)!r}, 'w')\n"
    )
    source = f"{first}    time.sleep(600)\nx = os.getpid()"
    (deployment,) = deploy(service, page((source, "task:a"), ("print(x)", "task:b")))
    run_id = trigger(service, deployment.dag.id)
    with schedulers(settings, calendar, count=2) as (stalled, other):
        until(mark.exists, stalled)
        (old,) = service.store.attempts(run_id)
        kernels = {processes.ATTEMPT_MARK: str(old.token)}
        assert processes.marked(kernels)
        calendar.move(61)
        (run,) = until(ended(service), other)
        assert run.state is RunState.SUCCESS
        assert processes.marked(kernels)
        values = service.store.values.of_run(run_id)
        stalled.step(0)
        woke = time.monotonic()
        until(lambda: not processes.marked(kernels), stalled)
        assert time.monotonic() - woke < 15
        until(lambda: not stalled.executor.poll(0) and not stalled._drivers, stalled)
    outcomes = [(a.task, a.outcome) for a in service.store.attempts(run_id)]
    assert outcomes == [("a", "lost"), ("a", "success"), ("b", "success")]
    assert service.store.values.of_run(run_id) == values


def test_an_attempt_that_somebody_else_has_by_now_is_told_once(
    service, settings, calendar, page, caplog
):
    (deployment,) = deploy(service, page(("x = 1", "task:a")))
    run_id = trigger(service, deployment.dag.id)
    with at_work(settings, calendar, lasts=600) as slow:
        until(lambda: service.store.attempts(run_id), slow)
        (claim,) = slow._drivers[run_id].claims
        service.store.hand_back(claim)
        # Its kernel takes longer to end than it takes until leases are renewed again.
        for _ in range(3):
            calendar.move(11)
            slow._renew()
            assert [one.token for one in slow._drivers[run_id].claims] == [claim.token]
        told = [r.message for r in caplog.records if getattr(r, "action", "") == "lost"]
        assert told == ["attempts lost: 1"]


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("holds", flush=True)
sys.stdin.readline()
connection.rollback()
"""


@contextmanager
def write_lock(home):
    """Let another process hold the write lock of a metastore until told to let go."""
    command = [sys.executable, "-c", HOLDER, str(home / "nbflow.db")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "holds\n"
        try:
            yield SimpleNamespace(let_go=lambda: process.communicate("\n", timeout=30))
        finally:
            if process.poll() is None:
                process.communicate("\n", timeout=30)


@pytest.mark.fault(20)
def test_while_another_process_holds_the_write_lock_a_scheduler_loses_nothing_and_goes_on(
    service, settings, calendar, page, home, monkeypatch, caplog
):
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 50)
    deploy(service, page(("x = 1", "task:a"), name="hourly", dag={"schedule": "@hourly"}))
    (held,) = deploy(service, page(("x = 1", "task:a"), ("print(x)", "task:b"), name="held"))
    run_id = trigger(service, held.dag.id)
    with at_work(settings, calendar, lasts=0.2) as scheduler:
        until(lambda: service.store.attempts(run_id), scheduler)
        with write_lock(home) as lock:
            calendar.at = NOON + HOUR
            scheduler.step(0)
            assert "locked by another process" in caplog.text
            assert [row.id for row in service.store.list_runs()] == [run_id]
            lock.let_go()
        until(ended(service, 2), scheduler)
    assert {run.state for run in service.store.list_runs()} == {RunState.SUCCESS}
    assert slots(service, "hourly") == [NOON + HOUR]
    assert [a.outcome for a in service.store.attempts(run_id)] == ["success", "success"]


class Telling(NoopExecutor):
    """Does something each time it is asked what has ended."""

    def poll(self, timeout=None):
        self.then()
        return super().poll(0)

    def then(self):
        """Nothing yet."""


@contextmanager
def told_to_stop(service, settings, calendar, page, home):
    """Let a scheduler have an attempt under way when it is told to stop, and another process hold
    the write lock.
    """
    (held,) = deploy(service, page(("x = 1", "task:a")))
    run_id = trigger(service, held.dag.id)
    with ExitStack() as stack:
        opened = stack.enter_context(nbflow.app.open_service(settings, clock=calendar))
        executor = stack.enter_context(Telling(lasts=lambda: 600.0))
        scheduler = Scheduler(service=opened, executor=executor, drain_timeout=0.0)
        until(lambda: service.store.attempts(run_id), scheduler)
        lock = stack.enter_context(write_lock(home))
        scheduler.stop.press()
        yield run_id, scheduler, lock


@pytest.mark.fault(10, 20)
def test_what_can_not_be_given_back_at_once_is_given_back_when_it_can(
    service, settings, calendar, page, home, monkeypatch
):
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 50)
    with told_to_stop(service, settings, calendar, page, home) as (run_id, scheduler, lock):
        polls = []

        def then():
            polls.append(1)
            calendar.ahead += 2.0
            if len(polls) == 3:
                lock.let_go()

        scheduler.executor.then = then
        scheduler.drain()
        assert len(polls) >= 3
    assert [a.reason for a in service.store.attempts(run_id)] == [Reason.DRAINED]
    assert service.store.run_snapshot(run_id).tasks["a"].lost == 0


@pytest.mark.fault(10, 20)
def test_what_can_not_be_given_back_within_ten_seconds_is_left_to_its_lease(
    service, settings, calendar, page, home, monkeypatch
):
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 50)
    with told_to_stop(service, settings, calendar, page, home) as (run_id, scheduler, lock):
        begun = calendar.ahead
        calendar.stand_still()

        def then():
            calendar.ahead += 2.0

        scheduler.executor.then = then
        scheduler.drain()
        limit = scheduler_module.HAND_BACK_TIMEOUT
        assert limit <= calendar.ahead - begun <= limit + 4
        assert scheduler.executor.is_idle
        lock.let_go()
    (attempt,) = service.store.attempts(run_id)
    assert attempt.outcome is None
    calendar.move(61)
    with at_work(settings, calendar) as other:
        (run,) = until(ended(service), other)
    assert run.state is RunState.SUCCESS
    assert [a.reason for a in service.store.attempts(run_id)] == [Reason.LOST, Reason.DONE]


@pytest.mark.fault(20)
def test_while_another_process_holds_the_write_lock_verbs_read_on_and_say_why_they_can_not_write(
    service, page, home, monkeypatch, capsys
):
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 50)
    monkeypatch.setenv("NBFLOW_HOME", str(home))
    monkeypatch.setenv("NBFLOW_LANG", "en")
    deploy(service, page(("x = 1", "task:a"), dag={"schedule": "@hourly"}))

    def verb(*words):
        monkeypatch.setattr(sys, "argv", ["nbflow", *words])
        return entry.run(), *capsys.readouterr()

    with write_lock(home):
        code, out, _ = verb("dags", "list", "-f", "plain")
        assert (code, "page" in out) == (0, True)
        code, _, err = verb("dags", "pause", "page")
        assert code == 3
        assert err.startswith("error NBF604: ")
        assert "is locked by another process" in err
        assert "try again, or end the process that holds it" in err
    assert verb("dags", "pause", "page")[0] == 0


@pytest.mark.fault(43)
def test_a_scheduler_whose_metastore_was_migrated_by_a_newer_one_stops_and_writes_nothing(
    service, settings, calendar, page, home
):
    deploy(service, page(("x = 1", "task:a"), dag={"schedule": "@hourly"}))

    def stamp(version):
        with sqlite3.connect(home / "nbflow.db") as connection:
            (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        return before

    with at_work(settings, calendar) as scheduler:
        scheduler.step(0)
        known = stamp("0099")
        calendar.move(3600)
        with pytest.raises(SchemaError, match="newer: 99 > ") as caught:
            scheduler.run()
        assert caught.value.exit_code == 3
        assert service.store.list_runs() == []
        stamp(known)


@pytest.mark.fault(37)
def test_a_scheduler_ends_its_attempts_when_it_can_not_renew_for_longer_than_it_may_trust(
    service, settings, calendar, page, home, monkeypatch, caplog
):
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 50)
    (held,) = deploy(service, page(("x = 1", "task:a")))
    run_id = trigger(service, held.dag.id)
    with at_work(settings, calendar, lasts=600.0) as scheduler:
        until(lambda: service.store.attempts(run_id), scheduler)
        with write_lock(home) as lock:
            calendar.ahead += 30
            scheduler.step(0)
            assert not scheduler.executor.is_idle
            calendar.ahead += 16
            scheduler.step(0)
            assert scheduler.executor.is_idle
            lock.let_go()
        calendar.move(60)
        scheduler.executor._lasts = lambda: 0.0
        (run,) = until(ended(service), scheduler)
    assert run.state is RunState.SUCCESS
    assert [a.reason for a in service.store.attempts(run_id)] == [Reason.LOST, Reason.DONE]
