"""The scheduler with real kernels and an injected calendar; several of them on one metastore."""

import threading
from datetime import timedelta

import pytest
from noop_executor import nothing
from scheduler_bench import HOUR, NOON, ended, schedulers, until
from sqlalchemy import text

from nbflow.model.backfill import BackfillState, Reprocess
from nbflow.model.states import Reason, RunKind, RunState, TaskState
from nbflow.service import backfill
from nbflow.service.backfill import BackfillRequest
from nbflow.service.background import beside_the_loop
from nbflow.service.cleanup import Cleaned
from nbflow.service.dags import deploy, pause, trigger
from nbflow.service.live import LiveFolder


def test_a_slot_that_comes_is_run_with_its_day_and_the_next_one_waits(
    service, settings, calendar, page, outputs
):
    path = page(
        ("ds = ''", "parameters"),
        ("x = 20", "task:load"),
        ("print(ds, x + 1)", "task:show"),
        dag={"schedule": "@hourly"},
    )
    (deployment,) = deploy(service, path)
    assert deployment.schedule.next_fire == NOON + HOUR
    with schedulers(settings, calendar) as (scheduler,):
        scheduler.step(0)
        assert service.store.list_runs() == []
        calendar.at = NOON + HOUR
        (run,) = until(ended(service), scheduler)
    assert (run.state, run.kind, run.logical_date) == (
        RunState.SUCCESS, RunKind.SCHEDULED, NOON + HOUR,
    )  # fmt: skip
    assert run.id.startswith("scheduled__20260301T130000Z__")
    (attempt,) = [a for a in service.store.attempts(run.id) if a.task == "show"]
    notebook = settings.store / "runs" / run.id / "show" / str(attempt.token)
    assert "2026-03-01 21" in outputs(notebook / attempt.result["notebook"]).values()
    assert service.store.schedule(run.dag_id).next_fire == NOON + 2 * HOUR


def test_an_idle_scheduler_looks_once_a_second_and_waits_for_the_next_slot_exactly(
    service, settings, calendar, page
):
    deploy(service, page(("x = 1", "task:a"), dag={"schedule": "@hourly"}))
    with schedulers(settings, calendar, execute=nothing) as (scheduler,):
        scheduler.step(0)
        assert scheduler.patience() == 1.0
        calendar.at = NOON + HOUR - timedelta(seconds=0.3)
        scheduler.step(0)
        assert scheduler.patience() == pytest.approx(0.3)


@pytest.mark.fault(29, 30)
@pytest.mark.parametrize("became", ["edited", "deleted", "renamed"])
def test_what_is_deployed_runs_whatever_became_of_the_file(
    service, settings, calendar, page, became
):
    path = page(("print('deployed')", "task:a"), dag={"schedule": "@hourly"})
    deploy(service, path)
    if became == "edited":
        path.write_text("half an edit")
    elif became == "deleted":
        path.unlink()
    else:
        path.rename(path.with_name("other.ipynb"))
    with schedulers(settings, calendar) as (scheduler,):
        calendar.at = NOON + HOUR
        (run,) = until(ended(service), scheduler)
    assert run.state is RunState.SUCCESS


def test_a_run_by_hand_does_not_change_what_the_schedule_runs(service, page):
    path = page(("x = 1", "task:a"), dag={"schedule": "@hourly"})
    (deployment,) = deploy(service, path)
    page(("x = 2", "task:a"), dag={"schedule": "@hourly"})
    assert service.run(path).state is RunState.SUCCESS
    assert service.store.current_version(deployment.dag.id) == deployment.version


@pytest.mark.fault(22)
def test_several_schedulers_run_each_slot_once(service, settings, calendar, page):
    path = page(
        ("x = 1", "task:a"), ("y = x + 1", "task:b"), ("z = x + 2", "task:c"),
        ("print(y + z)", "task:d"), dag={"schedule": "@hourly", "catchup": "all"},
    )  # fmt: skip
    deploy(service, path)
    with schedulers(settings, calendar, count=2) as working:
        calendar.at = NOON + 2 * HOUR
        runs = until(ended(service, 2), *working)
    assert [run.logical_date for run in runs] == [NOON + HOUR, NOON + 2 * HOUR]
    assert {run.state for run in runs} == {RunState.SUCCESS}
    tries = {a.try_no for run in runs for a in service.store.attempts(run.id)}
    assert tries == {1}


