"""A notebook's way through the API: compiled, deployed, run, failed, looked at, cleared."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from jupyter_servers import RunningServer, of_route
from sqlalchemy import text

from nbflow.app import open_service
from nbflow.model.states import RunState
from nbflow.server.routes import ROUTES
from nbflow.service.service import Service

pytestmark = pytest.mark.kernel
SCHEDULE = {"schedule": "0 6 * * 1-5", "timezone": "Asia/Seoul", "owner": "dana"}
NUMBERS = itertools.count()


def cell(number: int, source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": f"c{number}", "metadata": {"tags": list(tags)},
        "execution_count": None, "outputs": [], "source": source,
    }  # fmt: skip


def document(*cells: dict[str, Any], **dag: object) -> dict[str, Any]:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4, "nbformat_minor": 5, "cells": list(cells),
        "metadata": {"kernelspec": kernel, "nbflow": {"version": 1, "dag": dag}},
    }  # fmt: skip


ETL = document(
    cell(0, "rows = 3", "parameters"),
    cell(1, "data = list(range(rows))\nprint('한글 로그')", "task:load"),
    cell(2, "import nbflow\ntotal = sum(data)\nnbflow.metric('total', total)", "task:sum"),
    cell(3, "assert total < 10, 'too much'\nprint(total)", "task:check"),
    cell(4, "note = 'nobody needs this'"),
    **SCHEDULE,
)


@pytest.fixture(scope="module")
def service(server: RunningServer) -> Iterator[Service]:
    """The same installation, from outside of the server."""
    with open_service() as opened:
        yield opened


def deploy(server: RunningServer, name: str) -> Path:
    path = server.root / "work" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(ETL, ensure_ascii=False), encoding="utf-8")
    reply = server.ask("/dags", "POST", {"path": f"work/{name}.ipynb"})
    assert reply.status == 200, reply.content
    return path


@pytest.fixture(scope="module")
def failed(server: RunningServer, service: Service) -> str:
    """A run whose last task failed, of the deployed notebook. Many look at both, none leaves them changed."""
    report = service.run(deploy(server, "etl"), {"rows": 6})
    assert report.state is RunState.FAILED
    return report.run_id


@pytest.fixture
def own(server: RunningServer) -> str:
    """The same notebook, deployed as a DAG that one test alone changes and runs."""
    return deploy(server, f"own_{next(NUMBERS)}").stem


def test_an_unsaved_notebook_becomes_a_dag_with_reasons_and_a_place_for_every_cell(
    server: RunningServer,
) -> None:
    asked = {"path": "new.ipynb", "notebook": ETL, "pictures": ["svg", "dot", "text"]}
    reply = server.ask("/compile", "POST", asked)
    assert reply.status == 200, reply.content
    found = reply.json
    dag = found["dag"]
    assert (dag["dag_id"], found["drift"]) == ("new", "never")
    assert [task["name"] for task in dag["tasks"]] == ["load", "sum", "check"]
    edge = next(one for one in dag["edges"] if one["target"] == "sum")
    assert (edge["source"], edge["kind"], edge["variable"]) == ("load", "data", "data")
    assert edge["writer"]["cell"] == "c1"
    assert "data" in edge["why"]
    places = {one["cell"]: (one["role"], one["task"], one["tagged"]) for one in dag["membership"]}
    assert places == {
        "c0": ("parameters", None, True), "c1": ("load", "load", True),
        "c2": ("sum", "sum", True), "c3": ("check", "check", True),
        "c4": ("check", "check", False),
    }  # fmt: skip
    assert dag["parameters"][0] | {"help": ""} == {
        "name": "rows", "type": "int", "default": "3", "cell": "c0", "line": 1, "help": "",
    }  # fmt: skip
    assert ElementTree.fromstring(found["pictures"]["svg"]).tag.endswith("svg")
    assert "digraph" in found["pictures"]["dot"]
    assert "check" in found["pictures"]["text"]
    assert found["sketch"] is None


def test_a_client_that_places_and_paints_gets_boxes_wide_enough_for_korean(
    server: RunningServer,
) -> None:
    cells = ("표 = [1]", "특성 = 표", "print(특성)")
    tagged = [cell(n, text, f"task:특성_만들기와_저장_{n}") for n, text in enumerate(cells)]
    asked = {"path": "a.ipynb", "notebook": document(*tagged), "sketch": True}
    korean = {**server.headers, "Accept-Language": "ko"}
    sketch = server.ask("/compile", "POST", asked, headers=korean).json["sketch"]
    assert [box["id"] for box in sketch["boxes"]] == ["n0", "n1", "n2"]
    for box in sketch["boxes"]:
        widest = max(len(line) for line in box["lines"])
        assert "".join(box["lines"]) == box["task"]
        assert box["width"] > 11 * widest
    ends = [(line["source"], line["target"], line["label"]) for line in sketch["lines"]]
    assert ends == [("n0", "n1", "표"), ("n1", "n2", "특성")]
    assert "읽음" in sketch["lines"][0]["title"]


def test_a_large_dag_comes_folded_and_opens_section_by_section(server: RunningServer) -> None:
    cells = [
        one
        for part in range(4)
        for one in (
            {"cell_type": "markdown", "id": f"m{part}", "metadata": {}, "source": f"# Part {part}"},
            *(cell(20 * part + n, f"a{part}_{n} = {n}", f"task:t{part}_{n}") for n in range(20)),
        )
    ]
    asked = {"path": "a.ipynb", "notebook": document(*cells), "sketch": True}
    boxes = server.ask("/compile", "POST", asked).json["sketch"]["boxes"]
    assert [(box["task"], len(box["members"])) for box in boxes] == [
        (f"Part {part}", 20) for part in range(4)
    ]
    opened = server.ask("/compile", "POST", asked | {"unfold": ["Part 2"]}).json["sketch"]["boxes"]
    assert len(opened) == 23


def test_findings_of_a_compile_are_in_the_reader_s_language_and_at_their_cells(
    server: RunningServer,
) -> None:
    broken = document(cell(1, "x = (", "task:a"))
    asked = {"path": "broken.ipynb", "notebook": broken}
    korean = {**server.headers, "Accept-Language": "ko"}
    for headers, word in ((server.headers, "cell"), (korean, "셀")):
        finding = server.ask("/compile", "POST", asked, headers=headers).json["dag"]["diagnostics"][
            0
        ]
        assert (finding["severity"], finding["cell"]) == ("error", "c1")
        assert word in finding["message"] + finding["hint"]


def test_a_notebook_with_errors_is_not_deployed_and_all_of_them_are_told(
    server: RunningServer,
) -> None:
    broken = document(cell(1, "x = (", "task:a"), cell(2, "y = [", "task:b"))
    (server.root / "broken.ipynb").write_text(json.dumps(broken), encoding="utf-8")
    reply = server.ask("/dags", "POST", {"path": "broken.ipynb"})
    assert (reply.status, reply.json["code"]) == (422, "NBF200")
    errors = [one for one in reply.json["diagnostics"] if one["severity"] == "error"]
    assert {one["cell"] for one in errors} == {"c1", "c2"}


def test_a_deployed_dag_is_listed_and_shown_with_its_schedule_in_words(
    server: RunningServer, failed: str
) -> None:
    listed = next(one for one in server.ask("/dags").json["items"] if one["dag_id"] == "etl")
    assert (listed["owner"], listed["paused"], listed["last_run"]) == ("dana", False, failed)
    assert "Monday" in listed["schedule_in_words"]
    shown = server.ask("/dags/etl").json
    assert shown["about"] == listed
    assert [task["name"] for task in shown["dag"]["tasks"]] == ["load", "sum", "check"]
    assert shown["dag"]["notebooks"] == ["work/etl.ipynb"]
    schedule = server.ask("/dags/etl/schedule").json
    assert "월요일" in schedule["words"]["ko"]
    assert [one["local"][11:] for one in schedule["next"]] == ["06:00:00+09:00"] * 5
    versions = server.ask("/dags/etl/versions").json["items"]
    assert [(one["number"], one["is_current"]) for one in versions] == [(1, True)]
    assert versions[0]["version"] == shown["dag"]["digest"]


def test_whether_the_open_notebook_is_what_is_deployed_is_told(
    server: RunningServer, own: str
) -> None:
    asked = {"path": f"RTC:work/{own}.ipynb", "notebook": ETL}
    assert server.ask("/compile", "POST", asked).json["drift"] == "same"
    edited = {**ETL, "cells": [*ETL["cells"], cell(9, "z = 1", "task:more")]}
    reply = server.ask("/compile", "POST", asked | {"notebook": edited})
    assert reply.json["drift"] == "differs"
    saved = server.root / "work" / f"{own}.ipynb"
    kept = saved.read_bytes()
    about = server.ask(f"/dags/{own}").json["about"]
    assert (about["drift"], about["path"]) == ("same", f"work/{own}.ipynb")
    saved.write_text(json.dumps(edited), encoding="utf-8")
    assert server.ask(f"/dags/{own}").json["about"]["drift"] == "differs"
    saved.unlink()
    listed = next(one for one in server.ask("/dags").json["items"] if one["dag_id"] == own)
    assert listed["drift"] == "missing"
    saved.write_bytes(kept)
    assert server.ask(f"/dags/{own}").json["about"]["drift"] == "same"


def test_a_notebook_without_tasks_is_given_some_and_nothing_is_written(
    server: RunningServer,
) -> None:
    plain = document(cell(1, "a = 1"), cell(2, "b = a + 1"), cell(3, "c = 2"))
    reply = server.ask("/suggestions", "POST", {"path": "p.ipynb", "notebook": plain, "by": "cell"})
    assert reply.status == 200, reply.content
    names = {one["cell"]: one["task"] for one in reply.json["items"]}
    assert names.keys() == {"c2", "c3"}  # the first only binds a constant: it is setup
    assert [task["name"] for task in reply.json["dag"]["tasks"]] == list(names.values())
    assert not (server.root / "p.ipynb").exists()


def test_what_was_deployed_can_be_compared_with_what_is_open(
    server: RunningServer, failed: str
) -> None:
    found = server.ask("/dags/etl/notebooks").json
    assert [(one["path"], one["name"]) for one in found["items"]] == [
        ("work/etl.ipynb", "etl.ipynb")
    ]
    sources = ["".join(one["source"]) for one in found["items"][0]["notebook"]["cells"]]
    assert sources == [one["source"] for one in ETL["cells"]]
    again = server.ask(f"/dags/etl/notebooks?version={found['version']}").json
    assert again == found
    assert server.ask("/dags/etl/notebooks?version=" + "0" * 64).status == 404
    assert server.ask("/dags/etl/notebooks?version=..").status == 422


def test_notebooks_of_the_dags_folder_that_can_not_be_deployed_are_told(
    server: RunningServer, service: Service
) -> None:
    folder = service.settings.dags_folder
    folder.mkdir(parents=True, exist_ok=True)
    bad = folder / "bad.ipynb"
    bad.write_text("{", encoding="utf-8")
    found = server.ask("/import-errors").json["items"]
    bad.unlink()
    assert [one["path"].endswith("bad.ipynb") for one in found] == [True]
    assert found[0]["code"].startswith("NBF0")


def test_a_run_is_told_with_its_tasks_attempts_cells_errors_and_values(
    server: RunningServer, failed: str
) -> None:
    shown = server.ask(f"/runs/{failed}").json
    assert (shown["run"]["state"], shown["run"]["parameters"]) == ("failed", {"rows": 6})
    assert shown["run"]["timezone"] == "Asia/Seoul"
    states = {one["task"]: one["state"] for one in shown["tasks"]}
    assert states == {"load": "success", "sum": "success", "check": "failed"}
    assert shown["metrics"] == {"sum": {"total": 15.0}}
    task = server.ask(f"/runs/{failed}/tasks/check").json
    (attempt,) = task["attempts"]
    assert (attempt["outcome"], attempt["error"]["name"]) == ("failed", "AssertionError")
    assert "\x1b" not in attempt["error"]["traceback"]
    cells = [(one["cell"], one["status"]) for one in attempt["cells"]]
    assert cells == [("c3", "failed"), ("c4", "not_run")]
    values = server.ask(f"/runs/{failed}/tasks/load").json["values"]
    assert ("data", "list") in {(one["name"], one["type"]) for one in values}
    metrics = server.ask(f"/runs/{failed}/metrics?other={failed}").json["items"]
    assert metrics == [
        {"task": "sum", "name": "total", "value": 15.0, "other": 15.0, "change": 0.0}
    ]


def test_what_happens_in_a_run_is_told_step_by_step(server: RunningServer, failed: str) -> None:
    whole = server.ask(f"/runs/{failed}/events").json
    moves = [(one["task"], one["target"]) for one in whole["items"]]
    assert moves[-1] == (None, "failed")
    assert moves.index(("load", "success")) < moves.index(("check", "running"))
    parts: list[Any] = []
    since = 0
    while part := server.ask(f"/runs/{failed}/events?since={since}&limit=2").json["items"]:
        parts += part
        since = part[-1]["seq"]
    assert parts == whole["items"]
    assert server.ask("/runs/manual__20200101T000000Z__aaaaaaaa/events").status == 404


def test_a_log_is_read_part_by_part_and_no_character_is_cut(
    server: RunningServer, failed: str
) -> None:
    whole = server.ask(f"/runs/{failed}/tasks/load/log").json
    assert "한글 로그" in whole["text"]
    assert whole["is_complete"]
    parts, offset = "", 0
    while True:
        part = server.ask(f"/runs/{failed}/tasks/load/log?offset={offset}&limit=7").json
        parts += part["text"]
        offset = part["next_offset"]
        if part["is_complete"]:
            break
    assert parts == whole["text"]
    assert server.ask(f"/runs/{failed}/tasks/load/log?try_no=2").status == 404
    assert server.ask(f"/runs/{failed}/tasks/nobody/log").status == 404


@pytest.mark.abuse(3)
def test_executed_notebooks_are_files_in_a_sandbox(server: RunningServer, failed: str) -> None:
    """Row 3 as far as the API goes: no origin of ours, no script, no sniffing."""
    reply = server.ask(f"/runs/{failed}/tasks/check/notebook")
    assert reply.sort == "application/json"
    assert "sandbox" in reply.headers["Content-Security-Policy"].split("; ")
    assert any(o["output_type"] == "error" for c in reply.json["cells"] for o in c["outputs"])
    merged = server.ask(f"/runs/{failed}/notebook").json
    assert [one["id"] for one in merged["cells"]] == ["c0", "c1", "c2", "c3", "c4"]
    assert "rows = 6" in "".join(merged["cells"][0]["source"])
    assert "한글 로그" in json.dumps(merged["cells"][1]["outputs"], ensure_ascii=False)


def test_a_graph_has_the_states_of_a_run(server: RunningServer, failed: str) -> None:
    reply = server.ask(f"/dags/etl/graph?run={failed}")
    assert reply.sort == "image/svg+xml"
    states = {
        node.get("data-task"): node.get("data-state")
        for node in ElementTree.fromstring(reply.content).iter()
        if node.get("data-task")
    }
    assert states == {"load": "success", "sum": "success", "check": "failed"}
    assert server.ask("/dags/etl/graph?format=dot").content.count(b"digraph") == 1
    assert server.ask("/dags/etl/graph?run=manual__20200101T000000Z__aaaaaaaa").status == 404


@pytest.mark.abuse(10)
def test_a_link_in_the_place_of_a_log_or_notebook_is_not_followed(
    server: RunningServer, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Row 10."""
    source = document(cell(1, "print('x')", "task:a"))
    path = server.root / "linked_run.ipynb"
    path.write_text(json.dumps(source), encoding="utf-8")
    run_id = service.run(path).run_id
    secret = tmp_path_factory.mktemp("outside") / "secret"
    secret.write_text('{"secret": 1}', encoding="utf-8")
    folder = server.home / "store" / "runs" / run_id / "a"
    for file in [*folder.rglob("*.ipynb"), *folder.rglob("attempt.log")]:
        file.unlink()
        file.symlink_to(secret)
    for what in ("log", "notebook"):
        reply = server.ask(f"/runs/{run_id}/tasks/a/{what}")
        assert reply.status == 404, what
        assert b"secret" not in reply.content.replace(str(secret).encode(), b"")


