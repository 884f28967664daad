"""Put the tasks of a DAG together: replays, inputs and outputs, in the words of `nbflow.model`."""

from collections.abc import Mapping, Sequence

from nbflow.compiler.demand import may_be_unbound
from nbflow.compiler.drafts import AmbientVersion, Draft, Need, UnitKey
from nbflow.compiler.effects import Summary
from nbflow.compiler.fold import PageFold
from nbflow.model.dag import CodeUnit, Input, KernelGroup, Replay, Task
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import Notebook, Role
from nbflow.notebooks.metadata import build_task_options


def unit_id(fold: PageFold, key: UnitKey) -> str:
    """Return the id of a unit: its cell and its number there."""
    return f"{fold.placed[key[0]].cell.id}/{key[1]}"


def code_units(fold: PageFold) -> tuple[CodeUnit, ...]:
    """Return everything of the page that travels as code, in page order."""
    units: list[CodeUnit] = []
    for index, analysis in enumerate(fold.analyses):
        if fold.roles[index][0] is not Role.TASK:
            continue
        for number, unit in enumerate(analysis.units):
            units.append(
                CodeUnit(
                    id=unit_id(fold, (index, number)),
                    cell=fold.placed[index].cell.id,
                    first_line=unit.first_line,
                    last_line=unit.last_line,
                    source=unit.source,
                    binds=unit.binds,
                )
            )
    return tuple(units)


def build_tasks(
    notebook: Notebook,
    fold: PageFold,
    order: Sequence[TaskName],
    groups: Sequence[KernelGroup],
) -> tuple[Task, ...]:
    """Return the tasks in page order."""
    group_of = {name: group.name for group in groups for name in group.tasks}
    shown: set[int] = set()
    tasks: list[Task] = []
    for name in order:
        draft = fold.drafts[name]
        setup = [i for i in fold.setup_cells if i < draft.cells[0]]
        for index in setup:
            for version, place in fold.setup_units[index]:
                if version.unit is not None and version.task is not None:
                    fold.need_unit(draft, version.unit, place)
        first_shown = tuple(fold.placed[i].cell.id for i in setup if i not in shown)
        shown.update(setup)
        tasks.append(_task(notebook, fold, draft, setup, first_shown, group_of.get(name)))
    return tuple(tasks)


def _task(
    notebook: Notebook,
    fold: PageFold,
    draft: Draft,
    setup: Sequence[int],
    setup_shown: tuple[CellId, ...],
    group: str | None,
) -> Task:
    inputs = tuple(_input(need) for _, need in sorted(draft.needs.items()))
    taken = {one.name for one in inputs}
    outputs = sorted(draft.outputs)
    optional = tuple(n for n in outputs if may_be_unbound(draft.outputs[n]))
    cells = [fold.placed[i].cell for i in draft.cells]
    raw: dict[str, object] = {}
    for cell in cells:
        if cell.role is not Role.SETUP and cell.options and not raw:
            raw = dict(cell.options)
    summary = _joined(draft.summaries)
    return Task(
        name=draft.name,
        cells=tuple(cell.id for cell in cells),
        options=build_task_options(raw, notebook.dag.defaults),
        replays=_replays(fold, draft, setup),
        inputs=inputs,
        ambient_inputs=tuple(
            Input(name=state, sources=_ambient_sources(version), optional=True)
            for state, (version, _) in sorted(draft.ambient_needs.items())
        ),
        outputs=tuple(n for n in outputs if n not in optional),
        optional_outputs=optional,
        ambient_outputs=tuple(sorted(draft.ambient_outputs)),
        mutates_inputs=tuple(sorted(draft.mutates & taken)),
        setup_cells=setup_shown,
        group=group,
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
    found: list[TaskName] = []
    now: AmbientVersion | None = version
    while now is not None and now.task is not None:
        if now.task not in found:
            found.append(now.task)
        now = now.previous
    return tuple(found)


def _replays(fold: PageFold, draft: Draft, setup: Sequence[int]) -> tuple[Replay, ...]:
    steps: dict[tuple[int, int], Replay] = {
        (index, -1): Replay(cell=fold.placed[index].cell.id) for index in setup
    }
    for key in draft.units:
        needs: Mapping[str, Need] = draft.unit_needs.get(key, {})
        steps[key] = Replay(
            unit=unit_id(fold, key),
            inputs=tuple(_input(need) for _, need in sorted(needs.items())),
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
