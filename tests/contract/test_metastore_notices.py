"""Notifications in the metastore: planned once, taken by one at a time, settled by who holds them."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from forked_calls import ForkedCalls
from small_dags import ended, failed, run_id, small_dag, succeeded

from nbflow.metastore import Metastore, NewNotice, NewRun, Tick, check, open_metastore
from nbflow.metastore import tables as t
from nbflow.model.clock import SystemClock
from nbflow.model.notices import Channel, NoticeEvent, Notify
from nbflow.model.schedule import MissedSlot, ScheduleEntry
from nbflow.model.states import RunKind, RunState, TaskState
from nbflow.scheduling.decide import decide

ETL = small_dag({"a": []})
HOOK = Notify(channel=Channel.WEBHOOK, to=("https://example.org/hook",))


def end_run(
    store: Metastore,
    number: int = 1,
    *,
    well: bool = False,
    driven: bool = False,
    date: datetime | None = None,
) -> None:
    store.deploy(ETL, {"etl.ipynb": b"{}"})
    store.create_run(
        NewRun(
            run_id=run_id(number), dag_id=ETL.id, version=ETL.digest, kind=RunKind.SCHEDULED,
            slot_key=f"slot:{number}", driven=driven, logical_date=date,
        )
    )  # fmt: skip
    decision = partial(decide, ETL, now=store.db.clock.wall())
    store.apply(run_id(number), decision(store.run_snapshot(run_id(number))))
    (claim,) = store.claim(run_id(number), limit=1) or store.claim(limit=1)
    result = (succeeded(), TaskState.SUCCESS) if well else (failed(), TaskState.FAILED)
    store.finish(claim, result[0], ended("a", result[1]), decision)


def notice(end, number: int = 0) -> NewNotice:
    return NewNotice(
        id=f"{end.id}:{number}", dag_id=end.dag_id, event=NoticeEvent.FAILURE, notify=HOOK,
        payload={"event": "failure", "dag": "etl"}, run_id=end.run_id,
    )  # fmt: skip


def planned(store: Metastore) -> str:
    end_run(store)
    (end,) = store.notices.run_ends()
    assert store.notices.plan_run_end(end, RunState.FAILED, [notice(end)])
    return f"{end.id}:0"


def test_a_runs_end_is_planned_once_and_the_next_one_knows_how_it_was(store: Metastore) -> None:
    end_run(store)
    (end,) = store.notices.run_ends()
    assert (end.state, end.health, end.is_by_hand) == (RunState.FAILED, None, False)
    assert store.notices.plan_run_end(end, RunState.FAILED, [notice(end), notice(end, 1)])
    assert not store.notices.plan_run_end(end, RunState.FAILED, [notice(end, 2)])
    assert store.notices.run_ends() == []
    assert len(store.notices.all()) == 2
    end_run(store, 2, well=True)
    (end,) = store.notices.run_ends()
    assert (end.state, end.health) == (RunState.SUCCESS, RunState.FAILED)


def test_of_a_dag_one_end_comes_at_a_time_the_oldest_first(store: Metastore, clock) -> None:
    for number in (1, 2, 3):
        end_run(store, number)
        clock.move(1)
    for number in (1, 2, 3):
        (end,) = store.notices.run_ends()
        assert end.run_id == run_id(number)
        store.notices.plan_run_end(end, RunState.FAILED, [])


def test_two_ends_that_were_read_at_once_are_not_both_the_first_failure(store: Metastore) -> None:
    end_run(store, 1)
    end_run(store, 2)
    (first,) = store.notices.run_ends()
    assert store.notices.plan_run_end(first, RunState.FAILED, [notice(first)])
    (second,) = store.notices.run_ends()
    # As read by a relay that saw this end before the other one.
    early = replace(second, health=None)
    assert not store.notices.plan_run_end(early, RunState.FAILED, [notice(early)])
    assert store.notices.plan_run_end(second, RunState.FAILED, [])
    assert len(store.notices.all()) == 1


def test_of_a_dag_the_end_of_the_oldest_date_comes_first_in_whatever_order_runs_end(
    store: Metastore, clock
) -> None:
    noon = clock.wall()
    for number, hours in ((1, -1), (2, -3), (3, -2)):
        end_run(store, number, date=noon + timedelta(hours=hours))
        clock.move(1)
    for number in (2, 3, 1):
        (end,) = store.notices.run_ends()
        assert (end.run_id, end.is_late) == (run_id(number), False)
        store.notices.plan_run_end(end, RunState.FAILED, [])


def test_that_a_run_of_a_later_date_was_judged_already_is_known(store: Metastore, clock) -> None:
    noon = clock.wall()
    # A date that is yet to come counts as now: what follows is not late for years.
    end_run(store, 1, date=noon + timedelta(days=900))
    (end,) = store.notices.run_ends()
    assert end.date == noon
    store.notices.plan_run_end(end, RunState.FAILED, [])
    clock.move(60)
    end_run(store, 2, date=noon - timedelta(hours=1), well=True)
    (late,) = store.notices.run_ends()
    assert (late.date, late.health_at, late.is_late) == (noon - timedelta(hours=1), noon, True)
    assert store.notices.plan_run_end(late, RunState.FAILED, [])
    end_run(store, 3, date=noon, well=True)
    (end,) = store.notices.run_ends()
    assert (end.health, end.health_at, end.is_late) == (RunState.FAILED, noon, False)


def test_an_end_that_was_read_before_a_newer_one_was_judged_is_read_again(
    store: Metastore, clock
) -> None:
    noon = clock.wall()
    end_run(store, 1, date=noon, well=True)
    end_run(store, 2, date=noon - timedelta(hours=1), well=True)
    (early,) = store.notices.run_ends()
    (newer,) = [replace(early, id=f"run-end:{run_id(1)}", run_id=run_id(1), date=noon)]
    assert store.notices.plan_run_end(newer, RunState.SUCCESS, [])
    assert not store.notices.plan_run_end(early, RunState.SUCCESS, [])
    (again,) = store.notices.run_ends()
    assert (again.run_id, again.is_late) == (run_id(2), True)


def test_an_end_of_a_backfill_or_of_a_run_that_was_cancelled_leaves_how_the_dag_stands(
    store: Metastore, clock
) -> None:
    end_run(store, 1)
    (end,) = store.notices.run_ends()
    store.notices.plan_run_end(end, RunState.FAILED, [])
    end_run(store, 2, well=True)
    of_backfill = t.run.update().where(t.run.c.id == run_id(2)).values(backfill_id="b")
    store.db.write("test", lambda c: c.execute(of_backfill) and None)
    (end,) = store.notices.run_ends()
    assert (end.is_of_backfill, end.is_judged) == (True, False)
    assert replace(end, is_of_backfill=False).is_judged
    assert not replace(end, is_of_backfill=False, state=RunState.CANCELLED).is_judged
    assert store.notices.plan_run_end(end, end.health, [])
    clock.move(1)
    end_run(store, 3, well=True)
    (end,) = store.notices.run_ends()
    assert (end.health, end.health_at) == (RunState.FAILED, clock.wall() - timedelta(seconds=1))


def test_that_a_person_drove_a_run_is_known(store: Metastore) -> None:
    end_run(store, driven=True)
    (end,) = store.notices.run_ends()
    assert end.is_by_hand


def test_of_many_that_take_each_notification_has_one(
    open_store: Callable[[], Metastore],
) -> None:
    store = open_store()
    end_run(store)
    (end,) = store.notices.run_ends()
    wanted = [notice(end, number) for number in range(6)]
    store.notices.plan_run_end(end, RunState.FAILED, wanted)
    taken: list[str] = []

    def work(own: Metastore) -> None:
        while found := own.notices.take(lease=600.0, limit=1):
            taken.extend(one.id for one in found)

    threads = [threading.Thread(target=work, args=(open_store(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while more := store.notices.take(lease=600.0, limit=10):
        taken.extend(one.id for one in more)
    assert sorted(taken) == sorted(one.id for one in wanted)


def test_who_lost_its_lease_settles_nothing(store: Metastore, clock) -> None:
    planned(store)
    (late,) = store.notices.take(lease=60.0)
    assert store.notices.take(lease=60.0) == []
    clock.move(60)
    (own,) = store.notices.take(lease=60.0)
    assert (late.tries, own.tries) == (1, 2)
    assert not store.notices.settle(late, sent=clock.wall())
    assert store.notices.settle(own, sent=clock.wall())
    assert not store.notices.settle(own, error="twice")
    (row,) = store.notices.all()
    assert (row.sent, row.due, row.notify) == (clock.wall(), None, HOOK)


def test_what_nobody_settles_is_given_up_after_the_last_try(store: Metastore, clock) -> None:
    name = planned(store)
    for _ in range(2):
        assert store.notices.take(lease=60.0, most_tries=2)
        clock.move(60)
    assert store.notices.take(lease=60.0, most_tries=2) == []
    (row,) = store.notices.all()
    assert (row.due, row.dead, row.tries) == (None, clock.wall(), 2)
    assert "2 times" in row.error
    assert store.notices.send_again(name)


def test_one_that_was_given_up_may_be_sent_after_all(store: Metastore, clock) -> None:
    name = planned(store)
    (own,) = store.notices.take(lease=60.0)
    store.notices.settle(own, dead=clock.wall(), error="no")
    assert store.notices.take(lease=60.0) == []
    assert store.notices.send_again(name)
    (again,) = store.notices.take(lease=60.0)
    assert again.tries == 1
    assert not store.notices.send_again(name)


def test_old_ones_go_and_those_that_wait_stay(store: Metastore, clock) -> None:
    end_run(store)
    (end,) = store.notices.run_ends()
    store.notices.plan_run_end(end, RunState.FAILED, [notice(end), notice(end, 1)])
    (own,) = store.notices.take(lease=60.0, limit=1)
    store.notices.settle(own, sent=clock.wall())
    clock.move(10)
    assert store.notices.forget(clock.wall()) == 1
    assert len(store.notices.all()) == 1


def test_missed_slots_are_planned_once_and_together(store: Metastore, clock) -> None:
    at = clock.wall()
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=at, next_fire=at
    )
    store.deploy(ETL, {"etl.ipynb": b"{}"}, schedule=entry)
    (due,) = store.due(at)
    slots = [at + timedelta(hours=hour) for hour in range(3)]
    missed = [MissedSlot(dag_id=ETL.id, slot=slot, reason="catchup", at=at) for slot in slots]
    store.tick(Tick(seen=due.entry, cursor=slots[-1], next_fire=None, missed=missed))
    ((dag_id, found),) = store.notices.untold_missed().items()
    assert (dag_id, [(one.slot, one.reason) for one in found]) == (
        "etl", [(slot, "catchup") for slot in slots],
    )  # fmt: skip
    keys = [one.key for one in found]
    told = NewNotice(
        id="missed:1", dag_id=ETL.id, event=NoticeEvent.MISSED, notify=HOOK, payload={}
    )
    assert store.notices.plan_missed(ETL.id, keys, [told])
    assert not store.notices.plan_missed(ETL.id, keys[:1], [told])
    assert store.notices.untold_missed() == {}
    assert len(store.notices.all()) == 1


SCRIPT = """
import sys
sys.path[:0] = sys.argv[2:]
from test_metastore_notices import end_run, notice
from nbflow.metastore import open_metastore
from nbflow.model.clock import SystemClock
from nbflow.model.states import RunState
store = open_metastore(sys.argv[1], clock=SystemClock())
if not store.list_runs():
    end_run(store)