@pytest.mark.fault(45)
def test_a_run_that_can_not_be_read_is_named_beside_the_list_of_the_others(
    server: RunningServer, service: Service, failed: str
) -> None:
    before = server.ask("/runs").json
    assert before["unread"] == []

    def write(kind: str) -> None:
        statement = text("UPDATE run SET kind = :kind WHERE id = :id")
        with service.store.db.engine.begin() as connection:
            connection.execute(statement, {"kind": kind, "id": failed})

    write("wished")
    try:
        page = server.ask("/runs").json
    finally:
        write("manual")
    assert page["unread"] == [failed]
    assert page["items"] == [run for run in before["items"] if run["run_id"] != failed]


def test_a_run_is_asked_for_once_per_key_and_cancelled(server: RunningServer, own: str) -> None:
    asked = {"parameters": {"rows": 2}, "key": "once"}
    first = server.ask(f"/dags/{own}/runs", "POST", asked)
    assert first.status == 202
    run_id = first.json["run_id"]
    assert first.json["has_scheduler"] is False
    assert server.ask(f"/dags/{own}/runs", "POST", asked).json["run_id"] is None
    assert server.ask(f"/runs/{run_id}/cancel", "POST", {}).json == {"id": run_id, "changed": True}


@pytest.mark.abuse(22)
@pytest.mark.parametrize(
    "parameters",
    [{"rows": "many"}, {"nobody": 1}, {"x=1\nimport os;": 1}, {"class": 1}, {"rows": [1]}],
    ids=str,
)
def test_parameters_that_the_dag_does_not_take_make_no_run(
    server: RunningServer, failed: str, parameters: dict[str, Any]
) -> None:
    """Row 22."""
    before = server.ask("/runs").json["items"]
    reply = server.ask("/dags/etl/runs", "POST", {"parameters": parameters})
    assert (reply.status, reply.json["code"][:4]) == (422, "NBF4"), reply.content
    assert list(reply.json["parameters"]) == list(parameters)
    assert server.ask("/runs").json["items"] == before


