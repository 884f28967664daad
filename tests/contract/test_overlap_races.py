"""Overlap is judged by the runs that there are when a run is made, whoever makes runs at the same time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from noop_executor import NoopExecutor

import nbflow.app
from nbflow.metastore import check
from nbflow.model.states import RunKind
from nbflow.scheduling.decide import decide
from nbflow.service.scheduler import Scheduler
from nbflow.service.service import Service
from nbflow.service.triggers import Triggers
from nbflow.settings import Settings

PAGE = """\
# ---
# jupyter:
#   nbflow:
#     version: 1
#     dag: {dag}
#   kernelspec: {{name: python3, display_name: Python 3, language: python}}
# ---

# %%
%%task only
x = 1
"""


@pytest.fixture
def services(url: str, tmp_path: Path, clock) -> Iterator[list[Service]]:
    """Two processes' services on one metastore."""
    settings = Settings(home=tmp_path / "home", database_url=url, slots=2)
    with ExitStack() as stack:
        yield [
            stack.enter_context(nbflow.app.open_service(settings, clock=clock)) for _ in range(2)
        ]
    assert check(url) == []


@pytest.fixture
def deploy(services: list[Service], tmp_path: Path) -> Callable[[str, str], None]:
    def write(name: str, dag: str) -> None:
        path = tmp_path / f"{name}.py"
        path.write_text(PAGE.format(dag=dag))
        services[0].deploy(path)

    return write


def end_a_run(service: Service, dag: str) -> None:
    run_id = service.trigger(dag)
    assert run_id is not None
    service.cancel_run(run_id)
    version = service.store.load_version(service.store.current_version(dag))
    step = partial(decide, version, now=service.clock.wall())
    service.store.advance(run_id, step)


def meet_before(facet: object, verb: str, barrier: threading.Barrier, monkeypatch) -> None:
    """Let nobody write what it decided until all have decided."""
    write, firsts = getattr(facet, verb), [True]

    def waits(what: Any) -> Any:
        if firsts:
            firsts.clear()
            barrier.wait(timeout=60)
        return write(what)

    monkeypatch.setattr(facet, verb, waits)


def at_once(services: list[Service], *works: Callable[[], int]) -> None:
    """Do all in threads of their own, until nothing is left to decide."""
    problems: list[Exception] = []

    def run(service: Service, work: Callable[[], int]) -> None:
        store = service.store
        try:
            while store.triggers.events() or store.due(service.clock.wall()):
                work()
        except Exception as problem:
            problems.append(problem)

    threads = [
        threading.Thread(target=run, args=both) for both in zip(services, works, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    ("overlap", "runs", "missed", "cancelled"),
    [("skip", 1, 1, 0), ("cancel_other", 2, 0, 1), ("queue", 2, 0, 0)],
)
def test_of_a_slot_and_an_event_that_come_at_once_the_second_knows_of_the_first(
    services: list[Service],
    deploy: Callable[[str, str], None],
    clock,
    monkeypatch: pytest.MonkeyPatch,
    overlap: str,
    runs: int,
    missed: int,
    cancelled: int,
) -> None:
    deploy("etl", "{}")
    deploy(
        "report",
        f"{{schedule: '@hourly', overlap: {overlap}, 'on': [{{dag: etl, state: end}}]}}",
    )
    end_a_run(services[0], "etl")
    clock.move(timedelta(hours=1).total_seconds())
    barrier = threading.Barrier(2)
    meet_before(services[0].store, "tick_all", barrier, monkeypatch)
    meet_before(services[1].store.triggers, "fire", barrier, monkeypatch)
    scheduler = Scheduler(service=services[0], executor=NoopExecutor())  # type: ignore[arg-type]
    at_once(services, scheduler.make_runs, Triggers(service=services[1]).answer)
    store = services[0].store
    found = [run for run in store.list_runs() if run.dag_id == "report"]
    assert len(found) == runs
    if runs == 2:
        assert {run.kind for run in found} == {RunKind.SCHEDULED, RunKind.TRIGGERED}
    assert [one.reason for one in store.all_missed(limit=9)] == ["overlap"] * missed
    assert sum(store.run_snapshot(run.id).cancel_requested for run in found) == cancelled


@pytest.mark.fault(22)
def test_of_two_events_that_come_at_once_one_makes_a_run_where_the_overlap_says_skip(
    services: list[Service],
    deploy: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("one", "two"):
        deploy(name, "{}")
    both = ", ".join(f"{{dag: {name}, state: end}}" for name in ("one", "two"))
    deploy("report", f"{{overlap: skip, 'on': [{both}]}}")
    for name in ("one", "two"):
        end_a_run(services[0], name)
    barrier = threading.Barrier(2)
    for service in services:
        meet_before(service.store.triggers, "fire", barrier, monkeypatch)
    at_once(services, *(Triggers(service=service).answer for service in services))
    store = services[0].store
    assert len([run for run in store.list_runs() if run.dag_id == "report"]) == 1
    assert [one.reason for one in store.all_missed(limit=9)] == ["overlap"]
