"""Task selectors: ``train``, ``+train`` (and all before), ``train+`` (and all after)."""

import re
from collections.abc import Sequence

from nbflow.errors import NotFoundError, UsageError
from nbflow.model.dag import Dag
from nbflow.model.graph import reachable, reversed_edges
from nbflow.model.ids import TaskName
from nbflow.model.names import name_key
from nbflow.model.sentence import Sentence
from nbflow.scheduling.decide import upstream_of


def select_tasks(dag: Dag, selector: str | Sequence[str] | None) -> tuple[TaskName, ...] | None:
    """Return the selected tasks in page order; None, for all, without a selector.

    Selectors are separated by commas or white space. Raises NotFoundError for a task that the DAG
    lacks.
    """
    text = selector if isinstance(selector, str) or selector is None else ",".join(selector)
    words = [word for word in re.split(r"[,\s]+", text or "") if word]
    if not words:
        return None
    upstream: dict[str, tuple[str, ...]] = {str(n): s for n, s in upstream_of(dag).items()}
    downstream = reversed_edges(upstream)
    chosen: set[str] = set()
    for word in words:
        name = task_named(dag, word.removeprefix("+").removesuffix("+"))
        chosen.add(name)
        if word.startswith("+"):
            chosen |= reachable([name], upstream)
        if word.endswith("+"):
            chosen |= reachable([name], downstream)
    return tuple(task.name for task in dag.tasks if task.name in chosen)


def one_task(dag: Dag, selector: str) -> TaskName:
    """Return the only task that a selector names. Raises NotFoundError, or UsageError for several."""
    chosen = select_tasks(dag, selector) or tuple(task.name for task in dag.tasks)
    if len(chosen) == 1:
        return chosen[0]
    raise UsageError(
        Sentence(
            "{selector!r} names {count} tasks, and this takes one.",
            selector=selector,
            count=len(chosen),
        ),
        hint=Sentence("Name one of them: {tasks}.", tasks=", ".join(chosen)),
    )


def task_named(dag: Dag, name: str) -> TaskName:
    """Return the task of that name, however it is written. Raises NotFoundError NBF512."""
    for task in dag.tasks:
        if name_key(task.name) == name_key(name):
            return task.name
    known = ", ".join(task.name for task in dag.tasks)
    raise NotFoundError(
        Sentence("There is no task {name!r} in {id}.", name=name, id=dag.id),
        hint=Sentence("Tasks: {known}.", known=known),
        code="NBF512",
    )
