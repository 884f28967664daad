"""The names that every run has, as values of parameters and in templates."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from nbflow.compiler.parameters import find_parameters
from nbflow.errors import ParameterError
from nbflow.model.notebook import Cell, CellType, Role
from nbflow.model.states import RunKind
from nbflow.service.context import RunContext
from nbflow.service.run import new_context

LATE = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)


def context(**changes):
    given = {
        "run_id": "manual__x",
        "logical_date": LATE,
        "data_interval_start": LATE - timedelta(days=1),
        "data_interval_end": LATE,
        "timezone": "Asia/Seoul",
    }
    return RunContext(**(given | changes))


def parameters(source):
    cell = Cell(id="p", index=0, type=CellType.CODE, source=source, role=Role.SETUP)
    return find_parameters(cell)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("ds = '2000-01-01'", "2026-11-02"),
        ("ds = None", "2026-11-02"),
        ("from datetime import date\nds = date(2000, 1, 1)", date(2026, 11, 2)),
        ("run_id: str = ''", "manual__x"),
        ("logical_date = ''", "2026-11-01T23:30:00+00:00"),
        ("logical_date: str | None = None", "2026-11-01T23:30:00+00:00"),
        ("logical_date = None", LATE),
        ("import datetime\nlogical_date = datetime.datetime(2000, 1, 1)", LATE),
        (
            "import datetime\nlogical_date: datetime.date = datetime.date(2000, 1, 1)",
            date(2026, 11, 2),
        ),
        ("data_interval_start = None", LATE - timedelta(days=1)),
    ],
)
def test_a_parameter_of_a_runs_name_gets_the_runs_value_in_its_type(source, value):
    (found,) = context().values_for(parameters(source)).values()
    assert found == value
    assert type(found) is type(value)


def test_a_parameter_that_only_shares_the_name_keeps_its_default():
    assert context().values_for(parameters("run_id = 5\nds = [1]\nday = 'x'")) == {}


def test_templates_are_filled_wherever_text_stands():
    given = {
        "path": "out/{{ ds }}/{{run_id}}.csv",
        "nested": ["{{ ds }}", {"a": ("{{ logical_date }}", 1)}],
        "number": 3,
        "plain": "{x} \\{{ ds }}",
    }
    assert context().fill(given) == {
        "path": "out/2026-11-02/manual__x.csv",
        "nested": ["2026-11-02", {"a": ("2026-11-01T23:30:00+00:00", 1)}],
        "number": 3,
        "plain": "{x} {{ ds }}",
    }


@pytest.mark.parametrize(
    "text", ["{{ ds_nodash }}", "{{ ds | upper }}", "{{}}", "a {{ logical_date.year }}"]
)
def test_an_unknown_name_in_a_template_is_told_with_those_that_are_known(text):
    with pytest.raises(ParameterError) as caught:
        context().fill({"path": text})
    assert caught.value.code == "NBF403"
    assert "path" in caught.value.message
    assert "ds, logical_date, run_id" in caught.value.hint


def test_a_date_without_a_zone_is_meant_in_the_schedules():
    made = new_context(RunKind.MANUAL, "Asia/Seoul", LATE, datetime.fromisoformat("2026-11-01"))
    assert made.texts()["ds"] == "2026-11-01"
    assert made.texts()["logical_date"] == "2026-10-31T15:00:00+00:00"
    given = datetime(2026, 11, 1, 20, tzinfo=timezone(timedelta(hours=-5)))
    assert new_context(RunKind.MANUAL, "Asia/Seoul", LATE, given).day == date(2026, 11, 2)
