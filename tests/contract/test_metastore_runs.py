from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from small_dags import ended, failed, run_id, small_dag, stored, succeeded
from sqlalchemy import text

from nbflow.errors import ConflictError, MetastoreError, NotFoundError, UsageError
from nbflow.metastore import Metastore, NewRun, RunFilter
from nbflow.model.attempt import CellEvent
from nbflow.model.dag import Dag
from nbflow.model.ids import CellId, RunId, TaskName, Token
from nbflow.model.options import TaskOptions
from nbflow.model.run import Claim, Decisions, RunMove, TaskMove
from nbflow.model.states import CellStatus, Reason, RunKind, RunState, TaskState
from nbflow.scheduling.decide import decide

PAIR = small_dag({"a": [], "b": ["a"]})
NOTEBOOKS = {"etl.ipynb": b'{"cells": []}'}


def start(
    store: Metastore,
    dag: Dag = PAIR,
    number: int = 1,
    *,
    driven: bool = True,
    slot: str | None = None,
) -> RunId:
    """Deploy, record a run and release its first tasks."""
    store.deploy(dag, NOTEBOOKS)
    assert store.create_run(new_run(dag, number, driven=driven, slot=slot))
    advance(store, dag, run_id(number))
    return run_id(number)


def new_run(dag: Dag, number: int = 1, *, driven: bool = True, slot: str | None = None) -> NewRun:
    return NewRun(
        run_id=run_id(number),
        dag_id=dag.id,
        version=dag.digest,
        kind=RunKind.MANUAL,
        slot_key=slot or f"manual:{number}",
        parameters={"n": 3},
        driven=driven,
    )


def advance(store: Metastore, dag: Dag, run: RunId) -> None:
    while decisions := decide(dag, store.run_snapshot(run), store.db.clock.wall()):
        if decisions.is_empty:
            return
        store.apply(run, decisions)


def claim_one(store: Metastore, run: RunId | None = None) -> Claim:
    (claim,) = store.claim(run, limit=1)
    return claim


def test_a_version_comes_back_as_it_was_with_its_notebooks_byte_for_byte(store: Metastore) -> None:
    dag = replace(
        small_dag({"a": [], "가": ["a"]}, a=TaskOptions(retries=2, retry_on=("OSError",))),
        code=(),
    )
    content = '{"한글": "\\u0000 \U0001f600"}'.encode() * 1000
    store.deploy(dag, {"etl.ipynb": content})
    assert store.load_version(dag.digest) == dag
    assert store.load_notebooks(dag.digest) == {"etl.ipynb": content}


def test_the_same_content_is_one_version_however_often_it_is_deployed(store: Metastore) -> None:
    store.deploy(PAIR, NOTEBOOKS)
    store.deploy(small_dag({"a": []}), NOTEBOOKS)
    store.deploy(PAIR, NOTEBOOKS)
    (row,) = store.list_dags()
    assert (row.number, row.version, row.tasks) == (1, PAIR.digest, 2)
    assert store.current_version(PAIR.id) == PAIR.digest


def test_a_task_that_wants_more_slots_than_its_pool_has_is_refused_at_deploy(
    store: Metastore,
) -> None:
    store.pools.set("gpu", 1)
    greedy = small_dag({"a": []}, a=TaskOptions(pool="gpu", pool_slots=2))
    with pytest.raises(UsageError, match="wants 2 slots of the pool 'gpu', which has 1"):
        store.deploy(greedy, NOTEBOOKS)
    assert store.list_dags() == []


def test_a_slot_has_one_run_however_often_it_is_created(
    open_store: Callable[[], Metastore],
) -> None:
    first, second = open_store(), open_store()
    first.deploy(PAIR, NOTEBOOKS)
    assert first.create_run(new_run(PAIR, 1, slot="slot:1:2026"))
    assert not second.create_run(new_run(PAIR, 2, slot="slot:1:2026"))
    assert [row.id for row in first.list_runs()] == [run_id(1)]


def test_a_run_comes_back_with_its_parameters_tasks_and_interval(store: Metastore) -> None:
    store.deploy(PAIR, NOTEBOOKS)
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    new = replace(
        new_run(PAIR), tasks=(TaskName("b"),), logical_date=end, data_interval=(begin, end)
    )
    store.create_run(new)
    run = store.run_snapshot(run_id())
    assert list(run.tasks) == ["b"]
    assert run.selected == ("b",)
    assert run.parameters == {"n": 3}
    assert (run.data_interval_start, run.data_interval_end) == (begin, end)
    assert (run.logical_date, run.state) == (end, RunState.QUEUED)


