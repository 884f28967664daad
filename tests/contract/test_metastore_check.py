import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_dags import ended, failed, run_id, small_dag, stored, succeeded
from sqlalchemy import select, text

from nbflow.artifacts.store import ArtifactStore
from nbflow.errors import ConflictError, MetastoreError
from nbflow.metastore import (
    Clear,
    Looks,
    Metastore,
    NewRun,
    RunFilter,
    Tick,
    check,
    open_metastore,
    slot_key,
)
from nbflow.metastore import tables as t
from nbflow.metastore.claims import ClaimRequest, claimable
from nbflow.metastore.reads import runs_query
from nbflow.metastore.tables import EPOCH, task_instance
from nbflow.metastore.tables import run as run_table
from nbflow.model.dag import Dag
from nbflow.model.ids import RunId, TaskName
from nbflow.model.options import TaskOptions
from nbflow.model.run import Decisions, RunMove, TaskMove
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind, RunState, TaskState
from nbflow.scheduling.decide import decide
from nbflow.service.checking import rules

DAG = small_dag({"a": [], "b": ["a"]})
# One database is enough: what is asked here does not depend on it.
ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"])


def begin_run(store: Metastore, dag: Dag, number: int = 1) -> RunId:
    run = run_id(number)
    store.create_run(
        NewRun(
            run_id=run,
            dag_id=dag.id,
            version=dag.digest,
            kind=RunKind.MANUAL,
            slot_key=f"manual:{number}",
            driven=False,
        )
    )
    store.apply(run, decide(dag, store.run_snapshot(run), store.db.clock.wall()))
    return run


def finished_run(store: Metastore, number: int = 1) -> RunId:
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    run = begin_run(store, DAG, number)
    wall = store.db.clock.wall
    while claims := store.claim(limit=1):
        (claim,) = claims
        store.finish(
            claim, succeeded(stored("x")), ended(claim.task), lambda s: decide(DAG, s, wall())
        )
    assert store.run_snapshot(run).state is RunState.SUCCESS
    return run


def test_a_sound_metastore_has_no_violations(store: Metastore, url: str) -> None:
    finished_run(store)
    assert check(url) == []


DAMAGE = {
    "I3": "UPDATE run SET state = 'running', ended = NULL",
    "I4": "UPDATE task_instance SET state = 'none' WHERE task = 'b'",
    "I5": "UPDATE event SET source = 'running', target = 'success' WHERE task = 'a'",
    "I6": "UPDATE attempt SET outcome = 'failed' WHERE task = 'a'",
    "I7": "UPDATE task_instance SET state = 'running' WHERE task = 'a'",
    "I8": "UPDATE task_instance SET tries = 3 WHERE task = 'a'",
    "I9": "UPDATE event SET token = 1 WHERE token = 2",
    "I10": "UPDATE event SET seq = -1 WHERE task = 'b' AND target = 'queued'",
    "I11": "UPDATE run SET state = 'queued'; UPDATE task_instance SET state = 'running'",
    "I12": "DELETE FROM outbox",
    "I13": "UPDATE event SET target = 'skipped' WHERE task = 'a' AND target = 'success'",
    "I14": "UPDATE outbox SET sent_at = NULL",
    "I15": "UPDATE outbox SET tries = 0",
    "I16": "PRAGMA foreign_keys = OFF; INSERT INTO attempt SELECT run_id, task, 2, 0, owner, host,"
    " boot_id, pid, claimed, started, ended, outcome, reason, message, result FROM attempt"
    " WHERE task = 'a'",
    "I18": "UPDATE task_instance SET state = 'running', pool_slots = 200 WHERE task = 'a'",
    "I19": "UPDATE task_instance SET lease_until = 1 WHERE task = 'a'",
    "I20": "UPDATE task_instance SET state = 'running', lease_until = 1, lease_mono = 1.0,"
    " owner = (SELECT id FROM instance LIMIT 1) WHERE task = 'a'",
    "I23": "UPDATE attempt SET ended = NULL WHERE task = 'a'",
    "I24": "UPDATE event SET target = 'cancelled' WHERE task = 'a' AND target = 'running'",
    "I25": "UPDATE task_instance SET lost = 9 WHERE task = 'a'",
    "I26": "UPDATE schedule SET next_fire_utc = next_fire_utc + 60000000",
    "I2": "UPDATE schedule SET cursor_utc = cursor_utc + 7200000000,"
    " next_fire_utc = next_fire_utc + 7200000000",
    "I28": "UPDATE alembic_version SET version_num = '0001'",
    "I29": "UPDATE run SET note = 'login with s3cret%canary please'",
    "I38": "UPDATE task_instance SET state = 'removed' WHERE task = 'b'",
    "I39": "UPDATE run SET state = 'running', ended = NULL;"
    " UPDATE task_instance SET state = 'none' WHERE task = 'b'",
    "I40": "UPDATE dag SET paused = 1",
    "I41": "UPDATE run SET kind = 'wished'",
    "I31": "UPDATE event SET target = 'running', token = 1 WHERE target = 'queued' AND task = 'a'",
}
EVERYTHING = Looks(rules=rules(), secrets=["s3cret%canary"], drained=True, sent=True)
# Nothing sends notifications here.
UNSENT = "UPDATE outbox SET sent_at = created, tries = 1"


