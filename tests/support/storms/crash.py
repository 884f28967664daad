"""``python -m storms.crash '{"url": …, "fault": …}'``: one scheduler dies at one point; then others."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from nbflow.service import scheduler
from storms.storm import Report, Storm, begin, drain, fork, hurry, look
from storms.told import receiver

FIRST_DEATH = "finish.pre_commit:2:kill"


def crash(what: Storm, fault: str) -> tuple[Report, int]:
    """Let a scheduler be killed, so that there is something to reap, and the next one meet
    ``fault``; then end what is left. Returns what came of it, and how the second one ended.
    """
    hurry()
    scheduler.REAP_EVERY = 0.1
    ends = []
    with receiver(Path(what.home)) as hook:
        settings, clock = begin(what, hook)
        for one in (FIRST_DEATH, fault):
            pid = fork(what, settings, clock, one, time.monotonic() + what.seconds)
            ends.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        report = Report(seed=what.seed, kills=ends.count(-9), crashes=ends.count(1))
        drain(what, settings, clock)
    look(what, settings, clock, report)
    return report, ends[1]


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    fault = options.pop("fault")
    report, end = crash(Storm(**options), fault)
    print(json.dumps(asdict(report) | {"end": end}))
