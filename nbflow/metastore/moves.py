"""Every change of a state: guarded by the state it leaves, legal by the model, told as an event."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ClauseElement, Connection, Update, bindparam, select

from nbflow.errors import ConflictError, NotFoundError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.trigger_events import tell_run_end
from nbflow.model.ids import RunId, TaskName, Token
from nbflow.model.run import Decisions, RunMove, RunSnapshot, TaskMove, TaskSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import RUN_MOVES, TASK_MOVES, RunKind, RunState, TaskState

_WAITING = frozenset({TaskState.QUEUED, TaskState.UP_FOR_RETRY})
_FRESH = {
    "failures": 0,
    "lost": 0,
    "last_error": None,
    "kept_kernel": None,
    "unstorable": None,
    "token": None,
}
"""What a cleared instance starts with. Its tries go on: they count its attempts, which are kept."""


@dataclass(kw_only=True, slots=True)
class Moves:
    """The moves of one transaction in one run; `tell` writes their events at its end."""

    db: Database
    connection: Connection
    run_id: RunId
    who: str
    now: datetime
    events: list[dict[str, Any]] = field(default_factory=list)

    def apply(self, decisions: Decisions) -> None:
        """Carry out all moves; ConflictError, and nothing written, if one no longer fits."""
        for move in decisions.tasks:
            if TaskState.RUNNING in (move.source, move.target):
                # Only a claim starts an attempt, and only its token ends it.
                raise _no_move(
                    Sentence(
                        "{task} from {source} to {target} by decision",
                        task=move.task,
                        source=move.source,
                        target=move.target,
                    )
                )
            self.task(move)
        if decisions.run is not None:
            self.run(decisions.run)
        self.tell()

    def task(self, move: TaskMove, *, token: Token | None = None, **columns: Any) -> None:
        """Move one task instance, and set more of its columns in the same statement."""
        if move.target not in TASK_MOVES[move.source]:
            raise _no_move(
                Sentence(
                    "{task} from {source} to {target}",
                    task=move.task,
                    source=move.source,
                    target=move.target,
                )
            )
        row: dict[str, Any] = {
            "state": move.target.value,
            "note": move.note,
            "not_before": move.not_before if move.target in _WAITING else None,
            **columns,
        }
        if move.target is TaskState.QUEUED:
            row["queued_at"] = self.now
        if move.source is TaskState.RUNNING:
            row |= {"lease_until": None, "lease_mono": None, "owner": None}
        if move.source.is_final:
            row |= _FRESH
        guard: dict[str, Any] = {
            "of_run": self.run_id,
            "of_task": move.task,
            "of_state": move.source.value,
        }
        if token is not None:
            guard["of_token"] = token
        plain = {k: v for k, v in row.items() if not isinstance(v, ClauseElement)}
        statement = _move(tuple(sorted(plain)), is_fenced=token is not None)
        if len(plain) < len(row):
            statement = statement.values({k: v for k, v in row.items() if k not in plain})
        values = {f"new_{name}": value for name, value in plain.items()}
        done = self.connection.execute(statement, guard | values)
        if done.rowcount != 1:
            raise ConflictError(
                Sentence(
                    "{task} of run {run_id} is no longer {source}.",
                    task=move.task,
                    run_id=self.run_id,
                    source=move.source,
                ),
                hint="Another process was first; nothing was written.",
            )
        self.note(move.task, move.source, move.target, move.note, token)

    def run(self, move: RunMove) -> None:
        """Move the run; its end writes the notification to send."""
        if move.target not in RUN_MOVES[move.source]:
            raise _no_move(
                Sentence("a run from {source} to {target}", source=move.source, target=move.target)
            )
        row: dict[str, Any] = {"state": move.target.value, "note": move.note}
        if move.target is RunState.RUNNING:
            row["started"] = self.now
        row["ended"] = self.now if move.target.is_final else None
        done = self.connection.execute(
            t.run.update()
            .where(t.run.c.id == self.run_id, t.run.c.state == move.source.value)
            .values(row)
        )
        if done.rowcount != 1:
            raise ConflictError(
                Sentence(
                    "Run {run_id} is no longer {source}.", run_id=self.run_id, source=move.source
                ),
                hint="Another process was first; nothing was written.",
            )
        self.note(None, move.source, move.target, move.note, None)
        if move.target.is_final:
            clears = self.connection.execute(
                select(t.run.c.clears).where(t.run.c.id == self.run_id)
            ).scalar_one()
            tell_run_end(self.db, self.connection, self.run_id, move.target, self.now)
            self.db.insert_once(
                self.connection,
                t.outbox,
                {
                    "id": f"run-end:{self.run_id}" + (f":{clears}" if clears else ""),
                    "run_id": self.run_id,
                    "payload": {"run": self.run_id, "state": move.target.value},
                    "created": self.now,
                },
            )

    def note(
        self,
        task: TaskName | None,
        source: TaskState | RunState,
        target: TaskState | RunState,
        note: str,
        token: Token | None,
    ) -> None:
        """Remember one event."""
        self.events.append(
            {
                "run_id": self.run_id,
                "task": task,
                "source": source.value,
                "target": target.value,
                "token": token,
                "at": self.now,
                "who": self.who,
                "note": note,
            }
        )

    def tell(self) -> None:
        """Write the events in the order of the moves."""
        if self.events:
            self.connection.execute(_EVENTS, self.events)
            self.events = []


@lru_cache(maxsize=64)
def _move(columns: tuple[str, ...], *, is_fenced: bool) -> Update:
    """Return the guarded change of one task instance; made once, since making it takes longest."""
    of = t.task_instance.c
    guard = [
        of.run_id == bindparam("of_run"),
        of.task == bindparam("of_task"),
        of.state == bindparam("of_state"),
    ]
    if is_fenced:
        guard.append(of.token == bindparam("of_token"))
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    return t.task_instance.update().where(*guard).values(new)


_RUN = select(t.run).where(t.run.c.id == bindparam("of_run"))
_TASKS = (
    select(t.task_instance)
    .where(t.task_instance.c.run_id == bindparam("of_run"))
    .order_by(t.task_instance.c.position)
)
_EVENTS = t.event.insert()


def _no_move(what: str) -> ConflictError:
    return ConflictError(
        Sentence("There is no such move: {what}.", what=what),
        hint="This is a mistake in nbflow; please report it.",
        code="NBF612",
    )


def lock_run(db: Database, connection: Connection, run_id: RunId) -> Any:
    """Hold the run's row until the transaction ends, and return it; NotFoundError if there is none."""
    row = connection.execute(db.locked(_RUN), {"of_run": run_id}).one_or_none()
    if row is None:
        raise no_run(run_id)
    return row


