"""Two real schedulers, one step at a time, in an order that hypothesis chooses and shortens.

``python -m storms.machine '{"mutant": "nofence", "examples": 30, "steps": 25}'`` searches with one
guard taken out, and raises what it finds with the order of steps that led there.
"""

import json
import random
import shutil
import sys
import tempfile
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from small_dags import STOPS

from nbflow import faults
from nbflow.app import open_service
from nbflow.errors import ConflictError, NotFoundError, UsageError
from nbflow.faults import InjectedFaultError
from nbflow.metastore import Looks, RunFilter, RunRow
from nbflow.metastore.checking import _all
from nbflow.model.backfill import Reprocess
from nbflow.model.ids import DagId
from nbflow.model.states import RunKind, RunState
from nbflow.scheduling.notices import next_try
from nbflow.service import backfill, dags
from nbflow.service.backfill import BackfillRequest
from nbflow.service.checking import rules
from nbflow.service.clear import ClearOptions
from nbflow.service.notices import Relay
from nbflow.service.reaping import reap
from nbflow.settings import Settings
from storms.mutants import MUTANTS
from storms.stepped import SteppedClock, SteppedScheduler

LEASE, MINUTE, HOUR = 60.0, 60.0, 3600.0
DAGS = ("chain", "join", "after")
POINTS = (
    "tick", "advance", "claim", "renew", "finish", "reap", "clear", "backfill_chunk", "fire",
)  # fmt: skip
CHAIN: tuple[tuple[str, str], ...] = (("x = 1", "a"), ("y = x + 1", "b"), ("print(y)", "c"))
JOIN: tuple[tuple[str, str], ...] = (("x = 1", "a"), ("y = 2", "b"), ("print(x + y)", "c"))
EDITS: dict[str, tuple[tuple[tuple[tuple[str, str], ...], dict[str, Any]], ...]] = {
    "chain": (
        (CHAIN, {"schedule": "0 * * * *", "catchup": "all", "max_active_runs": 2}),
        (CHAIN, {"schedule": "*/30 * * * *", "catchup": "latest", "max_active_runs": 2}),
        ((*CHAIN, ("print(x, y)", "d")), {"schedule": "20 */2 * * *", "catchup": "all"}),
        (CHAIN[:2], {}),
    ),
    "join": (
        (JOIN, {"schedule": "every 1h", "overlap": "skip"}),
        (JOIN, {"schedule": "every 1h", "overlap": "cancel_other"}),
        (JOIN, {"schedule": "every 90m", "catchup": "all", "max_active_tasks": 1}),
    ),
    "after": (
        (CHAIN[:1], {"on": [{"dag": "chain", "state": "end"}], "max_active_runs": 3}),
        (CHAIN[:2], {"on": [{"dag": "chain"}, {"dag": "join"}], "overlap": "skip"}),
        (CHAIN[:1], {}),
    ),
}
TASKS = {
    "chain": {"retries": 1, "retry_delay": 90, "max_lost": 2},
    "join": {"pool": "narrow", "max_lost": 1},
    "after": {},
}
TOLD = {"notify": [{"webhook": "$HOOK"}]}
NOBODY: Any = None
"""Nothing leaves this machine."""
WORKERS = st.integers(0, 1)
ANY = st.integers(0, 30)
DAG = st.sampled_from(DAGS)


def notebook(dag: str, edit: int) -> str:
    cells, options = EDITS[dag][edit % len(EDITS[dag])]
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {
                "kernelspec": {
                    "name": "python3",
                    "display_name": "Python 3",
                    "language": "python",
                },
                "nbflow": {"version": 1, "dag": options | TOLD},
            },
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{task}",
                    "metadata": {"tags": [f"task:{task}"], "nbflow": {"task": TASKS[dag]}},
                    "execution_count": None,
                    "outputs": [],
                    "source": source,
                }
                for source, task in cells
            ],
        }
    )


