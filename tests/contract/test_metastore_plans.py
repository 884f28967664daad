"""What is asked often looks up rows by an index: the statements that verbs send, explained."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from small_dags import ended, run_id, small_dag, stored, succeeded
from sqlalchemy import event

from nbflow.metastore import Metastore, NewRun, RunFilter, slot_key
from nbflow.metastore import tables as t
from nbflow.model.backfill import Backfill
from nbflow.model.ids import TaskName
from nbflow.model.run import Claim
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import RunKind
from nbflow.model.triggers import Trigger, TriggerKind, TriggerState
from nbflow.scheduling.decide import decide

ETL = small_dag({"a": [], "b": ["a"]})
REPORT = small_dag({"a": []}, dag_id="report")
NOTEBOOKS = {"etl.ipynb": b"{}"}
GROWING = {
    "run": ("run", "going", "busy_run", "newer", "newest", "run_1"),
    "task_instance": ("task_instance", "running"),
    "artifact": ("artifact", "its"),
    **{
        name: (name,)
        for name in (
            "attempt", "event", "cell_run", "metric", "outbox", "missed", "notice",
            "trigger_event", "backfill_slot",
        )
    },
}  # fmt: skip
"""Tables that grow with what happened, and the names that queries give them."""


def lived_in(store: Metastore) -> Claim:
    """Let some runs end and others wait; return what is claimed."""
    noon = store.db.clock.wall()
    entry = ScheduleEntry(
        dag_id=ETL.id, expression="@hourly", timezone="UTC", cursor=noon,
        next_fire=noon + timedelta(hours=1),
    )  # fmt: skip
    store.deploy(ETL, NOTEBOOKS, schedule=entry)
    after = Trigger(kind=TriggerKind.DAG, dag="etl")
    store.deploy(REPORT, NOTEBOOKS, on={after: TriggerState()})
    follows = partial(decide, ETL, now=noon)
    for number in range(30):
        store.create_run(
            NewRun(
                run_id=run_id(number), dag_id=ETL.id, version=ETL.digest, driven=False,
                kind=RunKind.SCHEDULED, slot_key=slot_key(1, noon + timedelta(hours=number)),
            )
        )  # fmt: skip
        if number > 24:
            continue
        store.advance(run_id(number), follows)
        for _ in range(2 if number < 20 else 0):
            (claim,) = store.claim(run_id(number), limit=1)
            store.finish(claim, succeeded(stored("x")), ended(claim.task), follows)
    (claim,) = store.claim(limit=1)
    return claim


def verbs(store: Metastore, claim: Claim) -> dict[str, Callable[[], object]]:
    now = store.db.clock.wall()
    follows = partial(decide, ETL, now=now)
    return {
        "due schedules": lambda: store.due(now + timedelta(days=1)),
        "the next slot": store.next_fire,
        "latest runs": store.list_runs,
        "runs of a DAG": lambda: store.list_runs(RunFilter(dag_id=ETL.id)),
        "all DAGs": store.list_dags,
        "a run and its tasks": lambda: store.show_run(run_id(1)),
        "a run as it stands": lambda: store.run_snapshot(run_id(1)),
        "attempts of a run": lambda: store.attempts(run_id(1)),
        "values of a run": lambda: store.values.of_run(run_id(1)),
        "the newest value of a task": lambda: store.values.latest(ETL.id, TaskName("a")),
        "what happened since": lambda: store.events(10),
        "what happened in a run": lambda: store.events(run_id=run_id(1)),
        "runs that wait": store.waiting_runs,
        "a decision": lambda: store.advance(run_id(25), follows),
        "a claim": lambda: store.claim(limit=1),
        "a claim that looks further": lambda: store.claim(limit=200),
        "leases": lambda: store.renew([claim.token]),
        "the dead": store.reap,
        "cancelled runs": lambda: store.cancelled_runs([run_id(1), run_id(22)]),
        "requested clears": store.clears.requested,
        "due backfills": store.backfills.due,
        "events for triggers": store.triggers.events,
        "whether there is anything to tell": store.notices.has_work,
        "ends to tell": store.notices.run_ends,
        "missed slots to tell": store.notices.untold_missed,
        "notifications to send": lambda: store.notices.take(lease=60),
        "what may go": lambda: store.retention.old_runs(now + timedelta(days=1)),
        "missed slots that go": lambda: [*store.retention.forget_missed(now + timedelta(days=1))],
        "backfills that go": lambda: [*store.retention.forget_backfills(now + timedelta(days=1))],
        "versions that go": lambda: [*store.retention.forget_versions(now + timedelta(days=1))],
        "an end of an attempt": lambda: store.finish(
            claim, succeeded(stored("x")), ended(claim.task), follows
        ),
    }


def old_ones(store: Metastore) -> None:
    """Let there be what goes for its age: a missed slot, a backfill that ended, and many versions."""
    noon = store.db.clock.wall()
    late = {"dag_id": ETL.id, "slot_key": "trigger:1:x", "reason": "overlap", "at": noon, "told": 1}
    store.db.write("test", lambda c: c.execute(t.missed.insert().values(late)))
    new = Backfill(
        id="old", dag_id=ETL.id, schedule_id=1, expression="@hourly", timezone="UTC", anchor=None,
        first=noon, last=noon, slots=1,
    )  # fmt: skip
    store.backfills.create(new)
    store.backfills.cancel("old")
    for number in range(50):
        draft = small_dag({"a": [], f"b{number}": []})
        store.deploy(draft, {"etl.ipynb": str(number).encode()}, current=False)


@contextmanager
def statements(store: Metastore) -> Iterator[list[tuple[str, Any]]]:
    """Collect what is sent to the database."""
    sent: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, _context, many) -> None:
        if re.match("SELECT|UPDATE|DELETE", statement):
            sent.append((statement, parameters[0] if many else parameters))

    event.listen(store.db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.db.engine, "before_cursor_execute", note)


def plan_of(store: Metastore, statement: str, parameters: Any) -> list[str]:
    """Return how the database finds what a statement asks for."""
    explain = "EXPLAIN QUERY PLAN " if store.db.is_sqlite else "EXPLAIN "
    with store.db.engine.connect() as connection:
        if not store.db.is_sqlite:
            # Where an index serves, however small the tables are here, one is taken.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(explain + statement, parameters).all()
        connection.rollback()
    return [str(row[-1]) for row in plan]


def scans(store: Metastore, statement: str, parameters: Any) -> set[str]:
    """Return the growing tables that a statement looks through from end to end."""
    found = "SCAN (\\w+)(?! USING)\\b" if store.db.is_sqlite else "Seq Scan on (\\w+)"
    plan = plan_of(store, statement, parameters)
    named = {name for row in plan for name in re.findall(found, row)}
    return {table for table, names in GROWING.items() if named & set(names)}


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_no_verb_that_is_used_often_looks_through_what_grows(store: Metastore) -> None:
    claim = lived_in(store)
    old_ones(store)
    wrong = {}
    for name, verb in verbs(store, claim).items():
        with statements(store) as sent:
            verb()
        assert sent, name
        for statement, parameters in sent:
            if found := scans(store, statement, parameters):
                wrong[name] = (found, statement)
    assert wrong == {}


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_runs_of_a_dag_that_go_on_are_found_however_many_have_ended(store: Metastore) -> None:
    lived_in(store)
    with statements(store) as sent:
        store.due(store.db.clock.wall() + timedelta(days=1))
    plans = [plan_of(store, *one) for one in sent]
    assert ["SEARCH run USING INDEX ix_run_state_dag_id (state=? AND dag_id=?)"] in [
        [row for row in plan if " run " in row] for plan in plans
    ]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_due_schedules_are_found_by_their_index(store: Metastore) -> None:
    with statements(store) as sent:
        store.due(store.db.clock.wall())
    plan = plan_of(store, *sent[0])
    assert any("USING INDEX ix_schedule_next_fire_utc" in row for row in plan), plan


@pytest.mark.parametrize("backend", ["sqlite"])
def test_runs_that_may_read_old_ones_are_found_however_many_have_ended(store: Metastore) -> None:
    with statements(store) as sent:
        store.retention.old_runs(store.db.clock.wall())
    plan = plan_of(store, *sent[0])
    assert "SEARCH dag_version USING INDEX ix_dag_version_dag_id_used (dag_id=? AND used>?)" in plan
    assert "SEARCH going USING INDEX ix_run_state_dag_id (state=? AND dag_id=?)" in plan
    assert "SEARCH newer USING INDEX ix_run_dag_id_created (dag_id=? AND created>?)" in plan


@pytest.mark.parametrize("backend", ["sqlite"])
def test_versions_that_nothing_names_are_found_however_many_there_are(store: Metastore) -> None:
    lived_in(store)
    old_ones(store)
    with statements(store) as sent:
        gone = [*store.retention.forget_versions(store.db.clock.wall() + timedelta(days=1))]
    assert gone[:4] == [20, 20, 9, 0]
    plan = plan_of(store, *sent[0])
    assert "SEARCH dag_version USING INDEX ix_dag_version_used (used<?)" in plan
    assert "SEARCH run USING INDEX ix_run_version (version=?)" in plan
    assert "SEARCH clear_request USING INDEX ix_clear_request_version (version=?)" in plan
    # What all versions were made of is asked once, and not for each few that go.
    whole = [plan_of(store, *one) for one in sent if "notebooks" in one[0]]
    assert [plan for plan in whole if "SCAN dag_version" in plan] == [["SCAN dag_version"]]
