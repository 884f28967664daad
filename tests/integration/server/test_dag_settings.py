"""Settings of a DAG that are not kept yet: words, fires, problems at their fields."""

from pathlib import Path
from typing import Any

import pytest
from jupyter_servers import RunningServer

from nbflow.service.targets import load_all


def check(
    server: RunningServer, *, path: str = "work/report.ipynb", lang: str = "en", **settings: Any
) -> Any:
    headers = {**server.headers, "Accept-Language": lang}
    asked = {"path": path, "settings": settings}
    reply = server.ask("/dag-settings", "POST", asked, headers=headers)
    assert reply.status == 200, reply.content
    return reply.json


def test_a_schedule_is_told_in_words_and_instants_of_its_zone_and_nothing_is_kept(
    server: RunningServer,
) -> None:
    found = check(server, schedule="0 6 * * 1-5", timezone="Asia/Seoul", catchup="latest")
    assert found["dag_id"] == "report"
    assert "Monday" in found["words"]["en"]
    assert "월요일" in found["words"]["ko"]
    assert [one["local"][11:] for one in found["next"]] == ["06:00:00+09:00"] * 5
    assert found["settings"] == {"schedule": "0 6 * * 1-5", "timezone": "Asia/Seoul"}
    assert (found["problems"], found["defaults"]["catchup"]) == ([], "latest")
    assert not list(server.home.glob("*.db"))


def test_the_dag_has_the_name_that_a_deploy_of_the_file_would_give_it(
    server: RunningServer, tmp_path: Path
) -> None:
    for name in ("my report (2)", "café", "보고서", "(!)"):
        path = tmp_path / f"{name}.py"
        path.write_text("# %%\nx = 1\n", encoding="utf-8")
        (compiled,) = load_all(path)
        found = check(server, path=f"work/{name}.ipynb", on=[{"dag": compiled.dag.id}])
        assert found["dag_id"] == compiled.dag.id
        assert found["problems"][0]["field"] == "on.0.dag"


def test_changes_of_the_clock_are_told_in_the_reader_s_language(server: RunningServer) -> None:
    asked = {"schedule": "30 2 * * *", "timezone": "Europe/Berlin"}
    assert any("is set forward" in one for one in check(server, **asked)["clock"])
    assert any("시계" in one for one in check(server, lang="ko", **asked)["clock"])


@pytest.mark.parametrize(
    ("settings", "field", "code"),
    [
        ({"schedule": "0 0 31 2 *"}, "schedule", "NBF220"),
        ({"schedule": "* * * * * *"}, "schedule", "NBF223"),
        ({"schedule": "once tomorrow"}, "schedule", "NBF222"),
        ({"schedule": "@daily", "timezone": "Mars/Olympus"}, "timezone", "NBF221"),
        ({"start_date": "soon"}, "start_date", "NBF222"),
        ({"start_date": "2027-01-02", "end_date": "2027-01-01"}, "end_date", "NBF222"),
        ({"schedule": "once 2020-01-01T09:00"}, "schedule", "NBF227"),
        ({"catchup": "sometimes"}, "catchup", "NBF110"),
        ({"max_active_runs": 0}, "max_active_runs", "NBF110"),
        ({"defaults": {"retries": -1}}, "defaults.retries", "NBF110"),
        ({"on": [{"dag": "etl"}, {"metric": "accuracy"}]}, "on.1.metric", "NBF117"),
        ({"on": [{"dag": "report"}]}, "on.0.dag", "NBF117"),
        ({"notify": [{"slack": "https://127.0.0.1/x"}]}, "notify.0", "NBF119"),
        ({"notify": [{"email": "nobody"}]}, "notify.0", "NBF118"),
        ({"notify": [{"email": ""}]}, "notify.0.email", "NBF118"),
        ({"on": [{"files": ""}]}, "on.0.files", "NBF117"),
        ({"colour": "blue"}, "colour", "NBF111"),
    ],
)
def test_a_problem_is_told_at_its_field_with_the_way_out(
    server: RunningServer, settings: dict[str, Any], field: str, code: str
) -> None:
    (problem,) = check(server, **settings)["problems"]
    assert (problem["field"], problem["code"]) == (field, code)
    assert problem["error"] == (code not in ("NBF111", "NBF227"))
    assert problem["message"]
    assert problem["hint"]


def test_what_is_not_filled_in_yet_is_not_said_to_be_of_another_kind(
    server: RunningServer,
) -> None:
    for settings in ({"on": [{"files": ""}]}, {"notify": [{"email": []}]}):
        (problem,) = check(server, **settings)["problems"]
        assert problem["message"].endswith("must not be empty")


def test_a_zone_that_capitals_or_spaces_keep_from_being_found_is_named(
    server: RunningServer,
) -> None:
    for written in ("asia/seoul", " Asia/Seoul ", "Asia/Seol"):
        (problem,) = check(server, schedule="@daily", timezone=written)["problems"]
        assert (problem["field"], problem["hint"]) == ("timezone", "Did you mean Asia/Seoul?")


def test_an_address_that_can_not_be_told_is_shown_as_it_is_written(server: RunningServer) -> None:
    for address, shown in (("file:///etc/x", "file:///…"), ("https://[::1]/x", "https://[::1]/…")):
        (problem,) = check(server, notify=[{"webhook": address}])["problems"]
        assert f"{shown} " in problem["message"]
        assert "None" not in problem["message"]


def test_triggers_are_told_in_words(server: RunningServer) -> None:
    found = check(server, on=[{"dag": "etl", "state": "failure"}, {"files": "in/*.csv"}, "code"])
    assert found["triggers"] == [
        "when etl fails", "when files change: in/*.csv", "when its code changes",
    ]  # fmt: skip


def test_the_time_zones_that_can_be_chosen_are_listed(server: RunningServer) -> None:
    items = server.ask("/timezones").json["items"]
    assert {"UTC", "Asia/Seoul", "Europe/Berlin"} <= set(items)
    assert items == sorted(items)
