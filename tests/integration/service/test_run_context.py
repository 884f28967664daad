"""Logical date, interval and run id in the notebook: as parameters and in templates."""

import json
from datetime import UTC, datetime

import pytest

from nbflow.errors import ParameterError

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]


def test_a_run_fills_the_parameters_of_its_names_and_shows_what_it_used(
    service, page, outputs, tmp_path
):
    path = page(
        (
            "ds = '2000-01-01'\nlogical_date = None\nrun_id = ''\nout = 'x'\nout2 = out + '!'",
            "parameters",
        ),
        ("print(ds, logical_date.hour, out2)\nprint(run_id)", "task:t"),
        dag={"timezone": "Asia/Seoul"},
    )
    report = service.run(
        path,
        {"out": "to/{{ ds }}"},
        date=datetime(2026, 11, 1, 20, tzinfo=UTC),
        output=tmp_path / "out.ipynb",
    )
    assert report.is_success, [t.note for t in report.tasks]
    told = outputs(report.output)["c1"]
    assert told == f"2026-11-02 20 to/2026-11-02!\n{report.run_id}"
    first = json.loads(report.output.read_text(encoding="utf-8"))["cells"][0]
    assert "".join(first["source"]).startswith("ds = '2026-11-02'\n")
    (row,) = service.store.list_runs()
    assert row.logical_date == datetime(2026, 11, 1, 20, tzinfo=UTC)
    assert row.parameters == {"out": "to/2026-11-02"}


def test_a_whole_notebooks_params_may_hold_templates_and_a_given_value_goes_first(
    service, page, outputs, tmp_path
):
    task = {"dag": "d", "name": "one", "params": {"path": "p-{{ ds }}"}}
    page(("ds = ''\npath = ''", "parameters"), "print(ds, path)", name="one", task=task)
    day = datetime(2026, 11, 1, tzinfo=UTC)
    report = service.run(tmp_path, {"ds": "mine"}, date=day, output=tmp_path / "out.ipynb")
    assert "mine p-2026-11-01" in outputs(report.output).values()


def test_an_unknown_name_in_a_template_is_refused_before_anything_runs(service, page):
    path = page(("out = 'x'", "parameters"), ("print(out)", "task:t"))
    with pytest.raises(ParameterError, match="value of out holds"):
        service.run(path, {"out": "{{ day }}"})
    assert service.store.list_runs() == []
