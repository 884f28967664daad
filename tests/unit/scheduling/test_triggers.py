"""What triggers decide: conditions on metrics, debounce, files by content, chains."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.triggers import (
    FileMark,
    MetricCondition,
    RunEnding,
    Trigger,
    TriggerKind,
    TriggerState,
    cause_sentence,
    read_condition,
    short_cause,
)
from nbflow.notebooks.notebook_metadata import read_notebook_metadata
from nbflow.scheduling.triggers import (
    MAX_DEPTH,
    is_as_read,
    is_fresh,
    react,
    react_to_files,
    watch_unrest,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILES = Trigger(kind=TriggerKind.FILES, files=("/d/*",))
CODE = Trigger(kind=TriggerKind.CODE)


@pytest.mark.parametrize(
    ("text", "operator", "bound"),
    [
        ('metric("accuracy") < 0.9', "<", 0.9),
        ("metric('accuracy')>=-1", ">=", -1.0),
        ('0.9 > metric("accuracy")', "<", 0.9),
        ('3 <= metric("accuracy")', ">=", 3.0),
        ('metric("accuracy") != 1e3', "!=", 1000.0),
        ('metric("accuracy") == 0', "==", 0.0),
        ('metric("accuracy") <= 2', "<=", 2.0),
        ('metric("accuracy") > 2', ">", 2.0),
    ],
)
def test_a_condition_is_read(text: str, operator: str, bound: float) -> None:
    assert read_condition(text) == MetricCondition(name="accuracy", operator=operator, bound=bound)


@pytest.mark.parametrize(
    "text",
    [
        "", "accuracy < 0.9", 'metric("a")', 'metric("a") < metric("b")', 'metric("a") < True',
        'metric("a") < 0.9 or 1', '0 < metric("a") < 1', 'metric("") < 1', 'metric(a) < 1',
        'metric("a", "b") < 1', 'metric(name="a") < 1', 'other("a") < 1', 'metric("a") in 3',
        'metric("a") < 1e999', '__import__("os").system("x") < 3', 'metric("a") < (' , "(" * 5000,
        'metric("a") < 1\nimport os', 'metric("a") < x', 'm.metric("a") < 1', 'metric("a") < "1"',
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"metric\(\"NAME\"\) < NUMBER"):
        read_condition(text)


@given(st.text(max_size=400))
def test_reading_any_text_gives_a_condition_or_a_refusal(text: str) -> None:
    try:
        condition = read_condition(text)
    except ValueError:
        return
    assert condition.holds(condition.bound) in (True, False)


def told(values, cooldown=0.0, text='metric("a") < 0.9', step=1.0) -> list[float]:
    """Return the values that made a run, told one after the other."""
    trigger = Trigger(
        kind=TriggerKind.METRIC, metric=read_condition(text), cooldown=cooldown, dag="m"
    )
    state, fired = TriggerState(), []
    for number, value in enumerate(values):
        event = {"dag": "m", "run": f"r{number}", "task": "t", "name": "a", "value": value}
        reaction = react(trigger, state, event, NOON + number * timedelta(seconds=step))
        state = reaction.state
        if reaction.cause is not None:
            fired.append(value)
            assert reaction.cause["run"] == f"r{number}"
    return fired


def test_a_metric_makes_a_run_when_it_crosses_the_value_and_not_while_it_stays() -> None:
    assert told([0.95, 0.8, 0.7, 0.93, 0.6]) == [0.8, 0.6]
    assert told([0.5, 0.4]) == [0.5]
    assert told([0.9, 0.95]) == []


def test_in_the_cool_down_it_makes_none_and_afterwards_what_still_holds_does() -> None:
    assert told([0.8, 0.95, 0.7, 0.6, 0.5], cooldown=3.5) == [0.8, 0.5]
    assert told([0.8, 0.95, 0.7, 0.95, 0.95, 0.95], cooldown=3.5) == [0.8]


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0, 10))
def test_between_two_runs_lies_the_cool_down_and_a_value_that_does_not_hold(
    values: list[float], cooldown: float
) -> None:
    trigger = Trigger(
        kind=TriggerKind.METRIC, metric=read_condition('metric("a") < 0.5'), cooldown=cooldown
    )
    state, last, rose = TriggerState(), None, True
    for number, value in enumerate(values):
        now = NOON + timedelta(seconds=number)
        event = {"dag": "m", "run": "r", "task": "t", "name": "a", "value": value}
        reaction = react(trigger, state, event, now)
        state, rose = reaction.state, rose or value >= 0.5
        if reaction.cause is not None:
            assert value < 0.5
            assert rose
            assert last is None or (now - last).total_seconds() >= cooldown
            last, rose = now, False


def test_each_end_of_another_dags_run_makes_one_and_says_so() -> None:
    trigger = Trigger(kind=TriggerKind.DAG, dag="etl")
    event = {"dag": "etl", "run": "r1", "state": "success"}
    reaction = react(trigger, TriggerState(), event, NOON)
    assert reaction.cause == {"kind": "dag", **event, "depth": 1}
    assert str(cause_sentence(reaction.cause)) == "etl succeeded (r1)"
    assert str(short_cause(reaction.cause)) == "etl succeeded"


def test_dags_that_set_each_other_off_are_stopped_after_a_while() -> None:
    trigger = Trigger(kind=TriggerKind.DAG, dag="etl")
    event = {"dag": "etl", "run": "r1", "state": "success", "depth": MAX_DEPTH - 1}
    assert react(trigger, TriggerState(), event, NOON).cause["depth"] == MAX_DEPTH
    reaction = react(trigger, TriggerState(), event | {"depth": MAX_DEPTH}, NOON)
    assert (reaction.cause, reaction.refused) == (None, "circle")


@pytest.mark.parametrize(
    ("ending", "states"),
    [
        ("success", ["success"]),
        ("failure", ["failed"]),
        ("end", ["success", "failed", "cancelled"]),
    ],
)
def test_how_a_run_must_end(ending: str, states: list[str]) -> None:
    ends = ["success", "failed", "cancelled"]
    assert [one for one in ends if RunEnding(ending).includes(one)] == states


def mark(sha: str, size: int = 3, time: int = 1) -> FileMark:
    return FileMark(size=size, time=time, sha=sha)


def test_files_count_when_they_look_other_and_have_been_quiet() -> None:
    seen = {"/d/a": mark("1")}
    assert watch_unrest(seen, {"/d/a": (3, 1, 7)}, None, 0.0, 5.0) == (None, False)
    unrest, is_quiet = watch_unrest(seen, {"/d/a": (4, 2, 7)}, None, 10.0, 5.0)
    assert not is_quiet
    unrest, is_quiet = watch_unrest(seen, {"/d/a": (5, 3, 7)}, unrest, 14.0, 5.0)
    assert (unrest.since, is_quiet) == (14.0, False)
    unrest, is_quiet = watch_unrest(seen, {"/d/a": (5, 3, 7)}, unrest, 18.9, 5.0)
    assert not is_quiet
    _, is_quiet = watch_unrest(seen, {"/d/a": (5, 3, 7)}, unrest, 19.0, 5.0)
    assert is_quiet
    assert watch_unrest(seen, {"/d/a": (3, 1, 7)}, unrest, 19.0, 5.0) == (None, False)


@pytest.mark.parametrize(
    ("seen", "is_known"),
    [
        (FileMark(size=3, time=1, sha="1", inode=7), True),
        (FileMark(size=3, time=1, sha="1"), True),
        (FileMark(size=3, time=1, sha="1", inode=8), False),
        (FileMark(size=3, time=1, sha="1", inode=7, is_fresh=True), False),
        (FileMark(size=3, time=2, sha="1", inode=7), False),
    ],
)
def test_what_vouches_for_a_file_that_is_not_read_again(seen: FileMark, is_known: bool) -> None:
    assert is_as_read(seen, (3, 1, 7)) is is_known


@pytest.mark.parametrize(
    ("age", "fresh"), [(0.0, True), (1.9, True), (-50.0, True), (2.1, False), (-70.0, False)]
)
def test_how_long_a_change_is_young(age: float, fresh: bool) -> None:
    changed = int((NOON.timestamp() - age) * 1e9)
    assert is_fresh((3, changed, 7), NOON) is fresh


def test_only_other_content_makes_a_run() -> None:
    state = TriggerState(seen={"/d/a": mark("1"), "/d/b": mark("2")})
    touched = {"/d/a": mark("1", time=9), "/d/b": mark("2")}
    reaction = react_to_files(FILES, state, touched, "")
    assert reaction.cause is None
    assert reaction.state.seen == touched
    gone = react_to_files(FILES, state, {"/d/a": mark("1")}, "")
    assert gone.cause is None
    assert set(gone.state.seen) == {"/d/a"}
    new = react_to_files(FILES, gone.state, {"/d/a": mark("3"), "/d/b": mark("2")}, "")
    assert (new.cause["files"], new.cause["count"]) == (["/d/a", "/d/b"], 2)
    assert str(cause_sentence(new.cause)) == "2 files changed: /d/a, /d/b"
    one = {"kind": "files", "count": 1, "files": ["/d/a"]}
    assert str(cause_sentence(one)) == "1 file changed: /d/a"


def test_many_files_are_counted_and_some_are_named() -> None:
    found = {f"/d/{number:03}": mark("1") for number in range(50)}
    cause = react_to_files(FILES, TriggerState(), found, "").cause
    assert (len(cause["files"]), cause["count"]) == (20, 50)


def test_a_module_or_a_deployed_version_is_code_that_changed() -> None:
    state = TriggerState(seen={"/d/m.py": mark("1")}, version="v1")
    assert react_to_files(CODE, state, state.seen, "v1").cause is None
    module = react_to_files(CODE, state, {"/d/m.py": mark("2")}, "v1")
    assert str(cause_sentence(module.cause)) == "code changed: /d/m.py"
    deployed = react_to_files(CODE, module.state, module.state.seen, "v2")
    assert str(cause_sentence(deployed.cause)) == "a new version was deployed"
    assert deployed.state.version == "v2"


@pytest.mark.parametrize("files", [[], ""])
def test_no_files_beside_another_trigger_are_nothing_and_alone_are_missed(files: object) -> None:
    others = ({"dag": "etl"}, {"metric": 'metric("a") < 1'}, {"code": True})
    on = [other | {"files": files} for other in others]
    dag, _, _, found = read_notebook_metadata({"dag": {"on": on}}, "own", "own.ipynb")
    assert [one.kind.value for one in dag.on] == ["dag", "metric", "code"]
    assert found == []
    for alone in ({"files": files}, {"files": files, "code": False}):
        _, _, _, found = read_notebook_metadata({"dag": {"on": [alone]}}, "own", "own.ipynb")
        assert [(one.code, str(one.message)[-17:]) for one in found] == [
            ("NBF117", "must not be empty")
        ]
