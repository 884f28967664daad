"""What triggers, notifications and metrics say on the command line."""

import json
import sqlite3
from pathlib import Path

TAGGED = (
    "# ---\n# jupyter:\n#   nbflow:\n#     version: 1\n#     dag:\n{dag}"
    "#   kernelspec: {{name: python3, display_name: Python 3, language: python}}\n# ---\n\n"
    "# %%\n%%task only\n{source}\n"
)


def write(path: Path, *lines: str, source: str = "x = 1") -> Path:
    dag = "".join(f"#       {line}\n" for line in lines)
    path.write_text(TAGGED.format(dag=dag, source=source), encoding="utf-8")
    return path


def test_lists_say_what_a_dag_waits_for_and_that_its_notebook_differs(nbflow, tmp_path) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    here = {"NBFLOW_DAGS_FOLDER": str(folder), "COLUMNS": "200"}
    on = "on: [{dag: etl}, code, {metric: 'metric(\"loss\") > 3'}, {files: data/*.csv}]"
    path = write(folder / "report.py", on)
    nbflow("dags", "deploy", path, **here)
    table = nbflow("dags", "list", **here)
    assert "when etl succeeds; when its code changes; when loss > 3; when files" in table.stdout
    assert "differ" not in table.stderr
    (row,) = json.loads(nbflow("dags", "list", "-f", "json", **here).stdout)
    assert row["on"][:3] == ["when etl succeeds", "when its code changes", "when loss > 3"]
    write(path, on, source="x = 2")
    assert "Notebooks that differ from what is deployed: report." in (
        nbflow("dags", "list", **here).stderr
    )
    assert "NBF236" in nbflow("lint", path, **here).stdout
    assert "NBF236" in nbflow("run", path, **here).stderr


def test_what_was_missed_is_listed_with_why(nbflow, tmp_path) -> None:
    assert "Nothing was missed." in nbflow("runs", "list", "--missed").stdout
    path = write(
        tmp_path / "hourly.py", "schedule: '@hourly'", "timezone: Asia/Seoul", "catchup: none"
    )
    assert nbflow("dags", "deploy", path).returncode == 0
    with sqlite3.connect(tmp_path / "home" / "nbflow.db") as db:
        (number,) = db.execute("SELECT id FROM schedule").fetchone()
        key = f"slot:{number}:2026-03-01T13:00:00Z"
        db.execute("INSERT INTO missed VALUES ('hourly', ?, 'catchup', 0, 0)", (key,))
        later = key.replace("13:00", "14:00")
        db.execute("INSERT INTO missed VALUES ('hourly', ?, 'paused', 0, 0)", (later,))
    db.close()
    paused, one = json.loads(nbflow("runs", "list", "--missed", "-f", "json").stdout)
    assert (paused["slot"], paused["reason"]) == (
        "2026-03-01T23:00+09:00", "the DAG was paused",
    )  # fmt: skip
    assert one == {
        "dag_id": "hourly", "slot": "2026-03-01T22:00+09:00", "event": None,
        "reason": "no scheduler looked when it passed, and catchup leaves it out",
        "decided": "1970-01-01T00:00:00+00:00",
    }  # fmt: skip
    table = nbflow("runs", "list", "--missed", COLUMNS="200").stdout
    assert "2026-03-01 22:00+09:00" in table
    assert "1970-01-01 09:00+09:00" in table
    korean = nbflow("runs", "list", "--missed", COLUMNS="200", NBFLOW_LANG="ko").stdout
    assert "지나갈 때 보고 있던 스케줄러가 없었고" in korean


def test_a_damaged_time_zone_hides_no_list_and_is_found_by_the_check(nbflow, tmp_path) -> None:
    for name in ("good", "odd"):
        path = write(tmp_path / f"{name}.py", "schedule: '0 6 * * *'", "timezone: Asia/Seoul")
        assert nbflow("dags", "deploy", path).returncode == 0
    with sqlite3.connect(tmp_path / "home" / "nbflow.db") as db:
        (number,) = db.execute("SELECT id FROM schedule WHERE dag_id = 'odd'").fetchone()
        key = f"slot:{number}:2026-03-01T13:00:00Z"
        db.execute("INSERT INTO missed VALUES ('odd', ?, 'catchup', 0, 0)", (key,))
        db.execute("UPDATE schedule SET tz = 'Nowhere/At_All' WHERE dag_id = 'odd'")
    db.close()
    (one,) = json.loads(nbflow("runs", "list", "--missed", "-f", "json").stdout)
    assert one["slot"] == "2026-03-01T13:00+00:00"
    assert "2026-03-01 13:00+00:00" in nbflow("runs", "list", "--missed", COLUMNS="200").stdout
    good, odd = json.loads(nbflow("dags", "list", "-f", "json").stdout)
    assert good["next_run"].endswith(" 06:00+09:00")
    assert odd["next_run"].endswith(" 21:00+00:00")
    asked = nbflow("dags", "state", "odd", "--date", "2026-03-01")
    assert (asked.returncode, "Traceback" in asked.stderr) == (3, False)
    assert "holds 'Nowhere/At_All' where a time zone should be" in asked.stderr
    assert "has no such run" in nbflow("dags", "state", "odd", "--date", "2026-03-01T00Z").stderr
    done = nbflow("db", "check", "-f", "json")
    assert done.returncode == 1, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["code"] == "I41"
    assert "odd: this is no schedule: there is no time zone 'Nowhere/At_All'" in str(found)


def test_lint_names_what_is_wrong_with_triggers_and_notifications(nbflow, tmp_path) -> None:
    path = write(
        tmp_path / "report.py",
        "on: [{metric: accuracy < 0.9}]",
        "notify: [{webhook: https://127.0.0.1/x}]",
    )
    done = nbflow("lint", path)
    assert done.returncode == 1
    assert "NBF117" in done.stdout
    assert "it is 'accuracy < 0.9' now" in done.stdout
    assert "NBF119" in done.stdout
    assert "not a public host" in done.stdout
    assert "NBFLOW_NOTIFY_ALLOW" in done.stdout


def test_metrics_are_printed_and_compared(nbflow, tmp_path) -> None:
    path = tmp_path / "train.py"
    text = '# %% tags=["parameters"]\ngood = 0.5\n\n# %%\n%%task score\nimport nbflow\nnbflow.metric("accuracy", good)\n'
    path.write_text(text, encoding="utf-8")
    assert nbflow("run", path).returncode == 0
    first = json.loads(nbflow("runs", "list", "-f", "json").stdout)[0]["run_id"]
    assert nbflow("run", path, "-p", "good=0.75").returncode == 0
    assert "Metrics of score: accuracy 0.75" in nbflow("runs", "show", "last").stdout
    (row,) = json.loads(nbflow("runs", "metrics", first, "last", "-f", "json").stdout)
    assert row == {
        "task": "score", "metric": "accuracy", "first": 0.5, "second": 0.75, "change": 0.25,
    }  # fmt: skip
    assert nbflow("runs", "metrics", "last", "-f", "plain").stdout == "score\taccuracy\t0.75\n"
    shown = json.loads(nbflow("runs", "show", "last", "-f", "json").stdout)
    assert shown["metrics"] == {"score": {"accuracy": 0.75}}
    assert shown["cause"] is None


def test_without_notifications_there_is_none_to_list_or_to_send_again(nbflow) -> None:
    assert "No notifications." in nbflow("notifications", "list").stdout
    done = nbflow("notifications", "retry", "nothing")
    assert done.returncode == 2
    assert "No notification 'nothing' was given up." in done.stderr
