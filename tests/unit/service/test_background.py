"""Work beside the scheduler's loop: in turn, in one thread, and nothing of it reaches the loop."""

import threading

from nbflow.errors import MetastoreBusyError
from nbflow.service.background import Background, Job


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self):
        raise AssertionError("only the monotonic clock counts")


def rounds(beside: Background) -> None:
    """Start what is due, and wait for its end."""
    beside.poke()
    assert beside._running is not None
    beside._running.result(30)


def test_each_job_runs_when_it_is_due_and_one_that_fails_holds_up_no_other() -> None:
    clock, ran = Ticks(), []

    def broken() -> None:
        ran.append("broken")
        raise ValueError("no")

    def busy() -> None:
        ran.append("busy")
        raise MetastoreBusyError("locked")

    jobs = (
        Job(name="broken", every=5.0, work=broken),
        Job(name="busy", every=1.0, work=busy),
        Job(name="good", every=2.0, work=lambda: ran.append("good")),
    )
    with Background(jobs, clock) as beside:
        rounds(beside)
        assert ran == ["broken", "busy", "good"]
        rounds(beside)
        assert len(ran) == 3
        clock.now = 2.0
        rounds(beside)
        assert ran[3:] == ["busy", "good"]
        clock.now = 5.0
        rounds(beside)
        assert ran[5:] == ["broken", "busy", "good"]


def test_a_slow_job_is_not_waited_for_and_not_begun_twice() -> None:
    clock, gate, begun, count = Ticks(), threading.Event(), threading.Event(), []

    def slow() -> None:
        count.append(1)
        begun.set()
        assert gate.wait(30)

    beside = Background((Job(name="slow", every=0.0, work=slow),), clock)
    beside.poke()
    assert begun.wait(30)
    beside.poke()
    beside.poke()
    gate.set()
    beside.close()
    assert count == [1]
    threads = [one.name for one in threading.enumerate()]
    assert not [name for name in threads if name.startswith("nbflow-background")]
