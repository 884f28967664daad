"""What is damaged in the metastore is told, and takes nothing else with it."""

import json
import logging
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from noop_executor import NoopExecutor
from scheduler_bench import HOUR, NOON, Calendar, until
from sqlalchemy import text

import nbflow.app
from nbflow.metastore import RunFilter
from nbflow.model.codes import HELD_UP
from nbflow.model.states import RunState
from nbflow.service.backfill import BackfillRequest, create
from nbflow.service.clear import ClearOptions
from nbflow.service.dags import deploy, trigger
from nbflow.service.folder import hindrances
from nbflow.service.isolation import LONGEST_PAUSE, Isolation, Subject
from nbflow.service.notices import Relay
from nbflow.service.scheduler import IDLE, Scheduler
from nbflow.service.triggers import Triggers

HOURLY = {"schedule": "@hourly"}
pytestmark = pytest.mark.fault(45)


@pytest.fixture
def service(settings, calendar):
    """Open an installation that is not sound at the end."""
    with nbflow.app.open_service(settings, clock=calendar) as opened:
        yield opened


@pytest.fixture
def at_work(settings, calendar):
    @contextmanager
    def work():
        with ExitStack() as stack:
            opened = stack.enter_context(nbflow.app.open_service(settings, clock=calendar))
            executor = stack.enter_context(NoopExecutor())
            yield Scheduler(service=opened, executor=executor)

    return work


def deployed(service, page, name, *cells, **options):
    (one,) = deploy(service, page(*(cells or [("x = 1", "task:a")]), name=name, **options))
    return one.dag


def damage(service, statement, **values):
    """Write into a row what nbflow never would."""
    with service.store.db.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def told(service):
    """Return what users are told can't go on."""
    return {row.path: str(row.message) for row in service.store.import_errors.all()}


def states(service, dag):
    runs = service.store.list_runs(RunFilter(dag_id=dag))
    return {run.state for run in runs}


def once(question, *answer):
    return lambda: question() == answer[0]


def test_a_schedule_that_can_not_be_planned_or_read_holds_up_no_other(
    service, calendar, page, at_work, caplog
):
    for name in ("good", "odd", "torn"):
        deployed(service, page, name, dag=HOURLY)
    damage(service, "UPDATE schedule SET tz = 'Nowhere/At_All' WHERE dag_id = 'odd'")
    damage(service, "UPDATE schedule SET catchup = 'sometimes' WHERE dag_id = 'torn'")
    calendar.at = NOON + HOUR
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
        assert set(told(service)) == {"odd (schedule)", "torn (schedule)"}
        assert (
            "'sometimes' where one of these should be: none, latest, all"
            in told(service)["torn (schedule)"]
        )
        assert "torn (schedule) can't go on" in caplog.text
        damage(service, "UPDATE schedule SET tz = 'UTC' WHERE dag_id = 'odd'")
        damage(service, "UPDATE schedule SET catchup = 'latest' WHERE dag_id = 'torn'")
        calendar.ahead += LONGEST_PAUSE
        until(once(lambda: states(service, "torn"), {RunState.SUCCESS}), scheduler)
        until(once(lambda: states(service, "odd"), {RunState.SUCCESS}), scheduler)
        assert told(service) == {}
    assert nbflow.metastore.check(service.settings.database_url) == []


def test_a_version_that_can_not_be_read_holds_up_its_own_runs_only(service, page, at_work):
    good, torn = (deployed(service, page, name) for name in ("good", "torn"))
    odd = deployed(service, page, "odd")
    for dag in (odd, torn, good):
        trigger(service, dag.id)
    damage(service, "UPDATE dag_version SET document = '{' WHERE digest = :of", of=torn.digest)
    damage(service, "UPDATE dag_version SET document = '[7]' WHERE digest = :of", of=odd.digest)
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
    assert states(service, "torn") == states(service, "odd") == {RunState.QUEUED}
    listed = told(service)
    assert set(listed) == {f"{dag.id} {dag.digest[:12]} (version)" for dag in (torn, odd)}
    assert "'{' where JSON should be" in listed[f"torn {torn.digest[:12]} (version)"]


