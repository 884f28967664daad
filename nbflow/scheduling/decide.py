"""What happens next in a run: state and time in, moves out. Nothing here reads or writes.

`decide` is called whenever something may have changed, and again until it has nothing to say;
`settle` says where a task goes when an attempt at it has ended.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from graphlib import TopologicalSorter

from nbflow.model.attempt import died_running
from nbflow.model.dag import Dag, Task
from nbflow.model.ids import RunId, TaskName
from nbflow.model.options import RetryJitter, TaskOptions, Verdict
from nbflow.model.run import Decisions, RunMove, RunSnapshot, TaskMove, TaskSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason, RunState, TaskState
from nbflow.scheduling.trigger_rules import RuleOutcome, evaluate_rule

_WAITING = frozenset({TaskState.NONE, TaskState.QUEUED, TaskState.UP_FOR_RETRY})
_ACTIVE = frozenset({TaskState.QUEUED, TaskState.RUNNING, TaskState.UP_FOR_RETRY})
_BAD = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED})
_KEPT = 64
"""DAGs whose order is known; every end of a task asks for it."""


def decide(dag: Dag, snapshot: RunSnapshot, now: datetime) -> Decisions:
    """Say what moves are due in a run at ``now``.

    Releases, skips and upstream failures are followed to their end in one call. Upstream tasks
    without an instance in the run (left out by a selector) count as satisfied. A final run gets no
    decisions.
    """
    if snapshot.state.is_final:
        return Decisions()
    if snapshot.cancel_requested:
        moves = _cancel_moves(snapshot)
    else:
        moves = (*_due_retries(snapshot, now), *_releases(dag, snapshot))
    states = {name: task.state for name, task in snapshot.tasks.items()}
    states.update((move.task, move.target) for move in moves)
    return Decisions(tasks=tuple(moves), run=_run_move(dag, snapshot, states))


def end_cancelled(snapshot: RunSnapshot) -> Decisions:
    """Say how a run that was cancelled ends, though its DAG can't be read any more."""
    if snapshot.state.is_final or not snapshot.cancel_requested:
        return Decisions()
    moves = _cancel_moves(snapshot)
    left = snapshot.tasks.keys() - {move.task for move in moves}
    if any(not snapshot.tasks[name].state.is_final for name in left):
        return Decisions(tasks=moves)
    # Without the DAG nobody knows which failures it allows.
    target = RunState.CANCELLED if moves else RunState.FAILED
    note = Sentence("cancelled")
    return Decisions(tasks=moves, run=RunMove(source=snapshot.state, target=target, note=note))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How an attempt ended, as far as the state machine cares."""

    state: TaskState
    reason: Reason
    error: str | None = None
    """Name of the exception (``retry_on``)."""
    message: str = ""


def settle(
    run_id: RunId, task: Task, before: TaskSnapshot, ended: Ended, now: datetime
) -> TaskMove:
    """Say where a running task goes when its attempt ``ended``.

    ``before`` is the task as it was while the attempt ran (the attempt not yet counted among its
    failures or losses). Cancelled attempts are never tried again; lost ones have their own budget.
    """
    target, note, not_before = ended.state, ended.message, None
    if ended.reason is Reason.DRAINED:
        target = TaskState.QUEUED
    elif ended.reason is Reason.LOST:
        target, note = _after_loss(task.options, before, note)
    elif ended.state is TaskState.FAILED and _may_retry(task.options, before, ended):
        number = before.failures + 1
        delay = retry_delay(task.options, run_id, task.name, number)
        target, not_before = TaskState.UP_FOR_RETRY, now + timedelta(seconds=delay)
        if note:
            note = Sentence(
                "{why}; try {number} in {delay} s",
                why=note, number=before.tries + 1, delay=f"{delay:g}",
            )  # fmt: skip
    return TaskMove(
        task=task.name, source=TaskState.RUNNING, target=target, note=note, not_before=not_before
    )


def retry_delay(options: TaskOptions, run_id: str, task: str, failure: int) -> float:
    """Return the seconds to wait after the ``failure``-th failure (1, 2, …) of a task.

    Jitter is a hash of run, task and number: the same question gets the same answer anywhere.
    """
    try:
        delay = options.retry_delay * options.retry_backoff ** (failure - 1)
    except OverflowError:
        delay = options.max_retry_delay
    delay = min(options.max_retry_delay, delay)
    seed = hashlib.sha256(f"{run_id}\0{task}\0{failure}".encode()).digest()
    share = int.from_bytes(seed[:8], "big") / 2**64
    if options.retry_jitter is RetryJitter.EQUAL:
        return delay / 2 + delay / 2 * share
    if options.retry_jitter is RetryJitter.FULL:
        return delay * share
    return delay


class _Same:
    """A DAG as a key by what it is, not by what it says: large ones take long to compare."""

    __slots__ = ("dag",)

    def __init__(self, dag: Dag) -> None:
        self.dag = dag

    def __hash__(self) -> int:
        return id(self.dag)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.dag is other.dag


def upstream_of(dag: Dag) -> Mapping[TaskName, tuple[TaskName, ...]]:
    """Return every task's direct upstream tasks, each once, in page order."""
    return _upstream(_Same(dag))


