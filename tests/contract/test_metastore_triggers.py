"""Triggers in the metastore: told in the transaction that ends a run, fired exactly once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from forked_calls import ForkedCalls
from small_dags import ended, failed, manual_run, run_id, small_dag, succeeded

from nbflow.metastore import (
    Chunk,
    Firing,
    Metastore,
    NewRun,
    check,
    open_metastore,
    slot_key,
    trigger_key,
)
from nbflow.model.backfill import Backfill
from nbflow.model.clock import SystemClock
from nbflow.model.ids import DagId, RunId, TaskName
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind, RunState, TaskState
from nbflow.model.triggers import (
    FileMark,
    RunEnding,
    Trigger,
    TriggerKind,
    TriggerState,
    read_condition,
)
from nbflow.scheduling.backfill import decide_slot
from nbflow.scheduling.decide import decide

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ETL = small_dag({"a": []})
REPORT = small_dag({"a": []}, dag_id="report")
AFTER = Trigger(kind=TriggerKind.DAG, dag="etl")
LOW = Trigger(kind=TriggerKind.METRIC, dag="etl", metric=read_condition('metric("loss") < 1'))
FILES = Trigger(kind=TriggerKind.FILES, files=("/d/*",))


def watch(store: Metastore, *triggers: Trigger, state: TriggerState | None = None) -> None:
    on = dict.fromkeys(triggers, state or TriggerState())
    store.deploy(REPORT, {"etl.ipynb": b"{}"}, on=on)


def run_etl(store: Metastore, number: int = 1, *, result=None, target=TaskState.SUCCESS) -> RunId:
    store.deploy(ETL, {"etl.ipynb": b"{}"})
    store.create_run(
        NewRun(
            run_id=run_id(number), dag_id=ETL.id, version=ETL.digest, kind=RunKind.SCHEDULED,
            slot_key=f"slot:{number}", driven=False,
        )
    )  # fmt: skip
    decision = partial(decide, ETL, now=store.db.clock.wall())
    store.advance(run_id(number), decision)
    (claim,) = store.claim(run_id(number), limit=1) or store.claim(limit=1)
    store.finish(claim, result or succeeded(), ended("a", target), decision)
    return run_id(number)


def firing(event, number: int = 9, **fields) -> Firing:
    row = event.row
    run = NewRun(
        run_id=RunId(f"triggered__20260301T120000Z__{number:08d}"), dag_id=REPORT.id,
        version=row.dag_version, kind=RunKind.TRIGGERED, driven=False,
        slot_key=trigger_key(row.id, event.name), cause={"kind": "dag", **event.payload},
    )  # fmt: skip
    fields = {"state": row.state, "run": run, **fields}
    return Firing(seen=row, slot_key=trigger_key(row.id, event.name), event=event.id, **fields)


def test_a_run_that_ends_is_told_to_the_triggers_that_watch_its_dag(store: Metastore) -> None:
    watch(store, AFTER, replace(AFTER, state=RunEnding.FAILURE), LOW, FILES)
    run = run_etl(store)
    (event,) = store.triggers.events()
    assert event.payload == {"dag": "etl", "run": run, "state": "success"}
    assert (event.row.dag_id, event.row.trigger) == ("report", AFTER)
    assert store.triggers.fire(firing(event))
    assert store.triggers.events() == []
    (made,) = [row for row in store.list_runs() if row.dag_id == "report"]
    assert (made.kind, made.state, made.cause["run"]) == (RunKind.TRIGGERED, RunState.QUEUED, run)
    run_etl(store, 2, result=failed(), target=TaskState.FAILED)
    (event,) = store.triggers.events()
    assert event.row.trigger.state is RunEnding.FAILURE


def test_metrics_are_told_with_the_attempt_and_only_of_one_that_succeeded(
    store: Metastore,
) -> None:
    watch(store, LOW)
    run_etl(store, 1, result=replace(failed(), metrics={"loss": 0.5}), target=TaskState.FAILED)
    assert store.triggers.events() == []
    run_etl(store, 2, result=replace(succeeded(), metrics={"loss": 0.7, "other": 1.0}))
    (event,) = store.triggers.events()
    assert (event.payload["name"], event.payload["value"]) == ("loss", 0.7)


def test_what_is_run_by_hand_sets_nothing_off(store: Metastore) -> None:
    watch(store, AFTER, LOW)
    store.deploy(ETL, {"etl.ipynb": b"{}"})
    store.create_run(
        manual_run(ETL, driven=True)
    )  # fmt: skip
    decision = partial(decide, ETL, now=store.db.clock.wall())
    store.apply(run_id(), decision(store.run_snapshot(run_id())))
    (claim,) = store.claim(run_id(), limit=1)
    store.finish(claim, replace(succeeded(), metrics={"loss": 0.1}), ended("a"), decision)
    assert store.run_snapshot(run_id()).state is RunState.SUCCESS
    assert store.triggers.events() == []


def test_of_two_schedulers_that_decide_one_makes_the_run(
    open_store: Callable[[], Metastore],
) -> None:
    store = open_store()
    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    answers: list[bool] = []

    def work(number: int) -> None:
        answers.append(stores[number].triggers.fire(firing(event, number)))

    stores = [open_store() for _ in range(4)]
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert sum(row.dag_id == "report" for row in store.list_runs()) == 1


def test_the_same_event_makes_no_second_run_even_if_it_came_again(store: Metastore) -> None:
    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    assert store.triggers.fire(firing(event, 1))
    assert not store.triggers.fire(firing(event, 2))
    (row,) = store.triggers.of(REPORT.id)
    assert store.triggers.fire(firing(replace(event, row=row), 3))
    assert sum(row.dag_id == "report" for row in store.list_runs()) == 1


def test_a_pause_that_came_between_stops_the_firing(store: Metastore) -> None:
    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    store.pause(REPORT.id, paused=True)
    assert not store.triggers.fire(firing(event))
    (event,) = store.triggers.events()
    assert event.row.is_paused
    assert store.triggers.fire(firing(event, run=None, missed="paused"))
    assert store.triggers.events() == []
    assert not [row for row in store.list_runs() if row.dag_id == "report"]
    assert store.missed(REPORT.id) == []
    (lost,) = store.all_missed()
    assert (lost.dag_id, lost.slot, lost.reason) == (REPORT.id, None, "paused")
    assert lost.trigger == AFTER
    assert (store.all_missed(REPORT.id), store.all_missed(DagId("etl"))) == ([lost], [])


def test_a_deploy_that_came_between_makes_the_run_one_of_the_new_version(store: Metastore) -> None:
    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    edited = small_dag({"a": [], "b": ["a"]}, dag_id=REPORT.id)
    store.deploy(edited, {"etl.ipynb": b"{}"})
    assert not store.triggers.fire(firing(event))
    (event,) = store.triggers.events()
    assert event.row.dag_version == edited.digest


def test_a_deploy_keeps_the_triggers_that_stay_and_begins_others_anew(store: Metastore) -> None:
    mark = FileMark(size=1, time=2, sha="3")
    watch(store, FILES, AFTER, state=TriggerState(seen={"/d/a": mark}))
    watch(store, FILES, state=TriggerState())
    (files,) = store.triggers.of(REPORT.id)
    assert files.state.seen == {"/d/a": mark}
    run_etl(store)
    assert store.triggers.events() == []
    watch(store, AFTER)
    watch(store, FILES, state=TriggerState(version="new"))
    (again,) = store.triggers.of(REPORT.id)
    assert (again.id, again.state, again.version) == (files.id, TriggerState(version="new"), 1)


def test_events_that_wait_go_with_their_trigger(store: Metastore) -> None:
    watch(store, AFTER)
    run_etl(store)
    watch(store, FILES)
    watch(store, AFTER)
    assert store.triggers.events() == []


def test_of_each_trigger_the_oldest_event_comes_first_and_alone(store: Metastore) -> None:
    watch(store, AFTER)
    for number in (1, 2, 3):
        run_etl(store, number)
    for number in (1, 2, 3):
        (event,) = store.triggers.events()
        assert event.payload["run"] == run_id(number)
        assert store.triggers.fire(firing(event, number))
    assert store.triggers.events() == []


def test_a_trigger_whose_run_has_not_begun_is_waiting(store: Metastore) -> None:
    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    store.triggers.fire(firing(event))
    (row,) = store.triggers.of(REPORT.id)
    assert (row.is_waiting, row.active_runs) == (True, 1)
    (made,) = [run for run in store.list_runs() if run.dag_id == "report"]
    decision = partial(decide, REPORT, now=store.db.clock.wall())
    store.advance(made.id, decision)
    (row,) = store.triggers.of(REPORT.id)
    assert (row.is_waiting, row.active_runs) == (False, 1)
    assert store.run_snapshot(made.id).tasks[TaskName("a")].state is TaskState.QUEUED


@pytest.mark.fault(17)
@pytest.mark.parametrize("fault", ["pre_commit:1:exc", "post_commit:1:commit_then_raise"])
def test_a_firing_whose_commit_is_unknown_makes_one_run(
    store: Metastore, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    from nbflow import faults

    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    monkeypatch.setattr(faults, "_spec", f"fire.{fault}")
    faults._hits.clear()
    if fault.startswith("pre"):
        with pytest.raises(faults.InjectedFaultError):
            store.triggers.fire(firing(event))
        (event,) = store.triggers.events()
    assert store.triggers.fire(firing(event))
    assert sum(row.dag_id == "report" for row in store.list_runs()) == 1


SCRIPT = """
import sys
sys.path[:0] = sys.argv[2:]
from test_metastore_triggers import AFTER, firing, run_etl, watch
from nbflow.metastore import open_metastore
from nbflow.model.clock import SystemClock
store = open_metastore(sys.argv[1], clock=SystemClock())
if not store.list_runs():
    watch(store, AFTER)
    run_etl(store)
