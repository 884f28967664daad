"""Triggers with real files and an injected clock; with real kernels where what runs makes the event."""

from functools import partial

import pytest
from noop_executor import failures, nothing
from scheduler_bench import NOON, schedulers, until

import nbflow.app
from nbflow.model.states import RunKind, RunState
from nbflow.model.triggers import Trigger, TriggerKind
from nbflow.scheduling.decide import decide
from nbflow.service.modules import LocalModules
from nbflow.service.triggers import MOST_FILES, Triggers, files_of

DEBOUNCE = 1000
ONE = ("x = 1", "task:a")


@pytest.fixture
def look(service, calendar):
    """Return a function that looks at files now, and again when they have been quiet."""
    triggers = Triggers(service=service)

    def again() -> int:
        assert triggers.look() == 0
        calendar.ahead += DEBOUNCE
        return triggers.look()

    again.once = triggers.look
    return again


def runs_of(service, dag, *, final=True):
    """Return a DAG's runs, oldest first."""
    found = [run for run in service.store.list_runs() if run.dag_id == dag]
    return [run for run in reversed(found) if run.state.is_final or not final]


def test_a_dag_runs_when_another_one_succeeded_and_says_what_made_it_run(
    service, settings, calendar, page
):
    service.deploy(page(ONE, name="etl"))
    service.deploy(page(ONE, name="report", dag={"on": [{"dag": "etl"}]}))
    service.deploy(page(ONE, name="alarm", dag={"on": [{"dag": "etl", "state": "failure"}]}))
    first = service.trigger("etl")
    with schedulers(settings, calendar, count=2, execute=nothing) as working:
        until(lambda: runs_of(service, "report"), *working)
    (run,) = runs_of(service, "report")
    assert (run.kind, run.state, run.logical_date) == (
        RunKind.TRIGGERED, RunState.SUCCESS, NOON,
    )  # fmt: skip
    assert run.id.startswith("triggered__20260301T120000Z__")
    assert run.cause == {"kind": "dag", "dag": "etl", "run": first, "state": "success", "depth": 1}
    assert runs_of(service, "alarm", final=False) == []


def test_a_failure_sets_off_the_dag_that_waits_for_one(service, settings, calendar, page):
    service.deploy(page(ONE, name="etl"))
    service.deploy(page(ONE, name="alarm", dag={"on": [{"dag": "etl", "state": "failure"}]}))
    service.trigger("etl")
    with schedulers(settings, calendar, execute=failures) as (scheduler,):
        (run,) = until(lambda: runs_of(service, "alarm"), scheduler)
    assert run.cause["state"] == "failed"


def test_a_metric_that_crosses_its_value_sets_off_the_retraining(service, settings, calendar, page):
    service.deploy(
        page(
            ("quality = 0.95", "parameters"),
            ("import nbflow\nnbflow.metric('accuracy', quality)", "task:score"),
            name="scoring",
        )
    )
    watch = {"metric": 'metric("accuracy") < 0.9', "dag": "scoring"}
    service.deploy(page(ONE, name="retrain", dag={"on": [watch]}))
    with schedulers(settings, calendar) as (scheduler,):
        for number, quality in enumerate((0.95, 0.85, 0.8), start=1):
            service.trigger("scoring", {"quality": str(quality)})
            until(lambda n=number: len(runs_of(service, "scoring")) == n, scheduler)
            calendar.move(1)
        (run,) = until(lambda: runs_of(service, "retrain"), scheduler)
        scheduler.step(0)
    assert run.cause["value"] == 0.85
    assert run.cause["run"] == runs_of(service, "scoring")[1].id
    assert len(runs_of(service, "retrain", final=False)) == 1


def test_files_whose_content_changed_make_a_run_once_they_have_been_quiet(
    service, settings, calendar, page, tmp_path, look
):
    data = tmp_path / "data [1]"
    data.mkdir()
    (data / "old.csv").write_text("a")
    on = {"files": "data [[]1]/*.csv", "debounce": DEBOUNCE}
    service.deploy(page(ONE, name="report", dag={"on": [on]}))
    assert look() == 0
    (data / "new.csv").write_text("half")
    assert look.once() == 0
    calendar.ahead += DEBOUNCE / 2
    (data / "new.csv").write_text("whole")
    assert look.once() == 0
    calendar.ahead += DEBOUNCE / 2
    assert look.once() == 0
    calendar.ahead += DEBOUNCE
    assert look.once() == 1
    (run,) = runs_of(service, "report", final=False)
    assert run.cause["files"] == [str(data / "new.csv")]
    # What changes before the run begins is the run's, too.
    (data / "old.csv").write_text("b")
    assert look() == 0
    with schedulers(settings, calendar, execute=nothing) as (scheduler,):
        until(lambda: runs_of(service, "report"), scheduler)
    calendar.move(1)
    assert look() == 1
    assert runs_of(service, "report", final=False)[-1].cause["files"] == [str(data / "old.csv")]


