"""Others hold locks on a server, or their transactions undo ours: tried again, then left for later."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from small_dags import ended, manual_run, run_id, small_dag, succeeded
from sqlalchemy import Connection, create_engine, event, text
from storms.stepped import SteppedClock, SteppedScheduler
from storms.storm import SHAPES, _notebook

from nbflow.app import open_service
from nbflow.errors import RowLockedError
from nbflow.metastore import Finish, Metastore, check, dialect, open_metastore
from nbflow.metastore import tables as t
from nbflow.metastore.claims import Renewal
from nbflow.metastore.engine import ATTEMPTS
from nbflow.model.dag import Dag
from nbflow.model.run import Claim
from nbflow.model.states import RunState
from nbflow.scheduling.decide import decide
from nbflow.service.dags import DeployOptions
from nbflow.settings import Settings

DAG = small_dag({"a": []})
TWO = small_dag({"a": [], "b": []})
pytestmark = pytest.mark.fault(18)


@pytest.fixture(params=["postgresql", "mariadb"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    # MariaDB counts in seconds; 0 is not to wait at all.
    monkeypatch.setattr(dialect, "LOCK_TIMEOUT", 0.05)


@contextmanager
def locked(url: str, query: str) -> Iterator[Callable[[], None]]:
    """Hold what a query selects in a session of its own, until the block ends or is told to."""
    engine = create_engine(url)
    with closing(engine.connect()) as connection:
        connection.execute(text(query + " FOR UPDATE")).all()
        yield connection.rollback
    engine.dispose()


def queued(store: Metastore) -> None:
    store.deploy(DAG, {"etl.ipynb": b"{}"})
    new = manual_run(DAG)
    assert store.create_run(new)


def advance(store: Metastore) -> None:
    now = store.db.clock.wall()
    store.advance(run_id(), lambda s: decide(DAG, s, now))


def refusals(store: Metastore, after: int, then: Callable[[], None]) -> list[str]:
    """Note what the server refuses; after so many refusals do something."""
    seen: list[str] = []

    @event.listens_for(store.db.engine, "handle_error")
    def note(context) -> None:
        seen.append(str(context.original_exception))
        if len(seen) == after:
            then()

    return seen


def test_a_row_that_others_hold_for_a_while_is_waited_for(store: Metastore, url: str) -> None:
    queued(store)
    with locked(url, "SELECT * FROM run") as let_go:
        seen = refusals(store, 3, let_go)
        advance(store)
    assert len(seen) == 3
    assert store.run_snapshot(run_id()).state is RunState.RUNNING


def test_a_row_that_others_go_on_to_hold_is_named_after_five_tries(
    store: Metastore, url: str
) -> None:
    queued(store)
    seen = refusals(store, 0, lambda: None)
    with locked(url, "SELECT * FROM run"):
        with pytest.raises(RowLockedError, match="Others hold what is wanted") as caught:
            advance(store)
        assert (caught.value.code, caught.value.exit_code) == ("NBF604", 3)
        assert len(seen) == ATTEMPTS
    advance(store)
    assert store.run_snapshot(run_id()).state is RunState.RUNNING


def running(store: Metastore, dag: Dag = TWO) -> list[Claim]:
    store.deploy(dag, {"etl.ipynb": b"{}"})
    assert store.create_run(manual_run(dag, driven=False))
    now = store.db.clock.wall()
    store.advance(run_id(), lambda seen: decide(dag, seen, now))
    return store.claim(limit=2)


def until_when(store: Metastore) -> dict[str, int]:
    query = text("SELECT task, lease_until FROM task_instance")
    return {task: int(at) for task, at in store.db.read(lambda c: c.execute(query).all())}


def test_who_holds_the_row_of_one_task_keeps_no_other_lease_from_being_prolonged(
    store: Metastore, url: str
) -> None:
    claims = running(store)
    tokens = {claim.token for claim in claims}
    (held,) = (claim.token for claim in claims if claim.task == "a")
    before = until_when(store)
    key = f"run_id = '{run_id()}' AND task = 'a'"
    with locked(url, f"SELECT * FROM task_instance WHERE {key}"):
        seen = refusals(store, 0, lambda: None)
        assert store.renew(tokens) == Renewal(held=frozenset(tokens), late=frozenset({held}))
        assert len(seen) == 2
        after = until_when(store)
        assert after["a"] == before["a"]
        assert after["b"] > before["b"]
    assert store.renew(tokens) == Renewal(held=frozenset(tokens))
    assert until_when(store)["a"] > before["a"]


def test_an_end_that_is_tried_at_once_waits_for_nobody_and_later_ones_wait_as_ever(
    store: Metastore, url: str
) -> None:
    first, second = running(store)
    with locked(url, "SELECT * FROM run") as let_go:
        seen = refusals(store, 3, let_go)
        end = Finish(claim=first, result=succeeded(), move=ended(first.task))
        with pytest.raises(RowLockedError):
            store.finish_all([end], at_once=True)
        assert len(seen) == 1
        store.finish(second, succeeded(), ended(second.task))
        assert len(seen) == 3
    store.finish_all([end], at_once=True)
    assert [one.outcome for one in store.attempts(run_id())] == ["success", "success"]


RAISED = {
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'by chance' USING ERRCODE = '{}'; END $$",
    "mariadb": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = {}",
}
CODES = {"postgresql": ("40001", "40P01", "55P03"), "mariadb": ("1205", "1213")}


def test_what_a_server_undid_because_of_others_is_done_again(
    store: Metastore, backend: str
) -> None:
    for code in CODES[backend]:
        for times in (ATTEMPTS - 1, ATTEMPTS):
            tries = 0

            def work(connection: Connection) -> str:
                nonlocal tries
                tries += 1
                connection.execute(t.pool.update().values(slots=t.pool.c.slots + 1))
                if tries <= times:  # noqa: B023
                    connection.exec_driver_sql(RAISED[backend].format(code))  # noqa: B023
                return "done"

            before = store.pools.rows()[0].slots
            if times == ATTEMPTS:
                with pytest.raises(RowLockedError):
                    store.db.write("pool", work)
            else:
                assert store.db.write("pool", work) == "done"
            assert tries == ATTEMPTS
            assert store.pools.rows()[0].slots == before + (times < ATTEMPTS)


def test_of_two_that_wait_for_each_other_both_come_to_their_end(
    open_store: Callable[[], Metastore], monkeypatch: pytest.MonkeyPatch, goes_back: list[str]
) -> None:
    monkeypatch.setattr(dialect, "LOCK_TIMEOUT", 10.0)
    first, second = open_store(), open_store()
    first.pools.set("left", 1)
    first.pools.set("right", 1)
    both_began = threading.Barrier(2, timeout=10)
    done, tries = [], []

    def cross(store: Metastore, order: tuple[str, str]) -> None:
        def work(connection: Connection) -> None:
            tries.append(order)
            for number, name in enumerate(order):
                raised = t.pool.update().where(t.pool.c.name == name)
                connection.execute(raised.values(slots=t.pool.c.slots + 1))
                if number == 0 and len(tries) <= 2:
                    both_began.wait()

        store.db.write("pool", work)
        done.append(order)

    threads = [
        threading.Thread(target=cross, args=(first, ("left", "right"))),
        threading.Thread(target=cross, args=(second, ("right", "left"))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 2
    assert len(tries) > 2, "they never met"
    slots = {pool.name: pool.slots for pool in first.pools.rows()}
    assert (slots["left"], slots["right"]) == (3, 3)
    assert {what.partition(":")[0] for what in goes_back} == {"pool (1, 'left') after (1, 'right')"}
    goes_back.clear()


HELD = {
    "a tick": "SELECT * FROM dag WHERE id = 'chain'",
    "a decision": "SELECT * FROM run WHERE dag_id = 'chain'",
}


@pytest.mark.parametrize("what", HELD)
def test_a_scheduler_leaves_what_others_hold_for_later_and_does_the_rest(
    url: str, tmp_path: Path, what: str
) -> None:
    clock = SteppedClock()
    settings = Settings(home=tmp_path, database_url=url, slots=2)
    with open_service(settings, clock=clock) as service:
        for name in ("chain", "join"):
            path = tmp_path / f"{name}.ipynb"
            path.write_text(json.dumps(_notebook(name, SHAPES[name])))
            service.deploy(path, options=DeployOptions(confirmed=True))
    works = SteppedScheduler(settings, clock)
    clock.passed += 61
    if what == "a decision":
        works.scheduler.make_runs()

    def states() -> dict[str, str]:
        return {run.dag_id: run.state.value for run in works.store.list_runs()}

    with locked(url, HELD[what]):
        works.step()
        waits = {"chain": "queued"} if what == "a decision" else {}
        assert states() == {"join": "running"} | waits
    works.step()
    assert states() == {"join": "running", "chain": "running"}
    works.die()
    with open_metastore(url, clock=clock) as store:
        assert store.db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert check(url) == []