for event in store.triggers.events():
    store.triggers.fire(firing(event))
"""


@pytest.mark.fault(2)
@pytest.mark.parametrize("point", ["fire.pre_commit", "fire.post_commit"])
def test_a_scheduler_killed_while_it_fires_leaves_one_run_in_the_end(
    forked_calls: ForkedCalls, tmp_path: Path, point: str
) -> None:
    address = f"sqlite:///{tmp_path / 'nbflow.db'}"
    here = Path(__file__).parent
    command = (SCRIPT, address, str(here), str(here.parent / "support"))
    killed = forked_calls.run(*command, fault=f"{point}:1:kill")
    assert killed.returncode == -9, killed.stderr
    again = forked_calls.run(*command)
    assert again.returncode == 0, again.stderr
    with open_metastore(address, clock=SystemClock()) as store:
        assert store.triggers.events() == []
        (made,) = [row for row in store.list_runs() if row.dag_id == "report"]
        assert made.cause["run"] == run_id()
    assert check(address) == []


def test_what_an_undeployed_dag_waited_for_sets_nothing_off_when_it_is_deployed_again(
    store: Metastore,
) -> None:
    watch(store, AFTER)
    run_etl(store)
    store.undeploy(REPORT.id)
    watch(store, AFTER)
    assert store.triggers.events() == []


def test_a_dag_deleted_before_its_trigger_fires_makes_no_run(store: Metastore) -> None:
    watch(store, AFTER)
    run_etl(store)
    (event,) = store.triggers.events()
    store.undeploy(REPORT.id)
    store.delete_dag(REPORT.id)
    assert not store.triggers.fire(firing(event))
    assert [row.dag_id for row in store.list_runs()] == ["etl"]


def test_runs_of_a_backfill_are_no_others(store: Metastore) -> None:
    entry = ScheduleEntry(
        dag_id=REPORT.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON
    )
    store.deploy(REPORT, {"etl.ipynb": b"{}"}, schedule=entry, on={AFTER: TriggerState()})
    known = store.schedule(REPORT.id)
    assert known is not None
    store.backfills.create(
        Backfill(
            id="b", dag_id=REPORT.id, schedule_id=known.id, expression="@hourly", timezone="UTC",
            anchor=None, first=NOON, last=NOON, slots=1,
        )
    )  # fmt: skip
    (due,) = store.backfills.due()
    made = NewRun(
        run_id=RunId("backfill__1"), dag_id=REPORT.id, version=REPORT.digest,
        kind=RunKind.BACKFILL, slot_key=slot_key(known.id, NOON), driven=False,
    )  # fmt: skip
    decided = partial(decide_slot, reprocess=due.entry.reprocess)
    store.backfills.work_on(Chunk(due=due, slots=[NOON], decide=decided, new_run=lambda _: made))
    run_etl(store)
    (event,) = store.triggers.events()
    assert event.row.active_runs == 0
    assert store.triggers.fire(firing(event, cancel_others=True))
    backfilled = store.run_snapshot(made.run_id)
    assert not backfilled.cancel_requested
