"""A scheduler dies or fails before and after each of its commits; the next ones make it good."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LONG = os.environ.get("NBFLOW_CHAOS") == "1"
SUPPORT = Path(__file__).parents[1] / "support"
POINTS = ("register", "tick", "advance", "claim", "renew", "finish", "reap")
ACTIONS = {"kill": -9, "exc": 1, "commit_then_raise": 1}
ALL = [(point, side, action) for point in POINTS for side in ("pre", "post") for action in ACTIONS]
SHORT = [(point, "post", "kill") for point in ("tick", "claim", "finish", "reap")]
CASES = ALL if LONG else SHORT


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("point", "side", "action"), CASES)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"] if LONG else ["sqlite"])
def test_whatever_commit_a_scheduler_dies_at_nothing_is_lost_or_done_twice(
    new_url, tmp_path, backend: str, point: str, side: str, action: str
) -> None:
    options = {"url": new_url(backend), "home": str(tmp_path), "seconds": 3, "seed": 0}
    options["fault"] = f"{point}.{side}_commit:1:{action}"
    done = subprocess.run(
        [sys.executable, "-m", "storms.crash", json.dumps(options)],
        env={**os.environ, "PYTHONPATH": str(SUPPORT), "NBFLOW_FAULT": ""},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["violations"] == {}, report
    assert report["runs"] > 0
    if action == "kill":
        assert report["end"] == ACTIONS[action], "the point was not met"