def test_a_file_that_is_touched_or_goes_makes_no_run(service, page, tmp_path, look):
    data = tmp_path / "data.csv"
    data.write_text("a")
    on = {"files": str(data), "debounce": DEBOUNCE}
    service.deploy(page(ONE, name="report", dag={"on": [on]}))
    data.write_text("a")
    assert look() == 0
    data.unlink()
    assert look() == 0
    data.write_text("a")
    assert look() == 1


def test_a_paused_dag_sees_what_changed_when_it_is_active_again(service, page, tmp_path, look):
    on = {"files": "data.csv", "debounce": DEBOUNCE}
    service.deploy(page(ONE, name="report", dag={"on": [on]}))
    service.pause("report", paused=True)
    (tmp_path / "data.csv").write_text("a")
    assert look() == 0
    service.pause("report", paused=False)
    assert look() == 1


def test_code_is_the_deployed_version_and_the_modules_it_uses(service, page, tmp_path, look):
    (tmp_path / "helpers.py").write_text("from . import other\nimport deep.inner\n")
    (tmp_path / "other.py").write_text("x = 1")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "__init__.py").write_text("")
    (tmp_path / "deep" / "inner.py").write_text("y = 1")
    (tmp_path / "unused.py").write_text("z = 1")
    dag = {"on": ["code"]}
    cells = ("%matplotlib inline\nimport helpers", "task:a")
    service.deploy(page(cells, name="report", dag=dag))

    def causes(key):
        found = (run.cause for run in runs_of(service, "report", final=False))
        return [cause[key] for cause in found if key in cause]

    assert look() == 0
    (tmp_path / "unused.py").write_text("z = 2")
    assert look() == 0
    (tmp_path / "deep" / "inner.py").write_text("y = 2, 3")
    assert look() == 1
    assert causes("files") == [[str(tmp_path / "deep" / "inner.py")]]
    (waiting,) = service.store.waiting_runs()
    decision = partial(decide, service.store.load_version(waiting.version), now=NOON)
    service.store.advance(waiting.run_id, decision)
    path = page(cells, ("print(1)", "task:b"), name="report", dag=dag)
    assert look() == 0
    service.deploy(path)
    assert look.once() == 1
    assert causes("deployed") == [service.store.current_version("report")]


def test_of_very_many_files_the_first_by_name_are_looked_at_and_that_is_said_once(tmp_path, caplog):
    for number in range(MOST_FILES + 5):
        (tmp_path / f"{number:04}.csv").touch()
    trigger = Trigger(kind=TriggerKind.FILES, files=(f"{tmp_path}/*.csv",))
    for _ in range(2):
        found = files_of(trigger, (), LocalModules())
    assert list(found) == [f"{tmp_path}/{number:04}.csv" for number in range(MOST_FILES)]
    (said,) = caplog.messages
    assert said.startswith("more than 1000 files fit ")


def test_two_schedulers_that_look_make_one_run(service, settings, calendar, page, tmp_path, look):
    on = {"files": "data.csv", "debounce": DEBOUNCE}
    service.deploy(page(ONE, name="report", dag={"on": [on]}))
    (tmp_path / "data.csv").write_text("a")
    with nbflow.app.open_service(settings, clock=calendar) as other:
        second = Triggers(service=other)
        assert second.look() == 0
        assert look() == 1
        assert second.look() == 0
    assert len(runs_of(service, "report", final=False)) == 1


def test_where_the_overlap_says_skip_an_event_goes_on_record_as_missed(
    service, settings, calendar, page, tmp_path
):
    go = tmp_path / "go"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)"
    dag = {"on": [{"dag": "etl"}], "overlap": "skip"}
    service.deploy(page(ONE, name="etl"))
    service.deploy(page((wait, "task:a"), name="report", dag=dag))
    first = service.trigger("report")
    with schedulers(settings, calendar) as (scheduler,):
        until(lambda: service.store.attempts(first), scheduler)
        service.trigger("etl")
        (missed,) = until(lambda: service.store.all_missed("report"), scheduler)
        go.touch()
        until(lambda: runs_of(service, "report"), scheduler)
    assert missed.reason == "overlap"
    assert [run.id for run in runs_of(service, "report", final=False)] == [first]
    assert service.store.missed("report") == []


def test_a_jupytext_page_says_on_as_yaml_has_it(service, tmp_path):
    path = tmp_path / "report.py"
    path.write_text(
        "# ---\n# jupyter:\n#   nbflow:\n#     version: 1\n#     dag:\n#       on:\n"
        "#       - dag: etl\n#       track: live\n#       notify:\n#         email: a@b.org\n"
        "#         on: failure\n# ---\n\n# %%\n%%task a\nx = 1\n"
    )
    (deployment,) = service.deploy(path)
    (trigger,) = deployment.dag.options.on
    assert trigger.dag == "etl"
    (notify,) = deployment.dag.options.notify
    assert notify.on == ("failure",)