def test_a_paused_dag_runs_nothing_until_it_is_let_go(service, settings, calendar, page):
    (deployment,) = deploy(service, page(("x = 1", "task:a"), dag={"schedule": "@hourly"}))
    pause(service, deployment.dag.id, paused=True)
    with schedulers(settings, calendar, execute=nothing) as (scheduler,):
        calendar.at = NOON + 3 * HOUR
        scheduler.step(0)
        assert service.store.list_runs() == []
        pause(service, deployment.dag.id, paused=False)
        (run,) = until(ended(service), scheduler)
    assert run.logical_date == NOON + 3 * HOUR
    missed = service.store.missed(deployment.dag.id)
    assert [one.slot for one in missed] == [NOON + 2 * HOUR, NOON + HOUR]


def test_a_triggered_run_takes_its_parameters_retries_and_tells_why_it_failed(
    service, settings, calendar, page
):
    path = page(
        ("n = 1", "parameters"),
        ("assert n < 5, f'{n} is too much'", {"retries": 1, "retry_delay": 60}, "task:a"),
        ("print(n)", "task:b", "after:a"),
    )
    (deployment,) = deploy(service, path)
    run_id = trigger(service, deployment.dag.id, {"n": "7"}, key="once")
    assert trigger(service, deployment.dag.id, {"n": "7"}, key="once") is None

    def waits():
        return service.store.run_snapshot(run_id).tasks["a"].state is TaskState.UP_FOR_RETRY

    with schedulers(settings, calendar) as (scheduler,):
        until(waits, scheduler)
        calendar.at += timedelta(seconds=61)
        (run,) = until(ended(service), scheduler)
    tasks = service.store.run_snapshot(run_id).tasks
    assert (run.state, tasks["a"].state, tasks["b"].state) == (
        RunState.FAILED, TaskState.FAILED, TaskState.UPSTREAM_FAILED,
    )  # fmt: skip
    assert "7 is too much" in tasks["a"].note
    assert [a.try_no for a in service.store.attempts(run_id)] == [1, 2]


@pytest.mark.fault(10)
def test_a_scheduler_told_to_stop_gives_back_what_does_not_end_in_time(
    service, settings, calendar, page, tmp_path, caplog
):
    caplog.set_level("INFO", logger="nbflow.scheduler")
    path = page((f"import time\nopen({str(tmp_path / 'on')!r}, 'w')\ntime.sleep(600)", "task:a"))
    (deployment,) = deploy(service, path)
    run_id = trigger(service, deployment.dag.id)
    with schedulers(settings, calendar) as (scheduler,):
        until((tmp_path / "on").exists, scheduler)
        scheduler.drain_timeout = 0.0
        scheduler.stop.press()
        scheduler.run()
    task = service.store.run_snapshot(run_id).tasks["a"]
    assert (task.state, task.lost) == (TaskState.QUEUED, 0)
    (attempt,) = service.store.attempts(run_id)
    assert attempt.reason is Reason.DRAINED
    told, given_back = (record.getMessage() for record in caplog.records[-2:])
    assert told == "told to stop; running tasks: 1, which get 0 s to end"
    assert given_back == "tasks given back: 1"


def test_an_end_that_the_metastore_refuses_is_kept_until_it_takes_it(
    service, settings, calendar, page, caplog
):
    (deployment,) = deploy(service, page(("x = 1", "task:a")))
    run_id = trigger(service, deployment.dag.id)

    def renamed(one, other):
        statement = text(f"ALTER TABLE {one} RENAME TO {other}")
        service.store.db.write("test", lambda connection: connection.execute(statement))

    with schedulers(settings, calendar) as (scheduler,):
        until(lambda: service.store.attempts(run_id), scheduler)
        renamed("cell_run", "elsewhere")
        until(lambda: f"an end in {run_id}" in caplog.text, scheduler)
        renamed("elsewhere", "cell_run")
        (run,) = until(ended(service), scheduler)
    assert run.state is RunState.SUCCESS
    assert [a.reason for a in service.store.attempts(run_id)] == [Reason.DONE]


def test_a_cancelled_run_ends_with_its_kernels(service, settings, calendar, page, tmp_path):
    path = page(
        (f"import time\nopen({str(tmp_path / 'on')!r}, 'w')\ntime.sleep(600)", "task:a"),
        ("print(1)", "task:b", "after:a"),
    )
    (deployment,) = deploy(service, path)
    run_id = trigger(service, deployment.dag.id)
    with schedulers(settings, calendar) as (scheduler,):
        until((tmp_path / "on").exists, scheduler)
        assert service.cancel_run(run_id)
        (run,) = until(ended(service), scheduler)
    tasks = service.store.run_snapshot(run_id).tasks
    assert (run.state, tasks["a"].state, tasks["b"].state) == (
        RunState.CANCELLED, TaskState.CANCELLED, TaskState.CANCELLED,
    )  # fmt: skip