def test_a_run_whose_version_can_not_be_read_can_be_cancelled(service, page, at_work):
    begun = trigger(service, deployed(service, page, "one").id)
    with at_work() as first:
        first._decide_waiting()
    queued = trigger(service, deployed(service, page, "two").id)
    for name in ("one", "two"):
        damage(service, "UPDATE dag_version SET document = '{' WHERE dag_id = :of", of=name)
    assert [service.cancel_run(begun), service.cancel_run(queued)] == [True, True]
    with at_work() as scheduler:
        for dag in ("one", "two"):
            until(once(lambda dag=dag: states(service, dag), {RunState.CANCELLED}), scheduler)


DAMAGED_RUNS = {
    "parameters": ("UPDATE run SET parameters = '{\"a\"' WHERE id = :of", "where JSON should be"),
    "kind": (
        "UPDATE run SET kind = 'wished' WHERE id = :of",
        "'wished' where one of these should be: manual, ",
    ),
}


@pytest.mark.parametrize("what", DAMAGED_RUNS)
def test_of_the_tasks_claimed_together_that_of_a_damaged_run_fails_and_the_others_start(
    service, page, at_work, what
):
    statement, why = DAMAGED_RUNS[what]
    runs = [trigger(service, deployed(service, page, name).id) for name in ("bad", "good")]
    with at_work() as scheduler:
        scheduler._decide_waiting()
        damage(service, statement, of=runs[0])
        scheduler._start()
        assert not scheduler._starter.claimed
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
    (attempt,) = service.store.attempts(runs[0])
    assert attempt.outcome == "failed"
    assert why in attempt.message


def test_a_run_whose_version_names_no_time_zone_that_there_is_fails_and_the_others_go_on(
    service, page, at_work
):
    bad, good = (
        deployed(service, page, name, dag={"timezone": zone})
        for name, zone in (("bad", "Asia/Seoul"), ("good", "UTC"))
    )
    runs = [trigger(service, dag.id) for dag in (bad, good)]
    statement = (
        "UPDATE dag_version SET document = replace(document, 'Asia/Seoul', 'Nowhere/At_All') "
        "WHERE digest = :of"
    )
    damage(service, statement, of=bad.digest)
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
        until(once(lambda: states(service, "bad"), {RunState.FAILED}), scheduler)
    (attempt,) = service.store.attempts(runs[0])
    assert "'Nowhere/At_All' where a time zone should be" in attempt.message
    assert "could not be started" not in attempt.message


def test_a_run_whose_version_is_lost_after_it_began_fails_and_the_others_go_on(
    service, page, at_work
):
    bad, good = (deployed(service, page, name) for name in ("bad", "good"))
    runs = [trigger(service, dag.id) for dag in (bad, good)]
    with at_work() as first:
        first._decide_waiting()
    damage(service, "UPDATE dag_version SET document = '{}' WHERE digest = :of", of=bad.digest)
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
        until(lambda: any("bad" in path for path in told(service)), scheduler)
    (attempt,) = service.store.attempts(runs[0])
    assert attempt.outcome == "failed"
    assert "could not be started: TypeError" in attempt.message


def test_a_task_of_a_process_that_is_gone_is_taken_over_though_another_ones_run_is_damaged(
    service, settings, calendar, page, at_work
):
    bad, good = (deployed(service, page, name) for name in ("bad", "good"))
    runs = [trigger(service, dag.id) for dag in (bad, good)]
    with nbflow.app.open_service(settings, clock=calendar) as dying:
        Scheduler(service=dying, executor=NoopExecutor())._decide_waiting()
        assert len(dying.store.claim(limit=2)) == 2
    damage(service, "UPDATE dag_version SET document = 'no' WHERE digest = :of", of=bad.digest)
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
    assert [a.outcome for a in service.store.attempts(runs[1])] == ["lost", "success"]
    assert service.store.attempts(runs[0])[0].outcome == "lost"


