"""Disks that fill up, floods and leftovers in the middle of a run; what is on record stays sound."""

import functools
import json
import os
import sqlite3
import time
import uuid
from pathlib import Path

import pytest
from small_files import files_of_at_most
from sqlalchemy import event
from waiting import until

from nbflow import faults
from nbflow.artifacts.store import ArtifactStore
from nbflow.errors import MetastoreBusyError, NotebookError
from nbflow.execution import processes
from nbflow.metastore import check, dialect
from nbflow.metastore.engine import Database
from nbflow.model.attempt import Limits
from nbflow.model.states import Reason, RunState, TaskState
from nbflow.service import checking, plan
from nbflow.service.events import RunEventKind
from nbflow.service.looking import attempt_files

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def sound(service):
    """Every fault ends with the metastore's checker."""
    yield
    service.store.list_runs()
    assert check(service.settings.database_url) == []


@pytest.fixture
def limits(monkeypatch):
    """Narrow the limits of all attempts of the test."""

    def narrow(**given):
        monkeypatch.setattr(plan, "Limits", functools.partial(Limits, **given))

    return narrow


@pytest.mark.fault(13)
def test_a_metastore_that_is_full_for_a_while_holds_the_run_up_and_no_more(service, page):
    names = "abcd"
    path = page(
        *((f"{n} = ['{n}' * 190] * 20", f"task:{n}") for n in names), ("print(a, d)", "task:end")
    )
    full, refused = [None], []

    @event.listens_for(service.store.db.engine, "checkout")
    def narrow(connection, *_):
        connection.execute(f"PRAGMA max_page_count={full[0] or 10**6}")

    @event.listens_for(service.store.db.engine, "handle_error")
    def refuse(context):
        refused.append(str(context.original_exception))
        if len(refused) == 3:
            full[0] = None

    def on_event(told):
        if told.state is TaskState.RUNNING and not refused:
            pages = service.store.db.read(
                lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one()
            )
            full[0] = full[0] or pages

    report = service.run(path, on_event=on_event)
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert len(refused) >= 3
    assert "full" in refused[0]


@pytest.mark.fault(20)
@pytest.mark.parametrize("moment", ["claim", "cells"])
def test_a_metastore_that_is_locked_for_a_while_holds_the_run_up_and_no_more(
    service, page, home, monkeypatch, moment
):
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT", 20)
    path = page(("x = 1", "task:a"), ("print(x)", "task:b"))
    refused = []

    @event.listens_for(service.store.db.engine, "handle_error")
    def refuse(context):
        refused.append(str(context.original_exception))
        if len(refused) == 2:
            holder.rollback()

    holder = sqlite3.connect(home / "nbflow.db", isolation_level=None)

    def on_event(told):
        begins = told.kind is (RunEventKind.RUN if moment == "claim" else RunEventKind.CELL)
        if begins and not refused and not holder.in_transaction:
            holder.execute("BEGIN IMMEDIATE")

    report = service.run(path, on_event=on_event)
    holder.close()
    assert report.is_success, [(t.name, t.note) for t in report.tasks]
    assert refused == ["database is locked"] * 2


@pytest.mark.fault(17)
@pytest.mark.parametrize("end", [1, 2])
def test_a_task_whose_end_was_recorded_unseen_is_followed_by_what_takes_its_values(
    service, page, monkeypatch, end
):
    """The commit's reply is lost, and the look at what became of it fails, too."""
    path = page(("x = 1", "task:a"), ("y = x + 1", "task:b"))
    read, silent = Database.read, []

    def fail_once(self, *args, **named):
        if faults._hits["finish.post_commit"] == end and not silent:
            silent.append(True)
            raise MetastoreBusyError("The server restarts.", hint="Try again.")
        return read(self, *args, **named)

    monkeypatch.setattr(Database, "read", fail_once)
    monkeypatch.setattr(faults, "_spec", f"finish.post_commit:{end}:commit_then_raise")
    faults._hits.clear()
    report = service.run(path)
    assert silent
    assert all(task.notebook is not None for task in report.tasks)
    assert report.is_success, [(t.name, t.note) for t in report.tasks]


