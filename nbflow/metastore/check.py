"""The invariants of a metastore, as questions that a sound one answers with nothing.

Numbers are those of docs/reference/reliability.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, and_, func, literal, or_, select

from nbflow.errors import StoreError
from nbflow.metastore import tables as t
from nbflow.metastore.dialect import no_metastore, parse_url
from nbflow.metastore.engine import Database
from nbflow.metastore.schema import REVISION, revision
from nbflow.model.clock import SystemClock
from nbflow.model.states import (
    FINAL_RUN_STATES,
    FINAL_TASK_STATES,
    RUN_MOVES,
    TASK_MOVES,
    RunState,
    TaskState,
)

if TYPE_CHECKING:
    from nbflow.artifacts.store import ArtifactStore

_ENDED = [state.value for state in FINAL_RUN_STATES]
_DONE = [state.value for state in FINAL_TASK_STATES]
_RUNNING = TaskState.RUNNING.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """Something that must never be: the invariant's number, where, and a sentence."""

    code: str
    place: str
    message: str

    @property
    def what(self) -> str:
        """The place and the sentence."""
        return f"{self.place}: {self.message}"


def check(url: str, store: "ArtifactStore | None" = None) -> list[Violation]:
    """Look for broken invariants, all in one reading transaction; a sound metastore has none.

    With ``store``, every stored value is read and compared with its row. Raises MetastoreError if
    the metastore can't be read at all, or is damaged.
    """
    db = Database(parse_url(url), SystemClock())
    try:
        if db.path is not None and not db.path.exists():
            raise no_metastore(db.path)
        return db.read(lambda connection: list(_all(db, connection, store)))
    finally:
        db.close()


def _all(
    db: Database, connection: Connection, store: "ArtifactStore | None"
) -> Iterator[Violation]:
    found = list(_soundness(db, connection))
    yield from found
    if revision(connection) != REVISION:
        return
    for code, message, query in _queries():
        for row in connection.execute(query):
            yield Violation(code=code, place="/".join(str(part) for part in row), message=message)
    yield from _events(connection)
    yield from _verdicts(connection)
    yield from _pools(connection)
    if store is not None:
        yield from _files(connection, store)


def _soundness(db: Database, connection: Connection) -> Iterator[Violation]:
    if db.is_sqlite:
        for row in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
            if row[0] != "ok":
                yield Violation(code="I28", place=db.place, message=str(row[0]))
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield Violation(
                code="I28", place=f"{row[0]} {row[1]}", message=f"refers to no {row[2]}"
            )
    found = revision(connection)
    if found != REVISION:
        yield Violation(code="I28", place=db.place, message=f"schema {found}, not {REVISION}")


def _queries() -> list[tuple[str, str, Select[Any]]]:
    """Return the invariants that one question each can tell: number, sentence, question."""
    return [*_run_queries(), *_attempt_queries()]


def _run_queries() -> list[tuple[str, str, Select[Any]]]:
    run, ti, missed = t.run.c, t.task_instance.c, t.outbox.c
    sent = select(missed.run_id, func.count().label("n")).group_by(missed.run_id).subquery()
    return [
        (
            "I1",
            "two runs of one slot",
            select(run.dag_id, run.slot_key)
            .group_by(run.dag_id, run.slot_key)
            .having(func.count() > 1),
        ),
        (
            "I4",
            "the run has ended, this task has not",
            select(ti.run_id, ti.task)
            .join(t.run, run.id == ti.run_id)
            .where(run.state.in_(_ENDED), ti.state.not_in(_DONE)),
        ),
        (
            "I12",
            "an ended run has one notification",
            select(run.id)
            .outerjoin(sent, sent.c.run_id == run.id)
            .where(run.state.in_(_ENDED), func.coalesce(sent.c.n, 0) != 1),
        ),
        (
            "I19",
            "a lease without a running task, or the reverse",
            select(ti.run_id, ti.task).where(
                or_(
                    and_(ti.state == _RUNNING, ti.lease_until.is_(None)),
                    and_(ti.state != _RUNNING, ti.lease_until.is_not(None)),
                )
            ),
        ),
        (
            "I25",
            "lost more often than allowed",
            select(ti.run_id, ti.task).where(ti.lost > ti.max_lost + 1),
        ),
        (
            "I27",
            "the run's version is not stored",
            select(run.id)
            .outerjoin(t.dag_version, t.dag_version.c.digest == run.version)
            .where(t.dag_version.c.digest.is_(None)),
        ),
    ]


