"""A commit whose reply was lost counts once, and whoever asked for it is told what it did."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from small_dags import ended, failed, manual_run, run_id, small_dag, stored, succeeded

from nbflow import faults
from nbflow.errors import ConflictError, MetastoreBusyError
from nbflow.metastore import Clear, Metastore, NewNotice, Tick, check
from nbflow.metastore.engine import Database
from nbflow.model.ids import TaskName
from nbflow.model.notices import Channel, NoticeEvent, Notify
from nbflow.model.schedule import MissedSlot, ScheduleEntry
from nbflow.model.states import RunState, TaskState
from nbflow.scheduling.decide import decide

pytestmark = pytest.mark.fault(17)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ETL = small_dag({"a": []})
LATER = small_dag({"a": [], "b": ["a"]})
HOOK = Notify(channel=Channel.WEBHOOK, to=("https://example.org/hook",))
ENTRY = ScheduleEntry(
    dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
)


def deployed(store: Metastore) -> ScheduleEntry:
    store.deploy(ETL, {"etl.ipynb": b"{}"}, schedule=ENTRY)
    found = store.schedule(ETL.id)
    assert found is not None
    return found


def going(store: Metastore) -> Any:
    deployed(store)
    store.create_run(
        manual_run(ETL)
    )  # fmt: skip
    store.apply(run_id(), decide(ETL, store.run_snapshot(run_id()), NOON))
    (claim,) = store.claim(limit=1)
    return claim


def over(store: Metastore, *, well: bool = True) -> None:
    result = succeeded() if well else failed()
    follows = partial(decide, ETL, now=NOON)
    store.finish(going(store), result, ended("a", result.state), follows)


def deploys(store: Metastore) -> Callable[[], object]:
    seen = deployed(store)
    edited = replace(seen, expression="@daily", next_fire=NOON + 12 * HOUR)
    return lambda: store.deploy(LATER, {"etl.ipynb": b"{}"}, schedule=edited) == LATER.digest


def pauses(store: Metastore) -> Callable[[], object]:
    deployed(store)
    return lambda: store.pause(ETL.id, paused=True)


def sets_a_pool(store: Metastore) -> Callable[[], object]:
    return lambda: store.pools.set("small", 2)


def withdraws_a_clear(store: Metastore) -> Callable[[], object]:
    over(store)
    store.clears.request(Clear(run_id=run_id(), tasks=[TaskName("a")]))
    return lambda: store.request_cancel(run_id()) and not store.clears.requested()


def hands_back(store: Metastore) -> Callable[[], object]:
    claim = going(store)

    def work() -> bool:
        store.hand_back(claim)
        return store.run_snapshot(run_id()).tasks[TaskName("a")].state is TaskState.QUEUED

    return work


def prunes(store: Metastore) -> Callable[[], object]:
    over(store)
    return lambda: store.retention.delete_runs([run_id()]) == 1


def tells_of_missed_slots(store: Metastore) -> Callable[[], object]:
    seen = deployed(store)
    slot = NOON + HOUR
    missed = [MissedSlot(dag_id=ETL.id, slot=slot, reason="catchup", at=NOON)]
    store.tick(Tick(seen=seen, cursor=slot, next_fire=slot + HOUR, missed=missed))
    ((dag_id, found),) = store.notices.untold_missed().items()
    notice = NewNotice(
        id="missed:1:0", dag_id=dag_id, event=NoticeEvent.MISSED, notify=HOOK, payload={}
    )
    return lambda: store.notices.plan_missed(dag_id, [one.key for one in found], [notice])


def sends_again(store: Metastore) -> Callable[[], object]:
    over(store, well=False)
    (end,) = store.notices.run_ends()
    name = f"{end.id}:0"
    notice = NewNotice(
        id=name, dag_id=ETL.id, event=NoticeEvent.FAILURE, notify=HOOK, payload={},
        run_id=run_id(),
    )  # fmt: skip
    store.notices.plan_run_end(end, RunState.FAILED, [notice])
    (taken,) = store.notices.take(lease=60)
    store.notices.settle(taken, dead=NOON, error="no")
    return lambda: store.notices.send_again(name)


VERBS = {
    "deploy": deploys,
    "pause": pauses,
    "pool": sets_a_pool,
    "cancel": withdraws_a_clear,
    "hand_back": hands_back,
    "prune": prunes,
    "notice_missed": tells_of_missed_slots,
    "notice_again": sends_again,
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_was_done_is_told_as_done(
    store: Metastore, url: str, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    work = VERBS[verb](store)
    monkeypatch.setattr(faults, "_spec", f"{verb}.post_commit:1:commit_then_raise")
    faults._hits.clear()
    assert work()
    assert faults._hits[f"{verb}.post_commit"] >= 1
    assert check(url) == []


@pytest.mark.parametrize("verb", ["pause", "pool", "notice_again"])
def test_what_had_nothing_to_do_says_so_all_the_same(
    store: Metastore, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    work = VERBS[verb](store)
    assert work()
    monkeypatch.setattr(faults, "_spec", f"{verb}.post_commit:1:commit_then_raise")
    faults._hits.clear()
    assert not work()


def lose_all_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first end of an attempt be committed, and neither that nor a look at it be answered."""
    read, has_failed = Database.read, []

    def silent(self: Database, *args: Any, **named: Any) -> Any:
        if faults._hits["finish.post_commit"] and not has_failed:
            has_failed.append(True)
            raise MetastoreBusyError("The server restarts.", hint="Try again.")
        return read(self, *args, **named)

    monkeypatch.setattr(Database, "read", silent)
    monkeypatch.setattr(faults, "_spec", "finish.post_commit:1:commit_then_raise")
    faults._hits.clear()


def test_an_end_that_was_recorded_unseen_is_no_conflict_when_it_is_recorded_again(
    store: Metastore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, follows = going(store), partial(decide, ETL, now=NOON)
    lose_all_replies(monkeypatch)
    with pytest.raises(MetastoreBusyError):
        store.finish(claim, succeeded(stored("x")), ended("a"), follows)
    assert store.finish(claim, succeeded(stored("x")), ended("a"), follows).is_empty
    assert [value.name for value in store.values.of_run(run_id())[TaskName("a")].values] == ["x"]
    with pytest.raises(ConflictError):
        store.finish(claim, failed(), ended("a", TaskState.FAILED), follows)
    assert check(url) == []