def test_every_parameter_that_does_not_fit_is_told_by_its_name(
    server: RunningServer, failed: str
) -> None:
    asked = {"parameters": {"rows": [1], "nobody": "x"}}
    reply = server.ask("/dags/etl/runs", "POST", asked)
    told = reply.json["parameters"]
    assert told == {
        "nobody": "'nobody' is not a parameter",
        "rows": "rows is int, but [1] is list",
    }


def test_a_failed_run_goes_on_where_it_failed(
    server: RunningServer, service: Service, own: str
) -> None:
    report = service.run(server.root / "work" / f"{own}.ipynb", {"rows": 6})
    assert report.state is RunState.FAILED
    failed = report.run_id
    asked = {"only_failed": True, "dry_run": True}
    reply = server.ask(f"/runs/{failed}/clear", "POST", asked)
    assert reply.json["tasks"] == [{"task": "check", "state": "failed", "becomes": "cleared"}]
    assert not server.ask(f"/runs/{failed}").json["goes_on"]
    assert server.ask(f"/runs/{failed}/clear", "POST", {"only_failed": True}).status == 202
    assert server.ask(f"/runs/{failed}").json["goes_on"]
    assert server.ask(f"/runs/{failed}/cancel", "POST", {}).json["changed"]
    assert server.ask(f"/runs/{failed}/clear", "POST", {"tasks": ["nobody"]}).status == 404


