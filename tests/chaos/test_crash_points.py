"""A scheduler dies or fails before and after each of its commits; the next ones make it good."""

import pytest
from storms.child import LONG, report_of, run_child

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
    report = report_of(run_child("crash", options, timeout=110))
    assert report["violations"] == {}, report
    assert report["runs"] > 0
    if action == "kill":
        assert report["end"] == ACTIONS[action], "the point was not met"
