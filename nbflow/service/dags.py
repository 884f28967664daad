"""DAGs in the metastore: deployed, paused, triggered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbflow.errors import ConflictError, NotFoundError
from nbflow.model.dag import Dag
from nbflow.model.going_on import GoesOn, always
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.notebook import Notebook
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind
from nbflow.service.targets import Compiled, Target, load_all

if TYPE_CHECKING:
    from nbflow.service.service import Service


_BATCH = 50
"""Runs deleted in one transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One deployed DAG; ``is_new`` tells whether this content was not its current version."""

    compiled: Compiled
    version: Digest
    is_new: bool
    is_paused: bool
    schedule: ScheduleEntry | None = None

    @property
    def dag(self) -> Dag:
        """The DAG as it was compiled."""
        return self.compiled.dag


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployOptions:
    """``confirmed`` agrees to a catch-up on more than a thousand slots.

    What was looked at before, so that nobody deploys what they did not see: ``replaces`` is the
    version that was deployed, None if none was; ``becomes`` the one that the notebook was to be.
    """

    confirmed: bool = False
    replaces: Digest | Literal["any"] | None = "any"
    becomes: Digest | None = None


ANYHOW = DeployOptions()


def deploy(
    service: "Service", target: Target, *, dag: str | None = None, options: DeployOptions = ANYHOW
) -> list[Deployment]:
    """Record every DAG at ``target``, or the one named, as the version that new runs use, with its
    schedule.

    Raises CompileError, and records nothing, if one of them has errors; ScheduleError for more than
    a thousand slots to catch up on unless that is confirmed; ConflictError if what is deployed, or
    the notebook, is not what was looked at.
    """
    place = target if isinstance(target, Notebook) else Path(target).absolute()
    there = load_all(place, now=service.clock.wall())
    found = [one for one in there if dag is None or one.dag.id == dag]
    if not found:
        raise NotFoundError(
            Sentence("there is no DAG {dag} in {target}", dag=dag, target=target), code="NBF902"
        )
    for one in found:
        one.check()
        if options.becomes not in (None, one.dag.digest):
            raise ConflictError(
                Sentence("What is saved of {dag} is not what was looked at.", dag=one.dag.id),
                hint="Reload it from disk, or save yours; then deploy again.",
                code="NBF665",
            )
    return [deploy_one(service, one, options) for one in found]


def deploy_one(
    service: "Service",
    compiled: Compiled,
    options: DeployOptions = ANYHOW,
    goes_on: GoesOn = always,
) -> Deployment:
    """Record one DAG that has no errors as the version that new runs use.

    ``goes_on`` is asked while files that it watches are read; ConflictError once it says no.
    """
    from nbflow.scheduling.plan import plan_deploy
    from nbflow.service.run import snapshots
    from nbflow.service.triggers import baselines

    dag, store = compiled.dag, service.store
    # First, since it may take longer than the schedule stays as it is.
    on = baselines(service, dag, compiled.notebooks, goes_on)
    before = current_version(service, dag.id)
    known = store.schedule(dag.id)
    schedule = plan_deploy(
        dag.id, dag.options, known, service.clock.wall(), confirmed=options.confirmed
    )
    version = store.deploy(
        dag,
        snapshots(compiled),
        schedule=schedule,
        on=on,
        replaces=options.replaces,
    )
    return Deployment(
        compiled=compiled,
        version=version,
        is_new=before != version,
        is_paused=any(row.paused for row in store.list_dags(dag.id)),
        schedule=schedule,
    )


def current_version(service: "Service", dag_id: DagId) -> Digest | None:
    """Return the version that new runs of a DAG use, None if it was never deployed."""
    try:
        return service.store.current_version(dag_id)
    except NotFoundError:
        return None


def pause(service: "Service", dag_id: str, *, paused: bool, confirmed: bool = False) -> bool:
    """Stop or start making scheduled runs; False if it stood so already.

    Raises NotFoundError; ScheduleError, and it stays paused, if more than a thousand slots would run
    unless that is ``confirmed``.
    """
    name, store = DagId(dag_id), service.store
    if not paused and not confirmed and any(row.paused for row in store.list_dags(name)):
        from nbflow.scheduling.plan import refuse_to_run

        _, will_run = will_catch_up(service, name)
        refuse_to_run(name, will_run)
    return store.pause(name, paused=paused)


def delete(service: "Service", dag_id: str, *, keep_runs: bool = False) -> int:
    """Delete a DAG with all its runs, or only let it rest; return how many runs were deleted.

    Raises NotFoundError; UsageError NBF619 while runs of it go on, ConflictError NBF661 while one
    waits to.
    """
    from nbflow.service.deleting import waits_to_go_on

    store, found, deleted = service.store, DagId(dag_id), 0
    for run_id in store.clears.requested():
        if store.run_snapshot(run_id).dag_id == found:
            raise waits_to_go_on(run_id)
    store.undeploy(found)
    if keep_runs:
        return 0
    while runs := store.runs_of(found, limit=_BATCH):
        gone = store.retention.delete_runs(runs)
        deleted += gone
        if not gone:
            raise waits_to_go_on(runs[0])
    store.delete_dag(found)
    return deleted


def will_catch_up(service: "Service", dag_id: str) -> tuple[int, int]:
    """Return how many slots passed while a DAG was paused, and how many of them will run."""
    from nbflow.scheduling.plan import preview_unpause

    store, name = service.store, DagId(dag_id)
    entry = store.schedule(name)
    if entry is None or not entry.expression:
        return 0, 0
    return preview_unpause(entry, service.clock.wall(), active_runs=store.active_runs(name))


def trigger(
    service: "Service",
    dag_id: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    date: datetime | None = None,
    key: str | None = None,
) -> RunId | None:
    """Record a manual run of what is deployed, for a scheduler to carry out; return its id.

    Two calls with one ``key`` make one run: the second returns None. Raises NotFoundError,
    ParameterError.
    """
    from nbflow.metastore import NewRun
    from nbflow.service.run import new_context
    from nbflow.service.targets import parameter_values

    version = service.store.current_version(DagId(dag_id))
    dag = service.store.load_version(version)
    context = new_context(RunKind.MANUAL, dag.options.timezone, service.clock.wall(), date)
    values = parameter_values(dag.parameters, context.fill(parameters or {}))
    made = service.store.create_run(
        NewRun(
            run_id=context.run_id,
            dag_id=dag.id,
            version=version,
            kind=RunKind.MANUAL,
            slot_key=f"manual:{key or context.run_id}",
            parameters=values,
            logical_date=context.logical_date,
            data_interval=(context.data_interval_start, context.data_interval_end),
            driven=False,
        )
    )
    return context.run_id if made else None