for end in store.notices.run_ends():
    store.notices.plan_run_end(end, RunState.FAILED, [notice(end)])
for own in store.notices.take(lease=0.0):
    print("sent", own.id, flush=True)
    store.notices.settle(own, sent=store.db.clock.wall())
"""


@pytest.mark.fault(2)
@pytest.mark.parametrize("side", ["pre", "post"])
@pytest.mark.parametrize("verb", ["notice_plan", "notice_take", "notice_settle"])
def test_a_relay_killed_at_any_commit_has_told_once_or_more_and_with_one_key(
    forked_calls: ForkedCalls, tmp_path: Path, verb: str, side: str
) -> None:
    address = f"sqlite:///{tmp_path / 'nbflow.db'}"
    here = Path(__file__).parent
    command = (SCRIPT, address, str(here), str(here.parent / "support"))
    killed = forked_calls.run(*command, fault=f"{verb}.{side}_commit:1:kill")
    assert killed.returncode == -9, killed.stderr
    again = forked_calls.run(*command)
    assert again.returncode == 0, again.stderr
    sent = (killed.stdout + again.stdout).splitlines()
    assert set(sent) == {f"sent run-end:{run_id()}:0"}
    assert len(sent) == (2 if (verb, side) == ("notice_settle", "pre") else 1)
    with open_metastore(address, clock=SystemClock()) as store:
        (row,) = store.notices.all()
        assert row.sent is not None
    assert check(address) == []
