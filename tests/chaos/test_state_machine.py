"""Ticks, claims, ends, stalls, crashes, cancels, clears, edits, backfills and calendars that jump, in
any order: two real schedulers over one real metastore, which the checker looks at after every step.
"""

import pytest
from storms.child import LONG, SECONDS, run_child
from storms.machine import search


@pytest.mark.timeout(7200 if LONG else 300)
def test_no_order_of_steps_leaves_anything_unsound_and_every_run_ends() -> None:
    if LONG:
        search(examples=max(15, round(500 * SECONDS / 60)), steps=50)
    else:
        search(examples=15, steps=20)


# Without shortening what was found: a few seconds each.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", ["nofence", "noslot"] if LONG else ["nofence"])
def test_without_a_guard_an_order_of_steps_that_goes_wrong_is_found(mutant: str) -> None:
    options = {"mutant": mutant, "examples": 30, "steps": 25}
    done = run_child("machine", options, timeout=280)
    found = {"nofence": "an attempt ended twice", "noslot": "two runs of one slot"}[mutant]
    assert done.returncode == 1, done.stderr[-4000:]
    assert found in done.stderr, done.stderr[-4000:]
