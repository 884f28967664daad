"""``python -m storms.commits '{"home": …}'``: a process is stopped at the commit of each verb that other
tests stop nobody at, in every way; the same is asked for once more. Prints what was wrong then.
"""

import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from small_dags import STOPS, ended, run_id, small_dag, stored, succeeded

from nbflow import faults
from nbflow.errors import ConflictError, NotFoundError
from nbflow.metastore import Metastore, NewRun, check, open_metastore
from nbflow.metastore.rows import ImportErrorRow
from nbflow.metastore.tables import EPOCH, instance, missed, task_instance
from nbflow.model.backfill import Backfill
from nbflow.model.clock import SystemClock
from nbflow.model.codes import HELD_UP
from nbflow.model.states import RunKind
from nbflow.scheduling.decide import decide

ONE, GONE = small_dag({"a": []}), small_dag({"a": []}, dag_id="gone")
OLD, GOING, DRIVEN = (run_id(number) for number in (1, 2, 3))


def prepare(store: Metastore) -> None:
    """Make a run that has ended, one that goes on, one whose driver is dead, and a DAG at rest."""
    store.deploy(ONE, {"etl.ipynb": b"{}"})
    store.deploy(GONE, {"etl.ipynb": b"{}"})
    store.pools.set("spare", 1)
    for run in (OLD, GOING, DRIVEN):
        store.create_run(
            NewRun(
                run_id=run,
                dag_id=ONE.id,
                version=ONE.digest,
                kind=RunKind.MANUAL,
                slot_key=f"manual:{run}",
                driven=run == DRIVEN,
            )
        )
        store.apply(run, decide(ONE, store.run_snapshot(run), store.db.clock.wall()))
        if run != GOING:
            (claim,) = store.claim(run, limit=1)
        if run == OLD:
            store.finish(
                claim,
                succeeded(stored("x")),
                ended("a"),
                lambda s: decide(ONE, s, store.db.clock.wall()),
            )


def forget_the_living(store: Metastore) -> None:
    """Let all leases have ended, and all instances have fallen silent."""
    silent = {"heartbeat": EPOCH, "heartbeat_mono": 0.0, "boot_id": "of another time"}
    over = {"lease_until": EPOCH, "lease_mono": 0.0}
    running = task_instance.c.state == "running"
    store.db.write("test", lambda c: c.execute(instance.update().values(silent)))
    store.db.write("test", lambda c: c.execute(task_instance.update().where(running).values(over)))


def hand_back(store: Metastore) -> None:
    for claim in store.claim(GOING, limit=1):
        store.hand_back(claim)


def reap_claimed(store: Metastore) -> None:
    if store.claim(GOING, limit=1):
        forget_the_living(store)
    store.reap()


def reap_driven(store: Metastore) -> None:
    forget_the_living(store)
    store.reap()


def say_good_bye(store: Metastore) -> None:
    store.instance()
    store.close()


def somebody_died(store: Metastore, **columns: object) -> None:
    """Record a process of another boot, long silent; ``columns`` say more of it."""
    row = {
        "id": uuid.uuid4().hex, "kind": "scheduler", "host": "elsewhere", "boot_id": "another",
        "pid": 1, "pid_start": 0.0, "started": EPOCH, "heartbeat": EPOCH, "heartbeat_mono": 0.0,
    }  # fmt: skip
    store.db.write("test", lambda c: c.execute(instance.insert().values(row | columns)))


def close_gone(store: Metastore) -> None:
    somebody_died(store)
    store.reap()


def forget_instances(store: Metastore) -> None:
    somebody_died(store, closed=EPOCH)
    store.retention.forget_instances(store.db.clock.wall())


def forget_the_held_up(store: Metastore) -> None:
    row = ImportErrorRow(path="r1 (run)", code=HELD_UP, message="no")
    store.import_errors.replace("somebody's", [row])
    store.import_errors.forget_dead()


