"""What the checker says of backfills, triggers and notifications: nothing of sound ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from small_dags import ended, failed, small_dag, succeeded
from sqlalchemy import text

from nbflow.metastore import (
    Chunk,
    Clear,
    Firing,
    Looks,
    Metastore,
    NewNotice,
    NewRun,
    check,
    open_metastore,
    slot_key,
    trigger_key,
)
from nbflow.model.backfill import Backfill, DueBackfill, Reprocess
from nbflow.model.ids import RunId, TaskName
from nbflow.model.notices import Channel, NoticeEvent, Notify
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind, RunState
from nbflow.model.triggers import RunEnding, Trigger, TriggerKind, TriggerState
from nbflow.scheduling.backfill import decide_slot, next_slots
from nbflow.scheduling.decide import decide
from nbflow.service.checking import rules

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ETL = small_dag({"a": []})
REPORT = small_dag({"a": []}, dag_id="report")
AFTER = Trigger(kind=TriggerKind.DAG, dag="etl", state=RunEnding.END)
HOOK = Notify(channel=Channel.WEBHOOK, to=("https://example.org/hook",))
NOTEBOOKS = {"etl.ipynb": b"{}"}


def deployed(store: Metastore) -> ScheduleEntry:
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=NOON, next_fire=NOON + HOUR
    )
    store.deploy(ETL, NOTEBOOKS, schedule=entry)
    store.deploy(REPORT, NOTEBOOKS, on={AFTER: TriggerState()})
    found = store.schedule(ETL.id)
    assert found is not None
    return found


def ask_for(store: Metastore, name: str, first: int, last: int) -> None:
    entry = store.schedule(ETL.id) or deployed(store)
    store.backfills.create(
        Backfill(
            id=name, dag_id=ETL.id, schedule_id=entry.id, expression="@hourly", timezone="UTC",
            anchor=None, first=NOON.replace(hour=first), last=NOON.replace(hour=last),
            slots=last - first + 1, max_active=9,
        )
    )  # fmt: skip


def work(store: Metastore) -> bool:
    done = [store.backfills.work_on(chunk(due)) for due in store.backfills.due()]
    return any(done)


def chunk(due: DueBackfill) -> Chunk:
    def new_run(slot: datetime) -> NewRun:
        return NewRun(
            run_id=RunId(f"backfill__{slot:%H}"), dag_id=ETL.id, version=ETL.digest,
            kind=RunKind.BACKFILL, slot_key=slot_key(due.entry.schedule_id, slot),
            logical_date=slot, data_interval=(slot - HOUR, slot), driven=False,
        )  # fmt: skip

    return Chunk(
        due=due, slots=next_slots(due.entry, 100), new_run=new_run,
        decide=partial(decide_slot, reprocess=Reprocess.NONE),
    )  # fmt: skip


def finish_all(store: Metastore) -> None:
    """Let what waits run: the run of one o'clock fails."""
    for one in store.waiting_runs():
        follows = partial(decide, ETL, now=NOON)
        store.advance(one.run_id, follows)
        for claim in store.claim(limit=1):
            result = failed() if claim.run_id.endswith("01") else succeeded()
            store.finish(claim, result, ended("a", result.state), follows)


def fire_one(store: Metastore) -> None:
    (event,) = store.triggers.events()
    key = trigger_key(event.row.id, event.name)
    run = NewRun(
        run_id=RunId(f"triggered__{event.payload['run']}"), dag_id=REPORT.id,
        version=REPORT.digest, kind=RunKind.TRIGGERED, slot_key=key, driven=False,
        cause={"kind": "dag", **event.payload},
    )  # fmt: skip
    assert store.triggers.fire(
        Firing(seen=event.row, state=event.row.state, slot_key=key, event=event.id, run=run)
    )


def tell(store: Metastore) -> None:
    """Plan what there is to be told, and send the failure."""
    while ends := store.notices.run_ends():
        for end in ends:
            failure = end.state is RunState.FAILED
            notice = NewNotice(
                id=f"{end.id}:0", dag_id=end.dag_id, event=NoticeEvent.FAILURE, notify=HOOK,
                payload={}, run_id=end.run_id,
            )  # fmt: skip
            store.notices.plan_run_end(end, end.state, [notice] if failure else [])
    (taken,) = store.notices.take(lease=60)
    assert store.notices.settle(taken, sent=NOON)