@lru_cache(maxsize=_KEPT)
def _upstream(of: _Same) -> Mapping[TaskName, tuple[TaskName, ...]]:
    order = {task.name: index for index, task in enumerate(of.dag.tasks)}
    sources: dict[TaskName, set[TaskName]] = {name: set() for name in order}
    for edge in of.dag.edges:
        if edge.target in sources and edge.source in order:
            sources[edge.target].add(edge.source)
    return {name: tuple(sorted(found, key=order.__getitem__)) for name, found in sources.items()}


@lru_cache(maxsize=_KEPT)
def _walk(of: _Same) -> tuple[Task, ...]:
    """Return the tasks so that each stands after those it waits for."""
    tasks = {task.name: task for task in of.dag.tasks}
    return tuple(tasks[name] for name in TopologicalSorter(_upstream(of)).static_order())


def side_by_side(dag: Dag, names: Collection[TaskName], most: int) -> int:
    """Return how many slots of ``most`` these tasks can use: as many as stand equally far down.

    A mapped task can use them all.
    """
    depth: dict[TaskName, int] = {}
    wide = Counter[int]()
    for task in _walk(_Same(dag)):
        before = max((depth[source] for source in upstream_of(dag)[task.name]), default=0)
        depth[task.name] = before + (task.name in names)
        if task.name in names:
            wide[depth[task.name]] += most if task.options.foreach is not None else 1
    return min(most, max(wide.values(), default=1))


def kernel_sharers(dag: Dag, snapshot: RunSnapshot) -> dict[TaskName, set[TaskName]]:
    """Tell, for each task that shares a live kernel, which earlier tasks it shares it with.

    Known from the page (kernel groups), or found out in this run: a producer whose value could not
    be stored, and the readers of that value.
    """
    order = {task.name: index for index, task in enumerate(dag.tasks)}
    sets: list[set[TaskName]] = [set(group.tasks) for group in dag.groups]
    for producer in snapshot.tasks.values():
        names = set(producer.unstorable)
        if names:
            sets.append({producer.name, *_readers(dag, producer.name, names)})
    earlier: dict[TaskName, set[TaskName]] = {}
    for members in _joined(sets):
        known = sorted(members & order.keys(), key=order.__getitem__)
        for index, name in enumerate(known):
            earlier[name] = set(known[:index])
    return earlier


def _joined(sets: Iterable[set[TaskName]]) -> list[set[TaskName]]:
    """Join sets that overlap: a task in two of them ties their kernels together."""
    joined: list[set[TaskName]] = []
    for members in sets:
        apart = [other for other in joined if not other & members]
        joined = [*apart, members.union(*(other for other in joined if other & members))]
    return joined


def _readers(dag: Dag, producer: TaskName, names: set[str]) -> Iterable[TaskName]:
    yield from dag.code_readers(producer, names)
    for task in dag.tasks:
        inputs = [*task.inputs, *(i for replay in task.replays for i in replay.inputs)]
        if any(i.name in names and producer in i.sources for i in inputs):
            yield task.name


def _cancel_moves(snapshot: RunSnapshot) -> tuple[TaskMove, ...]:
    return tuple(
        TaskMove(
            task=task.name,
            source=task.state,
            target=TaskState.CANCELLED,
            note=Sentence("the run was cancelled"),
        )
        for task in snapshot.tasks.values()
        if task.state in _WAITING
    )


def _due_retries(snapshot: RunSnapshot, now: datetime) -> Iterable[TaskMove]:
    for task in snapshot.tasks.values():
        due = task.not_before is None or task.not_before <= now
        if task.state is TaskState.UP_FOR_RETRY and due:
            yield TaskMove(task=task.name, source=task.state, target=TaskState.QUEUED)


def _releases(dag: Dag, snapshot: RunSnapshot) -> tuple[TaskMove, ...]:
    """Walk the tasks in topological order once: what is decided upstream counts downstream."""
    upstream = upstream_of(dag)
    shared = kernel_sharers(dag, snapshot)
    states = {name: task.state for name, task in snapshot.tasks.items()}
    moves: list[TaskMove] = []
    for task in _walk(_Same(dag)):
        name = task.name
        if states.get(name) is not TaskState.NONE:
            continue
        sources = [source for source in upstream[name] if source in states]
        if any(not states[m].is_final for m in shared.get(name, ()) if m in states):
            outcome = _early(task, sources, states)
        else:
            outcome = evaluate_rule(
                task.options.trigger_rule, [states[source] for source in sources]
            )
        move = _move(name, outcome, task.options, sources, states)
        if move is not None:
            states[name] = move.target
            moves.append(move)
    if not any(state in _ACTIVE for state in states.values()):
        moves.extend(_stuck(states))
    return tuple(moves)


