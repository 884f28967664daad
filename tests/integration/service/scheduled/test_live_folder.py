"""Notebooks of the DAGs folder that are deployed as they change, and notebooks that differ."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from scheduler_bench import HOUR, NOON, ended, schedulers, until

import nbflow.app
from nbflow.compiler.assemble import PageCompiler
from nbflow.errors import ConflictError, MetastoreBusyError, MetastoreError
from nbflow.model.states import RunState
from nbflow.service.dags import deploy, deploy_one
from nbflow.service.drift import Drift, drift_findings
from nbflow.service.editing import LiveCompiler
from nbflow.service.folder import folder_facts, hindrances
from nbflow.service.known_dags import find_dag
from nbflow.service.live import LiveFolder
from nbflow.service.targets import load_all, load_one
from nbflow.settings import Settings

QUIET = 1000.0
LIVE = {"schedule": "@hourly", "track": "live"}


@pytest.fixture
def settings(settings, tmp_path) -> Settings:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return replace(settings, dags=folder)


@pytest.fixture
def save(page, settings):
    """Return a function that puts a page into the DAGs folder."""

    def put(*cells, name="page", **metadata) -> Path:
        written = page(*cells, name=name, **metadata)
        return Path(shutil.move(written, settings.dags_folder / written.name))

    return put


@pytest.fixture
def look(service, calendar):
    """Return a function that looks at the folder, and again when it has been quiet."""
    folder = LiveFolder(service=service, quiet=QUIET)

    def again() -> list[str]:
        assert folder.look() == []
        calendar.ahead += folder.quiet
        return [str(one.dag.id) for one in folder.look()]

    again.folder = folder
    return again


def version(service, dag="page") -> str:
    return service.store.current_version(dag)


@pytest.mark.fault(29)
def test_a_notebook_is_deployed_whenever_it_changed_and_has_been_quiet(
    service, settings, calendar, save, look, outputs
):
    save(("print('one')", "task:a"), dag=LIVE)
    assert look() == ["page"]
    assert service.store.schedule("page").next_fire == NOON + HOUR
    first = version(service)
    assert look.folder.look() == []
    save(("print('half')", "task:a"), dag=LIVE)
    assert look.folder.look() == []
    calendar.ahead += QUIET / 2
    save(("print('two')", "task:a"), dag=LIVE)
    assert look.folder.look() == []
    calendar.ahead += QUIET / 2
    assert look.folder.look() == []
    assert version(service) == first
    calendar.ahead += QUIET
    assert [one.dag.id for one in look.folder.look()] == ["page"]
    assert version(service) != first
    with schedulers(settings, calendar) as (scheduler,):
        calendar.at = NOON + HOUR
        (run,) = until(ended(service), scheduler)
    (attempt,) = service.store.attempts(run.id)
    path = settings.store / "runs" / run.id / "a" / str(attempt.token) / attempt.result["notebook"]
    assert outputs(path)["c0"] == "two"


def test_a_notebook_that_was_run_by_hand_before_is_deployed(service, save, look):
    path = save(("x = 1", "task:a"), dag=LIVE)
    assert service.run(path).state is RunState.SUCCESS
    assert look() == ["page"]
    assert service.store.schedule("page").next_fire == NOON + HOUR


def test_what_cannot_be_read_or_compiled_never_takes_the_place_of_what_runs(
    service, save, look, settings
):
    path = save(("x = 1", "task:a"), dag=LIVE)
    assert look() == ["page"]
    good = version(service)
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    assert look() == []
    (error,) = service.store.import_errors.all()
    assert (error.path, error.code) == (str(path), "NBF004")
    save(("x = 1\n1 +", "task:a"), dag=LIVE)
    assert look() == []
    (error,) = service.store.import_errors.all()
    assert error.path == str(path)
    assert version(service) == good
    save(("x = 2", "task:a"), dag=LIVE)
    assert look() == ["page"]
    assert service.store.import_errors.all() == []


def test_a_pinned_notebook_is_left_alone_and_its_errors_are_told(service, save, look):
    save(("x = 1", "task:a"), dag={"schedule": "@hourly"})
    save(("print(nowhere)", "task:a"), name="wrong", dag={"schedule": "@hourly"})
    assert look() == []
    assert service.store.list_dags() == []
    assert [(Path(e.path).name, e.code) for e in service.store.import_errors.all()] == [
        ("wrong.ipynb", "NBF203")
    ]


def test_a_dag_of_several_notebooks_is_not_deployed_without_one_that_is_broken(service, save, look):
    save("x = 1", name="load", dag={**LIVE, "id": "both"}, task={"dag": "both", "outputs": "x"})
    show = save("print(x)", name="show", task={"dag": "both", "inputs": ["x"]})
    assert look() == ["both"]
    good, whole = version(service, "both"), show.read_text()
    save("x = 2", name="load", dag={**LIVE, "id": "both"}, task={"dag": "both", "outputs": "x"})
    show.write_text("{")
    assert look() == []
    assert version(service, "both") == good
    assert {e.code for e in service.store.import_errors.all()} >= {"NBF237"}
    show.write_text(whole)
    assert look() == ["both"]


def test_two_schedulers_that_look_deploy_one_version(service, settings, calendar, save, look):
    save(("x = 1", "task:a"), dag=LIVE)
    with nbflow.app.open_service(settings, clock=calendar) as other:
        second = LiveFolder(service=other, quiet=QUIET)
        assert second.look() == []
        assert look() == ["page"]
        assert second.look() == []
        assert other.store.schedule("page") == service.store.schedule("page")


@pytest.mark.fault(30)
def test_runs_without_their_notebook_fail_and_the_dag_is_paused_after_three(
    service, settings, calendar, save, look
):
    path = save(("x = 1", "task:a"), ("print(x)", "task:b"), dag=LIVE)
    look()
    moved = path.rename(path.with_name("moved.ipynb"))
    assert look() == ["moved"]
    service.pause("moved", paused=True)
    with schedulers(settings, calendar) as (scheduler,):
        scheduler._starter.missing.folder = look.folder
        for hour in (1, 2, 3):
            calendar.at = NOON + hour * HOUR
            runs = until(ended(service, hour), scheduler)
            assert {run.state for run in runs} == {RunState.FAILED}
        calendar.at = NOON + 4 * HOUR
        scheduler.step(0)
        assert len(service.store.list_runs()) == 3
    _, (task, _) = service.store.show_run(runs[-1].id)
    assert f"notebook not found: {path}; moved to {moved}?" in task.note
    (row,) = [row for row in service.store.list_dags() if row.id == "page"]
    assert row.paused
    errors = {error.path: error.message for error in service.store.import_errors.all()}
    assert errors[str(path)].endswith("paused after 3 runs")


def test_a_notebook_of_another_folder_is_none_that_this_scheduler_could_miss(
    service, settings, calendar, page
):
    path = page(("x = 1", "task:a"), dag=LIVE)
    service.deploy(path)
    path.unlink()
    with schedulers(settings, calendar) as (scheduler,):
        calendar.at = NOON + HOUR
        (run,) = until(ended(service), scheduler)
    assert run.state is RunState.SUCCESS


def test_that_a_notebook_differs_from_what_is_deployed_is_told(
    service, save, monkeypatch, settings
):
    path = save(("x = 1", "task:a"), dag={"schedule": "@hourly"})
    assert drift_findings(service, [load_one(path)]) == {}
    service.deploy(path)
    monkeypatch.chdir(settings.dags_folder)
    assert drift_findings(service, load_all("page.ipynb")) == {}
    assert find_dag(service, "page").about.drift is Drift.SAME
    save(("x = 2", "task:a"), dag={"schedule": "@hourly"})
    (finding,) = drift_findings(service, load_all("page.ipynb")).values()
    assert (finding.code, finding.hint) == (
        "NBF236",
        "it runs after: nbflow dags deploy page.ipynb",
    )
    assert find_dag(service, "page").about.drift is Drift.DIFFERS


def test_a_notebook_that_is_as_it_was_when_it_was_compared_is_not_read_again(service, page):
    path = page(("x = 1", "task:a"))
    service.deploy(path)
    assert find_dag(service, "page").about.drift is Drift.SAME
    about = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("x = 1", "x = 2"), encoding="utf-8")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert find_dag(service, "page").about.drift is Drift.SAME
    os.utime(path)
    assert find_dag(service, "page").about.drift is Drift.DIFFERS


def test_a_notebook_that_was_only_run_by_hand_differs_from_nothing(service, save):
    path = save(("x = 1", "task:a"))
    service.run(path)
    path = save(("x = 2", "task:a"))
    assert drift_findings(service, [load_one(path)]) == {}
    assert find_dag(service, "page").about.drift is Drift.NEVER


def test_a_notebook_on_which_the_compiler_fails_keeps_no_other_from_being_deployed(
    service, save, look, monkeypatch
):
    save(("x = 1", "task:a"), name="good", dag=LIVE)
    save(("x = 1", "task:a"), name="strange", dag=LIVE)
    whole = {"dag": "whole", "name": "a"}
    save(("x = 1",), name="part", task=whole, dag=LIVE)
    compile_page = PageCompiler.compile

    def fails_on_one(page, notebook):
        if Path(notebook.path).stem == "strange":
            raise RecursionError("too deep")
        return compile_page(page, notebook)

    monkeypatch.setattr(PageCompiler, "compile", fails_on_one)
    assert sorted(look()) == ["good", "whole"]
    (error,) = service.store.import_errors.all()
    assert (Path(error.path).stem, error.code) == ("strange", "NBF900")
    assert "the compiler failed: RecursionError: too deep" in str(error.message)
    assert [(Path(one.path).stem, one.code) for one in hindrances(service)] == [
        ("strange", "NBF900")
    ]
    monkeypatch.undo()
    save(("x = 2", "task:a"), name="strange", dag=LIVE)
    assert look() == ["strange"]
    assert service.store.import_errors.all() == []


def test_a_dag_with_settings_that_cannot_be_checked_keeps_no_other_from_being_deployed_or_listed(
    service, save, look, monkeypatch
):
    save(("x = 1", "task:a"), name="good", dag=LIVE)
    save(("x = 1", "task:a"), name="strange", dag={"schedule": "@daily"})

    def fails_on_one(options, now):
        if options.schedule == "@daily":
            raise OverflowError("date value out of range")
        return []

    monkeypatch.setattr("nbflow.scheduling.plan.schedule_findings", fails_on_one)
    assert look() == ["good"]
    (error,) = service.store.import_errors.all()
    assert (Path(error.path).stem, error.code) == ("strange", "NBF900")
    assert "could not be checked: OverflowError: date value" in str(error.message)
    facts = folder_facts(service.settings.dags_folder, service.settings.home / "memory", NOON)
    assert ([str(one.id) for one in facts.dags], facts.broken) == (["good", "strange"], 1)


@pytest.mark.parametrize(
    "dag",
    [
        {"schedule": "@daily", "start_date": "0001-01-01"},
        {"schedule": "@daily", "end_date": "9999-12-31T23:59", "timezone": "America/New_York"},
        {"schedule": "every 9999999h"},
        {"schedule": "once 9999-12-31T23:59", "timezone": "America/New_York"},
    ],
)
def test_a_date_at_the_ends_of_the_calendar_keeps_no_other_dag_from_being_deployed(
    dag, service, save, look
):
    save(("x = 1", "task:a"), name="good", dag=LIVE)
    save(("x = 1", "task:a"), name="far", dag=dag)
    assert look() == ["good"]
    assert {one.code for one in service.store.import_errors.all()} <= {"NBF222"}


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (MetastoreError("the row is damaged", code="NBF621"), "NBF621"),
        (OverflowError("date value out of range"), "NBF900"),
    ],
)
def test_a_dag_that_the_metastore_refuses_keeps_no_other_from_being_deployed_and_is_tried_again(
    problem, code, service, save, look, calendar, monkeypatch
):
    for name in ("a", "b", "c"):
        save(("x = 1", "task:a"), name=name, dag=LIVE)
    _refuse(monkeypatch, "b", problem)
    assert look() == ["a", "c"]
    (error,) = service.store.import_errors.all()
    assert (Path(error.path).stem, error.code) == ("b", code)
    assert [(Path(one.path).stem, one.code) for one in hindrances(service)] == [("b", code)]
    monkeypatch.undo()
    assert look.folder.look() == []
    calendar.ahead += 60
    assert [str(one.dag.id) for one in look.folder.look()] == ["b"]
    assert service.store.import_errors.all() == []


def test_a_dag_whose_schedule_moved_while_it_was_deployed_is_deployed_with_the_next_look(
    service, save, look, monkeypatch
):
    for name in ("a", "b", "c"):
        save(("x = 1", "task:a"), name=name, dag=LIVE)
    _refuse(monkeypatch, "b", ConflictError("somebody else was first"))
    assert look() == ["a", "c"]
    assert service.store.import_errors.all() == []
    monkeypatch.undo()
    assert [str(one.dag.id) for one in look.folder.look()] == ["b"]
    assert look.folder.look() == []


def test_a_metastore_that_is_busy_ends_the_look(save, look, monkeypatch):
    save(("x = 1", "task:a"), name="a", dag=LIVE)
    _refuse(monkeypatch, "a", MetastoreBusyError("locked"))
    with pytest.raises(MetastoreBusyError):
        look()
    monkeypatch.undo()
    assert [str(one.dag.id) for one in look.folder.look()] == ["a"]


def _refuse(monkeypatch, dag_id, problem):
    def refuses_one(service, compiled, **more):
        if compiled.dag.id == dag_id:
            raise problem
        return deploy_one(service, compiled, **more)

    monkeypatch.setattr("nbflow.service.live.deploy_one", refuses_one)


def test_whether_a_schedule_is_over_is_told_by_the_clock_of_the_installation(
    service, calendar, page
):
    path = page(("x = 1", "task:a"), dag={"schedule": "once 2026-03-02T09:00"})
    compiler, document = LiveCompiler(service.clock), json.loads(path.read_text())

    def codes(dag):
        return [finding.code for finding in dag.diagnostics]

    def seen():
        return service.load(path), compiler.compile(document, str(path)).dag

    assert [codes(dag) for dag in seen()] == [[], []]
    calendar.move(2 * 24 * HOUR.total_seconds())
    (deployed,) = deploy(service, path)
    assert [codes(dag) for dag in (*seen(), deployed.dag)] == [["NBF227"]] * 3