def scheduled(store: Metastore) -> None:
    noon = store.db.clock.wall()
    entry = ScheduleEntry(
        dag_id=DAG.id,
        expression="@hourly",
        timezone="UTC",
        cursor=noon,
        next_fire=noon + timedelta(hours=1),
    )
    store.deploy(DAG, {"etl.ipynb": b"{}"}, schedule=entry)


@ONE_DATABASE
@pytest.mark.parametrize("code", ["", *DAMAGE])
def test_what_somebody_did_to_the_rows_is_found(
    new_url: Callable[[], str], code: str, clock
) -> None:
    url = new_url()
    with open_metastore(url, clock=clock) as store:
        finished_run(store)
        scheduled(store)
        for statement in (UNSENT, *DAMAGE.get(code, "").split(";")):
            store.db.write("test", lambda c, s=statement: c.execute(text(s or "SELECT 1")))
    found = {violation.code for violation in check(url, EVERYTHING)}
    assert code in found if code else found == set()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE run SET parameters = '{'", f"run.parameters {run_id(1)}: this is no JSON"),
        (
            "UPDATE dag_version SET document = '[7]'",
            f"dag_version.document {DAG.digest}: this is no DAG",
        ),
        (
            "UPDATE schedule SET tz = 'Nowhere/At_All'",
            f"schedule.expr {DAG.id}: this is no schedule: there is no time zone 'Nowhere/At_All'",
        ),
        ("UPDATE run SET state = 'lame'", f"run.state {run_id(1)}: 'lame' stands for nothing here"),
    ],
)
def test_what_can_not_be_read_is_found_with_its_place(
    store: Metastore, url: str, statement: str, what: str
) -> None:
    finished_run(store)
    scheduled(store)
    store.db.write("test", lambda c: c.execute(text(statement)))
    assert [violation.what for violation in check(url, EVERYTHING)] == [what]


@pytest.mark.parametrize("where", ["run.parameters", "notebook_snapshot.content"])
def test_a_secret_is_found_inside_json_and_inside_a_notebook(
    store: Metastore, url: str, where: str
) -> None:
    finished_run(store)
    word = 's3cret"canary'
    held = f"login with {word} please"
    parts = {
        "run.parameters": t.run.update().values(parameters={"password": held}),
        "notebook_snapshot.content": t.notebook_snapshot.update().values(
            content=zlib.compress(held.encode())
        ),
    }
    store.db.write("test", lambda c: c.execute(parts[where]))
    found = check(url, Looks(secrets=[word]))
    assert {one.code for one in found} == {"I29"}
    assert all(one.place.startswith(where) for one in found)


@ONE_DATABASE
def test_a_task_that_failed_more_often_than_it_may_is_found(store: Metastore, url: str) -> None:
    dag = small_dag({"a": []}, a=TaskOptions(retries=1))
    store.deploy(dag, {"etl.ipynb": b"{}"})
    begin_run(store, dag)
    for failures, codes in ((2, set()), (3, {"I25"})):
        store.db.write(
            "test", lambda c, n=failures: c.execute(task_instance.update().values(failures=n))
        )
        assert {violation.code for violation in check(url)} == codes