def test_a_trigger_of_a_kind_that_nobody_knows_holds_up_no_other_trigger_and_no_end(
    service, page, at_work, tmp_path
):
    base = deployed(service, page, "base")
    for name in ("good", "odd"):
        deployed(service, page, name, dag={"on": [{"dag": "base"}]})
    deployed(service, page, "files", dag={"on": [{"files": [str(tmp_path / "in")]}]})
    deployed(service, page, "strange", dag={"on": [{"files": [str(tmp_path / "in")]}]})
    spec = json.dumps({"kind": "moon", "dag": "base"})
    damage(service, "UPDATE dag_trigger SET spec = :spec WHERE dag_id = 'odd'", spec=spec)
    damage(service, "UPDATE dag_trigger SET kind = 'moon', spec = 'x' WHERE dag_id = 'strange'")
    trigger(service, base.id)
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
        assert states(service, "base") == {RunState.SUCCESS}
    (tmp_path / "in").write_text("new")
    triggers = Triggers(service=service)
    triggers.look()
    service.clock.move(60)
    assert triggers.look() == 1
    assert {path.partition(",")[0] for path in told(service)} == {"odd", "strange"}


def test_an_event_that_makes_no_sense_holds_up_its_own_trigger_only(service, page, at_work):
    for name in ("base", "other"):
        deployed(service, page, name)
    for name, watched in (("bad", "base"), ("good", "other")):
        deployed(service, page, name, dag={"on": [{"dag": watched}]})
    for name in ("base", "other"):
        trigger(service, name)
    with at_work() as scheduler:
        scheduler._decide_waiting()
        while states(service, None) != {RunState.SUCCESS}:
            scheduler._start()
            scheduler._take(0.1)
    statement = (
        "UPDATE trigger_event SET payload = '7' WHERE trigger_id ="
        " (SELECT id FROM dag_trigger WHERE dag_id = 'bad')"
    )
    damage(service, statement)
    with at_work() as scheduler:
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
    assert states(service, "bad") == set()
    (path,) = told(service)
    assert path.startswith("bad, ")


def test_a_backfill_that_can_not_be_read_holds_up_no_other(service, page, at_work):
    for name in ("good", "odd"):
        deployed(service, page, name, dag=HOURLY)
        request = BackfillRequest(dag_id=name, first="2026-03-01T09:00", last="2026-03-01T10:00")
        create(service, request)
    damage(service, "UPDATE backfill SET reprocess = 'some' WHERE dag_id = 'odd'")
    with at_work() as scheduler:
        until(lambda: len(service.store.list_runs(RunFilter(dag_id="good"))) == 2, scheduler)
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
        (path,) = told(service)
    assert path.endswith("(backfill)")


def test_a_clear_that_can_not_be_read_holds_up_no_other(service, page, at_work):
    runs = [trigger(service, deployed(service, page, name).id) for name in ("bad", "good")]
    with at_work() as scheduler:
        until(once(lambda: states(service, None), {RunState.SUCCESS}), scheduler)
        for run_id in runs:
            service.clear(run_id, ClearOptions(every=True))
        damage(service, "UPDATE clear_request SET tasks = 'a' WHERE run_id = :of", of=runs[0])
        until(lambda: len(service.store.attempts(runs[1])) == 2, scheduler)
        assert told(service).keys() == {f"{runs[0]} (clear)"}