def forget_missed(store: Metastore) -> None:
    row = {
        "dag_id": ONE.id, "slot_key": f"trigger:1:{uuid.uuid4().hex}", "reason": "paused",
        "at": EPOCH, "told": 1,
    }  # fmt: skip
    store.db.write("test", lambda c: c.execute(missed.insert().values(row)))
    list(store.retention.forget_missed(store.db.clock.wall()))


def forget_backfills(store: Metastore) -> None:
    new = Backfill(
        id=uuid.uuid4().hex[:20], dag_id=ONE.id, schedule_id=1, expression="@hourly",
        timezone="UTC", anchor=None, first=EPOCH, last=EPOCH, slots=1,
    )  # fmt: skip
    store.backfills.create(new)
    store.backfills.cancel(new.id)
    list(store.retention.forget_backfills(store.db.clock.wall() + timedelta(days=1)))


def forget_versions(store: Metastore) -> None:
    for tasks in ("bc", "bd", "be"):
        store.deploy(small_dag({task: [] for task in tasks}), {"etl.ipynb": tasks.encode()})
    list(store.retention.forget_versions(store.db.clock.wall() + timedelta(days=1)))


VERBS: dict[str, Callable[[Metastore], object]] = {
    "backfills_forget": forget_backfills,
    "cancel": lambda store: store.request_cancel(GOING),
    "close": say_good_bye,
    "close_gone": close_gone,
    "dag_delete": lambda store: store.delete_dag(GONE.id),
    "dag_undeploy": lambda store: store.undeploy(GONE.id),
    "hand_back": hand_back,
    "heartbeat": lambda store: store.heartbeat(),
    "held_up_forget": forget_the_held_up,
    "import_errors": lambda store: store.import_errors.replace(
        "folder", [ImportErrorRow(path="a.ipynb", code="NBF001", message="no")]
    ),
    "instances_forget": forget_instances,
    "missed_forget": forget_missed,
    "notebooks_forget": forget_versions,
    "pool": lambda store: store.pools.set("spare", 2),
    "pool_delete": lambda store: store.pools.delete("spare"),
    "prune": lambda store: store.retention.delete_runs([OLD]),
    "reap": reap_claimed,
    "reap_run": reap_driven,
    "versions_forget": forget_versions,
}


def stop(url: str, verb: str, fault: str) -> int:
    """Let a process do it and meet its fault; return how it ended."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    with suppress(BaseException):
        store = open_metastore(url, clock=SystemClock())
        faults._spec = fault
        VERBS[verb](store)
        # Whoever says good-bye forgives everything but its own death.
        code = 0 if faults._hits[fault.partition(":")[0]] else 7
    os._exit(code)


def again(url: str, verb: str) -> list[str]:
    """Let the next process do it; return what is wrong then."""
    with open_metastore(url, clock=SystemClock()) as store:
        with suppress(ConflictError, NotFoundError):
            VERBS[verb](store)
        store.reap()
        return [f"{one.code} {one.what}" for one in check(url)]


def main(home: Path) -> dict[str, list[str]]:
    whole = home / "whole"
    with open_metastore(f"sqlite:///{whole / 'nbflow.db'}", clock=SystemClock()) as store:
        prepare(store)
    wrong: dict[str, list[str]] = {}
    for verb in VERBS:
        for (side, action), end in STOPS.items():
            case = f"{verb}.{side}_commit:1:{action}"
            folder = home / case.replace(":", "-")
            shutil.copytree(whole, folder)
            url = f"sqlite:///{folder / 'nbflow.db'}"
            found = stop(url, verb, case)
            problems = [] if found == end else [f"it ended with {found} and not with {end}"]
            problems += [f"{one.code} {one.what}" for one in check(url)]
            problems += again(url, verb)
            if problems:
                wrong[case] = problems
            shutil.rmtree(folder)
    return wrong


if __name__ == "__main__":
    print(json.dumps({"wrong": main(Path(json.loads(sys.argv[1])["home"])), "verbs": [*VERBS]}))