@pytest.mark.fault(12)
def test_a_disk_that_is_full_for_an_attempt_fails_its_task_and_the_next_run_is_fine(
    service, page, tmp_path
):
    path = page(
        ("n = 1_000_000", "parameters"), ("print('x' * n)", "task:flood"), ("y = 1", "task:beside")
    )
    with files_of_at_most(600_000):
        report = service.run(path)
    assert [t.state for t in report.tasks] == [TaskState.FAILED, TaskState.SUCCESS]
    assert report.tasks[0].reason is Reason.NO_SPACE
    assert json.loads(report.tasks[0].notebook.read_text(encoding="utf-8"))["cells"]
    assert service.run(path).is_success


@pytest.mark.fault(12)
def test_an_executed_notebook_that_does_not_fit_leaves_the_one_before_untouched(
    service, page, tmp_path
):
    path = page(*((f"print('{n}' * 900_000)", f"task:{n}") for n in "abc"))
    out = tmp_path / "out.ipynb"
    out.write_text("before")
    with (
        files_of_at_most(2_000_000),
        pytest.raises(NotebookError, match=r"out\.ipynb: can't be written"),
    ):
        service.run(path, output=out)
    assert out.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []
    assert service.store.list_runs()[0].state is RunState.SUCCESS


DAEMON = """
import os, subprocess
code = '''
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execvp('sleep', ['sleep', '300'])
os._exit(0)
'''
subprocess.run(['python3', '-c', code])
child = subprocess.Popen(['sleep', '300'])
"""


@pytest.mark.fault(31)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks into /proc")
def test_what_a_cell_leaves_running_is_gone_when_the_run_has_ended(service, page, monkeypatch):
    mark = uuid.uuid4().hex
    monkeypatch.setenv("NBTEST_MARK", mark)
    path = page((DAEMON + "del child", "task:well"), (DAEMON + "1 / 0", "task:badly"))
    report = service.run(path)
    assert [t.state.value for t in report.tasks] == ["success", "failed"]
    until(lambda: not _marked(mark), 3)


def _marked(mark):
    """Return all processes but this one that have the mark in their environment."""
    return [pid for pid in processes.marked({"NBTEST_MARK": mark}) if pid != os.getpid()]


@pytest.mark.fault(34)
def test_output_without_end_fails_the_task_and_its_log_stays_small(service, page, limits):
    limits(output_total=20_000_000, log_bytes=1_000_000)
    path = page(("while True: print('x' * 1000)", "task:flood"), ("print('fine')", "task:beside"))
    report = service.run(path)
    assert [t.state.value for t in report.tasks] == ["failed", "success"]
    assert report.tasks[0].reason is Reason.OUTPUT_LIMIT
    folder = report.tasks[0].log.parent
    assert sum(f.stat().st_size for f in folder.glob("attempt.log*")) <= 1_000_000


def test_output_over_the_limit_is_cut_and_the_task_may_succeed(service, page, limits, tmp_path):
    limits(output_per_cell=100_000)
    path = page(("for _ in range(50): print('x' * 10_000)", "task:much"))
    report = service.run(path, output=tmp_path / "out.ipynb")
    assert report.is_success
    assert "truncated" in report.output.read_text(encoding="utf-8")
    assert report.output.stat().st_size < 200_000


@pytest.mark.fault(32)
@pytest.mark.parametrize("content", [b"", b"null", b'{"cells": []}', b"<<<<<<< HEAD\n", b"{" * 200])
def test_a_broken_notebook_is_one_error_and_no_run(service, tmp_path, content):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match=r"broken\.ipynb") as caught:
        service.run(path)
    assert "\n" not in caught.value.message
    assert service.store.list_runs() == []


@pytest.mark.fault(39)
def test_the_files_of_a_task_lie_where_everyone_looks_whatever_it_is_called(service, page):
    names = "가" * 100, "Train.v2"
    report = service.run(page(("x = 1", f"task:{names[0]}"), ("print(x)", f"task:{names[1]}")))
    assert report.state is RunState.SUCCESS
    files = attempt_files(service, report.run_id)
    assert [(attempt.task, len(logs)) for attempt, logs in files] == [(n, 1) for n in names]
    assert checking.check(service.settings, values=True) == []
    kept = service.store.retention.named_files()
    store = ArtifactStore(service.settings.store)
    assert store.garbage(kept.bundles, kept.attempts, time.time() + 1).attempts == {}
    # What lies below is not to be reached by others, whatever it is made with.
    assert (store.root / "runs" / report.run_id).stat().st_mode & 0o077 == 0