def test_what_can_not_be_told_of_one_dag_holds_up_no_others_notification(
    service, page, at_work, monkeypatch
):
    notify = {"notify": [{"webhook": "https://hooks.example/x", "on": ["failure"]}]}
    for name in ("bad", "good"):
        deployed(service, page, name, dag=notify)
        trigger(service, name)
    with ExitStack() as stack:
        opened = stack.enter_context(nbflow.app.open_service(service.settings, clock=Calendar()))
        executor = stack.enter_context(NoopExecutor(fails=1.0))
        scheduler = Scheduler(service=opened, executor=executor)
        until(once(lambda: states(service, None), {RunState.FAILED}), scheduler)
    damage(service, "UPDATE dag SET health = 'poorly' WHERE id = 'bad'")
    assert Relay.of(service).plan() == 1
    assert [notice.dag_id for notice in service.store.notices.all()] == ["good"]
    assert told(service).keys() == {"bad (notification)"}


TORN_ENDS = {
    "end": "UPDATE outbox SET payload = '{}' WHERE run_id = :of",
    "run": "UPDATE run SET kind = 'wished' WHERE id = :of",
}
MENDED = "UPDATE run SET kind = 'manual' WHERE id = :of"


@pytest.mark.parametrize("what", TORN_ENDS)
def test_the_end_of_one_run_that_can_not_be_told_holds_up_no_other_end_of_its_dag(
    service, page, at_work, what
):
    notify = {"notify": [{"webhook": "https://hooks.example/x", "on": ["failure", "recovery"]}]}
    dag = deployed(service, page, "dag", dag=notify)
    bad = trigger(service, dag.id)
    with ExitStack() as stack:
        opened = stack.enter_context(nbflow.app.open_service(service.settings, clock=Calendar()))
        executor = stack.enter_context(NoopExecutor(fails=1.0))
        scheduler = Scheduler(service=opened, executor=executor)
        until(once(lambda: states(service, None), {RunState.FAILED}), scheduler)
        service.clock.move(60)
        good = trigger(service, dag.id)
        until(
            once(lambda: len(service.store.list_runs(RunFilter(state=RunState.FAILED))), 2),
            scheduler,
        )
    damage(service, TORN_ENDS[what], of=bad)
    relay = Relay.of(service)
    assert relay.plan() == 1
    assert [notice.run_id for notice in service.store.notices.all()] == [good]
    assert told(service).keys() == {f"{bad} (end)"}
    assert relay.plan() == 0
    if what == "run":
        damage(service, MENDED, of=bad)
        service.clock.move(60)
        relay.plan()
        assert told(service) == {}


class Refusing(NoopExecutor):
    """Can't start what is of some run."""

    refused = ""

    def start(self, spec):
        if spec.run_id == self.refused:
            raise OSError("no more processes")
        super().start(spec)


def test_a_task_that_can_not_be_started_fails_with_the_reason_and_leaves_its_place(
    service, settings, calendar, page
):
    runs = [trigger(service, deployed(service, page, name).id) for name in ("bad", "good")]
    with ExitStack() as stack:
        few = replace(settings, slots=1)
        opened = stack.enter_context(nbflow.app.open_service(few, clock=calendar))
        executor = stack.enter_context(Refusing())
        executor.refused = runs[0]
        scheduler = Scheduler(service=opened, executor=executor)
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
        until(once(lambda: states(service, "bad"), {RunState.FAILED}), scheduler)
        assert scheduler._tokens() == []
    (attempt,) = service.store.attempts(runs[0])
    assert attempt.message == "it could not be started: OSError: no more processes"


def test_that_nobody_listens_any_more_is_no_trouble_of_a_run(service, settings, calendar, page):
    def gone(event):
        raise BrokenPipeError

    run_id = trigger(service, deployed(service, page, "good").id)
    with ExitStack() as stack:
        opened = stack.enter_context(nbflow.app.open_service(settings, clock=calendar))
        executor = stack.enter_context(NoopExecutor())
        scheduler = Scheduler(service=opened, executor=executor, on_event=gone)
        until(once(lambda: states(service, "good"), {RunState.SUCCESS}), scheduler)
    assert [a.outcome for a in service.store.attempts(run_id)] == ["success"]


