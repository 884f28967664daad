from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_dags import ended, failed, run_id, small_dag, stored, succeeded
from sqlalchemy import text

from nbflow.artifacts.store import ArtifactStore
from nbflow.errors import ConflictError, MetastoreError
from nbflow.metastore import Metastore, NewRun, RunFilter, check
from nbflow.metastore.claims import ClaimRequest, claimable
from nbflow.metastore.reads import runs_query
from nbflow.metastore.tables import EPOCH, task_instance
from nbflow.model.ids import RunId, TaskName
from nbflow.model.options import TaskOptions
from nbflow.model.run import Decisions, RunMove, TaskMove
from nbflow.model.states import RunKind, RunState, TaskState
from nbflow.scheduling.decide import decide

DAG = small_dag({"a": [], "b": ["a"]})
# One database is enough: what is asked here does not depend on it.
ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"])


def finished_run(store: Metastore, number: int = 1) -> RunId:
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    run = run_id(number)
    store.create_run(
        NewRun(
            run_id=run,
            dag_id=DAG.id,
            version=DAG.digest,
            kind=RunKind.MANUAL,
            slot_key=f"manual:{number}",
            driven=False,
        )
    )
    wall = store.db.clock.wall
    store.apply(run, decide(DAG, store.run_snapshot(run), wall()))
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
    "I4": "UPDATE task_instance SET state = 'none' WHERE task = 'b'",
    "I6": "UPDATE attempt SET outcome = 'failed' WHERE task = 'a'",
    "I7": "UPDATE task_instance SET state = 'running' WHERE task = 'a'",
    "I8": "UPDATE task_instance SET tries = 3 WHERE task = 'a'",
    "I11": "UPDATE run SET state = 'queued'; UPDATE task_instance SET state = 'running'",
    "I12": "DELETE FROM outbox",
    "I13": "UPDATE event SET target = 'skipped' WHERE task = 'a' AND target = 'success'",
    "I18": "UPDATE task_instance SET state = 'running', pool_slots = 200 WHERE task = 'a'",
    "I19": "UPDATE task_instance SET lease_until = 1 WHERE task = 'a'",
    "I25": "UPDATE task_instance SET lost = 9 WHERE task = 'a'",
    "I28": "UPDATE alembic_version SET version_num = '0001'",
}


@ONE_DATABASE
@pytest.mark.parametrize("code", DAMAGE)
def test_what_somebody_did_to_the_rows_is_found(
    new_url: Callable[[], str], code: str, clock
) -> None:
    from nbflow.metastore import open_metastore

    url = new_url()
    with open_metastore(url, clock=clock) as store:
        finished_run(store)
        for statement in DAMAGE[code].split(";"):
            store.db.write("test", lambda c, s=statement: c.execute(text(s)))
    assert code in {violation.code for violation in check(url)}


def test_a_missing_value_is_found(store: Metastore, url: str, tmp_path) -> None:
    finished_run(store)
    (violation,) = check(url, ArtifactStore(tmp_path / "store"))
    assert violation.code == "I21"
    assert stored("x").bundle[:12] in violation.what


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
