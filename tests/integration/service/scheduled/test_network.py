"""A scheduler whose metastore is behind a network that swallows everything in the middle of a cell."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from scheduler_bench import until
from tcp_proxy import TcpProxy

import nbflow.app
from nbflow.execution import processes
from nbflow.metastore import check, dialect, engine
from nbflow.model.states import RunState
from nbflow.service import leases
from nbflow.service import scheduler as scheduler_module
from nbflow.service.scheduler import Scheduler

LEASE, TRUST, ANSWER = 12.0, 4.0, 0.5


@pytest.fixture
def network(direct: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TcpProxy]:
    for module in (dialect, engine):
        monkeypatch.setattr(module, "ANSWER", ANSWER)
    monkeypatch.setattr(dialect, "CONNECT_TIMEOUT", 2)
    monkeypatch.setattr(leases, "RENEW_EVERY", 0.2)
    monkeypatch.setattr(leases, "TRUST", TRUST)
    monkeypatch.setattr(scheduler_module, "REAP_EVERY", 0.3)
    proxy, proxy.url = TcpProxy.before_postgresql(direct)  # type: ignore[attr-defined]
    yield proxy
    proxy.close()


@pytest.mark.fault(37)
@pytest.mark.kernel
def test_a_scheduler_cut_off_ends_its_kernel_before_another_one_runs_the_task_again(
    settings, direct, network, page, tmp_path
):
    mark = tmp_path / "on"
    first = (
        f"import os, time\nif not os.path.exists({str(mark)!r}):\n    open({str(mark)!r}, 'w')\n"
    )
    path = page((f"{first}    time.sleep(600)\nx = 1", "task:a"), ("print(x)", "task:b"))
    near, far = (replace(settings, database_url=url) for url in (direct, network.url))
    with nbflow.app.open_service(near) as here, nbflow.app.open_service(far) as there:
        here.store.lease = there.store.lease = LEASE
        (deployment,) = here.deploy(path)
        run_id = here.trigger(deployment.dag.id)
        with there.executor() as executor:
            cut_off = Scheduler(service=there, executor=executor)
            until(mark.exists, cut_off)
            (old,) = here.store.attempts(run_id)
            kernels = {processes.ATTEMPT_MARK: str(old.token)}
            assert processes.marked(kernels)
            network.set("blackhole")
            begun = time.monotonic()
            until(lambda: not processes.marked(kernels), cut_off)
            assert time.monotonic() - begun < LEASE
            assert here.store.attempts(run_id)[0].outcome is None
            with here.executor() as other:
                works = Scheduler(service=here, executor=other)
                until(lambda: here.store.show_run(run_id)[0].state.is_final, works)
            network.set("pass")
            cut_off.step(0)
        assert here.store.show_run(run_id)[0].state is RunState.SUCCESS
        outcomes = [(a.task, a.outcome) for a in here.store.attempts(run_id)]
        assert outcomes == [("a", "lost"), ("a", "success"), ("b", "success")]
    assert check(direct) == []