def no_run(run_id: str) -> NotFoundError:
    """Return the error for a run that isn't there."""
    return NotFoundError(
        Sentence("There is no run {run_id!r}.", run_id=run_id),
        hint="`nbflow runs list` shows them.",
        code="NBF613",
    )


def snapshot(connection: Connection, run_id: RunId, locked: Any = None) -> RunSnapshot:
    """Read a run with its task instances in page order; ``locked`` is its row, if it is held."""
    run = locked or connection.execute(_RUN, {"of_run": run_id}).one_or_none()
    if run is None:
        raise no_run(run_id)
    rows = connection.execute(_TASKS, {"of_run": run_id})
    return RunSnapshot(
        run_id=run_id,
        dag_id=run.dag_id,
        version=run.version,
        kind=RunKind(run.kind),
        state=RunState(run.state),
        tasks={row.task: _task(row) for row in rows},
        parameters=run.parameters,
        selected=None if run.selected is None else tuple(run.selected),
        cancel_requested=bool(run.cancel_requested),
        created=run.created,
        logical_date=run.logical_date,
        data_interval_start=run.data_interval_start,
        data_interval_end=run.data_interval_end,
        note=run.note,
        folder=run.folder,
        clears=run.clears,
    )


def _task(row: Any) -> TaskSnapshot:
    return TaskSnapshot(
        name=row.task,
        state=TaskState(row.state),
        tries=row.tries,
        failures=row.failures,
        lost=row.lost,
        not_before=row.not_before,
        token=row.token,
        kept_kernel=row.kept_kernel,
        unstorable=row.unstorable or {},
        last_error=row.last_error,
        note=row.note,
    )
