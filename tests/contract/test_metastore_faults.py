"""What a metastore in a file does when the disk, the file or another process misbehaves."""

import ast
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from forked_calls import ForkedCalls
from small_dags import STOPS, manual_run, run_id, small_dag
from sqlalchemy import event

import nbflow.metastore
from nbflow import faults
from nbflow.errors import MetastoreBusyError, MetastoreError
from nbflow.metastore import Metastore, check, dialect, open_metastore
from nbflow.model.backfill import BackfillState
from nbflow.model.clock import SystemClock
from nbflow.model.states import RunState

DAG = small_dag({"a": [], "b": ["a"]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "nbflow.db"


@pytest.fixture
def address(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def opened(address: str) -> Iterator[Metastore]:
    with open_metastore(address, clock=SystemClock()) as store:
        yield store


def add_run(store: Metastore, number: int = 1) -> bool:
    store.deploy(DAG, {"etl.ipynb": b"{}" * 5000})
    return store.create_run(manual_run(DAG, number, driven=True))


@pytest.mark.abuse(44)
def test_file_and_folder_are_private_whatever_the_umask(address: str, file: Path) -> None:
    before = os.umask(0)
    try:
        with open_metastore(address, clock=SystemClock()) as store:
            add_run(store)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"nbflow.db": 0o600, "nbflow.db-wal": 0o600, "nbflow.db-shm": 0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.fault(13)
def test_a_full_disk_stops_the_writer_and_it_goes_on_when_there_is_room(
    address: str, opened: Metastore
) -> None:
    opened.instance()
    pages = opened.db.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    limit = [pages + 4]

    @event.listens_for(opened.db.engine, "checkout")
    def narrow(connection, *_) -> None:
        connection.execute(f"PRAGMA max_page_count={limit[0]}")

    written = 0

    def fill() -> None:
        nonlocal written
        for number in range(1, 200):
            written += add_run(opened, number)

    with pytest.raises(MetastoreBusyError, match="can't grow") as caught:
        fill()
    assert caught.value.code == "NBF608"
    assert written < 199
    assert len(opened.list_runs()) == min(written, 50)
    limit[0] = 10**6
    assert add_run(opened, 500)
    assert check(address) == []


@pytest.mark.fault(14)
def test_a_metastore_that_may_only_be_read_is_named(address: str, file: Path) -> None:
    open_metastore(address, clock=SystemClock()).close()
    file.chmod(0o444)
    file.parent.chmod(0o555)
    script = (
        "import sys; from nbflow.metastore import open_metastore\n"
        "from nbflow.model.clock import SystemClock\n"
        "try:\n    open_metastore(sys.argv[1], clock=SystemClock()).heartbeat()\n"
        "except Exception as error:\n    print(type(error).__name__, error.code, error)"
    )
    command = [sys.executable, "-c", script, address]
    if os.geteuid() == 0:
        # Without this capability, file modes bind root too.
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("setpriv is not installed")
        command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", *command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    finally:
        file.parent.chmod(0o700)
    assert done.stdout.startswith("MetastoreError NBF607"), done
    assert str(file) in done.stdout


@pytest.mark.fault(19)
def test_many_writing_processes_never_see_a_lock_and_none_waits_for_long(
    address: str, opened: Metastore
) -> None:
    script = (
        "import sys, time; from nbflow.metastore import open_metastore\n"
        "from nbflow.model.clock import SystemClock\n"
        "worst = 0\n"
        "with open_metastore(sys.argv[1], clock=SystemClock()) as store:\n"
        "    for _ in range(40):\n"
        "        begun = time.monotonic(); store.heartbeat()\n"
        "        worst = max(worst, time.monotonic() - begun)\n"
        "print(worst)"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for _ in range(40):
        opened.heartbeat()
    said = [child.communicate(timeout=90) for child in children]
    assert [errors for _, errors in said] == [""] * 4
    assert max(float(worst) for worst, _ in said) < 10


@pytest.mark.fault(20)
def test_while_another_process_holds_the_lock_reads_go_on_and_writes_say_so(
    address: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 50)
    with open_metastore(address, clock=SystemClock()) as store:
        add_run(store)
        holder = sqlite3.connect(file, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert [row.id for row in store.list_runs()] == [run_id()]
        with pytest.raises(MetastoreBusyError, match="locked by another process"):
            store.request_cancel(run_id())
        holder.close()
        assert store.request_cancel(run_id())


BROKEN = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 3],
    "header": lambda content: b"\xff" * 64 + content[64:],
    "pages": lambda content: content[:4096] + b"\x5a" * (len(content) - 4096),
    "text": lambda content: b"this was a metastore once",
}


@pytest.mark.fault(21)
@pytest.mark.parametrize("how", BROKEN)
def test_a_damaged_file_is_told_and_never_replaced(address: str, file: Path, how: str) -> None:
    with open_metastore(address, clock=SystemClock()) as store:
        add_run(store)
    broken = BROKEN[how](file.read_bytes())
    file.write_bytes(broken)

    def look() -> None:
        with open_metastore(address, clock=SystemClock()) as store:
            store.run_snapshot(run_id())
            store.show_run(run_id())

    with pytest.raises(MetastoreError, match="metastore is damaged") as caught:
        look()
    assert (caught.value.code, caught.value.exit_code) == ("NBF617", 3)
    assert "backup" in caught.value.hint
    assert file.read_bytes() == broken
    with suppress(MetastoreError):
        assert check(address)


@pytest.mark.fault(21)
def test_a_log_that_was_deleted_while_nothing_ran_costs_only_what_was_in_it(
    address: str, file: Path
) -> None:
    with open_metastore(address, clock=SystemClock()) as store:
        add_run(store)
    for name in ("nbflow.db-wal", "nbflow.db-shm"):
        file.with_name(name).unlink(missing_ok=True)
    assert check(address) == []


@pytest.mark.fault(21)
def test_a_network_file_system_is_refused() -> None:
    mounts = "/dev/sda / ext4 rw 0 0\nserver:/x /home/me/net\\040drive nfs4 rw 0 0\n"
    assert dialect.file_system_of(Path("/home/me/net drive/nbflow.db"), mounts) == "nfs4"
    assert dialect.file_system_of(Path("/home/me/nbflow.db"), mounts) == "ext4"
    assert "nfs4" in dialect.NETWORK_FILE_SYSTEMS


@pytest.mark.fault(21)
def test_a_metastore_on_a_network_file_system_is_not_opened_and_not_made(
    address: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    here = dialect.file_system_of(file)
    assert here
    monkeypatch.setattr(dialect, "NETWORK_FILE_SYSTEMS", frozenset({here}))
    with pytest.raises(MetastoreError, match="file system") as caught:
        open_metastore(address, clock=SystemClock())
    assert (caught.value.code, caught.value.exit_code) == ("NBF606", 3)
    assert not file.exists()


def test_an_odd_address_is_refused_in_words() -> None:
    for address in ("nonsense", "oracle://x/y", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(MetastoreError) as caught:
            open_metastore(address, clock=SystemClock())
        assert caught.value.code == "NBF605"


@pytest.mark.fault(17)
def test_a_commit_whose_answer_was_lost_counts_once(
    opened: Metastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from small_dags import ended, stored, succeeded

    from nbflow.scheduling.decide import decide

    monkeypatch.setattr(
        faults,
        "_spec",
        "run_insert.post_commit:1:commit_then_raise,claim.post_commit:1:commit_then_raise,finish.post_commit:1:commit_then_raise",
    )
    faults._hits.clear()
    assert add_run(opened)
    opened.apply(run_id(), decide(DAG, opened.run_snapshot(run_id()), SystemClock().wall()))
    (claim,) = opened.claim(run_id(), limit=1)
    opened.finish(claim, succeeded(stored("x")), ended("a"))
    assert [a.outcome for a in opened.attempts(run_id())] == ["success"]
    targets = [e.target for e in opened.events() if e.task == "a"]
    assert targets == ["queued", "running", "success"]


VERBS = ("register", "deploy", "run_insert", "apply", "claim", "start", "renew", "cells", "finish")
SCHEDULING = ("pause", "tick", "advance")
BACKFILLING = ("backfill", "backfill_chunk", "backfill_cancel")
CLEARING = ("clear_request", "clear", "clear_here")
OTHERS = {
    "dag_delete",
    "dag_undeploy",
    "pool_delete",
    "fire",
    "notice_again",
    "notice_forget",
    "notice_missed",
    "notice_plan",
    "notice_settle",
    "notice_take",
    "import_errors",
    "instances_forget",
    "missed_forget",
    "backfills_forget",
    "versions_forget",
    "notebooks_forget",
    "cancel",
    "pool",
    "heartbeat",
    "held_up_forget",
    "close",
    "close_gone",
    "hand_back",
    "prune",
    "reap",
    "reap_run",
}

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[2])
from small_dags import *
from nbflow.metastore import *
from nbflow.model.attempt import CellEvent
from nbflow.model.clock import SystemClock
from nbflow.model.states import *
from nbflow.scheduling.decide import decide
dag = small_dag({"a": [], "b": ["a"]})
store = open_metastore(sys.argv[1], clock=SystemClock())
store.deploy(dag, {"etl.ipynb": b"{}"})
store.create_run(NewRun(run_id=run_id(), dag_id=dag.id, version=dag.digest,
                        kind=RunKind.MANUAL, slot_key="manual:1"))
wall = store.db.clock.wall
store.apply(run_id(), decide(dag, store.run_snapshot(run_id()), wall()))
(claim,) = store.claim(run_id(), limit=1)
store.record_start(claim.token, 1)
store.renew([claim.token])
store.record_cells([CellEvent(token=claim.token, cell="cell-a", status=CellStatus.RUNNING, at=1)])
store.finish(claim, succeeded(stored("x")), ended("a"), lambda s: decide(dag, s, wall()))
"""


@pytest.mark.fault(1, 2)
@pytest.mark.parametrize("side", ["pre", "post"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_process_killed_at_any_commit_leaves_a_sound_state_that_the_next_one_ends(
    forked_calls: ForkedCalls, address: str, file: Path, verb: str, side: str
) -> None:
    command = (SCRIPT, address, str(Path(__file__).parents[1] / "support"))
    killed = forked_calls.run(*command, fault=f"{verb}.{side}_commit:1:kill")
    assert killed.returncode == -9, killed.stderr
    with open_metastore(address, clock=SystemClock()) as store:
        store.reap()
        assert check(address) == []
        for row in store.list_runs():
            assert row.state is RunState.FAILED
            assert "the process that drove it is gone" in row.note
        if verb == "finish" and side == "post":
            assert "a" in store.values.of_run(run_id())


SCHEDULED = """
import sys
sys.path.insert(0, sys.argv[2])
from datetime import UTC, datetime, timedelta
from functools import partial
from small_dags import *
from nbflow.metastore import *
from nbflow.model.clock import SystemClock
from nbflow.model.schedule import MissedSlot, ScheduleEntry
from nbflow.model.states import *
from nbflow.scheduling.decide import decide
dag = small_dag({"a": [], "b": ["a"]})
noon, hour = datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(hours=1)
store = open_metastore(sys.argv[1], clock=SystemClock())
if store.schedule(dag.id) is None:
    store.deploy(dag, {"etl.ipynb": b"{}"}, schedule=ScheduleEntry(
        dag_id=dag.id, expression="@hourly", timezone="UTC", cursor=noon, next_fire=noon + hour))
store.pause(dag.id, paused=True)
store.pause(dag.id, paused=False)
for due in store.due(noon + 2 * hour):
    slot = noon + 2 * hour
    new = NewRun(run_id=run_id(), dag_id=dag.id, version=dag.digest, kind=RunKind.SCHEDULED,
                 slot_key=slot_key(due.entry.id, slot), logical_date=slot, driven=False)
    missed = MissedSlot(dag_id=dag.id, slot=noon + hour, reason="catchup", at=noon)
    store.tick(Tick(seen=due.entry, cursor=slot, next_fire=slot + hour, runs=[new], missed=[missed]))
for waiting in store.waiting_runs():
    store.advance(waiting.run_id, lambda s: decide(dag, s, noon))
"""


@pytest.mark.fault(1)
@pytest.mark.parametrize(("side", "action"), STOPS)
@pytest.mark.parametrize("verb", SCHEDULING)
def test_a_scheduler_stopped_at_any_commit_leaves_each_slot_one_run_or_one_missed_record(
    forked_calls: ForkedCalls, address: str, verb: str, side: str, action: str
) -> None:
    command = (SCHEDULED, address, str(Path(__file__).parents[1] / "support"))
    done = forked_calls.run(*command, fault=f"{verb}.{side}_commit:1:{action}")
    assert done.returncode == STOPS[side, action], done.stderr
    with open_metastore(address, clock=SystemClock()) as store:
        schedule = store.schedule(DAG.id)
        assert schedule is not None
        has_run = bool(store.list_runs())
        assert (schedule.cursor.hour, len(store.missed(DAG.id))) == (
            (14, 1) if has_run else (12, 0)
        )
    again = forked_calls.run(*command)
    assert again.returncode == 0, again.stderr
    assert check(address) == []
    with open_metastore(address, clock=SystemClock()) as store:
        (run,) = store.list_runs()
        assert (run.state, run.logical_date.hour) == (RunState.RUNNING, 14)
        assert [one.slot.hour for one in store.missed(DAG.id)] == [13]
        moves = [(e.task, e.target) for e in store.events()]
        assert sorted(moves, key=str) == [("a", "queued"), (None, "running")]


BACKFILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from datetime import UTC, datetime, timedelta
from functools import partial
from small_dags import *
from nbflow.metastore import *
from nbflow.model.backfill import *
from nbflow.model.clock import SystemClock
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.states import *
from nbflow.scheduling.backfill import decide_slot, next_slots
dag = small_dag({"a": [], "b": ["a"]})
noon, hour = datetime(2026, 3, 1, 12, tzinfo=UTC), timedelta(hours=1)
store = open_metastore(sys.argv[1], clock=SystemClock())
if store.schedule(dag.id) is None:
    store.deploy(dag, {"etl.ipynb": b"{}"}, schedule=ScheduleEntry(
        dag_id=dag.id, expression="@hourly", timezone="UTC", cursor=noon, next_fire=noon + hour))
entry = store.schedule(dag.id)
slot = noon - 2 * hour
def new_run(slot):
    return NewRun(run_id=run_id(slot.hour), dag_id=dag.id, version=dag.digest,
                  kind=RunKind.BACKFILL, slot_key=slot_key(entry.id, slot), logical_date=slot,
                  driven=False)
if not store.backfills.rows():
    store.backfills.create(Backfill(
        id="first", dag_id=dag.id, schedule_id=entry.id, expression="@hourly", timezone="UTC",
        anchor=None, first=noon - 3 * hour, last=noon - hour, slots=3, max_active=2))
while due := store.backfills.due():
    store.backfills.work_on(Chunk(
        due=due[0], slots=next_slots(due[0].entry, 1), new_run=new_run,
        decide=lambda state: decide_slot(state, Reprocess.NONE)))
store.backfills.cancel("first")
"""


@pytest.mark.fault(2)
@pytest.mark.parametrize(("side", "action"), STOPS)
@pytest.mark.parametrize("verb", BACKFILLING)
def test_a_backfill_stopped_at_any_commit_goes_on_where_it_was(
    forked_calls: ForkedCalls, address: str, verb: str, side: str, action: str
) -> None:
    command = (BACKFILLED, address, str(Path(__file__).parents[1] / "support"))
    done = forked_calls.run(*command, fault=f"{verb}.{side}_commit:1:{action}")
    assert done.returncode == STOPS[side, action], done.stderr
    assert check(address) == []
    with open_metastore(address, clock=SystemClock()) as store:
        runs = {run.id for run in store.list_runs()}
        decided = {
            s.run_id
            for row in store.backfills.rows()
            for s in store.backfills.decided(row.entry.id)
        }
        assert runs == decided
    again = forked_calls.run(*command)
    assert again.returncode == 0, again.stderr
    assert check(address) == []
    with open_metastore(address, clock=SystemClock()) as store:
        (row,) = store.backfills.rows()
        assert row.entry.state is BackfillState.CANCELLED
        assert [s.slot.hour for s in store.backfills.decided("first")] == [9, 10]
        assert [run.logical_date.hour for run in store.list_runs()] == [10, 9]
        assert store.cancelled_runs([run.id for run in store.list_runs()]) == {
            run_id(9),
            run_id(10),
        }


@pytest.mark.fault(2)
def test_every_commit_is_a_known_crash_point() -> None:
    found = set()
    for path in Path(nbflow.metastore.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                first = node.args[0] if node.args else None
                if node.func.attr == "write" and isinstance(first, ast.Constant):
                    found.add(first.value)
    assert found == {*VERBS, *SCHEDULING, *BACKFILLING, *CLEARING, *OTHERS}