def test_lists_go_on_where_the_part_before_ended(
    server: RunningServer, service: Service, failed: str, own: str
) -> None:
    made = [service.trigger(own, {"rows": number}) for number in range(5)]
    whole = [one["run_id"] for one in server.ask("/runs?limit=200").json["items"]]
    parts: list[str] = []
    path = "/runs?limit=2"
    while path:
        part = server.ask(path).json
        assert len(part["items"]) <= 2
        parts += [one["run_id"] for one in part["items"]]
        path = f"/runs?limit=2&cursor={part['next']}" if part["next"] else ""
    assert parts == whole
    assert len(set(parts)) == len(parts) >= 6
    of_dag = server.ask(f"/runs?dag_id={own}").json["items"]
    assert {one["run_id"] for one in of_dag} == set(made)
    of_state = server.ask("/runs?dag_id=etl&state=failed").json["items"]
    assert [one["run_id"] for one in of_state] == [failed]
    assert server.ask("/runs?dag_id=nobody").json["items"] == []


def test_answers_are_what_the_description_says(server: RunningServer, failed: str) -> None:
    api = server.ask("/openapi.json").json
    names = {"dag_id": "etl", "run_id": failed, "task": "check", "backfill_id": "aaaaaaaa"}
    queries = {
        "/schedules/preview": "?expression=@daily",
        "/notebooks": "?path=etl.ipynb",
        "/dags/{dag_id}/calendar": "?first=2026-11-01&last=2026-11-30",
        "/runs/{run_id}/comparison": f"?other={failed}",
    }
    checked = 0
    for route in (route for route in ROUTES if route.method == "GET" and route.given):
        reply = server.ask(of_route(route.path, **names) + queries.get(route.path, ""))
        answers = api["paths"][route.path]["get"]["responses"]
        if reply.status == 404:
            schema = {"$ref": "#/components/schemas/Problem"}
        else:
            schema = answers[str(reply.status)]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": api["components"]}).validate(reply.json)
        checked += 1
    assert checked > 12