def _early(
    task: Task, sources: list[TaskName], states: Mapping[TaskName, TaskState]
) -> RuleOutcome:
    """A member of a kernel group waits for the earlier members, but may be left out at once."""
    outcome = evaluate_rule(task.options.trigger_rule, [states[source] for source in sources])
    return RuleOutcome.WAIT if outcome is RuleOutcome.RUN else outcome


def _move(
    name: TaskName,
    outcome: RuleOutcome,
    options: TaskOptions,
    sources: list[TaskName],
    states: Mapping[TaskName, TaskState],
) -> TaskMove | None:
    if outcome is RuleOutcome.WAIT:
        return None
    if outcome is RuleOutcome.RUN:
        return TaskMove(task=name, source=TaskState.NONE, target=TaskState.QUEUED)
    if outcome is RuleOutcome.UPSTREAM_FAILED:
        failed = [s for s in sources if states[s] in _BAD or states[s] is TaskState.CANCELLED]
        note = Sentence("no upstream task succeeded")
        if failed:
            note = Sentence("{tasks} did not succeed", tasks=_listed(failed))
        return TaskMove(
            task=name, source=TaskState.NONE, target=TaskState.UPSTREAM_FAILED, note=note
        )
    ended = ", ".join(f"{s} {states[s]}" for s in sources if states[s].is_final)
    note = Sentence("rule {rule}: {ended}", rule=options.trigger_rule.value, ended=ended)
    return TaskMove(task=name, source=TaskState.NONE, target=TaskState.SKIPPED, note=note)


def _stuck(states: Mapping[TaskName, TaskState]) -> Iterable[TaskMove]:
    """Nothing runs and nothing can be released: what still waits would wait for ever."""
    for name, state in states.items():
        if state is TaskState.NONE:
            yield TaskMove(
                task=name,
                source=TaskState.NONE,
                target=TaskState.UPSTREAM_FAILED,
                note=Sentence("it waits for a task that waits for it"),
            )


def _run_move(
    dag: Dag, snapshot: RunSnapshot, states: Mapping[TaskName, TaskState]
) -> RunMove | None:
    ended = all(state.is_final for state in states.values())
    if snapshot.state is RunState.QUEUED and not (snapshot.cancel_requested and ended):
        return RunMove(source=RunState.QUEUED, target=RunState.RUNNING)
    if not ended:
        return None
    cancelled = any(state is TaskState.CANCELLED for state in states.values())
    if cancelled and snapshot.cancel_requested:
        note = Sentence("cancelled")
        return RunMove(source=snapshot.state, target=RunState.CANCELLED, note=note)
    failed = _failed_tasks(dag, states)
    if failed:
        note = Sentence("{tasks} failed", tasks=_listed(failed))
        return RunMove(source=snapshot.state, target=RunState.FAILED, note=note)
    target = (
        RunState.CANCELLED if cancelled or snapshot.state is RunState.QUEUED else RunState.SUCCESS
    )
    return RunMove(source=snapshot.state, target=target)


def _failed_tasks(dag: Dag, states: Mapping[TaskName, TaskState]) -> list[TaskName]:
    """Return the tasks that make the run fail, those that failed themselves first."""
    if dag.options.verdict is Verdict.LEAVES:
        inner = {s for name, found in upstream_of(dag).items() if name in states for s in found}
        watched = [task.name for task in dag.tasks if task.name not in inner]
    else:
        watched = [task.name for task in dag.tasks if not task.options.allow_failure]
    bad = [name for name in watched if states.get(name) in _BAD]
    return [n for n in bad if states[n] is TaskState.FAILED] or bad


def _may_retry(options: TaskOptions, before: TaskSnapshot, ended: Ended) -> bool:
    if before.failures >= options.retries:
        return False
    names = {ended.error, ended.error.rsplit(".", 1)[-1]} if ended.error else set()
    if ended.reason is Reason.TIMED_OUT:
        names.add("TimeoutError")
    if names & set(options.no_retry_on):
        return False
    return not options.retry_on or bool(names & set(options.retry_on))


def _after_loss(options: TaskOptions, before: TaskSnapshot, note: str) -> tuple[TaskState, str]:
    lost = before.lost + 1
    if lost <= options.max_lost:
        return TaskState.QUEUED, note
    return TaskState.FAILED, died_running(lost)


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    shown = ", ".join(found[:3])
    if len(found) <= 3:
        return shown
    return Sentence("{names} and {count} more", names=shown, count=len(found) - 3)
