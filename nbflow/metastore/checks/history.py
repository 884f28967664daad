"""What the events tell: replayed in their order, they lead by legal moves to what is on record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, literal, select

from nbflow.metastore import tables as t
from nbflow.metastore.checks.violation import Rules, Violation
from nbflow.metastore.versions import load_version
from nbflow.model.dag import Dag
from nbflow.model.ids import Digest, TaskName
from nbflow.model.sentence import Sentence
from nbflow.model.states import RUN_MOVES, TASK_MOVES, RunState, TaskState


@dataclass(kw_only=True, slots=True)
class _Replay:
    """One run's events so far. A clear begins a new life: of a task, or of the whole run."""

    version: Digest
    run: str = RunState.QUEUED.value
    tasks: dict[TaskName, TaskState] = field(default_factory=dict)
    at: dict[str | None, str] = field(default_factory=dict)
    entered: dict[int, int] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)
    published: dict[TaskName, int] = field(default_factory=dict)
    found: list[Violation] = field(default_factory=list)
    early: list[Violation] = field(default_factory=list)
    """Of I10: forgotten at a clear, which may go on with another version of the DAG."""


def history(connection: Connection, rules: Rules | None) -> Iterator[Violation]:
    """I5, I9, I10, I13, I24, I31."""
    replays = _begun(connection)
    dags: dict[Digest, Dag] = {}
    of = t.event.c
    columns = (of.seq, of.run_id, of.task, of.source, of.target, of.token)
    for row in connection.execute(select(*columns).order_by(of.seq)):
        replay = replays.get(row.run_id)
        if replay is None:
            continue
        _connected(replay, row)
        if row.task is None:
            _run_moved(replay, row)
        else:
            if rules is not None and (row.source, row.target) == ("none", "queued"):
                if replay.version not in dags:
                    dags[replay.version] = load_version(connection, replay.version)
                _released(replay, row, dags[replay.version], rules)
            _task_moved(replay, row)
            replay.tasks[row.task] = TaskState(row.target)
    for replay in replays.values():
        yield from (*replay.found, *replay.early)
    yield from _ends(connection, replays)


def _begun(connection: Connection) -> dict[str, _Replay]:
    ti = t.task_instance.c
    replays = {
        row.id: _Replay(version=Digest(row.version))
        for row in connection.execute(select(t.run.c.id, t.run.c.version))
    }
    for row in connection.execute(select(ti.run_id, ti.task)):
        if row.run_id in replays:
            replays[row.run_id].tasks[row.task] = TaskState.NONE
    return replays


def _connected(replay: _Replay, row: Any) -> None:
    """I13: each event is a legal move from where the one before it led."""
    place = _place(row)
    was = replay.at.get(row.task, row.source)
    if was != row.source:
        message = Sentence("left {source}, but was {was}", source=row.source, was=was)
        replay.found.append(Violation(code="I13", place=place, message=message))
    if not _is_legal(row):
        message = Sentence("{source} to {target} is no move", source=row.source, target=row.target)
        replay.found.append(Violation(code="I13", place=place, message=message))
    replay.at[row.task] = row.target


def _is_legal(row: Any) -> bool:
    if row.task is None:
        return RunState(row.target) in RUN_MOVES[RunState(row.source)]
    return TaskState(row.target) in TASK_MOVES[TaskState(row.source)]


def _run_moved(replay: _Replay, row: Any) -> None:
    if RunState(row.source).is_final and not RunState(row.target).is_final:
        replay.early = []
    replay.run = row.target


def _released(replay: _Replay, row: Any, dag: Dag, rules: Rules) -> None:
    """I10: no task is let go before its trigger rule holds."""
    if all(task.name != row.task for task in dag.tasks):
        return
    if not rules.may_start(dag, row.task, replay.tasks):
        message = Sentence("was let go before the tasks that it waits for")
        replay.early.append(Violation(code="I10", place=_place(row), message=message))


def _task_moved(replay: _Replay, row: Any) -> None:
    """I5, I9, I24, I31: an attempt begins once and ends once, and a task's life has one success."""
    before = replay.tasks.get(row.task)
    if TaskState(row.source).is_final:
        replay.published.pop(row.task, None)
    if row.target == TaskState.RUNNING.value:
        _count(replay, replay.entered, row, "I31", Sentence("an attempt began twice"))
    if row.source == TaskState.RUNNING.value:
        _count(replay, replay.left, row, "I9", Sentence("an attempt ended twice"))
    if row.target != TaskState.SUCCESS.value:
        return
    if before is TaskState.CANCELLED:
        message = Sentence("succeeded after it was cancelled")
        replay.found.append(Violation(code="I24", place=_place(row), message=message))
    replay.published[row.task] = replay.published.get(row.task, 0) + 1
    if replay.published[row.task] > 1:
        message = Sentence("succeeded twice")
        replay.found.append(Violation(code="I5", place=_place(row), message=message))


def _count(replay: _Replay, counts: dict[int, int], row: Any, code: str, message: Sentence) -> None:
    if row.token is None:
        return
    counts[row.token] = counts.get(row.token, 0) + 1
    if counts[row.token] > 1:
        replay.found.append(Violation(code=code, place=_place(row), message=message))


def _place(row: Any) -> str:
    return f"{row.run_id}/{row.task or ''} event {row.seq}"


def _ends(connection: Connection, replays: Mapping[str, _Replay]) -> Iterator[Violation]:
    """I13: what is recorded as the state is where the last event led."""
    ti = t.task_instance.c
    for query in (
        select(t.run.c.id.label("run_id"), literal(None).label("task"), t.run.c.state),
        select(ti.run_id, ti.task, ti.state),
    ):
        for row in connection.execute(query):
            replay = replays.get(row.run_id)
            told = replay.at.get(row.task, row.state) if replay else row.state
            if told != row.state:
                yield Violation(
                    code="I13",
                    place=f"{row.run_id}/{row.task or ''}",
                    message=Sentence(
                        "is {state}, but its last event says {told}", state=row.state, told=told
                    ),
                )