def test_unknown_names_are_told(store: Metastore) -> None:
    store.deploy(PAIR, NOTEBOOKS)
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        store.run_snapshot(RunId("nope"))
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        store.request_cancel(RunId("nope"))
    with pytest.raises(NotFoundError, match="no task 'zz'"):
        store.create_run(replace(new_run(PAIR), tasks=(TaskName("zz"),)))


def test_a_run_goes_from_its_start_to_its_end_and_every_step_is_an_event(store: Metastore) -> None:
    run = start(store)
    first = claim_one(store, run)
    assert (first.task, first.try_no) == ("a", 1)
    assert store.record_start(first.token, 4711)
    store.finish(
        first, succeeded(stored("x")), ended("a"), lambda s: decide(PAIR, s, store.db.clock.wall())
    )
    second = claim_one(store, run)
    store.finish(
        second,
        succeeded(stored("y")),
        ended("b"),
        lambda s: decide(PAIR, s, store.db.clock.wall()),
    )
    row, tasks = store.show_run(run)
    assert row.state is RunState.SUCCESS
    assert [(t.task, t.state, t.tries) for t in tasks] == [
        ("a", TaskState.SUCCESS, 1),
        ("b", TaskState.SUCCESS, 1),
    ]
    moves = [(e.task, e.source, e.target) for e in store.events(run_id=run)]
    assert set(moves) == {
        (None, "queued", "running"),
        ("a", "none", "queued"),
        ("a", "queued", "running"),
        ("a", "running", "success"),
        ("b", "none", "queued"),
        ("b", "queued", "running"),
        ("b", "running", "success"),
        (None, "running", "success"),
    }
    assert moves.index(("a", "running", "success")) < moves.index(("b", "none", "queued"))


def test_what_a_task_published_is_found_by_run_and_by_name(store: Metastore) -> None:
    run = start(store)
    values = (stored("x", "1"), stored("X", "2"))
    store.finish(claim_one(store, run), succeeded(*values), ended("a"))
    assert set(store.values.of_run(run)[TaskName("a")].values) == set(values)
    assert store.values.latest_value(PAIR.id, TaskName("a"), "X") == values[1]
    assert store.values.latest_value(PAIR.id, TaskName("a"), "gone") is None
    assert set(store.values.latest(PAIR.id, TaskName("a")).values) == set(values)


def test_the_newest_run_that_stored_a_name_is_asked_for_it(store: Metastore, clock) -> None:
    for number, content in ((1, "old"), (2, "new")):
        run = start(store, number=number)
        store.finish(claim_one(store, run), succeeded(stored("x", content)), ended("a"))
        clock.move(60)
    start(store, number=3)
    assert store.values.latest_value(PAIR.id, TaskName("a"), "x") == stored("x", "new")


def test_the_result_of_a_failed_attempt_publishes_nothing_and_keeps_its_error(
    store: Metastore,
) -> None:
    run = start(store)
    result = replace(failed("KeyError"), values=(stored("x"),))
    store.finish(claim_one(store, run), result, ended("a", TaskState.UP_FOR_RETRY))
    task = store.run_snapshot(run).tasks[TaskName("a")]
    assert (task.failures, task.lost, task.last_error) == (1, 0, "KeyError")
    assert store.values.of_run(run) == {}
    (attempt,) = store.attempts(run)
    assert (attempt.outcome, attempt.reason) == ("failed", Reason.ERROR)
    assert attempt.result["error"]["name"] == "KeyError"


def test_words_that_a_database_can_not_hold_do_not_stop_a_finish(store: Metastore) -> None:
    run = start(store)
    ugly = "nul \0 lone \ud800 한글 \U0001f600"
    result = replace(failed(), message=ugly)
    move = replace(ended("a", TaskState.FAILED), note=ugly)
    store.finish(claim_one(store, run), result, move)
    assert store.attempts(run)[0].message == "nul \ufffd lone ? 한글 \U0001f600"


def test_a_result_that_comes_twice_counts_once(store: Metastore) -> None:
    run = start(store)
    claim = claim_one(store, run)
    store.finish(claim, succeeded(stored("x", "1")), ended("a"))
    before = store.events()
    with pytest.raises(ConflictError):
        store.finish(claim, succeeded(stored("x", "2")), ended("a"))
    assert store.events() == before
    assert store.values.latest_value(PAIR.id, TaskName("a"), "x") == stored("x", "1")


def test_an_illegal_or_stale_move_undoes_the_whole_transaction(store: Metastore) -> None:
    run = start(store)
    before = (store.run_snapshot(run), store.events())
    fine = TaskMove(task=TaskName("b"), source=TaskState.NONE, target=TaskState.SKIPPED)
    for bad in (
        TaskMove(task=TaskName("a"), source=TaskState.QUEUED, target=TaskState.SUCCESS),
        TaskMove(task=TaskName("a"), source=TaskState.NONE, target=TaskState.QUEUED),
    ):
        with pytest.raises(ConflictError):
            store.apply(run, Decisions(tasks=(fine, bad)))
    wrong = RunMove(source=RunState.QUEUED, target=RunState.SUCCESS)
    with pytest.raises(ConflictError):
        store.apply(run, Decisions(tasks=(fine,), run=wrong))
    assert (store.run_snapshot(run), store.events()) == before


