"""When somebody is told of a DAG, and when it is tried again. All of it is pure."""

from datetime import datetime, timedelta

from nbflow.model.notices import NoticeEvent
from nbflow.model.states import RunState

FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
MOST_TRIES = 10
"""Tries after which a notification is given up, some three hours after the first."""


def run_event(
    state: RunState, health: RunState | None, *, is_late: bool = False
) -> NoticeEvent | None:
    """Say what the end of a run tells, given how its DAG stood before (None: no idea).

    One that ``is_late``, since a run of a later date has ended already, may be a failure to tell, but
    is no recovery: what it says of the DAG is out of date.
    """
    if state is RunState.FAILED and health is not RunState.FAILED:
        return NoticeEvent.FAILURE
    if state is RunState.SUCCESS and health is RunState.FAILED and not is_late:
        return NoticeEvent.RECOVERY
    return None


def health_after(
    state: RunState, health: RunState | None, *, is_late: bool = False
) -> RunState | None:
    """Return how a DAG stands after a run: one that was cancelled says nothing, nor does one that
    succeeded late.
    """
    says_nothing = is_late and state is RunState.SUCCESS
    return state if state in (RunState.SUCCESS, RunState.FAILED) and not says_nothing else health


def next_try(tries: int, now: datetime, retry_after: float | None) -> datetime | None:
    """Return when to try again after ``tries`` tries, None if it is to be given up."""
    if tries >= MOST_TRIES:
        return None
    longest = LONGEST_DELAY.total_seconds()
    delay = min(longest, FIRST_DELAY.total_seconds() * float(2 ** max(0, tries - 1)))
    return now + timedelta(seconds=max(delay, min(retry_after or 0.0, longest)))