@ONE_DATABASE
def test_a_task_left_alone_is_not_judged_by_the_limits_of_the_version_that_its_run_goes_on_with(
    store: Metastore, url: str
) -> None:
    often = TaskOptions(retries=2, max_lost=3)
    lax = small_dag({"a": [], "b": ["a"]}, a=often)
    strict = small_dag({"a": [], "b": ["a"]}, a=TaskOptions(retries=0, max_lost=0))
    wall = store.db.clock.wall
    store.deploy(lax, {"etl.ipynb": b"{}"})
    run = begin_run(store, lax)
    for target in (*[TaskState.UP_FOR_RETRY] * 2, TaskState.SUCCESS, TaskState.FAILED):
        (claim,) = store.claim(limit=1)
        result = succeeded(stored("x")) if target is TaskState.SUCCESS else failed()
        store.finish(claim, result, ended(claim.task, target), lambda s: decide(lax, s, wall()))
    lost = task_instance.update().where(task_instance.c.task == "a").values(lost=3)
    store.db.write("test", lambda c: c.execute(lost))
    store.deploy(strict, {"etl.ipynb": b"{}"})
    store.clears.request(Clear(run_id=run, tasks=[TaskName("b")], version=strict.digest))
    assert store.clears.carry_out(run)
    assert check(url) == []
    store.advance(run, lambda s: decide(strict, s, wall()))
    assert [claim.task for claim in store.claim(limit=9)] == ["b"]
    assert check(url) == []
    store.db.write("test", lambda c: c.execute(task_instance.update().values(lost=9, failures=9)))
    assert [one.place for one in check(url)] == [f"{run}/b"]


@ONE_DATABASE
def test_a_death_that_a_working_scheduler_did_not_notice_is_found(
    store: Metastore, url: str, clock
) -> None:
    finished_run(store)
    run = begin_run(store, DAG, 2)
    assert len(store.claim(limit=1)) == 1
    looks = Looks(clock=clock)
    with open_metastore(url, clock=clock) as other:
        other.instance("scheduler")
        clock.move(70)
        other.heartbeat()
        assert check(url, looks) == []
        clock.move(30)
        other.heartbeat()
        assert [(one.code, one.place) for one in check(url, looks)] == [("I20", f"{run}/a")]
        other.reap()
        assert check(url, looks) == []


@ONE_DATABASE
def test_a_slot_that_came_while_a_scheduler_worked_is_found(
    store: Metastore, url: str, clock
) -> None:
    scheduled(store)
    store.instance("scheduler")
    clock.move(3600 + 31)
    store.heartbeat()
    looks = Looks(clock=clock, rules=rules())
    assert [one.code for one in check(url, looks)] == ["I26"]
    store.pause(DAG.id, paused=True)
    assert check(url, looks) == []


@ONE_DATABASE
def test_a_process_of_an_ended_run_is_found(store: Metastore, url: str, clock) -> None:
    run = finished_run(store)
    looks = Looks(clock=clock, processes={run: {17}, "of another metastore": {18}})
    assert check(url, looks) == []
    clock.move(6)
    (violation,) = check(url, looks)
    assert (violation.code, violation.place) == ("I30", run)


@ONE_DATABASE
def test_slots_whose_runs_were_deleted_are_not_asked_for(store: Metastore, url: str, clock) -> None:
    scheduled(store)
    looks = Looks(clock=clock, rules=rules())
    noon, hour = clock.wall(), timedelta(hours=1)
    for number in (1, 2):
        (due,) = store.due(noon + number * hour)
        slot = noon + number * hour
        new = NewRun(
            run_id=run_id(number),
            dag_id=DAG.id,
            version=DAG.digest,
            kind=RunKind.SCHEDULED,
            slot_key=slot_key(due.entry.id, slot),
            logical_date=slot,
            driven=False,
        )
        assert store.tick(Tick(seen=due.entry, cursor=slot, next_fire=slot + hour, runs=[new]))
    assert check(url, looks) == []
    first = store.db.read(lambda c: c.execute(select(run_table.c.slot_key)).scalars().first())
    forget = run_table.update().where(run_table.c.slot_key == first).values(slot_key="manual:1")
    store.db.write("test", lambda c: c.execute(forget))
    assert [one.code for one in check(url, looks)] == ["I2"]
    store.request_cancel(run_id(2))
    store.advance(run_id(2), lambda s: decide(DAG, s, noon))
    assert store.retention.delete_runs([run_id(2)]) == 1
    assert check(url, looks) == []


def test_a_missing_value_is_found(store: Metastore, url: str, tmp_path) -> None:
    finished_run(store)
    (violation,) = check(url, Looks(store=ArtifactStore(tmp_path / "store")))
    assert violation.code == "I21"
    assert stored("x").bundle[:12] in violation.what