@pytest.mark.abuse(21)
def test_what_a_run_published_is_listed_with_its_tasks_and_nothing_is_loaded(
    server: RunningServer, failed: str
) -> None:
    found = server.ask(f"/runs/{failed}/artifacts").json["items"]
    named = {(one["task"], one["name"]): (one["type"], one["preview"]) for one in found}
    assert named["load", "data"] == ("list", "[0, 1, 2, 3, 4, 5]")
    assert named["sum", "total"][0] == "int"
    of_task = server.ask(f"/runs/{failed}/tasks/load").json["values"]
    assert [one | {"task": "load"} for one in of_task] == [o for o in found if o["task"] == "load"]
    assert server.ask("/runs/manual__20200101T000000Z__aaaaaaaa/artifacts").status == 404


def test_triggers_of_a_dag_are_told_in_words_with_what_is_remembered_of_them(
    server: RunningServer, service: Service, failed: str
) -> None:
    (server.root / "data").mkdir()
    (server.root / "data" / "new.csv").write_text("1")
    on = [{"dag": "etl", "state": "failure"}, {"files": "data/*.csv"},
          {"metric": 'metric("total") < 5', "dag": "etl"}]  # fmt: skip
    page = document(cell(1, "print(1)", "task:tell"), on=on)
    (server.root / "after.ipynb").write_text(json.dumps(page))
    assert server.ask("/dags", "POST", {"path": "after.ipynb"}).status == 200
    found = server.ask("/dags/after/triggers").json
    told = {one["kind"]: one for one in found["items"]}
    assert told["dag"]["words"] == "when etl fails"
    assert told["dag"]["watched"] == "etl"
    assert told["files"]["files"] == 1
    assert told["metric"]["words"] == "when total < 5"
    assert all(one["armed"] and one["fired"] is None for one in found["items"])
    korean = {**server.headers, "Accept-Language": "ko"}
    words = server.ask("/dags/after/triggers", headers=korean).json["items"][0]["words"]
    assert words != told["dag"]["words"]
    assert server.ask("/dags/etl/triggers").json["items"] == []
    assert server.ask("/dags/nobody/triggers").status == 404


