"""Every change of a state: guarded by the state it leaves, legal by the model, told as an event."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Update, bindparam, select

from nbflow.errors import ConflictError, NotFoundError
from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.trigger_events import tell_run_end
from nbflow.model.ids import RunId, TaskName, Token
from nbflow.model.run import Decisions, RunMove, TaskMove
from nbflow.model.sentence import Sentence
from nbflow.model.states import RUN_MOVES, TASK_MOVES, RunState, TaskState

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
    """The moves of one transaction: collected, then written together, with an event for each.

    Moves of one shape are one statement, however many runs they are of.
    """

    db: Database
    connection: Connection
    who: str
    now: datetime
    _events: list[dict[str, Any]] = field(default_factory=list)
    _moves: dict["_Shape", list[dict[str, Any]]] = field(default_factory=dict)
    _moved: set[tuple[RunId, TaskName]] = field(default_factory=set)

    def decided(self, run_id: RunId, decisions: Decisions) -> None:
        """Collect all moves of a decision."""
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
            self.task(run_id, move)
        if decisions.run is not None:
            self.run(run_id, decisions.run)

    def task(
        self,
        run_id: RunId,
        move: TaskMove,
        *,
        token: Token | None = None,
        count: str | None = None,
        begins_anew: bool = False,
        **columns: Any,
    ) -> None:
        """Collect the move of a task instance, with more of its columns set in the same statement
        and ``count``, a column, one higher. What leaves a final state, or ``begins_anew``, has not
        failed yet.
        """
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
        if move.source.is_final or begins_anew:
            row |= _FRESH
        values = {f"new_{name}": value for name, value in row.items()}
        values |= {"of_run": run_id, "of_task": move.task, "of_state": move.source.value}
        if token is not None:
            values["of_token"] = token
        if (run_id, move.task) in self._moved:
            self._write_moves()
        self._moved.add((run_id, move.task))
        shape = _Shape(tuple(sorted(row)), count, is_fenced=token is not None)
        self._moves.setdefault(shape, []).append(values)
        self.note(run_id, move.task, move.source, move.target, move.note, token)

    def run(self, run_id: RunId, move: RunMove) -> None:
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
            .where(t.run.c.id == run_id, t.run.c.state == move.source.value)
            .values(row)
        )
        if done.rowcount != 1:
            raise ConflictError(
                Sentence("Run {run_id} is no longer {source}.", run_id=run_id, source=move.source),
                hint="Another process was first; nothing was written.",
            )
        self.note(run_id, None, move.source, move.target, move.note, None)
        if move.target.is_final:
            ended = self.connection.execute(RUN_ROW, {"of_run": run_id}).one()
            tell_run_end(self.db, self.connection, ended, move.target, self.now)
            self.db.insert_once(
                self.connection,
                t.outbox,
                {
                    "id": f"run-end:{run_id}" + (f":{ended.clears}" if ended.clears else ""),
                    "run_id": run_id,
                    "payload": {"run": run_id, "state": move.target.value},
                    "created": self.now,
                },
            )

    def note(
        self,
        run_id: RunId,
        task: TaskName | None,
        source: TaskState | RunState,
        target: TaskState | RunState,
        note: str,
        token: Token | None,
    ) -> None:
        """Collect one event."""
        self._events.append(
            {
                "run_id": run_id,
                "task": task,
                "source": source.value,
                "target": target.value,
                "token": token,
                "at": self.now,
                "who": self.who,
                "note": note,
            }
        )

    def write(self) -> None:
        """Write what was collected, the events in the order of the moves.

        Raises ConflictError, so that nothing is written, if one of the moves no longer fits.
        """
        self._write_moves()
        if self._events:
            self.connection.execute(_EVENTS, self._events)
            self._events = []

    def _write_moves(self) -> None:
        for shape, values in self._moves.items():
            if execute_all(self.connection, _move(shape), values) != len(values):
                for one in values:
                    self.db.known_runs.forget(one["of_run"])
                raise _moved_meanwhile(values)
        self._moves.clear()
        self._moved.clear()


class _Shape(NamedTuple):
    columns: tuple[str, ...]
    counted: str | None
    is_fenced: bool


@lru_cache(maxsize=64)
def _move(shape: _Shape) -> Update:
    """Return the guarded change of one task instance; made once, since making it takes longest."""
    of = t.task_instance.c
    guard = [
        of.run_id == bindparam("of_run"),
        of.task == bindparam("of_task"),
        of.state == bindparam("of_state"),
    ]
    if shape.is_fenced:
        guard.append(of.token == bindparam("of_token"))
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in shape.columns}
    if shape.counted is not None:
        new[shape.counted] = of[shape.counted] + 1
    return t.task_instance.update().where(*guard).values(new)


def _moved_meanwhile(values: Sequence[Mapping[str, Any]]) -> ConflictError:
    hint = "Another process was first; nothing was written."
    if len(values) > 1:
        text = Sentence("One of {count} tasks is no longer as it was.", count=len(values))
        return ConflictError(text, hint=hint)
    (one,) = values
    return ConflictError(
        Sentence(
            "{task} of run {run_id} is no longer {source}.",
            task=one["of_task"],
            run_id=one["of_run"],
            source=TaskState(one["of_state"]),
        ),
        hint=hint,
    )


def execute_all(
    connection: Connection, statement: Update, values: Sequence[Mapping[str, Any]]
) -> int:
    """Execute a change once for each of ``values``; return how many rows it changed in all."""
    done = connection.execute(statement, values if len(values) > 1 else values[0])
    return int(done.rowcount)


RUN_ROW = select(t.run).where(t.run.c.id == bindparam("of_run"))
RUN_ROWS = (
    select(t.run).where(t.run.c.id.in_(bindparam("of_runs", expanding=True))).order_by(t.run.c.id)
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
    row = connection.execute(db.locked(RUN_ROW), {"of_run": run_id}).one_or_none()
    if row is None:
        raise no_run(run_id)
    return row


def lock_runs(db: Database, connection: Connection, run_ids: Collection[RunId]) -> dict[RunId, Any]:
    """Hold the rows of several runs, taken in one order by all; NotFoundError if one isn't there."""
    rows = connection.execute(db.locked(RUN_ROWS), {"of_runs": sorted(run_ids)}).all()
    found = {RunId(row.id): row for row in rows}
    for run_id in run_ids:
        if run_id not in found:
            raise no_run(run_id)
    return found


def no_run(run_id: str) -> NotFoundError:
    """Return the error for a run that isn't there."""
    return NotFoundError(
        Sentence("There is no run {run_id!r}.", run_id=run_id),
        hint="`nbflow runs list` shows them.",
        code="NBF613",
    )
