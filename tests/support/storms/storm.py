"""``python -m storms.storm '{"url": …}'``: one storm over one metastore; prints what came of it."""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from noop_executor import NoopExecutor
from small_dags import STOPS

from nbflow import faults
from nbflow.app import open_service
from nbflow.metastore import Looks, Metastore, RunFilter, check, open_metastore
from nbflow.model.states import RunKind, RunState
from nbflow.service import leases, run_loop, scheduler
from nbflow.service.background import Background, Job
from nbflow.service.checking import rules
from nbflow.service.dags import DeployOptions
from nbflow.service.notices import Relay
from nbflow.service.scheduler import Scheduler
from nbflow.service.service import Service
from nbflow.settings import Settings
from storms.mutants import MUTANTS
from storms.told import deliveries, receiver, unanswered, untold

LEASE = 1.0
SPEED = 120.0
"""The calendar's seconds in one: a schedule of every minute fires twice a second."""
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
WENT_ON = 2
"""How a scheduler's process ends that met its fault and worked on to the end of its time."""
POINTS = (
    "tick", "advance", "claim", "renew", "finish", "reap", "hand_back", "fire", "notice_plan",
    "notice_take", "notice_settle",
)  # fmt: skip
SHAPES: dict[str, tuple[tuple[str, str], ...]] = {
    "chain": (("x = 1", "a"), ("y = x + 1", "b"), ("print(y)", "c")),
    "join": (("x = 1", "a"), ("y = 2", "b"), ("z = 3", "c"), ("print(x + y + z)", "d")),
    "retry": (("x = 1", "a"), ("y = x + 1", "b"), ("z = x + 2", "c"), ("print(y + z)", "d")),
    "after": (("x = 1", "a"), ("print(x)", "b")),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "retry": {"retries": 2, "retry_delay": 20}, "join": {"pool": "narrow"},
}  # fmt: skip
LONGER = 60.0
"""Seconds that a storm may go on for, beyond its own."""
PATIENCE = 3.0
"""Seconds that a blow waits for tasks to begin."""
OVER = "over"
"""The file in the home whose coming ends schedulers that were left to work."""
WATCHED, WATCHING = "chain", "after"
"""Every end of a run of the one sets off a run of the other."""


@dataclass(frozen=True, kw_only=True)
class Storm:
    """What to do: for how long, to whom, and with which guard taken out."""

    url: str
    home: str
    seconds: float
    """On a busy machine it goes on until enough has happened."""
    seed: int
    stalls: float = 0.3
    """The share of stalls; the others are kills."""
    mutant: str = ""
    workers: int = 3
    slots: int = 2
    pause: float = 0.1
    """Seconds between two blows, at least; four times as many at most, or until tasks were begun."""
    standstill: float = 4.0
    """How long nothing may happen before what is left counts as stuck: more than a lease and a look."""
    linger: float = float("inf")
    """For how long a scheduler works on that met its fault."""
    lease: float = LEASE
    """Seconds that a task is a scheduler's without a renewal."""


@dataclass(kw_only=True)
class Report:
    """What came of it."""

    seed: int
    kills: int = 0
    stalls: int = 0
    crashes: int = 0
    runs: int = 0
    attempts: int = 0
    lost: int = 0
    missed: int = 0
    triggered: int = 0
    notices: int = 0
    deliveries: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)


class FastClock:
    """A calendar that runs ahead of the clock on the wall."""

    def __init__(self, begun: float) -> None:
        self.begun = begun

    def wall(self) -> datetime:
        return FIRST + timedelta(seconds=(time.monotonic() - self.begun) * SPEED)

    def monotonic(self) -> float:
        return time.monotonic()

    def real(self, at: datetime) -> float:
        """Return when it was an instant of the calendar, by the monotonic clock."""
        return self.begun + (at - FIRST).total_seconds() / SPEED


def hurry(lease: float = LEASE) -> None:
    """Let everything that schedulers do now and then be done more often, as leases are shorter."""
    leases.RENEW_EVERY, leases.TRUST = 0.2 * lease, 0.7 * lease
    scheduler.REAP_EVERY, scheduler.GLANCE, run_loop.GLANCE = 0.5, 0.1, 0.1


def storm(what: Storm) -> Report:
    """Make the metastore, let schedulers work in it while they are killed and stalled, look."""
    hurry(what.lease)
    if what.mutant:
        MUTANTS[what.mutant]()
    report = Report(seed=what.seed)
    with receiver(Path(what.home)) as hook:
        settings, clock = begin(what, hook)
        _rage(what, settings, clock, report)
        drain(what, settings, clock)
    look(what, settings, clock, report)
    return report