def lived_in(store: Metastore) -> None:
    """A backfill that is done and one under way, a run that a trigger made and an event that waits, a
    failure that was told.
    """
    deployed(store)
    ask_for(store, "over", 1, 2)
    assert work(store)
    finish_all(store)
    assert work(store)
    ask_for(store, "goes on", 4, 5)
    assert work(store)
    fire_one(store)
    tell(store)


LOOKS = Looks(rules=rules())


def test_of_what_was_done_as_it_should_be_nothing_is_said(store: Metastore, url: str) -> None:
    lived_in(store)
    assert check(url, LOOKS) == []
    failed_run = RunId("backfill__01")
    store.clears.request(Clear(run_id=failed_run, tasks=[TaskName("a")]))
    assert store.clears.carry_out(failed_run)
    assert check(url, LOOKS) == []
    assert store.backfills.cancel("goes on")
    assert check(url, LOOKS) == []
    store.deploy(REPORT, NOTEBOOKS, on={})
    assert check(url, LOOKS) == []
    assert store.retention.delete_runs([RunId("backfill__02")]) == 1
    assert check(url, LOOKS) == []
    finish_all(store)
    store.undeploy(REPORT.id)
    store.notices.forget(NOON + HOUR)
    assert check(url, LOOKS) == []


DAMAGE = {
    "I12 goes on, but its end is on record": "UPDATE run SET state = 'success',"
    " ended = 1 WHERE state = 'failed'",
    "I32 fewer slots": "DELETE FROM backfill_slot WHERE backfill_id = 'over' AND slot_utc ="
    " (SELECT min(slot_utc) FROM backfill_slot)",
    "I32 more slots": "UPDATE backfill SET slots = 1 WHERE id = 'goes on'",
    "I32 outside": "UPDATE backfill SET first_utc = last_utc WHERE id = 'over'",
    "I32 cursor": "UPDATE backfill SET cursor_utc = cursor_utc + 1 WHERE id = 'goes on'",
    "I32 no run": "UPDATE backfill_slot SET run_id = NULL",
    "I32 another run": "UPDATE backfill_slot SET run_id = 'backfill__01'",
    "I33 goes on": "UPDATE backfill SET state = 'done', ended = 1 WHERE id = 'goes on'",
    "I33 was not asked to end": "UPDATE backfill SET state = 'cancelled', ended = 1"
    " WHERE id = 'goes on'",
    "I33 no backfill": "UPDATE run SET backfill_id = 'nobody' WHERE backfill_id = 'over'",
    "I33 no end": "UPDATE backfill SET ended = NULL",
    "I33 the same slots": "UPDATE backfill SET state = 'running', ended = NULL,"
    " last_utc = last_utc + 7200000000",
    "I34 no cause": "UPDATE run SET cause = NULL WHERE kind = 'triggered'",
    "I34 no trigger": "UPDATE run SET slot_key = 'trigger:99:x' WHERE kind = 'triggered'",
    "I34 another cause": """UPDATE run SET cause = '{"kind":"dag","run":"backfill__07"}'"""
    " WHERE kind = 'triggered'",
    "I35 no trigger": "UPDATE dag_trigger SET active = 0",
    "I35 made twice": "INSERT INTO missed (dag_id, slot_key, reason, at, told)"
    " SELECT dag_id, slot_key, 'overlap', 1, 1 FROM run WHERE kind = 'triggered'",
    "I35 still waits": "INSERT INTO missed (dag_id, slot_key, reason, at, told) SELECT 'report',"
    " 'trigger:' || trigger_id || ':' || name, 'overlap', 1, 1 FROM trigger_event",
    "I36 nowhere": "UPDATE notice SET sent_at = NULL",
    "I36 in two places": "UPDATE notice SET dead_at = 1",
    "I36 never tried": "UPDATE notice SET tries = 0",
    "I37 not seen to": "UPDATE outbox SET sent_at = NULL",
    "I37 another end": "UPDATE notice SET event = 'recovery'",
}


# One database is enough: what is asked here does not depend on it.
@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_somebody_did_to_the_rows_is_found(
    new_url: Callable[[], str], clock, damage: str
) -> None:
    url = new_url()
    with open_metastore(url, clock=clock) as store:
        lived_in(store)
        store.db.write("test", lambda c: c.execute(text(DAMAGE[damage].replace(":", r"\:"))))
    assert damage[:3] in {one.code for one in check(url, LOOKS)}
