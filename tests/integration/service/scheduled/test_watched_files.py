"""Files that triggers watch: read once, read again where looks may lie, and let go when told to."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from noop_executor import failures
from receivers import http_server
from scheduler_bench import NOON, ended, schedulers, until
from waiting import until as waited

from nbflow.model.going_on import always
from nbflow.service.background import beside_the_loop
from nbflow.service.live import LiveFolder
from nbflow.service.triggers import Triggers

ONE = ("x = 1", "task:a")
HUGE = 1 << 40
"""Bytes that nobody reads in a test's time; on disk the file takes none."""


@pytest.fixture
def settings(settings, monkeypatch):
    monkeypatch.setenv("NBFLOW_NOTIFY_ALLOW", "127.0.0.1")
    return replace(settings, notify_allowed="127.0.0.1")


def put(path, content, at):
    """Write a file in place, as if an instant were now."""
    path.write_text(content)
    os.utime(path, (at.timestamp(), at.timestamp()))


def huge(path):
    with path.open("wb") as file:
        file.truncate(HUGE)


def watching(service, page, *names, debounce=0):
    for name in names:
        on = {"files": "data*", "debounce": debounce}
        service.deploy(page(ONE, name=name, dag={"on": [on]}))


def test_a_file_that_changes_right_after_it_was_read_and_looks_as_before_makes_a_run(
    service, calendar, page, tmp_path
):
    data = tmp_path / "data.csv"
    put(data, "a", NOON)
    watching(service, page, "report")
    triggers = Triggers(service=service)
    put(data, "b", NOON)
    assert triggers.look() == 1
    (run,) = service.store.list_runs()
    assert run.cause["files"] == [str(data)]


def test_a_file_is_read_again_only_while_its_change_is_young(service, calendar, page, tmp_path):
    data = tmp_path / "data.csv"
    put(data, "a", NOON)
    watching(service, page, "report")
    calendar.move(3)
    triggers = Triggers(service=service)
    assert triggers.look() == 0
    (row,) = service.store.triggers.of("report")
    assert not row.state.seen[str(data)].is_fresh
    # Nobody could see this change but by reading the file, and nothing calls for that any more.
    put(data, "b", NOON)
    assert triggers.look() == 0
    assert service.store.triggers.of("report") == [row]


def test_a_file_that_another_takes_the_place_of_is_read(service, calendar, page, tmp_path):
    data, other = tmp_path / "data.csv", tmp_path / "other.csv"
    long_ago = NOON - timedelta(days=1)
    put(data, "a", long_ago)
    watching(service, page, "report")
    put(other, "b", long_ago)
    other.replace(data)
    assert Triggers(service=service).look() == 1


def test_a_file_that_only_looks_other_from_here_is_read_once_and_nothing_is_written(
    service, page, tmp_path
):
    data, copy = tmp_path / "data.csv", tmp_path / "copy.csv"
    long_ago = NOON - timedelta(days=1)
    put(data, "a", long_ago)
    watching(service, page, "report")
    before = service.store.triggers.of("report")
    # As by another machine, where the same file has another number.
    put(copy, "a", long_ago)
    copy.replace(data)
    asked = []
    triggers = Triggers(service=service, goes_on=lambda: asked.append(1) or True)

    def times_asked():
        asked.clear()
        assert triggers.look() == 0
        return len(asked)

    assert times_asked() > times_asked()
    assert service.store.triggers.of("report") == before
    put(data, "b", NOON)
    assert triggers.look() == 1


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that can't be read")
def test_a_file_that_can_not_be_read_is_left_alone(service, page, tmp_path):
    watching(service, page, "report")
    before = service.store.triggers.of("report")
    (tmp_path / "data.bin").symlink_to("/proc/self/mem")
    triggers = Triggers(service=service)
    assert [triggers.look(), triggers.look()] == [0, 0]
    assert service.store.triggers.of("report") == before


def test_a_live_notebook_is_deployed_later_where_a_stop_comes_while_its_files_are_read(
    service, settings, calendar, page, tmp_path
):
    settings.dags_folder.mkdir(parents=True)
    on = {"files": "data*", "debounce": 0}
    written = page(ONE, name="report", dag={"on": [on], "track": "live"})
    written.rename(settings.dags_folder / "report.ipynb")
    huge(settings.dags_folder / "data.bin")
    asked = []

    def goes_on():
        asked.append(1)
        return len(asked) < 20

    folder = LiveFolder(service=service, quiet=0, goes_on=goes_on)
    assert folder.look() == []
    assert service.store.list_dags() == []
    assert service.store.import_errors.all() == []
    (settings.dags_folder / "data.bin").unlink()
    folder.goes_on = always
    assert [str(one.dag.id) for one in folder.look()] == ["report"]


def test_a_file_that_two_dags_watch_is_read_once(service, page, tmp_path):
    watching(service, page, "first", "second")
    data = tmp_path / "data.csv"
    long_ago = NOON - timedelta(days=1)
    put(data, "a", long_ago)
    seen = []

    def goes_on():
        # Between the two: what is read now is not what was read before.
        if len(service.store.list_runs()) == 1 and not seen:
            seen.append("changed")
            put(data, "b", long_ago)
        return True

    assert Triggers(service=service, goes_on=goes_on).look() == 2
    assert seen == ["changed"]
    states = [service.store.triggers.of(name)[0].state for name in ("first", "second")]
    assert states[0] == states[1]


def test_a_deploy_that_leaves_a_trigger_as_it_is_reads_none_of_its_files(service, page, tmp_path):
    watching(service, page, "report")
    (row,) = service.store.triggers.of("report")
    huge(tmp_path / "data.bin")
    watching(service, page, "report")
    assert service.store.triggers.of("report") == [row]


def test_who_is_told_to_stop_leaves_a_very_large_file(service, page, tmp_path):
    watching(service, page, "report")
    huge(tmp_path / "data.bin")
    (before,) = service.store.triggers.of("report")
    asked = []

    def goes_on():
        asked.append(1)
        return len(asked) < 20

    assert Triggers(service=service, goes_on=goes_on).look() == 0
    assert service.store.triggers.of("report") == [before]
    assert service.store.list_runs() == []


def test_people_are_told_while_a_very_large_file_is_read_and_a_stop_waits_for_neither(
    service, settings, calendar, page, tmp_path
):
    watching(service, page, "report")
    data = tmp_path / "data.bin"
    huge(data)

    def is_read():
        return str(data) in {one.path for one in psutil.Process().open_files()}

    with http_server() as web, beside_the_loop(service, LiveFolder(service=service)) as poke:

        def poked(seconds=0):
            calendar.ahead += seconds
            poke()
            return True

        waited(lambda: poked() and is_read())
        service.deploy(page(ONE, name="sad", dag={"notify": [{"webhook": web.url}]}))
        service.trigger("sad")
        with schedulers(settings, calendar, execute=failures) as (scheduler,):
            until(ended(service), scheduler)
        waited(lambda: poked(2) and web.requests)
        assert is_read()
    assert web.bodies[0]["dag"] == "sad"