def begin(what: Storm, hook: str) -> tuple[Settings, FastClock]:
    """Deploy the DAGs, whose failures and recoveries are told at an address."""
    settings = Settings(
        home=Path(what.home), database_url=what.url, slots=what.slots, notify_allowed="127.0.0.1"
    )
    clock = FastClock(time.monotonic())
    os.environ["HOOK"] = hook
    _deploy(settings, clock, what.home)
    return settings, clock


def _deploy(settings: Settings, clock: FastClock, home: str) -> None:
    with open_service(settings, clock=clock) as service:
        service.store.pools.set("narrow", 2)
        for name, cells in SHAPES.items():
            path = Path(home, f"{name}.ipynb")
            path.write_text(json.dumps(_notebook(name, cells)))
            service.deploy(path, options=DeployOptions(confirmed=True))


def _notebook(name: str, cells: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    dag: dict[str, Any] = {"max_active_runs": 6, "notify": [{"webhook": "$HOOK"}]}
    if name == WATCHING:
        dag |= {"on": [{"dag": WATCHED, "state": "end"}]}
    else:
        dag |= {"schedule": "every 1m", "catchup": "all"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "nbflow": {"version": 1, "dag": dag},
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {
                    "tags": [f"task:{task}"],
                    "nbflow": {"task": {"max_lost": 1000} | OPTIONS.get(name, {})},
                },
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, (source, task) in enumerate(cells)
        ],
    }


def _work(what: Storm, settings: Settings, clock: FastClock, fault: str, until: float) -> None:
    """One scheduler, for as long as it lives."""
    faults._spec = fault
    with open_service(settings, clock=clock) as service:
        service.store.lease = what.lease
        telling = Job(name="notices", every=0.1, work=Relay.of(service).work)
        with _executor(what) as executor, Background(telling, clock) as background:
            works = Scheduler(
                service=service,
                executor=executor,  # type: ignore[arg-type]
                drain_timeout=0.0,
                before_step=background.poke,
            )
            over = Path(what.home, OVER)
            while time.monotonic() < until and not over.exists():
                works.step(scheduler.GLANCE)
                if _was_met(fault):
                    until = min(until, time.monotonic() + what.linger)


def _executor(what: Storm) -> NoopExecutor:
    chance = random.Random()
    return NoopExecutor(
        lasts=lambda: chance.choice((0.0, 0.01, 0.05, 0.3)),
        fails=0.1,
        effects=Path(what.home, "effects"),
    )


