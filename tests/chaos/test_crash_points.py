"""A scheduler dies, fails or loses a reply at each of its commits; the next ones make it good."""

import pytest
from small_dags import STOPS
from storms.child import LONG, report_of, run_child
from storms.storm import WENT_ON

POINTS = (
    "register", "tick", "advance", "claim", "renew", "finish", "reap", "fire", "notice_plan",
    "notice_take", "notice_settle",
)  # fmt: skip
ALL = [(point, *stop) for point in POINTS for stop in STOPS]
SHORT = {
    "sqlite": [("tick", "post", "kill"), ("reap", "post", "kill"), ("finish", "pre", "exc")],
    "postgresql": [("claim", "post", "kill"), ("advance", "pre", "exc")],
}
SHORT["sqlite"] += [("tick", "post", "commit_then_raise")]
SHORT["postgresql"] += [(point, "post", "commit_then_raise") for point in ("claim", "finish")]
CASES = [(backend, *case) for backend in SHORT for case in (ALL if LONG else SHORT[backend])]


@pytest.mark.fault(1, 2, 17)
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("backend", "point", "side", "action"), CASES)
def test_whatever_commit_a_scheduler_is_stopped_at_nothing_is_lost_or_done_twice(
    new_url, tmp_path, backend: str, point: str, side: str, action: str
) -> None:
    # The seconds are a slow machine's: who has met the point leaves soon.
    options = {"url": new_url(backend), "home": str(tmp_path), "seed": 0, "seconds": 90}
    options["linger"] = 1 if LONG else 0.5
    options["fault"] = f"{point}.{side}_commit:1:{action}"
    report = report_of(run_child("crash", options, timeout=220))
    assert report["violations"] == {}, report
    assert report["runs"] > 0
    # A lost reply is found out about, and what goes wrong beside the loop, or in recording an end, is
    # tried again: who meets these works on, and leaves by itself.
    is_tried_again = point == "finish" or point.startswith("notice_")
    works_on = action == "commit_then_raise" or (action == "exc" and is_tried_again)
    met = WENT_ON if works_on else STOPS[side, action]
    assert report["end"] == met, "the point was not met"
