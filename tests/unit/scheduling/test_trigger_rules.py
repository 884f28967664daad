"""Every cell of the two tables that define the trigger rules."""

import pytest

from nbflow.model.options import TriggerRule
from nbflow.model.states import TaskState
from nbflow.scheduling.trigger_rules import RuleOutcome, evaluate_rule

TWO_UPSTREAMS = """
| rule | SS | SF | SK | SU | S· | FF | FK | FU | F· | KK | KU | K· | UU | U· | ·· |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| all_success | RUN | upf | skip | upf | … | upf | upf | upf | upf | skip | upf | skip | upf | upf | … |
| all_failed | skip | skip | skip | skip | skip | RUN | skip | RUN | … | skip | skip | skip | RUN | … | … |
| all_done | RUN | RUN | RUN | RUN | … | RUN | RUN | RUN | … | RUN | RUN | … | RUN | … | … |
| all_done_min_one_success | RUN | RUN | skip | RUN | … | upf | skip | upf | … | skip | skip | skip | upf | … | … |
| all_done_setup_success | RUN | RUN | RUN | RUN | … | RUN | RUN | RUN | … | RUN | RUN | … | RUN | … | … |
| one_success | RUN | RUN | RUN | RUN | RUN | upf | upf | upf | … | skip | upf | … | upf | … | … |
| one_failed | skip | RUN | skip | RUN | … | RUN | RUN | RUN | RUN | skip | RUN | … | RUN | RUN | … |
| one_done | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | skip | skip | … | skip | … | … |
| none_failed | RUN | upf | RUN | upf | … | upf | upf | upf | upf | RUN | upf | … | upf | upf | … |
| none_skipped | RUN | RUN | skip | RUN | … | RUN | skip | RUN | … | skip | skip | skip | RUN | … | … |
| always | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN | RUN |
| none_failed_min_one_success | RUN | upf | RUN | upf | … | upf | upf | upf | upf | skip | upf | … | upf | upf | … |
| all_skipped | skip | skip | skip | skip | skip | skip | skip | skip | skip | RUN | skip | … | skip | skip | … |
"""

ONE_UPSTREAM = """
| rule | success | failed | skipped | upstream_failed | running |
|---|---|---|---|---|---|
| all_success | RUN | upf | skip | upf | … |
| all_failed | skip | RUN | skip | RUN | … |
| all_done | RUN | RUN | RUN | RUN | … |
| all_done_min_one_success | RUN | upf | skip | upf | … |
| all_done_setup_success | RUN | RUN | RUN | RUN | … |
| one_success | RUN | upf | skip | upf | … |
| one_failed | skip | RUN | skip | RUN | … |
| one_done | RUN | RUN | skip | skip | … |
| none_failed | RUN | upf | RUN | upf | … |
| none_skipped | RUN | RUN | skip | RUN | … |
| always | RUN | RUN | RUN | RUN | RUN |
| none_failed_min_one_success | RUN | upf | skip | upf | … |
| all_skipped | skip | skip | RUN | skip | … |
"""

LETTERS = {
    "S": TaskState.SUCCESS,
    "F": TaskState.FAILED,
    "K": TaskState.SKIPPED,
    "U": TaskState.UPSTREAM_FAILED,
    "·": TaskState.RUNNING,
}
OUTCOMES = {
    "RUN": RuleOutcome.RUN,
    "…": RuleOutcome.WAIT,
    "skip": RuleOutcome.SKIP,
    "upf": RuleOutcome.UPSTREAM_FAILED,
}


def cells(table):
    head, _, *rows = [
        [part.strip() for part in line.strip("|").split("|")] for line in table.strip().splitlines()
    ]
    for rule, *outcomes in rows:
        for column, outcome in zip(head[1:], outcomes, strict=True):
            if column in set(TaskState):
                states = (TaskState(column),)
            else:
                states = tuple(LETTERS[letter] for letter in column)
            yield pytest.param(rule, states, OUTCOMES[outcome], id=f"{rule}-{column}")


CELLS = [*cells(TWO_UPSTREAMS), *cells(ONE_UPSTREAM)]


def test_the_tables_hold_all_thirteen_rules():
    assert len(CELLS) == 13 * 15 + 13 * 5
    assert {p.values[0] for p in CELLS} == {rule.value for rule in TriggerRule}


@pytest.mark.parametrize(("rule", "states", "outcome"), CELLS)
def test_a_rule_decides_as_the_table_says_in_either_order(rule, states, outcome):
    assert evaluate_rule(TriggerRule(rule), states) is outcome
    assert evaluate_rule(TriggerRule(rule), states[::-1]) is outcome


@pytest.mark.parametrize("rule", TriggerRule)
def test_without_upstream_tasks_every_rule_runs(rule):
    assert evaluate_rule(rule, []) is RuleOutcome.RUN


@pytest.mark.parametrize("rule", TriggerRule)
def test_a_removed_upstream_task_does_not_count(rule):
    for state in (TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED):
        assert evaluate_rule(rule, [state, TaskState.REMOVED]) is evaluate_rule(rule, [state])


@pytest.mark.parametrize("waiting", [TaskState.NONE, TaskState.QUEUED, TaskState.UP_FOR_RETRY])
def test_a_task_that_has_not_ended_is_waited_for(waiting):
    assert evaluate_rule(TriggerRule.ALL_SUCCESS, [TaskState.SUCCESS, waiting]) is RuleOutcome.WAIT
