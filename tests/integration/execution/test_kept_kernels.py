"""Kernels that outlive an attempt for the sake of the next one."""

import os
import signal
import sys

import psutil
import pytest
from pids import command_of
from waiting import until

from nbflow.execution import processes
from nbflow.execution.executor import LocalExecutor
from nbflow.model.states import Reason, TaskState

pytestmark = pytest.mark.kernel


def kernels_below(executor):
    children = [psutil.Process(slot.pid).children() for slot in executor._slots]
    return [
        child for some in children for child in some if "ipykernel_launcher" in command_of(child)
    ]


def test_members_of_a_group_share_one_kernel_until_it_is_closed(driver, spec_of):
    first = driver.run(spec_of("handle = iter(range(5)); next(handle)", group="r1:g"))
    assert (first.state, first.kept_kernel) == (TaskState.SUCCESS, "r1:g")
    second = driver.run(spec_of("assert next(handle) == 1", group="r1:g", close_group=True))
    assert (second.state, second.kept_kernel) == (TaskState.SUCCESS, None)
    driver.until_idle()
    assert not kernels_below(driver.executor)


def test_two_groups_live_side_by_side_in_one_slot(own_driver, spec_of):
    own_driver.run(spec_of("owner = 'a'", group="r2:a"))
    own_driver.run(spec_of("owner = 'b'", group="r2:b"))
    other = own_driver.run(spec_of("owner"))
    assert other.error.name == "NameError"
    for name in "ab":
        spec = spec_of(f"assert owner == {name!r}", group=f"r2:{name}")
        assert own_driver.run(spec).state is TaskState.SUCCESS
    own_driver.executor.close_group("r2:a")
    own_driver.executor.close_group("r2:b")
    assert own_driver.run(spec_of("1")).state is TaskState.SUCCESS
    own_driver.until_idle()
    assert not kernels_below(own_driver.executor)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_an_attempt_waits_for_a_slot_that_cleans_up_but_not_for_long(driver, spec_of, is_stopped):
    with LocalExecutor(2) as executor:
        own = type(driver)(executor)
        own.run(spec_of("import atexit, time; atexit.register(time.sleep, 600)"))
        if is_stopped:
            os.kill(executor._slots[0].pid, signal.SIGSTOP)
        following = own.start(spec_of("1"))
        assert len(executor._slots) == 1
        if is_stopped:  # whoever drives may be busy with other things meanwhile
            until(lambda: not executor._slots[0].is_soon_idle)
        assert own.end_of(following).state is TaskState.SUCCESS
        assert len(executor._slots) == 2


def test_a_failed_member_ends_the_kernel_so_that_the_group_starts_again(driver, spec_of):
    driver.run(spec_of("x = 1", group="r3:g"))
    assert driver.run(spec_of("1 / 0", group="r3:g")).kept_kernel is None
    again = driver.run(spec_of("x", group="r3:g", close_group=True))
    assert again.error.name == "NameError"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_group_whose_kernel_died_is_lost_once_and_can_start_again(own_driver, spec_of):
    own_driver.run(spec_of("x = 1", group="r4:g"))
    own_driver.until_idle()
    (kernel,) = kernels_below(own_driver.executor)
    kernel.kill()
    until(lambda: not processes.is_alive(kernel.pid))
    lost = own_driver.run(spec_of("x", group="r4:g"))
    assert (lost.state, lost.reason) == (TaskState.FAILED, Reason.LOST)
    assert own_driver.run(spec_of("x = 1", group="r4:g")).state is TaskState.SUCCESS


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_group_whose_slot_died_is_lost_once_and_can_start_again(own_driver, spec_of):
    own_driver.run(spec_of("x = 1", group="r5:g"))
    own_driver.until_idle()
    os.kill(own_driver.executor._slots[0].pid, signal.SIGKILL)
    lost = own_driver.run(spec_of("x", group="r5:g"))
    assert (lost.state, lost.reason) == (TaskState.FAILED, Reason.LOST)
    assert own_driver.run(spec_of("x = 1", group="r5:g")).state is TaskState.SUCCESS


def test_a_kernel_kept_by_an_earlier_attempt_that_is_gone_is_lost(driver, spec_of):
    result = driver.run(spec_of("1", group="attempt-1"))
    assert (result.state, result.reason) == (TaskState.FAILED, Reason.LOST)


def test_children_of_a_kept_kernel_live_as_long_as_it_does(own_driver, spec_of):
    start = "import subprocess; p = subprocess.Popen(['sleep', '300'])"
    own_driver.run(spec_of(start, group="r6:g"))
    own_driver.run(spec_of("1"))
    own_driver.until_idle()
    alive = "assert p.poll() is None"
    assert own_driver.run(spec_of(alive, group="r6:g")).state is TaskState.SUCCESS
    slot = psutil.Process(own_driver.executor._slots[0].pid)
    own_driver.executor.close_group("r6:g")
    until(lambda: not slot.children(recursive=True))
