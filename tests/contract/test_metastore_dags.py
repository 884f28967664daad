"""DAGs in lists, and their end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_dags import manual_run, run_id, small_dag
from sqlalchemy import select

from nbflow import faults
from nbflow.errors import ConflictError, NotFoundError, UsageError
from nbflow.metastore import Metastore, check, open_metastore
from nbflow.metastore import tables as t
from nbflow.metastore.dag_list import dags_query
from nbflow.model.backfill import Backfill, BackfillState
from nbflow.model.clock import Clock
from nbflow.model.dag import Dag
from nbflow.model.ids import DagId
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind, RunState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAIR = small_dag({"a": [], "b": ["a"]})
OTHER = small_dag({"a": []}, dag_id="other")


def deployed(store: Metastore, dag: Dag = PAIR) -> None:
    known = store.schedule(dag.id)
    entry = ScheduleEntry(
        id=known.id if known else 0, version=known.version if known else 0, dag_id=dag.id, expression="@hourly", timezone="Asia/Seoul", cursor=NOON,
        next_fire=NOON + HOUR,
    )  # fmt: skip
    store.deploy(dag, {"etl.ipynb": b"same", f"{dag.id}.ipynb": b"own"}, schedule=entry)


def run(store: Metastore, number: int = 1, dag: Dag = PAIR) -> None:
    store.create_run(
        manual_run(dag, number)
    )  # fmt: skip


def end_runs(store: Metastore) -> None:
    from nbflow.scheduling.decide import decide

    for one in store.waiting_runs():
        store.request_cancel(one.run_id)
        store.advance(one.run_id, lambda s: decide(PAIR, s, NOON))


def test_a_dag_is_listed_with_its_schedule_and_its_newest_run(store: Metastore, clock) -> None:
    deployed(store)
    deployed(store, OTHER)
    run(store, 1)
    clock.move(60)
    run(store, 2)
    first, second = store.list_dags()
    assert (first.id, first.tasks, first.schedule, first.timezone, first.next_run) == (
        "etl", 2, "@hourly", "Asia/Seoul", NOON + HOUR,
    )  # fmt: skip
    assert (first.last_run, first.last_state, first.last_at) == (
        run_id(2), RunState.QUEUED, clock.wall(),
    )  # fmt: skip
    assert (second.id, second.last_run, second.is_deployed) == ("other", None, True)


def test_a_dags_last_run_is_of_no_backfill_and_of_the_newest_slot(store: Metastore, clock) -> None:
    deployed(store)

    def made(number: int, kind: RunKind, hours: int) -> None:
        slot = NOON + hours * HOUR
        new = replace(manual_run(PAIR, number), kind=kind, logical_date=slot)
        store.create_run(replace(new, slot_key=f"slot:1:{slot:%Y-%m-%dT%H:%M:%SZ}"))

    made(1, RunKind.BACKFILL, -5)
    assert store.list_dags()[0].last_run == run_id(1)
    clock.move(60)
    for number, hours in ((2, -1), (3, 0), (4, -2)):
        made(number, RunKind.SCHEDULED, hours)
    clock.move(60)
    made(5, RunKind.BACKFILL, -4)
    (row,) = store.list_dags()
    assert (row.last_run, row.last_at) == (run_id(3), clock.wall() - timedelta(seconds=60))


def test_the_list_finds_each_row_by_an_index(tmp_path: Path, clock: Clock) -> None:
    with open_metastore(f"sqlite:///{tmp_path / 'nbflow.db'}", clock=clock) as store:
        query = dags_query().compile(store.db.engine, compile_kwargs={"literal_binds": True})
        with store.db.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").fetchall()
    steps = [row[3] for row in plan]
    assert any("ix_run_dag_id_created" in step for step in steps), steps
    assert [
        step for step in steps if step.startswith("SCAN") and "dag" not in step.split()[1]
    ] == []


def test_a_dag_that_rests_keeps_its_runs_and_does_nothing_by_itself(
    store: Metastore, url: str
) -> None:
    deployed(store)
    entry = store.schedule(PAIR.id)
    assert entry is not None
    store.backfills.create(
        Backfill(
            id="b", dag_id=PAIR.id, schedule_id=entry.id, expression="@hourly", timezone="UTC",
            anchor=None, first=NOON - HOUR, last=NOON, slots=2,
        )
    )  # fmt: skip
    run(store)
    with pytest.raises(UsageError, match="not ended: 1") as caught:
        store.undeploy(PAIR.id)
    assert caught.value.code == "NBF619"
    end_runs(store)
    store.undeploy(PAIR.id)
    (row,) = store.list_dags()
    assert (row.is_deployed, row.schedule, row.last_run) == (False, None, run_id(1))
    assert store.due(NOON + HOUR) == []
    assert store.backfills.rows()[0].entry.state is BackfillState.CANCELLED
    deployed(store, small_dag({"a": [], "c": []}))
    assert store.list_dags()[0].is_deployed
    assert check(url) == []


def test_a_deleted_dag_leaves_nothing_and_what_others_are_made_of_stays(
    store: Metastore, url: str
) -> None:
    deployed(store)
    deployed(store, OTHER)
    run(store)
    end_runs(store)
    notice = {
        "id": "n", "dag_id": PAIR.id, "event": "failure", "spec": {}, "payload": {},
        "created": NOON, "error": "",
    }  # fmt: skip
    store.db.write("test", lambda c: c.execute(t.notice.insert().values(notice)) and None)
    store.undeploy(PAIR.id)
    with pytest.raises(ConflictError, match="made meanwhile"):
        store.delete_dag(PAIR.id)
    assert store.retention.delete_runs(store.runs_of(PAIR.id, limit=9)) == 1
    store.delete_dag(PAIR.id)
    assert [row.id for row in store.list_dags()] == ["other"]
    assert store.db.read(lambda c: c.execute(select(t.notice.c.dag_id)).all()) == []
    assert store.load_notebooks(OTHER.digest) == {"etl.ipynb": b"same", "other.ipynb": b"own"}
    with pytest.raises(NotFoundError):
        store.load_version(PAIR.digest)
    assert store.schedule(PAIR.id) is None
    deployed(store)
    assert len(store.list_dags()) == 2
    assert check(url) == []


def test_what_nobody_looked_at_is_not_replaced(open_store: Callable[[], Metastore]) -> None:
    """Two people deploy a DAG, each over the version that they saw; the slower one is told."""
    mine, theirs = open_store(), open_store()
    first, ours, their = (small_dag({"a": [], name: []}) for name in ("b", "c", "d"))
    mine.deploy(first, {"etl.ipynb": b"{}"}, replaces=None)
    theirs.deploy(their, {"etl.ipynb": b"{}"}, replaces=first.digest)
    for seen in (first.digest, None):
        with pytest.raises(ConflictError) as refused:
            mine.deploy(ours, {"etl.ipynb": b"{}"}, replaces=seen)
        assert refused.value.code == "NBF664"
    assert mine.current_version(first.id) == their.digest
    assert ours.digest not in [row.version for row in mine.versions(first.id)]
    mine.deploy(ours, {"etl.ipynb": b"{}"}, replaces=their.digest)
    assert theirs.current_version(first.id) == ours.digest
    theirs.undeploy(first.id)
    with pytest.raises(ConflictError, match="Another version"):
        mine.deploy(first, {"etl.ipynb": b"{}"}, replaces=ours.digest)
    mine.deploy(first, {"etl.ipynb": b"{}"}, replaces=None)


@pytest.mark.parametrize("verb", ["undeploy", "delete_dag"])
def test_a_dag_that_nobody_deployed_is_named(store: Metastore, verb: str) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        getattr(store, verb)(DagId("nobody"))


@pytest.mark.parametrize("verb", ["dag_undeploy", "dag_delete"])
def test_a_commit_whose_answer_was_lost_counts(
    open_store: Callable[[], Metastore], verb: str, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    store = open_store()
    deployed(store)
    monkeypatch.setattr(faults, "_spec", f"{verb}.post_commit:1:commit_then_raise")
    faults._hits.clear()
    store.undeploy(PAIR.id)
    store.delete_dag(PAIR.id)
    assert store.list_dags() == []
    assert check(url) == []