class Ticks:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self):
        raise AssertionError("only the monotonic clock counts")


def test_what_failed_is_left_alone_for_longer_and_longer_and_told_until_it_works(service, caplog):
    clock, tries = Ticks(), []
    isolation = Isolation(store=service.store, clock=clock)
    about = Subject("run", "r1")

    def broken():
        tries.append(clock.now)
        raise ZeroDivisionError("no")

    with caplog.at_level(logging.ERROR):
        for second in range(200):
            clock.now = float(second)
            isolation.do(about, broken)
            isolation.look_over("run")
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert caplog.text.count("Traceback") == 1
    (row,) = service.store.import_errors.all()
    assert (row.path, row.code) == ("r1 (run)", HELD_UP)
    clock.now = 300.0
    assert isolation.do(about, lambda: 1) == 1
    assert service.store.import_errors.all() == []
    assert isolation.paused("run") == []


def test_what_is_gone_is_no_longer_told_of(service):
    clock = Ticks()
    isolation = Isolation(store=service.store, clock=clock)
    isolation.failed(Subject("run", "r1"), ValueError("no"))
    clock.now = LONGEST_PAUSE + 1.0
    isolation.look_over("run")
    assert len(service.store.import_errors.all()) == 1
    clock.now += 1.0
    isolation.look_over("run")
    assert service.store.import_errors.all() == []


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_of_no_single_thing_is_raised(service, error):
    def stop():
        raise error

    with pytest.raises(error):
        Isolation(store=service.store, clock=Ticks()).do(Subject("run", "r1"), stop)


def test_a_scheduler_that_starts_leaves_what_holds_others_up_and_forgets_what_held_up_the_dead(
    service, settings, calendar, page, at_work
):
    for name in ("odd", "torn"):
        deployed(service, page, name, dag=HOURLY)
    damage(service, "UPDATE schedule SET tz = 'Nowhere/At_All' WHERE dag_id = 'odd'")
    calendar.at = NOON + HOUR
    with at_work() as living:
        living.step(0.0)
        assert told(service).keys() == {"odd (schedule)"}
        with at_work() as dying:
            dying._isolation.failed(Subject("driver", "r1"), ValueError("no"))
            assert told(service).keys() == {"odd (schedule)", "r1 (driver)"}
        with at_work() as starting:
            starting._reap()
            assert told(service).keys() == {"odd (schedule)"}
    assert service.store.backlog().held_up == 1
    with at_work() as last:
        last._reap()
        assert told(service) == {}


def test_two_schedulers_that_are_held_up_by_the_same_thing_list_it_once(service, page, at_work):
    with at_work() as one, at_work() as other:
        for scheduler in (one, other):
            scheduler._isolation.failed(Subject("run", "r1"), ValueError("no"))
        assert [row.path for row in hindrances(service)] == ["r1 (run)"]
        one._isolation.worked(Subject("run", "r1"))
        assert [row.path for row in hindrances(service)] == ["r1 (run)"]
        assert service.store.backlog().held_up == 1
        other._isolation.worked(Subject("run", "r1"))
        assert hindrances(service) == []


def test_a_schedule_that_is_held_up_makes_nobody_look_more_often(service, page, calendar, at_work):
    deployed(service, page, "odd", dag=HOURLY)
    damage(service, "UPDATE schedule SET tz = 'Nowhere/At_All' WHERE dag_id = 'odd'")
    calendar.at = NOON + HOUR
    calendar.stand_still()
    with at_work() as scheduler:
        scheduler.step(0.0)
        assert told(service).keys() == {"odd (schedule)"}
        assert scheduler.patience() == IDLE
        deployed(service, page, "good", dag=HOURLY)
        calendar.at += HOUR - timedelta(seconds=0.25)
        scheduler.make_runs()
        assert 0.0 < scheduler.patience() <= 0.25
