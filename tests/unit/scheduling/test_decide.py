"""The state machine of a run, asked directly and driven to its end over random DAGs."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbflow.model.dag import Dag, Edge, EdgeKind, Input, KernelGroup, Task
from nbflow.model.options import DagOptions, RetryJitter, TaskOptions, TriggerRule, Verdict
from nbflow.model.run import RunSnapshot, TaskSnapshot
from nbflow.model.states import RUN_MOVES, TASK_MOVES, Reason, RunKind, RunState, TaskState
from nbflow.scheduling.decide import (
    Ended,
    decide,
    retry_delay,
    settle,
    side_by_side,
    upstream_of,
)
from nbflow.scheduling.trigger_rules import RuleOutcome, evaluate_rule

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
S = TaskState


def make_dag(text, *, options=None, groups=(), verdict=Verdict.ALL, inputs=None):
    """``"a>b a>c d"``: edges and lone tasks, page order by first mention."""
    names, edges = [], []
    for word in text.split():
        ends = word.split(">")
        names += [n for n in ends if n not in names]
        edges += [Edge(source=a, target=b, kind=EdgeKind.DATA) for a, b in pairwise(ends)]
    tasks = tuple(
        Task(
            name=n,
            cells=(n,),
            options=TaskOptions(**(options or {}).get(n, {})),
            inputs=tuple(Input(name=v, sources=(s,)) for v, s in (inputs or {}).get(n, ())),
        )
        for n in names
    )
    return Dag(
        id="d",
        notebooks=("d.ipynb",),
        options=DagOptions(verdict=verdict),
        tasks=tasks,
        edges=tuple(edges),
        groups=tuple(
            KernelGroup(name=g, tasks=t, variable="v", type="generator") for g, t in groups
        ),
    )


def make_run(dag, state=RunState.RUNNING, *, cancel=False, only=None, **tasks):
    names = only or [t.name for t in dag.tasks]
    snapshots = {}
    for name in names:
        given_state = tasks.get(name, S.NONE)
        snapshots[name] = (
            given_state
            if isinstance(given_state, TaskSnapshot)
            else TaskSnapshot(name=name, state=given_state)
        )
    return RunSnapshot(
        run_id="manual__20260301T120000Z__abcdefgh",
        dag_id=dag.id,
        version="0" * 64,
        kind=RunKind.MANUAL,
        state=state,
        tasks=snapshots,
        cancel_requested=cancel,
    )


def targets(decisions):
    return {move.task: move.target for move in decisions.tasks}


def test_a_new_run_starts_and_releases_every_task_without_upstream():
    dag = make_dag("a>c b>c")
    decisions = decide(dag, make_run(dag, RunState.QUEUED), NOW)
    assert decisions.run.target is RunState.RUNNING
    assert targets(decisions) == {"a": S.QUEUED, "b": S.QUEUED}


def test_a_finished_upstream_releases_its_child():
    dag = make_dag("a>b")
    assert targets(decide(dag, make_run(dag, a=S.SUCCESS), NOW)) == {"b": S.QUEUED}


def test_nothing_is_decided_while_everything_waits_for_a_running_task():
    dag = make_dag("a>b")
    assert decide(dag, make_run(dag, a=S.RUNNING), NOW).is_empty


def test_a_failure_reaches_the_last_task_and_ends_the_run_in_one_call():
    dag = make_dag("a>b>c>d")
    decisions = decide(dag, make_run(dag, a=S.FAILED), NOW)
    assert targets(decisions) == dict.fromkeys("bcd", S.UPSTREAM_FAILED)
    assert decisions.run.target is RunState.FAILED
    assert decisions.run.note == "a failed"
    assert decisions.tasks[0].note == "a did not succeed"


def test_a_skip_spreads_until_a_rule_takes_it():
    dag = make_dag(
        "a>b>c d>c", options={"c": {"trigger_rule": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS}}
    )
    decisions = decide(dag, make_run(dag, a=S.SKIPPED, d=S.SUCCESS), NOW)
    assert targets(decisions) == {"b": S.SKIPPED, "c": S.QUEUED}


def test_tasks_left_out_by_a_selector_count_as_satisfied():
    dag = make_dag("a>b>c")
    assert targets(decide(dag, make_run(dag, only=["b", "c"]), NOW)) == {"b": S.QUEUED}


def test_a_run_with_a_passing_cleanup_leaf_still_fails():
    dag = make_dag("a>b", options={"b": {"trigger_rule": TriggerRule.ALL_DONE}})
    run = make_run(dag, a=S.FAILED, b=S.SUCCESS)
    assert decide(dag, run, NOW).run.target is RunState.FAILED


def test_verdict_leaves_calls_it_a_success_as_airflow_does():
    dag = make_dag(
        "a>b", options={"b": {"trigger_rule": TriggerRule.ALL_DONE}}, verdict=Verdict.LEAVES
    )
    run = make_run(dag, a=S.FAILED, b=S.SUCCESS)
    assert decide(dag, run, NOW).run.target is RunState.SUCCESS


def test_verdict_leaves_fails_when_a_leaf_of_the_selection_failed():
    dag = make_dag("a>b>c", verdict=Verdict.LEAVES)
    run = make_run(dag, only=["a", "b"], a=S.SUCCESS, b=S.FAILED)
    assert decide(dag, run, NOW).run.target is RunState.FAILED


def test_a_failure_that_is_allowed_does_not_fail_the_run():
    dag = make_dag("a b", options={"a": {"allow_failure": True}})
    assert decide(dag, make_run(dag, a=S.FAILED, b=S.SUCCESS), NOW).run.target is RunState.SUCCESS


def test_cancelling_ends_what_waits_and_waits_for_what_runs():
    dag = make_dag("a>b c d")
    waiting = TaskSnapshot(name="d", state=S.UP_FOR_RETRY, not_before=NOW)
    decisions = decide(dag, make_run(dag, cancel=True, a=S.RUNNING, c=S.QUEUED, d=waiting), NOW)
    assert targets(decisions) == dict.fromkeys("bcd", S.CANCELLED)
    assert decisions.run is None
    ended = make_run(dag, cancel=True, **dict.fromkeys("abcd", S.CANCELLED))
    assert decide(dag, ended, NOW).run.target is RunState.CANCELLED


def test_cancelling_a_queued_run_ends_it_at_once():
    dag = make_dag("a>b")
    decisions = decide(dag, make_run(dag, RunState.QUEUED, cancel=True), NOW)
    assert decisions.run.target is RunState.CANCELLED


def test_a_cancel_that_comes_after_the_last_task_changes_nothing():
    dag = make_dag("a")
    assert decide(dag, make_run(dag, cancel=True, a=S.SUCCESS), NOW).run.target is RunState.SUCCESS


def test_a_final_run_gets_no_decisions():
    dag = make_dag("a")
    assert decide(dag, make_run(dag, RunState.FAILED, a=S.NONE), NOW).is_empty


def test_a_retry_is_queued_when_its_delay_has_passed():
    dag = make_dag("a")
    waiting = TaskSnapshot(name="a", state=S.UP_FOR_RETRY, not_before=NOW + timedelta(seconds=5))
    assert decide(dag, make_run(dag, a=waiting), NOW).is_empty
    later = decide(dag, make_run(dag, a=waiting), NOW + timedelta(seconds=5))
    assert targets(later) == {"a": S.QUEUED}


def test_members_of_a_kernel_group_run_one_after_another():
    dag = make_dag("a b c", groups=[("g", ("a", "b"))])
    assert targets(decide(dag, make_run(dag), NOW)) == {"a": S.QUEUED, "c": S.QUEUED}
    assert targets(decide(dag, make_run(dag, a=S.SUCCESS, c=S.RUNNING), NOW)) == {"b": S.QUEUED}


def test_readers_of_a_value_that_could_not_be_stored_take_turns():
    dag = make_dag("a>b a>c", inputs={"b": [("gen", "a")], "c": [("gen", "a")]})
    kept = TaskSnapshot(name="a", state=S.SUCCESS, unstorable={"gen": "generator"}, kept_kernel="k")
    assert targets(decide(dag, make_run(dag, a=kept), NOW)) == {"b": S.QUEUED}
    after_b = decide(dag, make_run(dag, a=kept, b=S.SUCCESS), NOW)
    assert targets(after_b) == {"c": S.QUEUED}
    stored = TaskSnapshot(name="a", state=S.SUCCESS)
    assert targets(decide(dag, make_run(dag, a=stored), NOW)) == {"b": S.QUEUED, "c": S.QUEUED}


@pytest.mark.parametrize(
    ("text", "names", "slots"),
    [
        ("a>b>c", "abc", 1),
        ("a>b>e a>c>e a>d>e", "abcde", 3),
        ("a>b>e a>c>e a>d>e", "abe", 1),
        ("a b c d e f", "abcdef", 4),
        ("a>b", "", 1),
    ],
    ids=["chain", "fan", "selected of a fan", "more than there are", "nothing"],
)
def test_as_many_slots_are_of_use_as_tasks_stand_equally_far_down(text, names, slots):
    assert side_by_side(make_dag(text), tuple(names), 4) == slots


def test_a_mapped_task_can_use_every_slot():
    dag = make_dag("a>b", options={"b": {"foreach": "x"}})
    assert side_by_side(dag, ("a", "b"), 4) == 4


def test_a_group_member_that_waits_for_a_later_one_ends_the_run_instead_of_hanging():
    dag = make_dag("a b", groups=[("g", ("a", "b"))])
    twisted = Dag(
        **{f: getattr(dag, f) for f in dag.__slots__}
        | {"edges": (Edge(source="b", target="a", kind=EdgeKind.ORDER),)}
    )
    decisions = decide(twisted, make_run(twisted), NOW)
    assert decisions.run.target is RunState.FAILED
    assert "waits for a task that waits for it" in decisions.tasks[0].note


# -- after an attempt


def settled(options, before=None, **ended):
    ended = {"state": S.FAILED, "reason": Reason.ERROR} | ended
    task = Task(name="a", cells=("a",), options=TaskOptions(**options))
    return settle("r", task, before or TaskSnapshot(name="a", state=S.RUNNING), Ended(**ended), NOW)


def test_a_failure_without_retries_is_final():
    assert settled({}).target is S.FAILED


def test_a_failure_with_retries_left_waits_for_its_delay():
    move = settled({"retries": 1, "retry_delay": 30.0})
    assert (move.target, move.not_before) == (S.UP_FOR_RETRY, NOW + timedelta(seconds=30))


def test_the_last_retry_that_fails_is_final():
    before = TaskSnapshot(name="a", state=S.RUNNING, tries=2, failures=1)
    assert settled({"retries": 1}, before).target is S.FAILED


def test_lost_attempts_do_not_use_up_retries():
    before = TaskSnapshot(name="a", state=S.RUNNING, tries=3, lost=2)
    assert settled({"retries": 1}, before).target is S.UP_FOR_RETRY


@pytest.mark.parametrize(("lost", "target"), [(0, S.QUEUED), (1, S.QUEUED), (2, S.FAILED)])
def test_a_lost_attempt_is_handed_back_twice_by_default(lost, target):
    before = TaskSnapshot(name="a", state=S.RUNNING, tries=lost + 1, lost=lost)
    move = settled({"retries": 9}, before, reason=Reason.LOST, message="worker died")
    assert move.target is target
    if target is S.FAILED:
        assert move.note == "worker died 3 times running this task"


def test_a_drained_attempt_is_handed_back_however_often():
    before = TaskSnapshot(name="a", state=S.RUNNING, lost=7)
    assert settled({}, before, reason=Reason.DRAINED).target is S.QUEUED


def test_a_cancelled_attempt_is_never_tried_again():
    move = settled({"retries": 5}, state=S.CANCELLED, reason=Reason.CANCELLED)
    assert move.target is S.CANCELLED


@pytest.mark.parametrize(
    ("options", "error", "reason", "target"),
    [
        ({"retry_on": ("OSError",)}, "OSError", Reason.ERROR, S.UP_FOR_RETRY),
        ({"retry_on": ("OSError",)}, "ValueError", Reason.ERROR, S.FAILED),
        ({"retry_on": ("HTTPError",)}, "requests.HTTPError", Reason.ERROR, S.UP_FOR_RETRY),
        ({"no_retry_on": ("ValueError",)}, "ValueError", Reason.ERROR, S.FAILED),
        ({"no_retry_on": ("ValueError",)}, "OSError", Reason.ERROR, S.UP_FOR_RETRY),
        ({"retry_on": ("TimeoutError",)}, None, Reason.TIMED_OUT, S.UP_FOR_RETRY),
        ({"retry_on": ("OSError",)}, None, Reason.KILLED, S.FAILED),
        ({}, None, Reason.KILLED, S.UP_FOR_RETRY),
    ],
)
def test_retry_on_and_no_retry_on_name_exceptions(options, error, reason, target):
    assert settled({"retries": 1} | options, error=error, reason=reason).target is target


@pytest.mark.parametrize(("number", "seconds"), [(1, 10), (2, 20), (3, 40), (4, 50), (5000, 50)])
def test_the_delay_grows_by_the_backoff_up_to_its_limit(number, seconds):
    options = TaskOptions(retry_delay=10.0, retry_backoff=2.0, max_retry_delay=50.0)
    assert retry_delay(options, "run", "a", number) == seconds


@given(st.text(), st.text(), st.integers(1, 20))
def test_jitter_stays_in_its_range_and_is_the_same_every_time(run, task, number):
    for jitter, least in ((RetryJitter.EQUAL, 5.0), (RetryJitter.FULL, 0.0)):
        options = TaskOptions(retry_delay=10.0, retry_jitter=jitter)
        delay = retry_delay(options, run, task, number)
        assert least <= delay <= 10.0
        assert delay == retry_delay(options, run, task, number)


# -- random DAGs, driven by the decisions alone


@st.composite
def random_dags(draw):
    count = draw(st.integers(1, 9))
    names = [f"t{i}" for i in range(count)]
    edges = [
        Edge(source=a, target=b, kind=EdgeKind.DATA)
        for i, b in enumerate(names)
        for a in names[:i]
        if draw(st.integers(0, 2)) == 0
    ]
    tasks = tuple(
        Task(
            name=n,
            cells=(n,),
            inputs=tuple(Input(name="v", sources=(e.source,)) for e in edges if e.target == n),
            options=TaskOptions(
                trigger_rule=draw(st.sampled_from(TriggerRule)),
                retries=draw(st.integers(0, 2)),
                allow_failure=draw(st.booleans()),
                max_lost=draw(st.integers(0, 2)),
            ),
        )
        for n in names
    )
    members = tuple(n for n in names if draw(st.integers(0, 3)) == 0)
    groups = (
        (KernelGroup(name="g", tasks=members, variable="v", type="generator"),)
        if len(members) > 1
        else ()
    )
    verdict = draw(st.sampled_from(Verdict))
    return Dag(
        id="d",
        notebooks=(),
        options=DagOptions(verdict=verdict),
        tasks=tasks,
        edges=tuple(edges),
        groups=groups,
    )


ENDINGS = [
    (S.SUCCESS, Reason.DONE),
    (S.SUCCESS, Reason.DONE),
    (S.FAILED, Reason.ERROR),
    (S.SKIPPED, Reason.CONDITION),
    (S.FAILED, Reason.LOST),
    (S.CANCELLED, Reason.CANCELLED),
]


def apply_moves(state, run_state, decisions):
    for move in decisions.tasks:
        assert state[move.task].state is move.source
        assert move.target in TASK_MOVES[move.source]
        state[move.task] = TaskSnapshot(
            name=move.task,
            state=move.target,
            tries=state[move.task].tries,
            failures=state[move.task].failures,
            lost=state[move.task].lost,
            not_before=move.not_before,
            unstorable=state[move.task].unstorable,
        )
    if decisions.run is None:
        return run_state
    assert decisions.run.target in RUN_MOVES[run_state]
    return decisions.run.target


@settings(max_examples=300, deadline=None)
@given(random_dags(), st.data())
def test_every_run_ends_by_legal_moves_and_no_task_starts_before_its_rule_holds(dag, data):
    upstream = upstream_of(dag)
    by_name = {t.name: t for t in dag.tasks}
    chosen = [t.name for t in dag.tasks if data.draw(st.integers(0, 5)) > 0] or [dag.tasks[0].name]
    state = {n: TaskSnapshot(name=n) for n in chosen}
    run_state, now, cancel = RunState.QUEUED, NOW, False
    for _ in range(400):
        cancel = cancel or data.draw(st.integers(0, 40)) == 40
        snapshot = make_run(dag, run_state, cancel=cancel, only=chosen, **state)
        decisions = decide(dag, snapshot, now)
        released = [m.task for m in decisions.tasks if m.source is S.NONE and m.target is S.QUEUED]
        run_state = apply_moves(state, run_state, decisions)
        for name in released:
            states = [state[u].state for u in upstream[name] if u in state]
            rule = by_name[name].options.trigger_rule
            assert evaluate_rule(rule, states) is RuleOutcome.RUN
        if run_state.is_final:
            break
        for group in dag.groups:
            live = [
                m for m in group.tasks if m in state and state[m].state in {S.QUEUED, S.RUNNING}
            ]
            assert len(live) <= 1
        queued = [n for n, t in state.items() if t.state is S.QUEUED]
        if not queued:
            now += timedelta(days=1)
            continue
        name = data.draw(st.sampled_from(queued))
        before = TaskSnapshot(
            name=name,
            state=S.RUNNING,
            tries=state[name].tries + 1,
            failures=state[name].failures,
            lost=state[name].lost,
        )
        ending, reason = data.draw(st.sampled_from(ENDINGS))
        move = settle("run", by_name[name], before, Ended(state=ending, reason=reason), now)
        assert move.target in TASK_MOVES[S.RUNNING]
        failed = ending is S.FAILED and reason is not Reason.LOST
        state[name] = TaskSnapshot(
            name=name,
            state=move.target,
            tries=before.tries,
            failures=before.failures + failed,
            lost=before.lost + (reason is Reason.LOST),
            not_before=move.not_before,
            unstorable={"v": "generator"}
            if ending is S.SUCCESS and data.draw(st.booleans())
            else {},
        )
    assert run_state.is_final
    assert all(t.state.is_final for t in state.values())
    assert all(t.failures <= by_name[n].options.retries + 1 for n, t in state.items())
    assert all(t.lost <= by_name[n].options.max_lost + 1 for n, t in state.items())
