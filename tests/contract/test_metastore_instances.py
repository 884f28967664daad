"""Processes that are gone: no longer shown once they own nothing, deleted when they are old."""

import os
import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
from small_dags import manual_run, run_id, small_dag
from sqlalchemy import select
from storms.commits import forget_the_living, somebody_died

from nbflow.metastore import Metastore, check, instances
from nbflow.metastore.tables import instance
from nbflow.model.ids import TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.scheduling.decide import decide

DAG = small_dag({"a": []})


def known(store: Metastore) -> set[str]:
    return set(store.db.read(lambda c: c.execute(select(instance.c.id)).scalars().all()))


def claimed(store: Metastore, *, driven: bool = False) -> None:
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    store.create_run(manual_run(DAG, driven=driven))
    store.apply(run_id(), decide(DAG, store.run_snapshot(run_id()), store.db.clock.wall()))
    assert store.claim(limit=1)


def test_who_died_is_closed_when_what_it_ran_is_taken_over(
    open_store: Callable[[], Metastore], url: str
) -> None:
    dead, other = open_store(), open_store()
    dead.instance("scheduler")
    claimed(dead)
    assert [(one.state, len(one.running)) for one in other.schedulers()] == [("works", 1)]
    forget_the_living(other)
    assert [one.state for one in other.schedulers()] == ["gone"]
    assert [one.target for one in other.reap()] == ["queued"]
    assert other.schedulers() == []
    assert check(url) == []


def test_a_process_of_another_container_of_this_name_is_judged_by_its_lease_alone(
    open_store: Callable[[], Metastore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process id means nothing here, though both have one kernel."""
    readlink, space = os.readlink, ["pid:[4026532001]"]
    monkeypatch.setattr(
        os,
        "readlink",
        lambda path: space[0] if str(path) == "/proc/self/ns/pid" else readlink(path),
    )
    monkeypatch.setattr(socket, "gethostname", lambda: "worker")
    monkeypatch.setattr(instances, "process_start", lambda pid: 5.0 if pid == os.getpid() else None)
    there, here = open_store(), open_store()
    there.instance("scheduler")
    claimed(there)
    space[0] = "pid:[4026532002]"
    monkeypatch.setattr(instances, "process_start", lambda _: None)
    assert here.reap() == []
    assert [(one.state, one.host) for one in here.schedulers()] == [("works", "worker")]


def test_who_is_long_silent_but_is_heard_of_again_is_there_again(store: Metastore) -> None:
    store.instance("scheduler")
    forget_the_living(store)
    far = instance.update().values(host="elsewhere")
    store.db.write("test", lambda c: c.execute(far))
    assert [one.state for one in store.schedulers()] == ["silent"]
    store.reap()
    assert store.schedulers() == []
    store.heartbeat()
    assert [one.state for one in store.schedulers()] == ["works"]
    assert store.has_scheduler()


def test_who_is_silent_for_an_hour_stays(store: Metastore) -> None:
    an_hour_ago = store.db.read(store.db.now) - timedelta(hours=1)
    somebody_died(store, heartbeat=an_hour_ago)
    store.reap()
    assert [one.state for one in store.schedulers()] == ["silent"]


def test_old_processes_are_deleted_but_not_those_of_runs_on_record(
    open_store: Callable[[], Metastore], url: str
) -> None:
    drove, store = open_store(), open_store()
    claimed(drove, driven=True)
    mine = drove.instance().id
    forget_the_living(store)
    store.reap()
    assert store.run_snapshot(run_id()).state is RunState.FAILED
    assert store.run_snapshot(run_id()).tasks[TaskName("a")].state is TaskState.FAILED
    somebody_died(store)
    store.reap()
    later = store.db.read(store.db.now) + timedelta(hours=1)
    assert store.retention.forget_instances(later - timedelta(hours=2)) == 0
    assert store.retention.forget_instances(later) == 1
    assert known(store) == {mine}
    assert store.retention.delete_runs([run_id()]) == 1
    assert store.retention.forget_instances(later) == 1
    assert known(store) == set()
    assert check(url) == []
