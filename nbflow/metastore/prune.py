"""Old runs go for good, in small transactions; what other runs may still need stays."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from nbflow.artifacts.names import attempt_folder
from nbflow.errors import StoreError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.schedules import forget_slots
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.states import RunState


def old_runs(connection: Connection, before: datetime, limit: int | None) -> list[RunId]:
    """Return runs that ended before an instant, the oldest first.

    Never among them are a DAG's newest run that succeeded, and those whose values stand in for tasks
    that a later run leaves out: of each task that the DAG still has, or had since then, the newest
    that stored any, as well as what unfinished runs read.
    """
    run = t.run.c
    newest = (
        select(run.dag_id, func.max(run.created).label("created"))
        .where(run.state == RunState.SUCCESS.value)
        .group_by(run.dag_id)
        .subquery()
    )
    going = t.run.alias("going")
    # By which of its tasks is not asked. Said this way, only the index of the unfinished is offered.
    reads = (
        exists()
        .where(
            going.c.dag_id == run.dag_id,
            func.coalesce(going.c.created, run.created) > run.created,
            going.c.selected.is_not(None),
            going.c.state.in_(t.GOING),
            _stands_in(going.c.created),
        )
        .correlate_except(going)
    )
    query = (
        select(run.id)
        .outerjoin(newest, (newest.c.dag_id == run.dag_id) & (newest.c.created == run.created))
        .where(
            run.state.in_(t.ENDED),
            run.ended < before,
            newest.c.dag_id.is_(None),
            run.id.not_in(select(t.clear_request.c.run_id)),
            ~_stands_in(None, partial(_is_still_there, before)),
            ~reads,
        )
        .order_by(run.ended, run.id)
        .limit(limit)
    )
    return [RunId(found) for found in connection.execute(query).scalars()]


def _is_still_there(since: datetime, task: ColumnElement[str]) -> ColumnElement[bool]:
    """Tell whether a run's DAG has a task still: in the version that is deployed, in that of its
    newest run, or in one that was used ``since`` an instant; these may be of a page that is not
    deployed.
    """
    dag, its, used = t.dag.c, t.dag_task.c, t.dag_version.c
    last, other = t.run.alias("last").c, t.run.alias("other").c
    newest = select(func.max(other.created)).where(other.dag_id == t.run.c.dag_id)
    of_deployed = (dag.version == its.version, dag.id == t.run.c.dag_id, dag.is_deployed == 1)
    of_newest = (
        last.version == its.version,
        last.dag_id == t.run.c.dag_id,
        last.created == newest.correlate(t.run).scalar_subquery(),
    )
    of_used = (used.digest == its.version, used.dag_id == t.run.c.dag_id, used.used >= since)
    return or_(
        *(
            exists().where(its.name == task, *of_one).correlate(t.run, t.artifact)
            for of_one in (of_deployed, of_newest, of_used)
        )
    )


def _stands_in(
    until: ColumnElement[datetime] | None,
    counts: Callable[[ColumnElement[str]], ColumnElement[bool]] | None = None,
) -> ColumnElement[bool]:
    """Tell whether `latest_values` reads a run for one of its tasks that ``counts``: no later one,
    made ``until`` an instant if given, stored anything of the task.
    """
    newer, of, its = t.run.alias("newer"), t.artifact.c, t.artifact.alias("its")
    stored = exists().where(its.c.run_id == newer.c.id, its.c.task == of.task).correlate_except(its)
    is_later = [newer.c.dag_id == t.run.c.dag_id, newer.c.created > t.run.c.created]
    if until is not None:
        is_later.append(newer.c.created < until)
    superseded = exists().where(*is_later, stored).correlate_except(newer)
    stands = [of.run_id == t.run.c.id, ~superseded]
    if counts is not None:
        stands.append(counts(of.task))
    return exists().where(*stands).correlate_except(t.artifact)


def delete_runs(db: Database, run_ids: Sequence[RunId]) -> int:
    """Delete ended runs with all that is known of them; return how many there were.

    Runs that were cleared meanwhile, and go on or will, are left.
    """

    def work(connection: Connection) -> int:
        of_dags = select(t.run.c.dag_id).where(t.run.c.id.in_(run_ids))
        schedules = select(t.schedule.c.id).where(t.schedule.c.dag_id.in_(of_dags))
        connection.execute(db.locked(schedules.order_by(t.schedule.c.dag_id))).all()
        ended = select(t.run.c.id).where(t.run.c.id.in_(run_ids), t.run.c.state.in_(t.ENDED))
        locked = list(connection.execute(db.locked(ended.order_by(t.run.c.id))).scalars())
        # Asked only now, since who asks a run to go on holds its row.
        asked = select(t.clear_request.c.run_id).where(t.clear_request.c.run_id.in_(locked))
        waiting = set(connection.execute(asked).scalars())
        gone = [run_id for run_id in locked if run_id not in waiting]
        if not gone:
            return 0
        forget_slots(connection, gone)
        tokens = select(t.attempt.c.token).where(t.attempt.c.run_id.in_(gone))
        connection.execute(t.cell_run.delete().where(t.cell_run.c.token.in_(tokens)))
        for table in (t.artifact, t.metric, t.event, t.outbox, t.attempt, t.task_instance):
            connection.execute(table.delete().where(table.c.run_id.in_(gone)))
        connection.execute(t.run.delete().where(t.run.c.id.in_(gone)))
        return len(gone)

    def stands(connection: Connection, count: int) -> bool:
        left = select(func.count()).where(t.run.c.id.in_(run_ids))
        return count + int(connection.execute(left).scalar_one()) <= len(set(run_ids))

    return db.write("prune", work, stands=stands)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFiles:
    """What rows of the metastore name in the store: bundles, and folders of attempts below it.

    ``since`` is when the oldest attempt that is under way was claimed: what was touched after that it
    may have stored, though no row names it yet.
    """

    bundles: frozenset[Digest]
    attempts: frozenset[str]
    since: datetime | None


def named_files(connection: Connection) -> NamedFiles:
    """Return what must stay."""
    bundles = connection.execute(select(t.artifact.c.bundle).distinct()).scalars()
    of = t.attempt.c
    attempts = connection.execute(select(of.run_id, of.task, of.token))
    oldest = select(func.min(of.claimed)).where(of.outcome.is_(None))
    return NamedFiles(
        bundles=frozenset(Digest(digest) for digest in bundles),
        attempts=frozenset(filter(None, map(_folder, attempts))),
        since=connection.execute(oldest).scalar(),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFiles:
    """What a run's rows name in the store; other runs may name the same bundles."""

    dag_id: DagId
    bundles: frozenset[Digest]
    attempts: frozenset[str]


def files_of_runs(connection: Connection) -> dict[RunId, RunFiles]:
    """Return what each run on record names."""
    bundles: dict[str, set[Digest]] = {}
    named = select(t.artifact.c.run_id, t.artifact.c.bundle).distinct()
    for run_id, bundle in connection.execute(named):
        bundles.setdefault(run_id, set()).add(Digest(bundle))
    attempts: dict[str, set[str]] = {}
    of = t.attempt.c
    for row in connection.execute(select(of.run_id, of.task, of.token)):
        if folder := _folder(row):
            attempts.setdefault(row.run_id, set()).add(folder)
    return {
        RunId(row.id): RunFiles(
            dag_id=DagId(row.dag_id),
            bundles=frozenset(bundles.get(row.id, ())),
            attempts=frozenset(attempts.get(row.id, ())),
        )
        for row in connection.execute(select(t.run.c.id, t.run.c.dag_id))
    }


def _folder(attempt: Any) -> str | None:
    """Return the folder that an attempt's row names; a damaged one names none."""
    with suppress(StoreError):
        return attempt_folder(attempt.run_id, attempt.task, attempt.token)
    return None