@ONE_DATABASE
def test_an_executed_notebook_that_is_none_is_found(store: Metastore, url: str, tmp_path) -> None:
    files = ArtifactStore(tmp_path / "store")
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    run = begin_run(store, DAG)
    (claim,) = store.claim(limit=1)
    store.finish(claim, replace(failed(), notebook="output.ipynb"), ended("a", TaskState.FAILED))
    looks = Looks(store=files)
    assert [one.code for one in check(url, looks)] == ["I22"]
    path = files.attempt_dir(run, claim.task, claim.token) / "output.ipynb"
    path.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert check(url, looks) == []
    path.write_text('{"cells": [')
    assert [one.code for one in check(url, looks)] == ["I22"]


def test_checking_where_there_is_nothing_makes_nothing(tmp_path) -> None:
    with pytest.raises(MetastoreError, match="no metastore") as caught:
        check(f"sqlite:///{tmp_path / 'nbflow.db'}")
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


@ONE_DATABASE
def test_what_is_asked_often_is_answered_by_an_index(store: Metastore) -> None:
    finished_run(store)
    request = ClaimRequest(limit=4, lease=60)
    questions = {
        "ix_task_instance_state": claimable(store.instance(), request, store.db.clock.wall()),
        "ix_run_created": runs_query(RunFilter()),
        "ix_run_dag_id_created": runs_query(RunFilter(dag_id=DAG.id)),
    }
    for index, query in questions.items():
        compiled = query.compile(store.db.engine, compile_kwargs={"literal_binds": True})
        plan = store.db.read(
            lambda c, q=str(compiled): c.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}").all()
        )
        assert any(index in row[-1] for row in plan), (index, plan)


ACTIONS = st.one_of(
    st.tuples(
        st.just("move"),
        st.sampled_from(["a", "b"]),
        st.sampled_from(TaskState),
        st.sampled_from(TaskState),
    ),
    st.tuples(st.just("claim")),
    st.tuples(st.just("finish"), st.sampled_from(TaskState)),
    st.tuples(st.just("late"), st.integers(1, 4)),
    st.tuples(st.just("back")),
    st.tuples(st.just("reap")),
    st.tuples(st.just("decide")),
)


@ONE_DATABASE
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=st.lists(ACTIONS, min_size=5, max_size=25))
def test_whatever_is_tried_only_legal_moves_appear(store: Metastore, url: str, actions) -> None:
    number = len(store.list_runs(RunFilter(limit=1000))) + 1
    dag = small_dag({"a": [], "b": ["a"]}, a=TaskOptions(max_lost=1))
    store.deploy(dag, {})
    run = run_id(number)
    store.create_run(
        NewRun(
            run_id=run,
            dag_id=dag.id,
            version=dag.digest,
            kind=RunKind.MANUAL,
            slot_key=f"manual:{number}",
        )
    )
    claims = []
    for action in [("decide",), *actions]:
        with suppress(ConflictError):
            _act(store, dag, run, action, claims)
    assert [v for v in check(url) if v.code != "I4"] == []


def _act(store: Metastore, dag, run: RunId, action, claims) -> None:
    wall = store.db.clock.wall()
    match action:
        case ("move", task, source, target):
            if RunState(store.run_snapshot(run).state).is_final:
                return
            move = TaskMove(task=TaskName(task), source=source, target=target)
            store.apply(run, Decisions(tasks=(move,)))
        case ("claim",):
            claims.extend(store.claim(run, limit=1))
        case ("finish", target) if claims:
            good = target is TaskState.SUCCESS
            result = succeeded(stored("x")) if good else failed()
            store.finish(claims[-1], result, ended(claims[-1].task, target))
        case ("late", back) if len(claims) >= back:
            store.finish(claims[-back], succeeded(), ended(claims[-back].task))
        case ("back",) if claims:
            store.hand_back(claims[-1])
        case ("reap",):
            store.db.write(
                "test",
                lambda c: c.execute(
                    task_instance.update()
                    .where(task_instance.c.state == "running")
                    .values(lease_until=EPOCH, lease_mono=0.0)
                ),
            )
            store.reap()
        case ("decide",):
            store.apply(run, decide(dag, store.run_snapshot(run), wall))


def test_a_run_that_ended_ends_once(store: Metastore) -> None:
    run = finished_run(store)
    again = RunMove(source=RunState.RUNNING, target=RunState.SUCCESS)
    with pytest.raises(ConflictError):
        store.apply(run, Decisions(run=again))
