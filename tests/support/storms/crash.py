"""``python -m storms.crash '{"url": …, "fault": …}'``: one scheduler dies at one point; then others."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from nbflow.service import drive, leases, scheduler
from nbflow.settings import Settings
from storms import storm
from storms.storm import FastClock, Report, Storm

FIRST_DEATH = "finish.pre_commit:2:kill"


def crash(what: Storm, fault: str) -> tuple[Report, int]:
    """Let a scheduler be killed, so that there is something to reap, and the next one meet
    ``fault``; then end what is left. Returns what came of it, and how the second one ended.
    """
    leases.RENEW_EVERY, leases.TRUST = 0.2, 0.7
    scheduler.REAP_EVERY, scheduler.GLANCE, drive.GLANCE = 0.1, 0.1, 0.1
    settings = Settings(home=Path(what.home), database_url=what.url, slots=what.slots)
    clock = FastClock(time.monotonic())
    storm._deploy(settings, clock, what.home)
    ends = []
    for one in (FIRST_DEATH, fault):
        pid = storm._fork(what, settings, clock, one, time.monotonic() + what.seconds)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    report = Report(seed=what.seed, kills=ends.count(-9), crashes=ends.count(1))
    storm._drain(what, settings, clock)
    storm._look(what, settings, clock, report)
    return report, ends[1]


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    fault = options.pop("fault")
    report, end = crash(Storm(**options), fault)
    print(json.dumps(asdict(report) | {"end": end}))