def test_a_dag_is_paused_and_let_run_again(server: RunningServer, own: str) -> None:
    paused = server.ask(f"/dags/{own}", "PATCH", {"paused": True}).json
    assert (paused["paused"], paused["changed"]) == (True, True)
    assert server.ask(f"/dags/{own}/schedule").json["paused"]
    assert not server.ask(f"/dags/{own}", "PATCH", {"paused": True}).json["changed"]
    assert server.ask(f"/dags/{own}", "PATCH", {"paused": False}).json["changed"]
    assert server.ask("/dags/nobody", "PATCH", {"paused": True}).status == 404


def test_a_backfill_is_planned_recorded_shown_and_cancelled(
    server: RunningServer, own: str
) -> None:
    now = datetime.now(UTC)
    days = {
        "dag_id": own, "first": (now - timedelta(days=14)).date().isoformat(),
        "last": (now - timedelta(days=1)).date().isoformat(),
    }  # fmt: skip
    planned = server.ask("/backfills", "POST", days | {"dry_run": True}).json
    assert planned["backfill_id"] is None
    assert planned["will_run"] == len(planned["slots"]) > 7
    assert server.ask(f"/backfills?dag_id={own}").json["items"] == []
    in_calendar = {key: days[key] for key in ("first", "last")}
    month = server.ask(f"/dags/{own}/calendar?" + urlencode(in_calendar)).json
    assert month["timezone"] == "Asia/Seoul"
    assert sum(day["no_run"] for day in month["items"]) == planned["will_run"]
    weekdays = {date.fromisoformat(day["day"]).weekday() for day in month["items"]}
    assert weekdays == {0, 1, 2, 3, 4}
    long = urlencode({"first": "2020-01-01", "last": "2024-01-01"})
    assert server.ask(f"/dags/{own}/calendar?{long}").status == 422
    made = server.ask("/backfills", "POST", days).json["backfill_id"]
    shown = server.ask(f"/backfills/{made}").json
    assert (shown["backfill"]["state"], shown["decided"]) == ("running", [])
    assert server.ask("/backfills", "POST", days).status == 422
    assert server.ask(f"/backfills/{made}/cancel", "POST", {}).json["changed"]
    assert server.ask(f"/backfills?dag_id={own}").json["items"][0]["state"] == "cancelled"
    wrong = server.ask("/backfills", "POST", days | {"first": "yesterday"})
    assert wrong.status == 422


@pytest.mark.abuse(3)
def test_the_page_of_a_run_may_stand_in_a_frame_alone(server: RunningServer, failed: str) -> None:
    """Row 3: whatever stands in it, the browser gives it an origin of its own and no network."""
    reply = server.ask(f"/runs/{failed}/page")
    assert (reply.status, reply.sort) == (200, "text/html")
    (policy,) = reply.headers.get_all("Content-Security-Policy") or ()
    assert "sandbox allow-scripts;" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "too much" in reply.content.decode()
