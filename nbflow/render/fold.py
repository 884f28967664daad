"""Folding: a DAG too large for one screen is drawn section by section, each a box that tells how
many tasks it holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from nbflow.model.dag import Dag, Edge, Task
from nbflow.model.ids import TaskName
from nbflow.model.states import FINAL_TASK_STATES, TaskState
from nbflow.render.picture import States, TaskProgress, as_progress

FOLD_ABOVE = 60
"""So many tasks fit on a laptop's screen."""

EVERYTHING = "all"
"""Unfolds every section."""

_TELLING = (
    TaskState.FAILED,
    TaskState.RUNNING,
    TaskState.UP_FOR_RETRY,
    TaskState.UPSTREAM_FAILED,
    TaskState.CANCELLED,
    TaskState.QUEUED,
)
"""A folded box shows the first of these that one of its tasks is in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """``whole`` as it is drawn; ``members`` are the tasks of each box that is a folded section."""

    whole: Dag
    dag: Dag
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def states(self, states: States | None) -> States | None:
        """Return where every box stands in a run, given where every task does."""
        if states is None or not self.members:
            return states
        inside = {name for names in self.members.values() for name in names}
        kept = {name: state for name, state in states.items() if name not in inside}
        return kept | {
            name: _together([as_progress(states[task]) for task in tasks if task in states])
            for name, tasks in self.members.items()
        }


def fold(dag: Dag, sections: Mapping[str, str], unfold: Collection[str] = ()) -> Folded:
    """Fold neighbours of one section into a box if ``dag`` has more than `FOLD_ABOVE` tasks.

    ``sections`` maps a task to the heading, or folder, it stands under. Sections named in
    ``unfold`` stay open; ``all`` opens every one.
    """
    if len(dag.tasks) <= FOLD_ABOVE or EVERYTHING in unfold:
        return Folded(whole=dag, dag=dag)
    names = {str(task.name) for task in dag.tasks}
    boxes: dict[str, tuple[str, ...]] = {}
    for title, tasks in _sections(dag.tasks, sections):
        if title in unfold or len(tasks) == 1:
            continue
        name, number = title, 2
        while name in boxes or name in names:
            name, number = f"{title} ({number})", number + 1
        boxes[name] = tuple(str(task.name) for task in tasks)
    return Folded(whole=dag, dag=_folded(dag, boxes), members=boxes)


def _sections(
    tasks: Sequence[Task], sections: Mapping[str, str]
) -> Sequence[tuple[str, Sequence[Task]]]:
    """Return neighbours under one title; a page without titles is cut into even parts."""
    found = [
        (title, list(group))
        for title, group in groupby(tasks, key=lambda task: sections.get(str(task.name), ""))
    ]
    titled = [(title or _from_to(group), group) for title, group in found]
    if 1 < len(titled) <= FOLD_ABOVE:
        return titled
    size = max(2, round(len(tasks) ** 0.5), -(-len(tasks) // FOLD_ABOVE))
    parts = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    return [(_from_to(part), part) for part in parts]


def _from_to(tasks: Sequence[Task]) -> str:
    first, last = str(tasks[0].name), str(tasks[-1].name)
    return first if first == last else f"{first} … {last}"


def _folded(dag: Dag, boxes: Mapping[str, tuple[str, ...]]) -> Dag:
    """Return the DAG with each box as one task, and the edges between boxes only."""
    box_of = {task: TaskName(name) for name, tasks in boxes.items() for task in tasks}
    tasks: dict[str, Task] = {}
    for task in dag.tasks:
        name = box_of.get(str(task.name))
        if name is None:
            tasks[str(task.name)] = task
        else:
            cells = tasks[name].cells if name in tasks else ()
            tasks[name] = Task(name=name, cells=(*cells, *task.cells))
    edges: dict[Edge, None] = {}
    for edge in dag.edges:
        source = box_of.get(str(edge.source), edge.source)
        target = box_of.get(str(edge.target), edge.target)
        if source != target:
            edges.setdefault(replace(edge, source=source, target=target))
    groups = tuple(group for group in dag.groups if not box_of.keys() & set(group.tasks))
    return replace(dag, tasks=tuple(tasks.values()), edges=tuple(edges), groups=groups)


def _together(progress: Sequence[TaskProgress]) -> TaskProgress:
    """Return where a folded section stands: what matters most of its tasks, and how many ended."""
    states = {one.state for one in progress}
    done = sum(one.state in FINAL_TASK_STATES for one in progress)
    state = next((one for one in _TELLING if one in states), TaskState.NONE)
    if state is TaskState.NONE and done:
        ran = TaskState.SKIPPED if states == {TaskState.SKIPPED} else TaskState.SUCCESS
        state = ran if done == len(progress) else TaskState.RUNNING
    seconds = [one.seconds for one in progress if one.seconds is not None]
    return TaskProgress(
        state=state,
        cached=bool(progress) and all(one.cached for one in progress),
        seconds=sum(seconds) if seconds and done == len(progress) else None,
        done=done,
        total=len(progress),
        reason=next((one.reason for one in progress if one.reason), ""),
    )
