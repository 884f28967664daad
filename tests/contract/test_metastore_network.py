"""A network that swallows, cuts, delays and loses replies between nbflow and PostgreSQL."""

import time
import uuid
from collections.abc import Iterator

import pytest
from database_servers import server_url, with_database
from small_dags import ended, manual_run, run_id, small_dag, stored, succeeded
from sqlalchemy import create_engine, text
from tcp_proxy import TcpProxy

from nbflow.errors import MetastoreBusyError
from nbflow.metastore import Metastore, check, dialect, engine, open_metastore
from nbflow.model.clock import SystemClock
from nbflow.model.run import Claim
from nbflow.scheduling.decide import decide

DAG = small_dag({"a": [], "b": ["a"]})
ANSWER = 0.5
pytestmark = pytest.mark.fault(37)


@pytest.fixture
def direct(request: pytest.FixtureRequest) -> str:
    name = f"t{uuid.uuid4().hex[:12]}"
    server = server_url(request, "postgresql")
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return with_database(server, name)


@pytest.fixture
def silence_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "ANSWER", ANSWER)
    monkeypatch.setattr(engine, "ANSWER", ANSWER)
    monkeypatch.setattr(dialect, "CONNECT_TIMEOUT", 2)


@pytest.fixture
def network(direct: str) -> Iterator[TcpProxy]:
    proxy, proxy.url = TcpProxy.before_postgresql(direct)  # type: ignore[attr-defined]
    yield proxy
    proxy.close()


@pytest.fixture
def store(network: TcpProxy, direct: str) -> Iterator[Metastore]:
    url: str = network.url  # type: ignore[attr-defined]
    with open_metastore(url, clock=SystemClock()) as opened:
        opened.instance()
        opened.deploy(DAG, {"etl.ipynb": b"{}"})
        yield opened
        network.set("pass")
    assert check(direct) == []


def add_run(store: Metastore, number: int = 1) -> bool:
    return store.create_run(manual_run(DAG, number, driven=True))


def begin(store: Metastore) -> None:
    store.apply(run_id(), decide(DAG, store.run_snapshot(run_id()), SystemClock().wall()))


def finish(store: Metastore, claim: Claim) -> None:
    store.finish(claim, succeeded(stored("x")), ended("a"))


@pytest.mark.fault(17)
def test_a_commit_whose_reply_was_dropped_by_the_network_counts_once(
    store: Metastore, network: TcpProxy
) -> None:
    network.set("lose commit")
    assert add_run(store)
    network.set("lose commit")
    begin(store)
    network.set("lose commit")
    (claim,) = store.claim(run_id(), limit=1)
    network.set("lose commit")
    assert store.renew([claim.token]).held == {claim.token}
    network.set("lose commit")
    finish(store, claim)
    assert network.lost == 5
    assert [a.outcome for a in store.attempts(run_id())] == ["success"]
    targets = [e.target for e in store.events() if e.task == "a"]
    assert targets == ["queued", "running", "success"]


@pytest.mark.usefixtures("silence_is_short")
def test_a_network_that_swallows_everything_is_told_in_time_and_forgotten_when_it_works(
    store: Metastore, network: TcpProxy
) -> None:
    add_run(store)
    network.set("blackhole")
    for use in (lambda: store.request_cancel(run_id()), lambda: store.run_snapshot(run_id())):
        begun = time.monotonic()
        with pytest.raises(MetastoreBusyError, match="does not answer") as caught:
            use()
        assert caught.value.code == "NBF609"
        assert time.monotonic() - begun < 2 + 2 * ANSWER + 1
    network.set("pass")
    assert store.request_cancel(run_id())


def test_a_connection_that_is_cut_costs_nothing_and_a_refused_one_a_clear_error(
    store: Metastore, network: TcpProxy
) -> None:
    network.set("reset")
    network.set("pass")
    assert add_run(store)
    network.set("reset")
    with pytest.raises(MetastoreBusyError, match="does not answer"):
        begin(store)
    network.set("pass")
    begin(store)
    (claim,) = store.claim(run_id(), limit=1)
    network.set("reset")
    network.set("pass")
    # What waits for no row says so first, on a connection that may have been cut.
    assert store.renew([claim.token]).held == {claim.token}
    network.set("reset")
    with pytest.raises(MetastoreBusyError, match="does not answer"):
        store.renew([claim.token])
    network.set("pass")
    assert store.renew([claim.token]).held == {claim.token}


def test_a_slow_network_is_waited_for(store: Metastore, network: TcpProxy) -> None:
    network.set("delay", seconds=0.03)
    assert add_run(store)
    begin(store)
    assert store.claim(run_id(), limit=1)


@pytest.mark.parametrize("left", [0, 1, 7, 40, 90, 150, 300, 700])
def test_a_connection_that_is_cut_in_the_middle_of_a_reply_loses_and_doubles_nothing(
    store: Metastore, network: TcpProxy, left: int
) -> None:
    assert add_run(store)
    begin(store)
    network.set("cut", left=left)
    claims = store.claim(run_id(), limit=1)
    network.set("cut", left=left)
    for claim in claims:
        finish(store, claim)
    assert network.lost == 2
    assert [(a.try_no, a.outcome) for a in store.attempts(run_id())] == [(1, "success")]
