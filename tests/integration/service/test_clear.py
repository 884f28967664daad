"""Runs that go on after their end, with real kernels: by a scheduler, and here and now."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

import nbflow.app
from nbflow.errors import ConflictError, NotFoundError, ParameterError, UsageError
from nbflow.metastore import check
from nbflow.model.clock import SystemClock
from nbflow.model.ids import TaskName
from nbflow.model.states import RunState, TaskState
from nbflow.service.cleanup import cleanup
from nbflow.service.clear import ClearOptions, clear, clear_and_run
from nbflow.service.dags import delete, deploy
from nbflow.service.deleting import delete_runs, runs_to_delete
from nbflow.service.scheduler import Scheduler

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]

LOAD = ("import secrets\nx = secrets.token_hex(8)", "task:load")
GATE = "import pathlib\nif not pathlib.Path('ok').exists():\n    raise ValueError('not yet')\n"


def gated(page):
    return page(LOAD, (GATE + "y = x", "task:train"), ("print(y)", "task:report"))


@pytest.fixture(autouse=True)
def sound(service):
    yield
    assert check(service.settings.database_url) == []


def printed(service, outputs, run_id, task):
    *_, attempt = service.store.attempts(run_id, TaskName(task))
    folder = service.settings.store / "runs" / run_id / task / str(attempt.token)
    return "".join(outputs(folder / attempt.result["notebook"]).values())


def value_of(service, run_id, task):
    """Return the preview of what a task published: here, all of it."""
    (value,) = service.store.values.of_run(run_id)[TaskName(task)].values
    return value.preview


def work(service, done):
    """Let a scheduler of another process work until ``done``."""
    with (
        nbflow.app.open_service(service.settings) as opened,
        opened.executor() as executor,
    ):
        scheduler = Scheduler(service=opened, executor=executor)
        deadline = SystemClock().monotonic() + 90
        while not done():
            assert SystemClock().monotonic() < deadline
            scheduler.step(0.05)
        assert service.store.has_scheduler()


def test_a_scheduler_runs_again_what_failed_from_what_was_stored(
    service, page, outputs, tmp_path, monkeypatch
):
    path = gated(page)
    monkeypatch.chdir(tmp_path)
    failed = service.run(path.name)
    assert failed.state is RunState.FAILED
    (kept,) = [t.notebook for t in failed.failed]
    stored = value_of(service, failed.run_id, "load")
    (tmp_path / "ok").touch()
    monkeypatch.chdir("/")
    cleared = clear(service, failed.run_id, ClearOptions(select="train"))
    assert [name for name, _ in cleared.tasks] == ["train", "report"]
    assert not cleared.is_driven

    def done():
        return service.store.run_snapshot(failed.run_id).state is RunState.SUCCESS

    work(service, done)
    snapshot = service.store.run_snapshot(failed.run_id)
    assert [t.tries for t in snapshot.tasks.values()] == [1, 2, 1]
    assert value_of(service, failed.run_id, "load") == stored
    assert len(printed(service, outputs, failed.run_id, "report")) == 16
    assert "not yet" in json.dumps(json.loads(kept.read_text(encoding="utf-8")))
    assert not service.store.has_scheduler()


def test_here_and_now_a_run_goes_on_and_reports_all_its_tasks(service, page, tmp_path):
    failed = service.run(gated(page))
    (tmp_path / "ok").touch()
    told = []
    cleared = clear_and_run(service, "last", ClearOptions(only_failed=True), on_event=told.append)
    assert cleared.report.state is RunState.SUCCESS
    assert cleared.report.run_id == failed.run_id
    assert [(t.name, t.attempts) for t in cleared.report.tasks] == [
        ("load", 1), ("train", 2), ("report", 1),
    ]  # fmt: skip
    assert [e.task for e in told if e.state is TaskState.RUNNING] == ["train", "report"]


def test_a_task_that_fails_again_leaves_a_run_that_can_be_cleared_again(service, page, tmp_path):
    service.run(gated(page))
    again = clear_and_run(service, "last", ClearOptions(select="train")).report
    assert (again.state, again.failed[0].attempts) == (RunState.FAILED, 2)
    (tmp_path / "ok").touch()
    assert clear_and_run(service, "last", ClearOptions(select="train")).report.is_success


def test_the_deployed_version_mends_the_run_and_removes_what_it_lacks(
    service, page, outputs, tmp_path
):
    path = page(LOAD, ("raise ValueError(x)", "task:train"), ("print('r')", "task:report"))
    failed = service.run(path)
    deploy(service, page(LOAD, ("y = x", "task:fit"), ("print(y)", "task:report")))
    cleared = clear_and_run(service, "last", ClearOptions(only_failed=True, deployed=True))
    assert cleared.removed == ("train",)
    assert cleared.report.state is RunState.SUCCESS
    states = {n: t.state.value for n, t in service.store.run_snapshot(failed.run_id).tasks.items()}
    assert states == {
        "load": "success", "train": "removed", "fit": "success", "report": "success",
    }  # fmt: skip
    told = clear_and_run(service, "last", ClearOptions(select="report"))
    assert told.report.is_success
    assert len(printed(service, outputs, failed.run_id, "report")) == 16


def test_a_deployed_version_that_lacks_the_runs_parameter_is_refused(service, page):
    path = page(("n = 1", "parameters"), ("raise ValueError(n)", "task:a"))
    service.run(path, {"n": "2"})
    deploy(service, page(("k = 1", "parameters"), ("print(k)", "task:a")))
    with pytest.raises(ParameterError):
        clear(service, "last", ClearOptions(only_failed=True, deployed=True))


def test_a_part_of_a_dag_goes_on_with_the_values_that_it_began_with(
    service, page, outputs, tmp_path
):
    path = gated(page)
    first = service.run(path)
    part = service.run(path, select="train+")
    assert part.state is RunState.FAILED
    service.run(path, select="load")
    (tmp_path / "ok").touch()
    assert clear_and_run(service, part.run_id, ClearOptions(only_failed=True)).report.is_success
    before = value_of(service, first.run_id, "load")
    train = value_of(service, part.run_id, "train")
    assert train == before


def test_what_no_disk_can_hold_is_made_again_for_the_task_that_needs_it(
    service, page, outputs, tmp_path
):
    path = page(
        ("items = iter([1, 2, 3])\nheld = (i for i in items)", "task:load"),
        (GATE + "print(sum(held))", "task:use"),
    )
    failed = service.run(path)
    (tmp_path / "ok").touch()
    done = clear_and_run(service, "last", ClearOptions(select="use")).report
    assert done.is_success, done.failed
    assert printed(service, outputs, failed.run_id, "use").startswith("6")


def test_what_a_scheduler_knew_of_a_run_before_its_clear_counts_no_more(
    service, page, outputs, tmp_path
):
    """The same scheduler drives both lives of the run: no kernel kept of the first serves the second."""
    path = page(
        ("import secrets\nx = (n for n in [secrets.token_hex(4)])", "task:load"),
        (GATE + "y = list(x)", "task:train"),
    )
    deploy(service, path)
    run_id = service.trigger("page")
    with service.executor() as executor:
        scheduler = Scheduler(service=service, executor=executor)

        def until(state):
            deadline = SystemClock().monotonic() + 90
            while service.store.run_snapshot(run_id).state is not state:
                assert SystemClock().monotonic() < deadline
                scheduler.step(0.05)

        until(RunState.FAILED)
        (tmp_path / "ok").touch()
        clear(service, run_id, ClearOptions(every=True))
        until(RunState.SUCCESS)
    assert [t.tries for t in service.store.run_snapshot(run_id).tasks.values()] == [2, 2]


def test_a_scheduler_runs_again_what_failed_while_another_task_runs(
    service, page, outputs, tmp_path
):
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)\n"
    path = page(
        LOAD,
        (GATE + "y = x", "task:train"),
        ("print(y)", "task:report"),
        (wait + "print('went')", "task:side"),
    )
    deploy(service, path)
    run_id = service.trigger("page")

    def states():
        tasks = service.store.run_snapshot(run_id).tasks
        return {str(name): task.state.value for name, task in tasks.items()}

    with service.executor() as executor:
        scheduler = Scheduler(service=service, executor=executor)

        def until(**wanted):
            deadline = SystemClock().monotonic() + 90
            while not wanted.items() <= states().items():
                assert SystemClock().monotonic() < deadline, states()
                scheduler.step(0.05)

        until(train="failed", report="upstream_failed", side="running")
        with pytest.raises(ConflictError, match="side runs now") as caught:
            clear(service, run_id, ClearOptions(every=True))
        assert caught.value.code == "NBF663"
        stored = value_of(service, run_id, "load")
        (tmp_path / "ok").touch()
        cleared = clear(service, run_id, ClearOptions(select="train"))
        assert [name for name, _ in cleared.tasks] == ["train", "report"]
        until(train="success", report="success", side="running")
        assert check(service.settings.database_url) == []
        clear(service, run_id, ClearOptions(select="load", downstream=True))
        until(load="running", report="none", side="running")
        until(report="success", side="running")
        assert value_of(service, run_id, "load") != stored
        (tmp_path / "go").touch()
        until(side="success")
    assert service.store.run_snapshot(run_id).state is RunState.SUCCESS
    assert len(printed(service, outputs, run_id, "report")) == 16
    assert [t.tries for t in service.store.run_snapshot(run_id).tasks.values()] == [2, 3, 2, 1]


def test_nothing_to_clear_and_unknown_names_are_told(service, page, tmp_path):
    (tmp_path / "ok").touch()
    service.run(gated(page))
    with pytest.raises(UsageError) as caught:
        clear(service, "last", ClearOptions(only_failed=True))
    assert caught.value.code == "NBF662"
    with pytest.raises(NotFoundError, match="no task 'nope'"):
        clear(service, "last", ClearOptions(select="nope"))
    with pytest.raises(NotFoundError, match="no run 'nobody'"):
        clear(service, "nobody", ClearOptions(every=True))


def test_a_deleted_run_takes_its_files_along_and_leaves_those_of_others(service, page, tmp_path):
    path = gated(page)
    (tmp_path / "ok").touch()
    first, second = service.run(path), service.run(path)
    runs = service.settings.store / "runs"
    assert delete_runs(service, runs_to_delete(service, [first.run_id, first.run_id])) > 0
    assert [one.name for one in runs.iterdir()] == [second.run_id]
    assert [one.id for one in service.store.list_runs()] == [second.run_id]
    with pytest.raises(NotFoundError):
        runs_to_delete(service, [first.run_id])


def test_files_of_a_delete_that_was_killed_go_with_the_next_clean_up(service, page, tmp_path):
    (tmp_path / "ok").touch()
    report = service.run(gated(page))
    service.store.retention.delete_runs([report.run_id])

    class Later(SystemClock):
        def wall(self):
            return super().wall() + timedelta(hours=2)

    cleaned = cleanup(replace(service, clock=Later()))
    assert cleaned.attempts == 3
    assert list((service.settings.store / "runs").iterdir()) == []


def test_a_dag_whose_run_waits_to_go_on_is_not_deleted(service, page, tmp_path):
    path = gated(page)
    deploy(service, path)
    failed = service.run(path)
    clear(service, failed.run_id, ClearOptions(only_failed=True))
    with pytest.raises(ConflictError, match="about to go on"):
        delete(service, "page")
    assert service.cancel_run(failed.run_id)
    assert delete(service, "page") == 1
