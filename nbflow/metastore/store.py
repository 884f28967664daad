"""The metastore as one object: each verb is one transaction. What is about a theme of its own is a
verb of one of its facets (`store.triggers.fire`).
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from nbflow.errors import MetastoreError
from nbflow.later import Later
from nbflow.metastore import dag_list, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from types import TracebackType

    from sqlalchemy import Connection

    from nbflow.metastore import (
        at_work,
        attention,
        backfills,
        claims,
        dags,
        facets,
        finish,
        instances,
        misses,
        pauses,
        pools,
        reads,
        reap,
        runs,
        schedules,
        snapshots,
        triggers,
        versions,
    )
    from nbflow.metastore.backfills import Backfills
    from nbflow.metastore.engine import Database
    from nbflow.metastore.finish import Finish
    from nbflow.metastore.pools import Pools
    from nbflow.metastore.rows import (
        AttemptRow,
        CellRow,
        EventRow,
        RunRow,
        TaskInstanceRow,
        VersionRow,
    )
    from nbflow.metastore.taking_over import Decide
    from nbflow.model.attempt import AttemptResult, CellEvent
    from nbflow.model.dag import Dag
    from nbflow.model.ids import DagId, Digest, RunId, TaskName, Token
    from nbflow.model.run import Claim, Decisions, RunSnapshot, TaskMove
    from nbflow.model.schedule import DueSchedule, MissedSlot, ScheduleEntry
    from nbflow.model.states import RunState
    from nbflow.model.triggers import Trigger, TriggerState
else:
    # A verb that only reads shouldn't wait for what the others need.
    at_work = Later("nbflow.metastore.at_work")
    attention = Later("nbflow.metastore.attention")
    backfills = Later("nbflow.metastore.backfills")
    claims = Later("nbflow.metastore.claims")
    dags = Later("nbflow.metastore.dags")
    facets = Later("nbflow.metastore.facets")
    finish = Later("nbflow.metastore.finish")
    instances = Later("nbflow.metastore.instances")
    misses = Later("nbflow.metastore.misses")
    pauses = Later("nbflow.metastore.pauses")
    pools = Later("nbflow.metastore.pools")
    reads = Later("nbflow.metastore.reads")
    reap = Later("nbflow.metastore.reap")
    runs = Later("nbflow.metastore.runs")
    schedules = Later("nbflow.metastore.schedules")
    snapshots = Later("nbflow.metastore.snapshots")
    triggers = Later("nbflow.metastore.triggers")
    versions = Later("nbflow.metastore.versions")

LEASE = 60.0
"""Seconds that a claim holds without being renewed."""


class Metastore:
    """What nbflow knows about DAGs and runs. Safe to use from several threads; close it."""

    def __init__(self, db: Database, *, lease: float = LEASE) -> None:
        self.db = db
        self.lease = lease
        self.unread = db.unread
        self._me: instances.Instance | None = None

    def __enter__(self) -> Metastore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say that this process drives nothing any more, and close all connections."""
        if self._me is not None:
            with suppress(MetastoreError):
                instances.close(self.db, self._me)
            self._me = None
        self.db.close()

    def instance(self, kind: str = "run") -> instances.Instance:
        """Return this process's identity, recorded at the first call."""
        if self._me is None:
            me = instances.this_process()
            self.db.write("register", lambda c: instances.register(self.db, c, me, kind))
            self._me = me
        return self._me

    def heartbeat(self) -> None:
        """Record that this process lives (as `renew` does)."""
        me = self.instance()
        self.db.write("heartbeat", lambda connection: instances.beat(self.db, connection, me))

    def check_schema(self) -> None:
        """Raise SchemaError if the metastore was migrated since it was opened."""
        schema.check_revision(self.db.read(schema.revision), self.db.place)

    def has_scheduler(self) -> bool:
        """Tell whether a scheduler works on this metastore."""
        return bool(self.db.read(lambda c: instances.living(self.db, c, self.lease, "scheduler")))

    def schedulers(self) -> list[at_work.SchedulerRow]:
        """Return the schedulers that have not said good-bye, with what they run."""
        return self.db.read(lambda c: at_work.schedulers(self.db, c, self.lease))

    def backlog(self) -> at_work.Backlog:
        """Return which slots and tasks wait, and for how long."""
        now = self.db.clock.wall()
        return self.db.read(lambda connection: at_work.backlog(connection, now))

    @property
    def _who(self) -> str:
        return self._me.id if self._me else "-"

    # DAGs

    def deploy(
        self,
        dag: Dag,
        snapshots: Mapping[str, bytes],
        *,
        schedule: ScheduleEntry | Literal["keep"] | None = "keep",
        current: bool = True,
        on: Mapping[Trigger, TriggerState] | None = None,
        replaces: Digest | Literal["any"] | None = "any",
    ) -> Digest:
        """Record a DAG's version with its notebooks by path; the same digest is recorded once.

        ``schedule`` takes the place of the DAG's schedule in the same transaction; None lets it
        rest. ``on`` are the DAG's triggers from now on; None leaves them. Without ``current`` a DAG
        that was deployed before keeps the version that new runs use. ``replaces`` is the version that
        was looked at, None if nothing was deployed.
        Raises UsageError if a task wants more slots than its pool has, ConflictError if the
        schedule moved since it was read, or another version is deployed than it ``replaces``.
        """

        def also(connection: Connection) -> None:
            if schedule is None:
                schedules.forget(connection, dag.id)
            elif schedule != "keep":
                schedules.keep(self.db, connection, schedule)
            if on is not None:
                triggers.keep_triggers(self.db, connection, dag.id, on, now)

        now = self.db.clock.wall()
        return versions.deploy(
            self.db, dag, snapshots, now, also, current=current, replaces=replaces
        )

    def load_version(self, digest: Digest) -> Dag:
        """Return a DAG as it was deployed; NotFoundError for an unknown digest."""
        return self.db.read(lambda connection: versions.load_version(connection, digest))

    def versions(self, dag_id: DagId) -> list[VersionRow]:
        """Return a DAG's versions, the newest first. NotFoundError."""
        return self.db.read(lambda connection: versions.list_versions(connection, dag_id))

    def load_notebooks(self, digest: Digest) -> Mapping[str, bytes]:
        """Return the notebooks of a version, by path, byte for byte."""
        return self.db.read(lambda connection: versions.load_notebooks(connection, digest))

    def deployed_notebooks(self) -> dict[Digest, tuple[str, ...]]:
        """Return the paths of the notebooks of each version that is deployed now."""
        return self.db.read(dag_list.deployed_notebooks)

    def current_version(self, dag_id: DagId) -> Digest:
        """Return the version that new runs use; NotFoundError for an unknown DAG."""
        return self.db.read(lambda connection: versions.current_version(connection, dag_id))

    def list_dags(self, only: DagId | None = None) -> list[dag_list.DagRow]:
        """Return all DAGs by id, or the one asked for."""
        return self.db.read(lambda connection: dag_list.list_dags(connection, only))

    def undeploy(self, dag_id: DagId) -> None:
        """Let nothing of a DAG start by itself any more. NotFoundError; UsageError if runs go on."""
        dags.undeploy(self.db, dag_id, self.db.clock.wall())

    def runs_of(self, dag_id: DagId, *, limit: int) -> list[RunId]:
        """Return ended runs of a DAG, oldest first."""
        return self.db.read(lambda connection: dags.runs_of(connection, dag_id, limit))

    def delete_dag(self, dag_id: DagId) -> None:
        """Delete a DAG that has no runs. NotFoundError; ConflictError if it has some."""
        dags.delete_dag(self.db, dag_id)

    def pause(self, dag_id: DagId, *, paused: bool) -> bool:
        """Stop or start making scheduled runs; False if it stood so already. NotFoundError."""
        return pauses.pause(self.db, dag_id, paused=paused)

    # Schedules

    def schedule(self, dag_id: DagId) -> ScheduleEntry | None:
        """Return a DAG's schedule, one at rest too (its expression is empty)."""
        return self.db.read(lambda connection: schedules.schedule_of(connection, dag_id))

    def due(self, now: datetime, *, limit: int = 200) -> list[DueSchedule]:
        """Return the schedules of active DAGs whose next slot has come, oldest slot first."""
        return self.db.read(lambda c: schedules.due(self.db, c, now, limit))

    def active_runs(self, dag_id: DagId) -> int:
        """Return how many unfinished runs a DAG has that may hold up others of it."""
        return self.db.read(lambda c: runs.active_runs(c, [dag_id]).get(dag_id, 0))

    def next_fire(self, *, without: Collection[str] = ()) -> datetime | None:
        """Return when the next slot of any active DAG but those ``without`` comes, None if none does."""
        return self.db.read(lambda connection: schedules.next_fire(connection, without))

    def tick(self, what: schedules.Tick) -> bool:
        """Make a schedule's due runs and move it on, in one transaction.

        False, and nothing written, if another scheduler, an edit, a pause or a run came first.
        """
        return self.tick_all([what])[0]

    def tick_all(self, ticks: Sequence[schedules.Tick]) -> list[bool]:
        """Do several ticks in one transaction; tell of each what `tick` tells."""
        return schedules.tick(self.db, ticks, self.db.clock.wall())

    def missed(self, dag_id: DagId, *, limit: int = 100) -> list[MissedSlot]:
        """Return a DAG's missed slots, the newest first."""
        return self.db.read(lambda c: schedules.missed_slots(c, dag_id, limit))

    def all_missed(self, dag_id: DagId | None = None, *, limit: int = 50) -> list[misses.MissedRow]:
        """Return slots and events without a run, of a DAG or of all, decided last first."""
        return self.db.read(lambda c: misses.missed(c, dag_id, limit))

    # Runs

    def create_run(self, new: runs.NewRun) -> bool:
        """Record a run and its task instances; False if its slot has a run already."""
        owner = self.instance().id if new.driven else None
        return runs.create_run(self.db, new, owner, self.db.clock.wall())

    def runs_that_begin(self, text: str) -> tuple[list[RunId], int]:
        """Return a run with this id, or the newest two whose ids begin so, and how many do."""
        return self.db.read(lambda c: reads.runs_that_begin(c, text))

    def run_snapshot(self, run_id: RunId) -> RunSnapshot:
        """Read a run as the deciding code sees it; NotFoundError if there is none."""
        return self.run_snapshots([run_id])[run_id]

    def run_snapshots(self, run_ids: Collection[RunId]) -> dict[RunId, RunSnapshot]:
        """Read several runs as `run_snapshot` does one."""
        return self.db.read(lambda connection: snapshots.snapshots(self.db, connection, run_ids))

    def apply(self, run_id: RunId, decisions: Decisions) -> None:
        """Carry out all moves in one transaction; ConflictError, and none, if one is stale."""
        runs.apply(self.db, run_id, decisions, self._who, self.db.clock.wall())

    def waiting_runs(self, *, limit: int = 200) -> list[attention.WaitingRun]:
        """Return the runs without a driver of their own that wait for a decision, oldest first."""
        now = self.db.clock.wall()
        return self.db.read(lambda connection: attention.waiting_runs(connection, now, limit))

    def advance(
        self,
        run_id: RunId,
        decide: Callable[[RunSnapshot], Decisions],
    ) -> Decisions:
        """Carry out what ``decide`` says of a run in one transaction; say what that was.

        A queued run stays queued while as many runs of its DAG are going as its deployed version
        lets. Raises ConflictError, and writes nothing, if another process was first.
        """
        return attention.advance(
            self.db,
            run_id,
            decide,
            who=self._who,
            now=self.db.clock.wall(),
        )

    def cancelled_runs(self, run_ids: Iterable[RunId]) -> set[RunId]:
        """Return those of the runs that were asked to end, or have ended."""
        wanted = sorted(run_ids)
        if not wanted:
            return set()
        return self.db.read(lambda connection: attention.cancelled_runs(connection, wanted))

    def request_cancel(self, run_id: RunId) -> bool:
        """Ask the run's driver to end it, or withdraw a clear that nobody has carried out yet; False
        if it has ended already.
        """
        return runs.request_cancel(self.db, run_id)

    def list_runs(self, wanted: reads.RunFilter | None = None) -> list[RunRow]:
        """Return runs, newest first, but for those that can't be read."""
        return self.page_of_runs(wanted or reads.RunFilter()).rows

    def page_of_runs(self, wanted: reads.RunFilter) -> reads.RunList:
        """Return runs, newest first, and which of them can't be read."""
        return self.db.read(lambda connection: reads.list_runs(connection, wanted))

    def run_counts(self, since: datetime) -> Mapping[RunState, int]:
        """Return how many runs wait, how many go on, and how many failed since an instant."""
        return self.db.read(lambda connection: reads.run_counts(connection, since))

    def show_run(self, run_id: RunId) -> tuple[RunRow, list[TaskInstanceRow]]:
        """Return a run and its task instances in page order."""
        return self.db.read(lambda connection: reads.show_run(connection, run_id))

    def attempts(self, run_id: RunId, task: TaskName | None = None) -> list[AttemptRow]:
        """Return the attempts of a run, or of one of its tasks, oldest first."""
        return self.db.read(lambda connection: reads.attempts(connection, run_id, task))

    def cells(self, token: Token) -> list[CellRow]:
        """Return the cells of an attempt in the order they ran."""
        return self.db.read(lambda connection: reads.cells(connection, token))

    def events(
        self, since_seq: int = 0, *, run_id: RunId | None = None, limit: int = 1000
    ) -> list[EventRow]:
        """Return what happened after event ``since_seq``, oldest first."""
        return self.db.read(lambda c: reads.events(c, since_seq, run_id, limit))

    def newest_event(self) -> int:
        """Return the number of the newest event, 0 if there is none."""
        return self.db.read(reads.newest_event)

    # Attempts

    def claim(
        self,
        run_id: RunId | None = None,
        *,
        limit: int,
        dags: Sequence[DagId] | None = None,
    ) -> list[Claim]:
        """Take queued tasks to run here: of one run, of some DAGs, or of any that has no driver."""
        request = claims.ClaimRequest(limit=limit, lease=self.lease, run_id=run_id, dags=dags)
        return claims.claim(self.db, self.instance(), request)

    def record_start(self, token: Token, pid: int) -> bool:
        """Record the process of an attempt; False if the attempt is no longer live."""
        return claims.record_start(self.db, token, pid)

    def renew(self, tokens: Iterable[Token]) -> claims.Renewal:
        """Prolong leases; tell which are still held."""
        return claims.renew(self.db, self.instance(), tokens, self.lease)

    def record_cells(self, events: Iterable[CellEvent]) -> None:
        """Record progress of running attempts."""
        finish.record_cells(self.db, events)

    def finish(
        self,
        claim: Claim,
        result: AttemptResult,
        move: TaskMove,
        decide: Callable[[RunSnapshot], Decisions] | None = None,
    ) -> Decisions:
        """Record the end of an attempt and its task's move; then what ``decide`` says follows.

        All in one transaction. Raises ConflictError, and writes nothing, if the attempt is no
        longer the live one.
        """
        end = finish.Finish(claim=claim, result=result, move=move, decide=decide)
        return self.finish_all([end])[0]

    def finish_all(self, ends: Sequence[Finish], *, at_once: bool = False) -> list[Decisions]:
        """Record several ends as `finish` does one; all of them or, with ConflictError, none.
        ``at_once`` waits for no row that others hold.
        """
        now = self.db.clock.wall()
        return finish.finish(self.db, ends, self._who, now, at_once=at_once)

    def hand_back(self, claim: Claim) -> None:
        """Queue a claimed task again, without counting the attempt as lost."""
        finish.hand_back(self.db, claim, self._who, self.db.clock.wall())

    def reap(self, decide: Callable[[Digest], Decide] | None = None) -> list[reap.Reaped]:
        """End or queue again what dead processes left behind, and do what follows; say what."""
        return reap.reap(self.db, self.lease, self._who, decide)

    # Facets

    @cached_property
    def backfills(self) -> Backfills:
        """Runs of past slots."""
        return backfills.Backfills(self.db, lambda: self._who)

    @cached_property
    def clears(self) -> facets.Clears:
        """Ended runs that go on again."""
        return facets.Clears(self.db, lambda: self._who, lambda: self.instance().id)

    @cached_property
    def import_errors(self) -> facets.ImportErrors:
        """Notebooks that can't be deployed."""
        return facets.ImportErrors(self.db, self.instance, self.lease)

    @cached_property
    def notices(self) -> facets.Notices:
        """What people are told."""
        return facets.Notices(self.db)

    @cached_property
    def pools(self) -> Pools:
        """What tasks share."""
        return pools.Pools(self.db)

    @cached_property
    def retention(self) -> facets.Retention:
        """What is old, and the files that rows name."""
        return facets.Retention(self.db)

    @cached_property
    def triggers(self) -> facets.Triggers:
        """What makes DAGs run beside their schedules."""
        return facets.Triggers(self.db)

    @cached_property
    def values(self) -> facets.Values:
        """What tasks published."""
        return facets.Values(self.db)
