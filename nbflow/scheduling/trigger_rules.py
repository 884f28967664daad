"""The thirteen trigger rules: whether a task runs, given how its upstream tasks stand."""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nbflow.model.options import TriggerRule
from nbflow.model.states import TaskState


class RuleOutcome(enum.StrEnum):
    """What a trigger rule says about a task that waits."""

    RUN = "run"
    """It may run now."""
    WAIT = "wait"
    """It can't be told yet."""
    SKIP = "skip"
    """It is left out."""
    UPSTREAM_FAILED = "upstream_failed"
    """It can't run since something before it failed."""


RUN, WAIT, SKIP, UPSTREAM_FAILED = RuleOutcome


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many upstream tasks stand how."""

    success: int
    failed: int
    skipped: int
    upstream_failed: int
    unfinished: int

    @property
    def all_done(self) -> bool:
        return not self.unfinished

    @property
    def bad(self) -> bool:
        return bool(self.failed or self.upstream_failed)


def evaluate_rule(rule: TriggerRule, upstream_states: Iterable[TaskState]) -> RuleOutcome:
    """Say what ``rule`` means for a task whose upstream tasks stand in ``upstream_states``.

    With no upstream tasks every rule runs. ``removed`` tasks don't count at all, ``cancelled`` ones
    count as failed. Some rules decide before all upstream tasks ended.
    """
    states = [state for state in upstream_states if state is not TaskState.REMOVED]
    if not states:
        return RUN
    counts = _Counts(
        success=states.count(TaskState.SUCCESS),
        failed=states.count(TaskState.FAILED) + states.count(TaskState.CANCELLED),
        skipped=states.count(TaskState.SKIPPED),
        upstream_failed=states.count(TaskState.UPSTREAM_FAILED),
        unfinished=sum(not state.is_final for state in states),
    )
    return _RULES[rule](counts)


def _all_success(c: _Counts) -> RuleOutcome:
    if c.bad:
        return UPSTREAM_FAILED
    if c.skipped:
        return SKIP
    return RUN if c.all_done else WAIT


def _all_failed(c: _Counts) -> RuleOutcome:
    if c.success or c.skipped:
        return SKIP
    return RUN if c.all_done else WAIT


def _all_done(c: _Counts) -> RuleOutcome:
    return RUN if c.all_done else WAIT


def _all_done_min_one_success(c: _Counts) -> RuleOutcome:
    if c.skipped:
        return SKIP
    if not c.all_done:
        return WAIT
    return RUN if c.success else UPSTREAM_FAILED


def _one_success(c: _Counts) -> RuleOutcome:
    if c.success:
        return RUN
    if not c.all_done:
        return WAIT
    return UPSTREAM_FAILED if c.bad else SKIP


def _one_failed(c: _Counts) -> RuleOutcome:
    if c.bad:
        return RUN
    return SKIP if c.all_done else WAIT


def _one_done(c: _Counts) -> RuleOutcome:
    if c.success or c.failed:
        return RUN
    return SKIP if c.all_done else WAIT


def _none_failed(c: _Counts) -> RuleOutcome:
    if c.bad:
        return UPSTREAM_FAILED
    return RUN if c.all_done else WAIT


def _none_skipped(c: _Counts) -> RuleOutcome:
    if c.skipped:
        return SKIP
    return RUN if c.all_done else WAIT


def _none_failed_min_one_success(c: _Counts) -> RuleOutcome:
    if c.bad:
        return UPSTREAM_FAILED
    if not c.all_done:
        return WAIT
    return RUN if c.success else SKIP


def _all_skipped(c: _Counts) -> RuleOutcome:
    if c.success or c.bad:
        return SKIP
    return RUN if c.all_done else WAIT


def _always(_: _Counts) -> RuleOutcome:
    return RUN


_RULES: dict[TriggerRule, Callable[[_Counts], RuleOutcome]] = {
    TriggerRule.ALL_SUCCESS: _all_success,
    TriggerRule.ALL_FAILED: _all_failed,
    TriggerRule.ALL_DONE: _all_done,
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: _all_done_min_one_success,
    TriggerRule.ALL_DONE_SETUP_SUCCESS: _all_done,
    TriggerRule.ONE_SUCCESS: _one_success,
    TriggerRule.ONE_FAILED: _one_failed,
    TriggerRule.ONE_DONE: _one_done,
    TriggerRule.NONE_FAILED: _none_failed,
    TriggerRule.NONE_SKIPPED: _none_skipped,
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    TriggerRule.ALL_SKIPPED: _all_skipped,
    TriggerRule.ALWAYS: _always,
}