def _attempt_queries() -> list[tuple[str, str, Select[Any]]]:
    ti, at, art = t.task_instance.c, t.attempt.c, t.artifact.c
    tries = (
        select(at.run_id, at.task, func.count().label("n"), func.max(at.try_no).label("last"))
        .group_by(at.run_id, at.task)
        .subquery()
    )
    same_tries = and_(tries.c.run_id == ti.run_id, tries.c.task == ti.task)
    same_task = and_(at.run_id == ti.run_id, at.task == ti.task)
    later = t.attempt.alias()
    return [
        (
            "I6",
            "a value that its task's last attempt did not publish",
            select(art.run_id, art.task, art.name)
            .join(t.attempt, at.token == art.token)
            .where(or_(at.outcome.is_(None), at.outcome != TaskState.SUCCESS.value)),
        ),
        (
            "I7",
            "an attempt is open, its task is not running",
            select(at.run_id, at.task)
            .join(t.task_instance, same_task)
            .where(at.outcome.is_(None), or_(ti.state != _RUNNING, ti.token != at.token)),
        ),
        (
            "I7",
            "the task is running, no attempt is open",
            select(ti.run_id, ti.task)
            .outerjoin(t.attempt, and_(same_task, at.outcome.is_(None)))
            .where(ti.state == _RUNNING, at.token.is_(None)),
        ),
        (
            "I8",
            "the tries are not the attempts",
            select(ti.run_id, ti.task)
            .outerjoin(tries, same_tries)
            .where(
                or_(
                    ti.tries != func.coalesce(tries.c.n, 0),
                    ti.tries != func.coalesce(tries.c.last, 0),
                )
            ),
        ),
        (
            "I16",
            "a later try has an older token",
            select(at.run_id, at.task, at.try_no)
            .join(later, and_(later.c.run_id == at.run_id, later.c.task == at.task))
            .where(later.c.try_no > at.try_no, later.c.token <= at.token),
        ),
        (
            "I17",
            "two attempts are open at once",
            select(at.run_id, at.task)
            .where(at.outcome.is_(None))
            .group_by(at.run_id, at.task)
            .having(func.count() > 1),
        ),
        (
            "I6",
            "succeeded without an attempt that did",
            select(ti.run_id, ti.task)
            .outerjoin(t.attempt, at.token == ti.token)
            .where(
                ti.state == TaskState.SUCCESS.value,
                func.coalesce(at.outcome, "") != TaskState.SUCCESS.value,
            ),
        ),
    ]


def _events(connection: Connection) -> Iterator[Violation]:
    """I13: each event is a legal move from where the one before it led; I24 follows from it."""
    of = t.event.c
    at: dict[tuple[str, str | None], str] = {}
    for row in connection.execute(
        select(of.run_id, of.task, of.source, of.target, of.seq).order_by(of.seq)
    ):
        key = (row.run_id, row.task)
        place = f"{row.run_id}/{row.task or ''} event {row.seq}"
        if key in at and at[key] != row.source:
            yield Violation(
                code="I13", place=place, message=f"left {row.source}, but was {at[key]}"
            )
        if not _is_legal(row):
            yield Violation(
                code="I13", place=place, message=f"{row.source} to {row.target} is no move"
            )
        at[key] = row.target
    yield from _ends(connection, at)


def _is_legal(row: Any) -> bool:
    if row.task is None:
        return RunState(row.target) in RUN_MOVES[RunState(row.source)]
    return TaskState(row.target) in TASK_MOVES[TaskState(row.source)]


def _ends(connection: Connection, at: Mapping[tuple[str, str | None], str]) -> Iterator[Violation]:
    """I13: what is recorded as the state is where the last event led."""
    ti = t.task_instance.c
    for query in (
        select(t.run.c.id.label("run_id"), literal(None).label("task"), t.run.c.state),
        select(ti.run_id, ti.task, ti.state),
    ):
        for row in connection.execute(query):
            told = at.get((row.run_id, row.task), row.state)
            if told != row.state:
                place = f"{row.run_id}/{row.task or ''}"
                message = f"is {row.state}, but its last event says {told}"
                yield Violation(code="I13", place=place, message=message)


def _verdicts(connection: Connection) -> Iterator[Violation]:
    """I11, as far as it holds for every verdict: a success has no unfinished or running task."""
    ti, run = t.task_instance.c, t.run.c
    query = (
        select(run.id)
        .join(t.task_instance, ti.run_id == run.id)
        .where(run.state == RunState.QUEUED.value, ti.state == _RUNNING)
        .distinct()
    )
    for (found,) in connection.execute(query):
        yield Violation(code="I11", place=found, message="is queued, but a task of it runs")


def _pools(connection: Connection) -> Iterator[Violation]:
    """I18, as it stands now."""
    ti, pool = t.task_instance.c, t.pool.c
    used = (
        select(ti.pool, func.sum(ti.pool_slots).label("slots"))
        .where(ti.state == _RUNNING)
        .group_by(ti.pool)
        .subquery()
    )
    query = select(pool.name).join(used, used.c.pool == pool.name).where(used.c.slots > pool.slots)
    for (name,) in connection.execute(query):
        yield Violation(code="I18", place=name, message="more tasks run than the pool allows")


def _files(connection: Connection, store: "ArtifactStore") -> Iterator[Violation]:
    """I21: every stored value's file is there, and is what its name says."""
    of = t.artifact.c
    for (digest,) in connection.execute(select(of.bundle).distinct().order_by(of.bundle)):
        try:
            store.verify(digest)
        except StoreError as error:
            yield Violation(code="I21", place=digest[:12], message=error.message)
