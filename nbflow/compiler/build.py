"""Put the tasks of a DAG together: replays, inputs and outputs, in the words of `nbflow.model`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nbflow.compiler.demand import may_be_unbound
from nbflow.compiler.drafts import AmbientVersion, Draft, Need
from nbflow.compiler.edges import need_edges
from nbflow.compiler.effects import Summary
from nbflow.compiler.fold import unit_id
from nbflow.compiler.page_tasks import PageTasks
from nbflow.compiler.versions import UnitKey, Version
from nbflow.model.dag import Edge, Input, KernelGroup, Place, Replay, Task
from nbflow.model.ids import CellId, TaskName
from nbflow.notebooks.metadata import build_task_options


class Taken(NamedTuple):
    """What a task's edges depend on: its draft, the statements that it replays in page order, and
    where all that it takes from others is written.
    """

    draft: Draft
    units: list[UnitKey]
    places: dict[Version | AmbientVersion, Place]


class Around(NamedTuple):
    """What a task's form depends on beside its draft. ``shown``: setup cells whose outputs it shows;
    ``options``: text of the options, which tells ``1`` from ``true``.
    """

    setup: tuple[CellId, ...]
    shown: tuple[CellId, ...]
    group: str | None
    options: str


class TaskBuilder:
    """Builds tasks and their edges. A task whose draft is as it was the last time stays as it was."""

    def __init__(self) -> None:
        self._edges: dict[TaskName, tuple[Taken, tuple[Edge, ...]]] = {}
        self._tasks: dict[TaskName, tuple[tuple[Taken, Around], Task]] = {}

    def edges(self, tasks: PageTasks) -> list[Edge]:
        """Return the edges for what tasks take from each other."""
        old, self._edges = self._edges, {}
        found: list[Edge] = []
        for name, draft in tasks.drafts.items():
            taken = Taken(draft, tasks.units_of(draft), _places(tasks, draft))
            known = old.get(name)
            if known is None or known[0] != taken:
                known = (taken, tuple(need_edges(*taken)))
            self._edges[name] = known
            found.extend(known[1])
        return found

    def tasks(
        self, tasks: PageTasks, groups: Sequence[KernelGroup], defaults: Mapping[str, Any]
    ) -> tuple[Task, ...]:
        """Return the tasks in page order; call :meth:`edges` first."""
        old, self._tasks = self._tasks, {}
        group_of = {name: group.name for group in groups for name in group.tasks}
        written = str(defaults)
        setup: tuple[CellId, ...] = ()
        waiting = list(reversed(tasks.setup))
        for name, (taken, _) in self._edges.items():
            draft = tasks.drafts[name]
            shown: list[CellId] = []
            while waiting and waiting[-1] < draft.first:
                shown.append(tasks.placed[waiting.pop()].cell.id)
            setup = (*setup, *shown) if shown else setup
            options = f"{draft.options} {written}" if draft.options else written
            around = Around(setup, tuple(shown), group_of.get(name), options)
            known = old.get(name)
            if known is None or known[0] != (taken, around):
                known = ((taken, around), _task(tasks, taken, around, defaults))
            self._tasks[name] = known
        return tuple(task for _, task in self._tasks.values())


def _places(tasks: PageTasks, draft: Draft) -> dict[Version | AmbientVersion, Place]:
    """Return where all that a task takes from others is written."""
    place = tasks.place
    places: dict[Version | AmbientVersion, Place] = {}
    for needs in (draft.needs, *draft.unit_needs.values()):
        for need in needs.values():
            places[need.version] = place(need.version)
            for version in need.fallbacks:
                places[version] = place(version)
    for state, _ in draft.ambient_needs.values():
        places[state] = place(state)
    return places


def _task(tasks: PageTasks, taken: Taken, around: Around, defaults: Mapping[str, Any]) -> Task:
    draft = taken.draft
    inputs = tuple(_input(need) for _, need in sorted(draft.needs.items()))
    outputs = sorted(draft.outputs)
    optional = tuple(n for n in outputs if may_be_unbound(draft.outputs[n]))
    summary = _joined(draft.summaries)
    return Task(
        name=draft.name,
        cells=tuple(draft.cells),
        options=build_task_options(tasks.drafts[draft.name].options, defaults),
        replays=_replays(tasks, taken, around.setup),
        inputs=inputs,
        ambient_inputs=tuple(
            Input(name=state, sources=_ambient_sources(version), optional=True)
            for state, (version, _) in sorted(draft.ambient_needs.items())
        ),
        outputs=tuple(n for n in outputs if n not in optional),
        optional_outputs=optional,
        ambient_outputs=tuple(sorted(draft.ambient_outputs)),
        mutates_inputs=tuple(sorted(draft.mutates & {one.name for one in inputs})),
        setup_cells=around.shown,
        group=around.group,
        needs_now=summary.needs_now,
        needs_when_called=summary.needs_when_called,
        binds=summary.binds,
        may_bind=summary.may_bind,
        mutates=summary.mutates,
        deletes=summary.deletes,
        warns=summary.warns,
    )


def _input(need: Need) -> Input:
    return Input(
        name=need.version.name,
        sources=_sources(need),
        optional=may_be_unbound(need.version) or bool(need.fallbacks),
    )


def _sources(need: Need) -> tuple[TaskName, ...]:
    found: list[TaskName] = [need.through] if need.through else []
    for version in (need.version, *need.fallbacks):
        if version.task is not None and version.task not in found:
            found.append(version.task)
    return tuple(found)


def _ambient_sources(version: AmbientVersion) -> tuple[TaskName, ...]:
    found: dict[TaskName, None] = {}
    now: AmbientVersion | None = version
    while now is not None and now.task is not None:
        found[now.task] = None
        now = now.previous
    return tuple(found)


def _replays(tasks: PageTasks, taken: Taken, setup: Sequence[CellId]) -> tuple[Replay, ...]:
    steps = {(tasks.at[cell], -1): Replay(cell=cell) for cell in setup}
    for key in taken.units:
        needs: Mapping[str, Need] = taken.draft.unit_needs.get(key, {})
        steps[tasks.at[key[0]], key[1]] = Replay(
            unit=unit_id(key), inputs=tuple(_input(need) for _, need in sorted(needs.items()))
        )
    return tuple(steps[key] for key in sorted(steps))


def _joined(summaries: Sequence[Summary]) -> Summary:
    """Sum the analyses of a task's cells up: what one cell binds another doesn't need."""
    if len(summaries) == 1:
        return summaries[0]
    needs, called, binds, may, mutates, deletes, warns = (set[str]() for _ in range(7))
    for one in summaries:
        needs |= set(one.needs_now) - binds
        mutates |= set(one.mutates) - binds
        called |= set(one.needs_when_called)
        gone = set(one.deletes)
        binds = (binds | set(one.binds)) - gone
        may = (may | set(one.may_bind)) - binds - gone
        deletes = (deletes - set(one.binds)) | gone
        warns |= set(one.warns)
    return Summary(
        needs_now=tuple(sorted(needs)),
        needs_when_called=tuple(sorted(called - binds - needs)),
        binds=tuple(sorted(binds)),
        may_bind=tuple(sorted(may)),
        mutates=tuple(sorted(mutates)),
        deletes=tuple(sorted(deletes)),
        warns=tuple(sorted(warns)),
    )
