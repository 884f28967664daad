"""Work beside the scheduler's loop: in a thread of its own, and nothing of it reaches the loop."""

import threading

import pytest

from nbflow.errors import MetastoreBusyError, UsageError
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


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (None, []),
        (MetastoreBusyError("locked"), [("WARNING", "job has to wait: locked", False)]),
        (UsageError("no such folder"), [("ERROR", "job failed: no such folder", False)]),
        (ValueError("no"), [("ERROR", "job failed", True)]),
    ],
)
def test_a_job_is_done_when_it_is_due_even_if_it_failed(
    problem: Exception | None, told: list[tuple[str, str, bool]], caplog: pytest.LogCaptureFixture
) -> None:
    clock, ran = Ticks(), []

    def work() -> None:
        ran.append(clock.now)
        if problem is not None:
            raise problem

    with Background(Job(name="job", every=5.0, work=work), clock) as beside:
        for clock.now in (0.0, 4.9, 5.0, 9.9, 12.0, 16.9, 17.0):
            rounds(beside)
    assert ran == [0.0, 5.0, 12.0, 17.0]
    # Whose fault it is tells whether there is a traceback.
    said = [(one.levelname, one.getMessage(), bool(one.exc_info)) for one in caplog.records]
    assert said == told * 4


def test_a_slow_job_is_not_waited_for_and_not_begun_twice() -> None:
    clock, gate, begun, count = Ticks(), threading.Event(), threading.Event(), []

    def slow() -> None:
        count.append(1)
        begun.set()
        assert gate.wait(30)

    beside = Background(Job(name="slow", every=0.0, work=slow), clock)
    beside.poke()
    assert begun.wait(30)
    beside.poke()
    beside.poke()
    gate.set()
    beside.close()
    assert count == [1]
    threads = [one.name for one in threading.enumerate()]
    assert not [name for name in threads if name.startswith("nbflow-slow")]
