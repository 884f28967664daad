"""Lists that come in parts and by filters, and refusals in the language that was asked for."""

import json
import re
import urllib.parse
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jupyter_servers import RunningServer

HANGUL = re.compile("[가-힣]")
SOME = ("alpha", "beta", "감마", "delta")


def notebook(**dag: Any) -> str:
    cell = {"cell_type": "code", "id": "c", "source": "%%task load\nn = 1", "outputs": []}
    cell |= {"metadata": {}, "execution_count": None}
    nbflow = {"version": 1, "dag": dag}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"nbflow": nbflow}, "cells": [cell]}
    return json.dumps(document)


@pytest.fixture(scope="module")
def listed(server: RunningServer) -> RunningServer:
    for name in SOME:
        text = notebook(owner="dana" if name == "beta" else "", schedule="@daily")
        (server.root / f"{name}.ipynb").write_text(text, encoding="utf-8")
        assert server.ask("/dags", "POST", {"path": f"{name}.ipynb"}).status == 200
    server.ask("/dags/delta", "PATCH", {"paused": True})
    return server


def names(server: RunningServer, **query: Any) -> list[str]:
    found = server.ask(f"/dags?{urllib.parse.urlencode(query)}").json
    return [one["dag_id"] for one in found["items"]]


def test_the_dags_come_in_parts_that_make_up_the_whole(listed: RunningServer) -> None:
    whole = names(listed)
    found, cursor = [], None
    for _ in whole:
        asked = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        part = listed.ask(f"/dags?{urllib.parse.urlencode(asked)}").json
        found += [one["dag_id"] for one in part["items"]]
        cursor = part["next"]
    assert cursor is None
    assert found == whole == sorted(whole)
    assert set(SOME) <= set(found)


def test_dags_are_found_by_their_words_and_by_whether_they_are_paused(
    listed: RunningServer,
) -> None:
    assert names(listed, search="DANA") == ["beta"]
    assert names(listed, search="감") == ["감마"]
    assert set(names(listed, paused="true")) & set(SOME) == {"delta"}
    assert names(listed, paused="false", limit=2) == ["alpha", "beta"]


def test_a_cursor_that_no_list_gave_is_refused(listed: RunningServer) -> None:
    for place in ("/dags", "/backfills", "/runs"):
        refused = listed.ask(f"{place}?cursor=nowhere")
        assert (refused.status, refused.json["field"]) == (422, "cursor")


def test_backfills_come_in_parts_and_by_their_state(listed: RunningServer) -> None:
    made = []
    for day in (1, 2, 3):
        days = {"first": f"2020-01-0{day}", "last": f"2020-01-0{day}", "before_start": True}
        asked = {"dag_id": "alpha", **days}
        made.append(listed.ask("/backfills", "POST", asked).json["backfill_id"])
    listed.ask(f"/backfills/{made[0]}/cancel", "POST", {})

    def ids(query: str) -> Any:
        return {one["backfill_id"] for one in listed.ask(f"/backfills?{query}").json["items"]}

    first = listed.ask("/backfills?dag_id=alpha&limit=2").json
    rest = listed.ask(f"/backfills?dag_id=alpha&limit=2&cursor={first['next']}").json
    parts = [one["backfill_id"] for part in (first, rest) for one in part["items"]]
    assert (len(first["items"]), rest["next"]) == (2, None)
    assert sorted(parts) == sorted(made)
    assert ids("state=running") == set(made[1:])
    assert ids("dag_id=beta") == set()


def test_of_no_dag_there_is_no_schedule_either(listed: RunningServer) -> None:
    refused = listed.ask("/dags/alfa/schedule")
    assert refused.status == 404
    assert refused.json["detail"] == "There is no DAG 'alfa'."
    assert "alpha" in refused.json["hint"]


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("/dags", {}),
        ("/dags", {"path": "a\0b"}),
        ("/dags", {"path": "a.ipynb", "owner": "me"}),
        ("/dags", {"path": 1}),
        ("/dags", {"path": "a.ipynb", "confirmed": "perhaps"}),
        ("/dags", {"path": "a.ipynb", "replaces": "any longer"}),
        ("/dags", ["path"]),
        ("/dags", {"path": "a" * 5000}),
        ("/dags", {"path": ""}),
        ("/backfills", {"dag_id": "a", "first": "1", "last": "1", "max_active": 0}),
        ("/backfills", {"dag_id": "a", "first": "1", "last": "1", "max_active": "many"}),
        ("/backfills", {"dag_id": "a", "first": "1", "last": "1", "reprocess": "perhaps"}),
        ("/runs", {"path": "a.ipynb", "tasks": "all"}),
        ("/runs", {"path": "a.ipynb", "parameters": [1]}),
        ("/marks", {"path": "a.ipynb", "notebook": {}, "change": {"kind": "paint"}}),
        ("/marks", {"path": "a.ipynb", "notebook": {}, "change": {}}),
        ("/marks", {"path": "a.ipynb", "notebook": {}, "change": {"kind": "tasks", "items": []}}),
        ("/runs?limit=many", None),
        ("/runs?limit=1000", None),
        ("/runs?state=lost", None),
        ("/runs/manual__20260101T000000Z__aaaaaaaa/comparison?other=x", None),
        ("/activity?since=yesterday", None),
        ("/activity?since=1", None),
        ("/activity?since=2026-03-01", None),
        ("/dags/a/calendar?first=soon&last=2026-03-01", None),
    ],
)
def test_who_works_in_korean_reads_in_korean_what_is_wrong_with_a_field(
    server: RunningServer, place: str, body: Any
) -> None:
    method = "GET" if body is None else "POST"
    korean = {**server.headers, "Accept-Language": "ko"}
    refused = server.ask(place, method, body, headers=korean)
    assert refused.status == 422
    assert HANGUL.search(refused.json["detail"]), refused.json["detail"]
    english = server.ask(place, method, body).json["detail"]
    assert not HANGUL.search(english)
    assert "nput should" not in english


def test_a_dag_that_would_make_very_many_runs_stays_paused_until_that_is_agreed_to(
    server: RunningServer,
) -> None:
    begin = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}"
    text = notebook(schedule="* * * * *", start_date=begin, catchup="all")
    (server.root / "flood.ipynb").write_text(text, encoding="utf-8")
    deploy = {"path": "flood.ipynb", "confirmed": True}
    assert server.ask("/dags", "POST", deploy).status == 200
    assert server.ask("/dags/flood", "PATCH", {"paused": True}).json["changed"]
    refused = server.ask("/dags/flood", "PATCH", {"paused": False})
    assert (refused.status, refused.json["code"]) == (422, "NBF224")
    assert re.search(
        r"flood stays paused: unpausing it would make 144\d runs", refused.json["detail"]
    )
    assert "`confirmed` of the API" in refused.json["hint"]
    headers = server.headers | {"Accept-Language": "ko"}
    korean = server.ask("/dags/flood", "PATCH", {"paused": False}, headers=headers).json
    assert all(HANGUL.search(korean[key]) for key in ("title", "detail", "hint"))
    assert server.ask("/dags/flood/schedule").json["paused"]
    agreed = server.ask("/dags/flood", "PATCH", {"paused": False, "confirmed": True}).json
    assert agreed["changed"]
    assert agreed["will_run"] > 1000
    # Nothing is asked of one that isn't paused.
    assert not server.ask("/dags/flood", "PATCH", {"paused": False}).json["changed"]
