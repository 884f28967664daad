"""The end of an attempt: outcome, artifacts, events and what follows, in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from nbflow.errors import ConflictError
from nbflow.metastore import tables as t
from nbflow.metastore.codec import to_data
from nbflow.metastore.engine import Database
from nbflow.metastore.metrics import record_metrics
from nbflow.metastore.moves import Moves, lock_run, snapshot
from nbflow.metastore.trigger_events import tell_metrics
from nbflow.model.attempt import AttemptResult, CellEvent, CellOutcome, StoredValue
from nbflow.model.ids import RunId, TaskName, Token
from nbflow.model.run import Claim, Decisions, RunSnapshot, TaskMove
from nbflow.model.states import CellStatus, Reason, TaskState

LOST = "lost"
"""Outcome of an attempt that its process never reported on, or handed back."""
_UNCOUNTED = frozenset({Reason.LOST, Reason.DRAINED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """What to record: an attempt's result, and where its task goes.

    ``decide``, if given, sees the run after that move, in the same transaction, and says what
    follows from it.
    """

    claim: Claim
    result: AttemptResult
    move: TaskMove
    decide: Callable[[RunSnapshot], Decisions] | None = None


def finish(db: Database, ends: Sequence[Finish], who: str, now: datetime) -> list[Decisions]:
    """Record the ends of attempts, all in one transaction; return what was decided after each.

    Raises ConflictError, and writes nothing, if one of the attempts no longer is its task's live one.
    """
    # Whoever holds several runs took them in this order.
    order = sorted(range(len(ends)), key=lambda number: ends[number].claim.run_id)

    def work(connection: Connection) -> list[Decisions]:
        made = {number: _finish_one(db, connection, ends[number], who, now) for number in order}
        return [made[number] for number in range(len(ends))]

    def confirm(connection: Connection) -> list[Decisions] | None:
        of = t.attempt.c
        wanted = {end.claim.token: _outcome(end.result) for end in ends}
        query = select(of.token, of.outcome).where(of.token.in_(wanted), of.owner == who)
        found = {row.token: row.outcome for row in connection.execute(query)}
        return [Decisions() for _ in ends] if found == wanted else None

    return db.write("finish", work, confirm)


def _finish_one(
    db: Database, connection: Connection, end: Finish, who: str, now: datetime
) -> Decisions:
    claim, result = end.claim, end.result
    run = lock_run(db, connection, claim.run_id)
    _end_attempt(connection, claim.token, _outcome(result), result, now)
    if end.move.target is TaskState.SUCCESS:
        _publish(connection, claim, result)
    if result.metrics or claim.try_no > 1:
        record_metrics(connection, claim, result)
    if end.move.target is TaskState.SUCCESS:
        about = {"run": claim.run_id, "task": claim.task, "token": claim.token}
        tell_metrics(db, connection, about, result.metrics, now)
    _record_outcomes(connection, claim.token, result.cells)
    moves = Moves(db=db, connection=connection, run_id=claim.run_id, who=who, now=now)
    moves.task(end.move, token=claim.token, **_counters(result))
    decisions = Decisions()
    if end.decide is not None:
        decisions = end.decide(snapshot(connection, claim.run_id, run))
    moves.apply(decisions)
    return decisions


def _outcome(result: AttemptResult) -> str:
    return LOST if result.reason in _UNCOUNTED else result.state.value


_END = (
    t.attempt.update()
    .where(t.attempt.c.token == bindparam("of_token"), t.attempt.c.outcome.is_(None))
    .values(
        outcome=bindparam("new_outcome"),
        reason=bindparam("new_reason"),
        message=bindparam("new_message"),
        ended=bindparam("new_ended"),
        result=bindparam("new_result"),
    )
)


def _end_attempt(
    connection: Connection, token: Token, outcome: str, result: AttemptResult, now: datetime
) -> None:
    kept = {"values", "ambient", "cells", "metrics"}
    document = {key: value for key, value in to_data(result).items() if key not in kept}
    values = {
        "of_token": token,
        "new_outcome": outcome,
        "new_reason": result.reason.value,
        "new_message": result.message,
        "new_ended": now,
        "new_result": document,
    }
    done = connection.execute(_END, values)
    if done.rowcount != 1:
        raise ConflictError(
            "The attempt lost its lease before it ended.",
            hint="Its result doesn't count; the task is tried again.",
            code="NBF615",
        )


def _counters(result: AttemptResult) -> dict[str, Any]:
    ti = t.task_instance.c
    columns: dict[str, Any] = {
        "kept_kernel": result.kept_kernel,
        "unstorable": dict(result.unstorable),
    }
    if result.reason is Reason.LOST:
        columns["lost"] = ti.lost + 1
    elif result.state is TaskState.FAILED and result.reason is not Reason.DRAINED:
        columns["failures"] = ti.failures + 1
        columns["last_error"] = result.error.name if result.error else None
    return columns


def _publish(connection: Connection, claim: Claim, result: AttemptResult) -> None:
    of = t.artifact.c
    if claim.try_no > 1:
        mine = (of.run_id == claim.run_id, of.task == claim.task)
        connection.execute(t.artifact.delete().where(*mine))
    rows = [
        _artifact(claim, value, ambient=ambient)
        for ambient, values in ((0, result.values), (1, result.ambient))
        for value in values
    ]
    if rows:
        connection.execute(t.artifact.insert(), rows)


def _artifact(claim: Claim, value: StoredValue, *, ambient: int) -> dict[str, Any]:
    return {
        "run_id": claim.run_id,
        "task": claim.task,
        "name": value.name,
        "token": claim.token,
        "bundle": value.bundle,
        "key": value.key,
        "size": value.size,
        "type": value.type,
        "preview": value.preview,
        "ambient": ambient,
    }


def _record_outcomes(connection: Connection, token: Token, outcomes: Sequence[CellOutcome]) -> None:
    if not outcomes:
        return
    connection.execute(t.cell_run.delete().where(t.cell_run.c.token == token))
    rows = [
        {
            "token": token,
            "cell": outcome.cell,
            "position": position,
            "status": outcome.status.value,
            "started": outcome.started,
            "ended": outcome.ended,
        }
        for position, outcome in enumerate({one.cell: one for one in outcomes}.values())
    ]
    connection.execute(t.cell_run.insert(), rows)


def record_cells(db: Database, events: Iterable[CellEvent]) -> None:
    """Record the progress of running attempts; what comes from ended ones is dropped."""
    seen = list(events)

    def work(connection: Connection) -> None:
        of = t.attempt.c
        tokens = select(of.token).where(of.token.in_({e.token for e in seen}), of.outcome.is_(None))
        live = set(connection.execute(db.locked(tokens)).scalars())
        for event in seen:
            if event.token in live:
                _record_cell(connection, event)

    if seen:
        db.write("cells", work)


def _record_cell(connection: Connection, event: CellEvent) -> None:
    of = t.cell_run.c
    starts = event.status is CellStatus.RUNNING
    times = {"started" if starts else "ended": event.at}
    done = connection.execute(
        t.cell_run.update()
        .where(of.token == event.token, of.cell == event.cell)
        .values(status=event.status.value, **times)
    )
    if done.rowcount == 0:
        known = select(of.cell).where(of.token == event.token)
        position = len(connection.execute(known).all())
        connection.execute(
            t.cell_run.insert().values(
                token=event.token,
                cell=event.cell,
                position=position,
                status=event.status.value,
                **times,
            )
        )


def lose(moves: Moves, row: Any, *, reason: Reason, target: TaskState, message: str) -> None:
    """End a running instance's attempt as lost, and move the instance on."""
    result = AttemptResult(state=TaskState.FAILED, reason=reason, message=message)
    token = Token(row.token)
    _end_attempt(moves.connection, token, LOST, result, moves.now)
    columns: dict[str, Any] = {}
    if reason is Reason.LOST:
        columns["lost"] = t.task_instance.c.lost + 1
    moves.task(
        TaskMove(task=TaskName(row.task), source=TaskState.RUNNING, target=target, note=message),
        token=token,
        **columns,
    )


def hand_back(db: Database, claim: Claim, who: str, now: datetime, message: str) -> None:
    """Give a claimed task back, uncounted: its process was told to stop. ConflictError if lost."""

    def work(connection: Connection) -> None:
        run_id = RunId(claim.run_id)
        lock_run(db, connection, run_id)
        ti = t.task_instance.c
        row = connection.execute(
            select(t.task_instance).where(
                ti.run_id == run_id, ti.task == claim.task, ti.token == claim.token
            )
        ).one_or_none()
        if row is None:
            raise ConflictError("The attempt is another process's now.", code="NBF615")
        moves = Moves(db=db, connection=connection, run_id=run_id, who=who, now=now)
        lose(moves, row, reason=Reason.DRAINED, target=TaskState.QUEUED, message=message)
        moves.tell()

    db.write("hand_back", work)
