"""Verbs that take many rows take them in one order; where one doesn't, the fixture `goes_back` fails."""

from datetime import UTC, datetime, timedelta

import pytest
from small_dags import manual_run, run_id, small_dag

from nbflow.metastore import Metastore, NewRun, Tick, check, slot_key
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.options import TaskOptions
from nbflow.model.run import Claim
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind
from nbflow.scheduling.decide import decide

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAIR = small_dag({"b": [], "a": []})
pytestmark = pytest.mark.fault(18)


@pytest.fixture(params=["postgresql", "mariadb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def begun(store: Metastore, *numbers: int) -> None:
    store.deploy(PAIR, {"etl.ipynb": b"{}"})
    for number in numbers:
        store.create_run(manual_run(PAIR, number))
        store.apply(run_id(number), decide(PAIR, store.run_snapshot(run_id(number)), NOON))


def test_old_runs_are_deleted_in_the_order_of_their_ids(store: Metastore) -> None:
    begun(store, 3, 1, 2)
    for number in (2, 3, 1):
        store.request_cancel(run_id(number))
        store.apply(run_id(number), decide(PAIR, store.run_snapshot(run_id(number)), NOON))
    assert store.retention.delete_runs([run_id(3), run_id(1), run_id(2)]) == 3


def test_ticks_ask_the_older_runs_of_all_their_dags_to_end_in_the_order_of_their_ids(
    store: Metastore, url: str
) -> None:
    ticks, older = [], []
    for number, name in enumerate(("second", "first")):
        dag = small_dag({"a": []}, dag_id=name)
        entry = ScheduleEntry(
            dag_id=dag.id, expression="@hourly", timezone="UTC", cursor=NOON,
            next_fire=NOON + timedelta(hours=1),
        )  # fmt: skip
        store.deploy(dag, {"etl.ipynb": b"{}"}, schedule=entry)
        # The ids go the other way than the DAGs.
        for nth in (4, 2):
            older.append(RunId(f"manual__{nth + number}"))
            store.create_run(
                NewRun(
                    run_id=older[-1], dag_id=dag.id, version=dag.digest, kind=RunKind.MANUAL,
                    slot_key=f"manual:{nth}", driven=False,
                )
            )  # fmt: skip
        ticks.append(_tick(store, dag.id, dag.digest, number))
    assert store.tick_all(ticks) == [True, True]
    assert store.cancelled_runs(older) == {*older}
    assert check(url) == []


def _tick(store: Metastore, dag_id: DagId, version: Digest, number: int) -> Tick:
    seen = store.schedule(dag_id)
    assert seen is not None
    assert seen.next_fire is not None
    new = NewRun(
        run_id=RunId(f"scheduled__{number}"), dag_id=dag_id, version=version,
        kind=RunKind.SCHEDULED, slot_key=slot_key(seen.id, seen.next_fire),
        logical_date=seen.next_fire, driven=False,
    )  # fmt: skip
    after = seen.next_fire + timedelta(hours=1)
    return Tick(seen=seen, cursor=seen.next_fire, next_fire=after, runs=[new], cancel_others=True)


def test_a_claim_that_looks_further_lets_go_of_what_it_held(store: Metastore) -> None:
    options = {
        **{f"z{n}": TaskOptions(pool="zz", priority=9) for n in range(6)},
        "last": TaskOptions(pool="aa"),
    }
    dag = small_dag({name: [] for name in options}, **options)
    store.pools.set("zz", 1)
    store.deploy(dag, {"etl.ipynb": b"{}"})
    store.create_run(manual_run(dag))
    store.apply(run_id(), decide(dag, store.run_snapshot(run_id()), NOON))
    (first,) = store.claim(limit=1)
    (second,) = store.claim(limit=1)
    assert (first.task[0], second.task) == ("z", "last")


def test_leases_are_renewed_in_the_order_of_runs_and_tasks(store: Metastore) -> None:
    begun(store, 2, 1)
    tokens = {claim.token for claim in claims(store, 4)}
    assert store.renew(tokens).held == tokens


def claims(store: Metastore, count: int) -> list[Claim]:
    found = store.claim(limit=count)
    assert len(found) == count
    return found
