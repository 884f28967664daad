"""Schedulers are killed and stalled at random; what is left must be sound, and a design with one
guard taken out must not be. What they end is told to a real server, and sets off other runs.
``make chaos`` (NBFLOW_CHAOS=1) takes longer, over more seeds.
"""

import json
import time
from pathlib import Path

import pytest
from storms.child import LONG, SECONDS, report_of, run_child

ROUNDS = range(5 if LONG else 1)
MIXES = {"kills": 0.3, "stalls": 0.7}
# Each mutant where its missing guard counts: on SQLite all writers wait for each other anyway.
MUTANTS = {
    "noslot": ("sqlite", "kills"),
    "noguard": ("sqlite", "kills"),
    "nofence": ("sqlite", "stalls"),
    "noreap": ("sqlite", "kills"),
    "norunlock": ("postgresql", "kills"),
    "lostevent": ("sqlite", "kills"),
    "untold": ("sqlite", "kills"),
}


def storm(
    tmp_path: Path, url: str, mix: str, seconds: float, mutant: str = "", **more: float
) -> dict:
    """Run a storm in a process of its own, since it forks and changes the code."""
    seed = time.time_ns() % 1_000_000
    options = {"url": url, "home": str(tmp_path), "seconds": seconds, "seed": seed}
    options |= {"stalls": MIXES[mix], "mutant": mutant} | more
    report = report_of(run_child("storm", options, timeout=600))
    print(mix, mutant, json.dumps(report))
    return report


@pytest.mark.fault(2, 22, 23)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", ROUNDS)
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_whatever_is_killed_or_stalled_the_metastore_stays_sound_and_every_run_ends(
    new_url, tmp_path, backend: str, mix: str, turn: int
) -> None:
    report = storm(tmp_path, new_url(backend), mix, SECONDS if LONG else 5)
    assert report["violations"] == {}, report
    assert report["kills"] + report["stalls"] > 3
    assert report["runs"] > 5
    assert 0 < report["notices"] <= report["deliveries"]
    assert report["triggered"] > 0


# A join is lost only if two ends meet: too rare for a short storm, so test_lost_join.py makes it sure.
# That few are told of little in a short storm, too, and test_metastore_notices.py kills at each commit.
SHORT = [mutant for mutant in MUTANTS if mutant not in ("norunlock", "untold")]
MORE = {
    # The tasks of one run must end in different processes at the same moment.
    "norunlock": {"slots": 1, "pause": 0.3},
    # Who is stalled must hold much.
    "nofence": {"slots": 4},
}


@pytest.mark.fault(22, 23)
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mutant", MUTANTS if LONG else SHORT)
def test_a_design_without_one_guard_is_found_out(new_url, tmp_path, mutant: str) -> None:
    backend, mix = MUTANTS[mutant]
    more = MORE.get(mutant, {})
    reports = []
    for turn in range(4):
        home = tmp_path / str(turn)
        home.mkdir()
        reports.append(
            storm(home, new_url(backend), mix, SECONDS / 2 if LONG else 4, mutant, **more)
        )
        if reports[-1]["violations"]:
            return
    pytest.fail(f"the checker saw nothing wrong with {mutant}: {reports}")