def test_runs_of_one_dag_wait_for_each_other(service, settings, calendar, page):
    (deployment,) = deploy(service, page(("x = 1", "task:a")))
    first, second = (trigger(service, deployment.dag.id) for _ in range(2))
    with schedulers(settings, calendar) as (scheduler,):
        scheduler.step(0)
        states = {run: service.store.run_snapshot(run).state for run in (first, second)}
        assert sorted(states.values()) == [RunState.QUEUED, RunState.RUNNING]
        until(ended(service, 2), scheduler)


def backfilled(service, dag_id, first, last, **how):
    request = BackfillRequest(dag_id=dag_id, first=first, last=last, **how)
    made, _ = backfill.create(service, request)
    return made


def test_a_backfill_runs_its_slots_each_with_its_own_day(
    service, settings, calendar, page, outputs
):
    path = page(("ds = ''", "parameters"), ("print(ds)", "task:show"), dag={"schedule": "@daily"})
    (deployment,) = deploy(service, path)
    made = backfilled(service, deployment.dag.id, "2026-02-10", "2026-02-12", reverse=True)

    def done():
        return service.store.backfills.rows(made.id)[0].entry.state is BackfillState.DONE

    with schedulers(settings, calendar, count=2) as working:
        until(done, *working)
    runs = ended(service, 3)()
    assert {(run.kind, run.state) for run in runs} == {(RunKind.BACKFILL, RunState.SUCCESS)}
    said = []
    for run in runs:
        (attempt,) = service.store.attempts(run.id)
        notebook = settings.store / "runs" / run.id / "show" / str(attempt.token)
        said += outputs(notebook / attempt.result["notebook"]).values()
    assert [text for text in said if text] == ["2026-02-10", "2026-02-11", "2026-02-12"]
    begun = sorted(runs, key=lambda run: service.store.attempts(run.id)[0].token)
    assert [run.logical_date.day for run in begun] == [12, 11, 10]


def test_a_failed_slot_is_run_again_with_the_notebook_that_is_deployed_now(
    service, settings, calendar, page
):
    path = page(("1 / 0", "task:a"), dag={"schedule": "@daily"})
    (deployment,) = deploy(service, path)
    backfilled(service, deployment.dag.id, "2026-02-10", "2026-02-10")
    with schedulers(settings, calendar) as (scheduler,):
        (run,) = until(ended(service), scheduler)
        assert run.state is RunState.FAILED
        deploy(service, page(("1 / 1", "task:a"), dag={"schedule": "@daily"}))
        until(lambda: not service.store.backfills.due(), scheduler)
        backfilled(
            service, deployment.dag.id, "2026-02-10", "2026-02-10", reprocess=Reprocess.FAILED
        )

        def mended():
            return service.store.run_snapshot(run.id).state is RunState.SUCCESS

        until(mended, scheduler)
    assert [a.outcome for a in service.store.attempts(run.id)] == ["failed", "success"]
    assert len(service.store.list_runs()) == 1


def test_a_cancelled_backfill_ends_what_runs(service, settings, calendar, page, tmp_path):
    path = page(
        (f"import time\nopen({str(tmp_path / 'on')!r}, 'w')\ntime.sleep(600)", "task:a"),
        dag={"schedule": "@daily"},
    )
    (deployment,) = deploy(service, path)
    made = backfilled(service, deployment.dag.id, "2026-02-10", "2026-02-12")
    with schedulers(settings, calendar) as (scheduler,):
        until((tmp_path / "on").exists, scheduler)
        assert backfill.cancel(service, made.id) == (made.id, True)
        (run,) = until(ended(service), scheduler)
    assert run.state is RunState.CANCELLED
    assert service.store.backfills.rows(made.id)[0].entry.state is BackfillState.CANCELLED


@pytest.mark.fault(10)
def test_whoever_leaves_ends_a_clean_up_that_goes_on(service, monkeypatch):
    begun, pause = threading.Event(), threading.Event()

    def endless(service, *, goes_on, **_):
        begun.set()
        while goes_on():
            pause.wait(0.01)
        return Cleaned(runs=0, values=0, attempts=0, freed=0, left=None)

    monkeypatch.setattr("nbflow.service.cleanup.cleanup", endless)
    with beside_the_loop(service, LiveFolder(service=service)) as poke:
        poke()
        assert begun.wait(30)
