"""Clear tasks of a run: which are decided anew, and who carries it out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbflow.errors import NotFoundError, UsageError
from nbflow.model.dag import Dag
from nbflow.model.graph import reachable, reversed_edges
from nbflow.model.ids import RunId, TaskName
from nbflow.model.run import RunSnapshot, TaskSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState
from nbflow.scheduling.decide import kernel_sharers, side_by_side, upstream_of
from nbflow.service.events import OnEvent, ignore
from nbflow.service.looking import find_run
from nbflow.service.select import select_tasks
from nbflow.service.targets import Compiled, overrides

if TYPE_CHECKING:
    from nbflow.metastore import Clear
    from nbflow.service.reports import RunReport
    from nbflow.service.service import Service

_UNSUCCESSFUL = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})


@dataclass(frozen=True, kw_only=True, slots=True)
class ClearOptions:
    """What to clear: the tasks of a selector, or all of them; with ``downstream`` what follows them,
    too; with ``only_failed`` of all these what did not succeed. ``deployed`` moves the run to the
    version of its DAG that is deployed now.
    """

    select: str | Sequence[str] | None = None
    every: bool = False
    downstream: bool = False
    only_failed: bool = False
    deployed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleared:
    """What goes on, and how: ``tasks`` with the states that they leave, ``removed`` those that the
    version lacks. Without ``is_driven`` no scheduler is there to carry it out.
    """

    run_id: RunId
    tasks: tuple[tuple[TaskName, TaskState], ...]
    removed: tuple[TaskName, ...]
    compiled: Compiled
    is_driven: bool = True
    report: "RunReport | None" = None


def clear(service: "Service", run: str, options: ClearOptions, *, dry_run: bool = False) -> Cleared:
    """Ask a scheduler to let tasks of a run wait again, and an ended run go on; with ``dry_run`` only
    say what would.

    Raises NotFoundError for an unknown run or task, UsageError NBF662 if nothing is to be cleared,
    ParameterError if the deployed version doesn't take the run's parameters. Of a run that goes on
    ConflictError NBF661 if a process of its own drives it, it is being cancelled or is to move to
    the deployed version, NBF663 if a task runs that is cleared, or takes the results of one.
    """
    planned = _plan(service, find_run(service, run), options)
    if not dry_run:
        service.store.clears.request(planned.wanted)
    return _cleared(planned, is_driven=service.store.has_scheduler())


def clear_and_run(
    service: "Service", run: str, options: ClearOptions, *, on_event: OnEvent = ignore
) -> Cleared:
    """Let an ended run go on here and now, to its end; raises as `clear`."""
    from nbflow.service.adopt import adopt, refresh
    from nbflow.service.run import RunOptions, drive, refuse_inside_a_run, report_of

    refuse_inside_a_run()
    planned = _plan(service, find_run(service, run), options)
    wanted, before = planned.wanted, planned.before
    version = wanted.version or before.version
    after = replace(before, version=version, clears=before.clears + 1)
    setup = adopt(service, planned.compiled, after)
    begun = service.clock.monotonic()
    with service.executor() as executor:
        executor.warm(side_by_side(setup.dag, wanted.tasks, service.settings.slots))
        service.store.clears.carry_out_here(wanted)
        snapshot = service.store.run_snapshot(wanted.run_id)
        refresh(service.store, setup.published, snapshot)
        ended, reports = drive(service, executor, setup, RunOptions(on_event=on_event))
    seconds = service.clock.monotonic() - begun
    return replace(
        _cleared(planned, is_driven=True), report=report_of(setup.dag, ended, reports, seconds)
    )


def to_clear(dag: Dag, snapshot: RunSnapshot, options: ClearOptions) -> tuple[TaskName, ...]:
    """Return the tasks to decide anew, in page order.

    Tasks that follow one that is cleared, and of which nothing ran because of what became of it
    (``upstream_failed``, ``cancelled``, skipped by a trigger rule), are among them: why they stand
    there holds no more. So are those that were removed, if ``dag`` has them. What succeeded stays
    unless it was named.
    """
    chosen = _chosen(dag, snapshot, options)
    there = snapshot.tasks.keys()
    upstream: dict[str, tuple[str, ...]] = {str(n): s for n, s in upstream_of(dag).items()}
    downstream = reversed_edges(upstream)
    if options.downstream or (options.only_failed and options.select is not None):
        chosen |= _following(chosen, downstream) & there
    if options.only_failed:
        chosen = {n for n in chosen if snapshot.tasks[n].state in _UNSUCCESSFUL}
    has = {task.name for task in dag.tasks}
    chosen |= {n for n, s in snapshot.tasks.items() if s.state is TaskState.REMOVED and n in has}
    for name in _following(chosen, downstream) & there:
        if _was_left_out(snapshot.tasks[name]):
            chosen.add(name)
    return tuple(name for name in snapshot.tasks if name in chosen)


def _chosen(dag: Dag, snapshot: RunSnapshot, options: ClearOptions) -> set[TaskName]:
    selected = select_tasks(dag, options.select)
    if selected is None and not (options.every or options.only_failed):
        raise UsageError(
            "What is to be cleared is not said.",
            hint="Name tasks with --task, or say --only-failed or --all.",
            code="NBF662",
        )
    names = snapshot.tasks if selected is None else selected
    return {name for name in names if name in snapshot.tasks}


def _following(names: Iterable[TaskName], downstream: dict[str, set[str]]) -> set[TaskName]:
    return {TaskName(name) for name in reachable(list(names), downstream)}


def _was_left_out(task: TaskSnapshot) -> bool:
    """Tell whether others' states decided that a task doesn't run."""
    if task.state is TaskState.SKIPPED:
        return task.token is None
    return task.state in {TaskState.UPSTREAM_FAILED, TaskState.CANCELLED}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Planned:
    """A clear that can be carried out, and what the run was before it."""

    wanted: "Clear"
    before: RunSnapshot
    compiled: Compiled


def _plan(service: "Service", run_id: RunId, options: ClearOptions) -> _Planned:
    from nbflow.metastore import Clear
    from nbflow.metastore.clear import not_ended
    from nbflow.service.adopt import Versions

    snapshot = service.store.run_snapshot(run_id)
    if not snapshot.state.is_final:
        row, _ = service.store.show_run(run_id)
        if row.has_driver or options.deployed:
            raise not_ended(run_id)
    versions = Versions(service.store)
    version = service.store.current_version(snapshot.dag_id) if options.deployed else None
    compiled = versions.compiled(version or snapshot.version)
    _check_parameters(compiled, snapshot)
    tasks = _tasks(compiled.dag, versions.dag(snapshot.version), snapshot, options)
    if not snapshot.state.is_final:
        tasks = _refuse_busy(compiled.dag, snapshot, tasks)
    if not tasks and (version is None or version == snapshot.version):
        raise UsageError(
            Sentence("Run {run_id} has nothing of that kind to clear.", run_id=run_id),
            hint="nbflow runs show tells the states of its tasks.",
            code="NBF662",
        )
    wanted = Clear(run_id=run_id, tasks=tasks, version=version)
    return _Planned(wanted=wanted, before=snapshot, compiled=compiled)


def _refuse_busy(
    dag: Dag, snapshot: RunSnapshot, tasks: Sequence[TaskName]
) -> tuple[TaskName, ...]:
    """Return the tasks of a run that goes on that don't wait for others anyway; ConflictError if one
    can't be cleared now.
    """
    from nbflow.metastore.clear import refuse_busy, shares_kernel

    wanted = tuple(n for n in tasks if snapshot.tasks[n].state is not TaskState.NONE)
    upstream = {str(name): sources for name, sources in upstream_of(dag).items()}
    followers = {
        TaskName(name): [TaskName(one) for one in sorted(found)]
        for name, found in reversed_edges(upstream).items()
    }
    refuse_busy(snapshot, followers, wanted)
    sharing = [name for name in wanted if name in kernel_sharers(dag, snapshot)]
    if sharing:
        raise shares_kernel(RunId(snapshot.run_id), sharing)
    return wanted


def _tasks(
    dag: Dag, before: Dag, snapshot: RunSnapshot, options: ClearOptions
) -> tuple[TaskName, ...]:
    """Name the tasks by the version that the run goes on with, or by the one it had."""
    try:
        return to_clear(dag, snapshot, options)
    except NotFoundError:
        if dag is before:
            raise
        return to_clear(before, snapshot, options)


def _check_parameters(compiled: Compiled, snapshot: RunSnapshot) -> None:
    from nbflow.service.adopt import context_of

    context = context_of(snapshot, compiled.dag.options.timezone)
    overrides(compiled, snapshot.parameters, context)


def _cleared(planned: _Planned, *, is_driven: bool) -> Cleared:
    known = {task.name for task in planned.compiled.dag.tasks}
    before = planned.before.tasks
    wanted = planned.wanted.tasks
    return Cleared(
        run_id=planned.wanted.run_id,
        tasks=tuple((name, before[name].state) for name in wanted if name in known),
        removed=tuple(name for name in wanted if name not in known),
        compiled=planned.compiled,
        is_driven=is_driven,
    )