def fork(what: Storm, settings: Settings, clock: FastClock, fault: str, until: float) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        random.seed()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(os.open(Path(what.home, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        _work(what, settings, clock, fault, until)
        code = WENT_ON if _was_met(fault) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    os._exit(code)


def _was_met(fault: str) -> bool:
    name, _, rest = fault.partition(":")
    return bool(fault) and faults._hits[name] >= int(rest.split(":")[0])


def _rage(what: Storm, settings: Settings, clock: FastClock, report: Report) -> None:
    chance = random.Random(what.seed)
    end = time.monotonic() + what.seconds
    alive: list[int] = []
    wakes: dict[int, float] = {}
    begun = 0
    while (now := time.monotonic()) < end or _is_early(what, settings, clock, report, now - end):
        for pid in tuple(alive):
            if os.waitpid(pid, os.WNOHANG)[0]:
                alive.remove(pid)
                wakes.pop(pid, None)
                report.crashes += 1
        while len(alive) < what.workers:
            alive.append(fork(what, settings, clock, _fault(chance), end + 2 * LONGER))
        for pid in [pid for pid, at in wakes.items() if at <= now]:
            os.kill(pid, signal.SIGCONT)
            del wakes[pid]
        time.sleep(chance.uniform(what.pause, 4 * what.pause))
        begun = _wait_for_tasks(what, begun)
        victim = chance.choice(alive)
        if victim in wakes:
            continue
        if chance.random() < what.stalls:
            os.kill(victim, signal.SIGSTOP)
            wakes[victim] = time.monotonic() + chance.uniform(0.5, 2.5)
            report.stalls += 1
        else:
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            alive.remove(victim)
            report.kills += 1
    # Those that were stalled wake once more: their late ends are what fencing is for.
    for pid in wakes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    time.sleep(0.5)
    for pid in alive:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _wait_for_tasks(what: Storm, before: int) -> int:
    """Wait for four tasks to begin: blows faster than that on a busy machine let nothing happen.
    Return the size of the file with a line for each.
    """
    effects, last = Path(what.home, "effects"), time.monotonic() + PATIENCE
    size = before
    while time.monotonic() < last:
        text = effects.read_bytes() if effects.exists() else b""
        size = len(text)
        if text.count(b"\n", before) >= 4:
            break
        time.sleep(0.02)
    return size


def _is_early(
    what: Storm, settings: Settings, clock: FastClock, report: Report, over: float
) -> bool:
    """Return whether there were few blows yet, or runs that others set off, or nothing to tell."""
    if over > LONGER:
        return False
    if report.kills + report.stalls < 2 * what.seconds:
        return True
    # Not a service: that would reap, too.
    store = open_metastore(settings.database_url, clock=clock)
    try:
        return _triggered(store) < what.seconds / 2 or not store.notices.all(limit=1)
    finally:
        store.close()


def _triggered(store: Metastore) -> int:
    return sum(run.kind is RunKind.TRIGGERED for run in store.list_runs(RunFilter(limit=100_000)))


def _fault(chance: random.Random) -> str:
    if chance.random() < 0.7:
        return ""
    side, action = chance.choice(tuple(STOPS))
    return f"{chance.choice(POINTS)}.{side}_commit:{chance.randint(1, 12)}:{action}"


def drain(what: Storm, settings: Settings, clock: FastClock) -> None:
    """Let one scheduler end what is left, and tell it; no new slots."""
    with open_service(settings, clock=clock) as service:
        service.store.lease = what.lease
        for name in SHAPES:
            service.store.pause(name, paused=True)  # type: ignore[arg-type]
        for run in _runs(service):
            if run.state is RunState.QUEUED and run.kind in (RunKind.SCHEDULED, RunKind.TRIGGERED):
                # The pause holds it back.
                service.cancel_run(run.id)
        with _executor(what) as executor:
            works = Scheduler(service=service, executor=executor)  # type: ignore[arg-type]
            relay = Relay.of(service)
            seen, moved = 0, time.monotonic()
            while time.monotonic() < moved + what.standstill and _unfinished(service):
                works.step(scheduler.GLANCE)
                told = relay.work()
                newest = service.store.events(seen, limit=100_000)
                if newest or told:
                    moved = time.monotonic()
                    seen = newest[-1].seq if newest else seen


def _unfinished(service: Service) -> bool:
    store = service.store
    return (
        any(not run.state.is_final for run in _runs(service))
        or bool(store.triggers.events())
        or any(notice.due is not None for notice in store.notices.all(limit=100_000))
        or store.notices.has_work()
    )


def _runs(service: Service) -> list[Any]:
    return service.store.list_runs(RunFilter(limit=100_000))


def look(what: Storm, settings: Settings, clock: FastClock, report: Report) -> None:
    """Ask the checker, and count what came of it."""
    looks = Looks(
        rules=rules(), drained=True, sent=True, lease=what.lease, reap_every=0.5, clock=clock
    )
    found = check(what.url, looks)
    report.violations = dict(Counter(one.code for one in found))
    report.examples = [f"{one.code} {one.what}" for one in found[:8]]
    twice = Counter(
        tuple(line.split()[:3]) for line in Path(what.home, "effects").read_text().splitlines()
    )
    again = [key for key, count in twice.items() if count > 1]
    if again:
        report.violations["I31"] = report.violations.get("I31", 0) + len(again)
    with open_service(settings, clock=clock) as service:
        _look_around(service, Path(what.home), report)
        runs = _runs(service)
        report.runs = len(runs)
        for run in runs:
            attempts = service.store.attempts(run.id)
            report.attempts += len(attempts)
            report.lost += sum(one.outcome == "lost" for one in attempts)
        report.missed = sum(len(service.store.missed(name, limit=10_000)) for name in SHAPES)  # type: ignore[arg-type]


def _look_around(service: Service, home: Path, report: Report) -> None:
    """Compare what was told, and set off, with what happened."""
    received = deliveries(home)
    db = service.store.db
    for name, found in {
        "told": db.read(lambda connection: untold(connection, received)),
        "set off": db.read(lambda connection: unanswered(connection, WATCHED, WATCHING)),
    }.items():
        if found:
            report.violations[name] = len(found)
            report.examples += found[:4]
    report.notices = len(service.store.notices.all(limit=100_000))
    report.deliveries = received.total()
    report.triggered = _triggered(service.store)


if __name__ == "__main__":
    print(json.dumps(asdict(storm(Storm(**json.loads(sys.argv[1]))))))