def test_a_cancel_is_a_request_that_stops_claims(store: Metastore) -> None:
    run = start(store)
    assert store.request_cancel(run)
    assert store.run_snapshot(run).cancel_requested
    assert store.claim(run, limit=5) == []
    advance(store, PAIR, run)
    assert store.run_snapshot(run).state is RunState.CANCELLED
    assert not store.request_cancel(run)


def test_cells_are_recorded_as_they_run_and_dropped_after_the_end(store: Metastore) -> None:
    run = start(store)
    claim = claim_one(store, run)
    cell = CellId("cell-a")

    def event(status: CellStatus, at: float, token: Token = claim.token) -> CellEvent:
        return CellEvent(token=token, cell=cell, status=status, at=at)

    store.record_cells([event(CellStatus.RUNNING, 1.5), event(CellStatus.RUNNING, 1.0, Token(99))])
    (row,) = store.cells(claim.token)
    assert (row.status, row.started, row.ended) == (CellStatus.RUNNING, 1.5, None)
    store.finish(claim, succeeded(), ended("a"))
    store.record_cells([event(CellStatus.FAILED, 9.0)])
    (row,) = store.cells(claim.token)
    assert (row.status, row.started, row.ended) == (CellStatus.COMPLETED, 1.0, 2.0)


def test_runs_are_listed_newest_first_filtered_and_in_pages(store: Metastore, clock) -> None:
    for number in range(1, 6):
        start(store, number=number)
        clock.move(1)
    page = store.list_runs(RunFilter(limit=2))
    assert [row.id for row in page] == [run_id(5), run_id(4)]
    after = store.list_runs(RunFilter(limit=2, before=page[-1].created))
    assert [row.id for row in after] == [run_id(3), run_id(2)]
    assert store.list_runs(RunFilter(state=RunState.FAILED)) == []
    (dag,) = store.list_dags()
    assert (dag.last_run, dag.last_state) == (run_id(5), RunState.RUNNING)


def test_runs_that_wait_go_on_or_failed_lately_are_counted(store: Metastore, clock) -> None:
    dag = small_dag({"a": []})
    for number in (1, 2):
        run = start(store, dag, number)
        end = ended("a", TaskState.FAILED)
        store.finish(claim_one(store, run), failed(), end, lambda s: decide(dag, s, clock.wall()))
        clock.move(60)
    start(store, dag, 3)
    store.create_run(new_run(dag, 4))
    lately = clock.wall() - timedelta(seconds=90)
    counted = store.run_counts(lately)
    assert counted == {RunState.FAILED: 1, RunState.RUNNING: 1, RunState.QUEUED: 1}


def test_ending_a_run_leaves_one_notification_to_send(store: Metastore) -> None:
    from sqlalchemy import select

    from nbflow.metastore.tables import outbox

    run = start(store, small_dag({"a": []}))
    dag = small_dag({"a": []})
    store.finish(
        claim_one(store, run),
        succeeded(),
        ended("a"),
        lambda s: decide(dag, s, store.db.clock.wall()),
    )
    rows = store.db.read(lambda connection: connection.execute(select(outbox)).all())
    assert [(row.id, row.payload["state"]) for row in rows] == [(f"run-end:{run}", "success")]


@pytest.mark.fault(45)
def test_runs_that_can_not_be_read_are_named_and_take_no_place_in_a_list(store: Metastore) -> None:
    for number in range(1, 6):
        start(store, number=number)
    damage = {1: "kind = 'wished'", 2: "state = 'done'", 4: "parameters = '{'"}
    with store.db.engine.begin() as connection:
        for number, held in damage.items():
            row = {"id": run_id(number)}
            connection.execute(text(f"UPDATE run SET {held} WHERE id = :id"), row)
    page = store.page_of_runs(RunFilter(limit=2))
    assert [run.id for run in page.rows] == [run_id(3), run_id(5)]
    assert sorted(page.unread) == [run_id(1), run_id(2), run_id(4)]
    assert [run.id for run in store.list_runs(RunFilter(limit=1))] == [run_id(3)]
    assert store.list_dags()[0].last_state is RunState.RUNNING
    with pytest.raises(MetastoreError, match="'wished' where one of these should be") as caught:
        store.show_run(run_id(1))
    assert caught.value.code == "NBF621"