def settings_of(home: Path) -> Settings:
    return Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)


@cache
def installed() -> tempfile.TemporaryDirectory[str]:
    """Make a home with both DAGs deployed, once; every machine begins with a copy of it."""
    folder = tempfile.TemporaryDirectory()
    home = Path(folder.name)
    with open_service(settings_of(home), clock=SteppedClock()) as service:
        service.store.pools.set("narrow", 1)
        for dag in DAGS:
            path = home / f"{dag}.ipynb"
            path.write_text(notebook(dag, 0))
            service.deploy(path)
    return folder


class Machine(RuleBasedStateMachine):
    """What people, clocks and crashes do to a metastore on which two schedulers work."""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        folder = self.exits.enter_context(tempfile.TemporaryDirectory())
        self.home = Path(folder, "home")
        shutil.copytree(installed().name, self.home)
        # The same order of steps must mean the same rows, ids included.
        self.exits.enter_context(patch("secrets.choice", random.choice))
        self.clock = SteppedClock()
        self.settings = settings_of(self.home)
        self.user = self.exits.enter_context(open_service(self.settings, clock=self.clock))
        self.workers = [SteppedScheduler(self.settings, self.clock) for _ in range(2)]
        self.is_sound = True

    @initialize(seconds=st.sampled_from((0.0, HOUR, 2 * HOUR)))
    def begin(self, seconds: float) -> None:
        """There is work from the start: most orders of few steps would not get that far."""
        self.clock.passed += seconds
        for dag in DAGS:
            self.trigger(dag, 0)
        for worker in self.workers:
            worker.step()

    # What schedulers do

    @rule(worker=WORKERS, well=st.sampled_from((True, True, False)))
    def work(self, worker: int, well: bool) -> None:
        """End all that runs here, and take what follows."""
        one = self.workers[worker]
        for _ in range(2):
            for token in sorted(one.executor.running):
                one.executor.finish(token, well=well)
            one.step()

    @rule(worker=WORKERS)
    def step(self, worker: int) -> None:
        self.workers[worker].step()

    @rule(worker=WORKERS)
    def look(self, worker: int) -> None:
        self.workers[worker].look()

    @rule(worker=WORKERS)
    def claim(self, worker: int) -> None:
        self.workers[worker].claim()

    @rule(worker=WORKERS)
    def record(self, worker: int) -> None:
        self.workers[worker].record()

    @rule(worker=WORKERS)
    def beat(self, worker: int) -> None:
        self.workers[worker].beat()

    @rule(worker=WORKERS)
    def reap(self, worker: int) -> None:
        reap(self.workers[worker].store, self.clock)

    @rule(worker=WORKERS, sent=st.booleans())
    def tell(self, worker: int, sent: bool) -> None:
        """Turn what happened into notifications; send what is due, or fail to."""
        service, now = self.workers[worker].service, self.clock.wall()
        Relay(service=service, poster=NOBODY, mailer=NOBODY, environ={}).plan()
        notices = service.store.notices
        for taken in notices.take(lease=LEASE):
            if sent:
                notices.settle(taken, sent=now)
            else:
                due = next_try(taken.tries, now, None)
                notices.settle(taken, due=due, dead=None if due else now, error="no")

    @rule(worker=WORKERS)
    def plan(self, worker: int) -> None:
        self.workers[worker].plan()

    @precondition(lambda self: any(worker.has_plan for worker in self.workers))
    @rule()
    def tick(self) -> None:
        next(worker for worker in self.workers if worker.has_plan).tick()

    @precondition(lambda self: any(worker.executor.running for worker in self.workers))
    @rule(which=ANY, well=st.sampled_from((True, True, False)))
    def end_attempt(self, which: int, well: bool) -> None:
        live = [(w, token) for w in self.workers for token in sorted(w.executor.running)]
        worker, token = live[which % len(live)]
        worker.executor.finish(token, well=well)

    # What happens to them

    @rule(seconds=st.sampled_from((1.0, 15.0, MINUTE, LEASE + 1, 2 * MINUTE, HOUR, 4 * HOUR)))
    def pass_time(self, seconds: float) -> None:
        self.clock.passed += seconds

    @rule(seconds=st.sampled_from((-3 * HOUR, -10 * MINUTE, 10 * MINUTE, 2 * HOUR)))
    def set_calendar(self, seconds: float) -> None:
        self.clock.shift += seconds

    @rule(worker=WORKERS, seconds=st.sampled_from((LEASE - 1, LEASE + 1)))
    def stall(self, worker: int, seconds: float) -> None:
        """All but one go on for a while, who then finds what became of what it held."""
        self.clock.passed += seconds
        self.workers[1 - worker].step()
        for token in sorted(self.workers[worker].executor.running):
            self.workers[worker].executor.finish(token, well=True)
        self.workers[worker].record()

    @rule(worker=WORKERS)
    def crash(self, worker: int) -> None:
        self.workers[worker].die()
        self.workers[worker] = SteppedScheduler(self.settings, self.clock)

    @rule(
        worker=WORKERS,
        point=st.sampled_from(POINTS),
        stop=st.sampled_from([stop for stop in STOPS if "kill" not in stop]),
        hit=st.integers(1, 3),
    )
    def fail_at(self, worker: int, point: str, stop: tuple[str, str], hit: int) -> None:
        """Whoever fails is gone; whoever loses a reply goes on."""
        side, action = stop
        faults._hits.clear()
        faults._spec = f"{point}.{side}_commit:{hit}:{action}"
        try:
            self.workers[worker].step()
        except InjectedFaultError:
            self.crash(worker)
        finally:
            faults._spec = ""

    # What people do

    @rule(dag=DAG, paused=st.booleans())
    def pause(self, dag: str, paused: bool) -> None:
        with suppress(UsageError):
            self.user.pause(dag, paused=paused, confirmed=True)

    @rule(dag=DAG, number=st.integers(0, 3))
    def edit(self, dag: str, number: int) -> None:
        path = self.home / f"{dag}.ipynb"
        path.write_text(notebook(dag, number))
        self.user.deploy(path, options=dags.DeployOptions(confirmed=True))

    @rule(dag=DAG, keep_runs=st.booleans())
    def delete(self, dag: str, keep_runs: bool) -> None:
        # Nothing is deleted that was cleared and is about to go on.
        waits = bool(self.user.store.clears.requested())
        with suppress(UsageError, *([ConflictError] if waits else [])):
            dags.delete(self.user, dag, keep_runs=keep_runs)

    @rule(dag=DAG, key=st.integers(0, 3))
    def trigger(self, dag: str, key: int) -> None:
        with suppress(UsageError):
            self.user.trigger(dag, key=str(key))

    @precondition(lambda self: self.runs())
    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        runs = self.runs()
        self.user.cancel_run(runs[which % len(runs)].id)

    @precondition(lambda self: any(run.state.is_final for run in self.runs()))
    @rule(which=ANY, only_failed=st.booleans(), deployed=st.booleans())
    def clear(self, which: int, only_failed: bool, deployed: bool) -> None:
        over = [run for run in self.runs() if run.state.is_final]
        options = ClearOptions(every=not only_failed, only_failed=only_failed, deployed=deployed)
        with suppress(UsageError, ConflictError):
            self.user.clear(over[which % len(over)].id, options)

    @precondition(lambda self: any(run.state is RunState.RUNNING for run in self.runs()))
    @rule(which=ANY, task=st.sampled_from("abc"), downstream=st.booleans())
    def clear_while_going(self, which: int, task: str, downstream: bool) -> None:
        going = [run for run in self.runs() if run.state is RunState.RUNNING]
        options = ClearOptions(select=task, downstream=downstream)
        with suppress(UsageError, ConflictError, NotFoundError):
            self.user.clear(going[which % len(going)].id, options)

    @rule(
        dag=DAG,
        hours=st.integers(0, 3),
        reprocess=st.sampled_from(Reprocess),
        reverse=st.booleans(),
    )
    def backfill(self, dag: str, hours: int, reprocess: Reprocess, reverse: bool) -> None:
        last = self.clock.wall()
        wanted = BackfillRequest(
            dag_id=DagId(dag),
            first=(last - timedelta(hours=hours)).isoformat(),
            last=last.isoformat(),
            reprocess=reprocess,
            reverse=reverse,
            before_start=True,
        )
        with suppress(UsageError, ConflictError):
            backfill.create(self.user, wanted)

    @rule(slots=st.integers(1, 3))
    def resize(self, slots: int) -> None:
        with suppress(UsageError):
            self.user.store.pools.set("narrow", slots)

    @rule(hours=st.integers(0, 3))
    def clean_up(self, hours: int) -> None:
        store = self.user.store
        store.retention.delete_runs(
            store.retention.old_runs(self.clock.wall() - timedelta(hours=hours), limit=50)
        )
        before = self.clock.wall() - timedelta(hours=hours)
        store.notices.forget(before)
        for forget in (
            store.retention.forget_missed,
            store.retention.forget_backfills,
            store.retention.forget_versions,
        ):
            for _ in forget(before):
                pass

    @rule()
    def cancel_backfill(self) -> None:
        with suppress(UsageError):
            backfill.cancel(self.user, "last")

    # What must hold

    @invariant()
    def is_never_unsound(self) -> None:
        # Nobody need have looked since the last step, so what only a scheduler at work owes is asked
        # when all is over.
        self._check(Looks(rules=rules(), lease=LEASE, reap_every=1e9, clock=self.clock))

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self._drain()
                self._check(Looks(rules=rules(), lease=LEASE, drained=True, clock=self.clock))
        finally:
            for worker in self.workers:
                worker.die()
            self.exits.close()

    def _check(self, looks: Looks) -> None:
        # As `check` does, over a connection whose statements are compiled once.
        db = self.user.store.db
        found = db.read(lambda connection: list(_all(db, connection, looks)), steady=True)
        self.is_sound = not found
        assert not found, [f"{one.code} {one.what}" for one in found]

    def _drain(self) -> None:
        """Let everything that is under way come to its end, as it does when nobody interferes."""
        for dag in DAGS:
            self.pause(dag, paused=True)
        for run in self.runs():
            if run.state is RunState.QUEUED and run.kind in (RunKind.SCHEDULED, RunKind.TRIGGERED):
                # The pause holds it back.
                self.user.cancel_run(run.id)
        self.clock.shift += 24 * HOUR
        for _ in range(400):
            if not self._is_busy():
                return
            self.clock.passed += 15
            for worker in self.workers:
                for token in sorted(worker.executor.running):
                    worker.executor.finish(token, well=True)
                worker.step()
        self.is_sound = False
        raise AssertionError([run for run in self.runs() if not run.state.is_final])

    def _is_busy(self) -> bool:
        store = self.user.store
        unfinished = any(not run.state.is_final for run in self.runs())
        asked = (store.clears.requested, store.backfills.due, store.triggers.events)
        return unfinished or any(ask() for ask in asked)

    def runs(self) -> list[RunRow]:
        return sorted(self.user.store.list_runs(RunFilter(limit=10_000)), key=lambda run: run.id)


def search(examples: int, steps: int, *, shorten: bool = True) -> None:
    """Look for an order of steps after which something is unsound; raise what is found, with
    ``shorten`` the shortest like it.
    """
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink] if shorten else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    if wanted.get("mutant"):
        MUTANTS[wanted["mutant"]]()
    search(wanted["examples"], wanted["steps"], shorten=False)
