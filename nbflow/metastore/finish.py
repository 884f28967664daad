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
from nbflow.metastore.known_runs import KnownRun
from nbflow.metastore.metrics import record_metrics
from nbflow.metastore.moves import Moves, execute_all, lock_run, lock_runs
from nbflow.metastore.snapshots import note_large, snapshots
from nbflow.metastore.trigger_events import tell_metrics
from nbflow.model.attempt import AttemptResult, CellEvent, StoredValue
from nbflow.model.ids import RunId, TaskName, Token
from nbflow.model.run import Claim, Decisions, RunSnapshot, TaskMove
from nbflow.model.sentence import Sentence
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


def finish(
    db: Database, ends: Sequence[Finish], who: str, now: datetime, *, at_once: bool = False
) -> list[Decisions]:
    """Record the ends of attempts, all in one transaction; return what was decided after each. See
    `Database.write` for ``at_once``.

    Raises ConflictError, and writes nothing, if one of the attempts no longer is its task's live one,
    unless just these ends are on record: then a commit of them took place whose end nobody was told.
    """
    was_known = any(db.known_runs.knows(end.claim.run_id) for end in ends)
    try:
        return _finish(db, ends, who, now, at_once=at_once)
    except ConflictError:
        if db.read(lambda connection: _are_counted(connection, ends, who)):
            return [Decisions() for _ in ends]
        # What was known of a large run may no longer hold; what is read anew decides.
        if not was_known:
            raise
        for end in ends:
            db.known_runs.forget(end.claim.run_id)
        return _finish(db, ends, who, now, at_once=at_once)


def _finish(
    db: Database, ends: Sequence[Finish], who: str, now: datetime, *, at_once: bool
) -> list[Decisions]:
    known: dict[RunId, KnownRun] = {}

    def work(connection: Connection) -> list[Decisions]:
        known.clear()
        return _finish_all(db, connection, ends, who, now, known)

    def confirm(connection: Connection) -> list[Decisions] | None:
        return [Decisions() for _ in ends] if _are_recorded(connection, ends, who) else None

    done = db.write("finish", work, confirm, at_once=at_once)
    db.known_runs.put(known)
    return done


def _are_recorded(connection: Connection, ends: Sequence[Finish], who: str) -> bool:
    of = t.attempt.c
    wanted = {end.claim.token: _outcome(end.result) for end in ends}
    query = select(of.token, of.outcome).where(of.token.in_(wanted), of.owner == who)
    return {row.token: row.outcome for row in connection.execute(query)} == wanted


def _are_counted(connection: Connection, ends: Sequence[Finish], who: str) -> bool:
    """Tell whether the owner itself has recorded these ends, and not others of the attempts. As lost
    others record them, too.
    """
    if any(_outcome(end.result) == LOST for end in ends):
        return False
    return _are_recorded(connection, ends, who) and all(_stores(connection, end) for end in ends)


def _stores(connection: Connection, end: Finish) -> bool:
    of = t.artifact.c
    mine = (of.run_id == end.claim.run_id, of.task == end.claim.task, of.token == end.claim.token)
    found = {(row.name, row.bundle) for row in connection.execute(select(t.artifact).where(*mine))}
    values = (*end.result.values, *end.result.ambient)
    is_good = end.move.target is TaskState.SUCCESS
    return found == ({(value.name, value.bundle) for value in values} if is_good else set())


def _finish_all(
    db: Database,
    connection: Connection,
    ends: Sequence[Finish],
    who: str,
    now: datetime,
    known: dict[RunId, KnownRun],
) -> list[Decisions]:
    locked = lock_runs(db, connection, {RunId(end.claim.run_id) for end in ends})
    by_token = sorted(ends, key=lambda end: end.claim.token)
    _end(
        connection,
        [_end_values(e.claim.token, _outcome(e.result), e.result, now) for e in by_token],
    )
    _publish(connection, ends)
    for end in ends:
        _record_figures(db, connection, end, now)
    _record_outcomes(connection, ends)
    moves = Moves(db=db, connection=connection, who=who, now=now)
    for end in ends:
        claim, columns = end.claim, _columns(end.result)
        moves.task(claim.run_id, end.move, token=claim.token, **columns)
    moves.write()
    # Of a run's ends the last sees what all of them leave.
    last = {end.claim.run_id: number for number, end in enumerate(ends) if end.decide is not None}
    seen = snapshots(db, connection, last, locked) if last else {}
    known |= note_large(db, connection, seen)
    decided = [Decisions() for _ in ends]
    for run_id, number in last.items():
        decide = ends[number].decide
        assert decide is not None, "those without one were left out"
        decided[number] = decide(seen[run_id])
        moves.decided(run_id, decided[number])
    moves.write()
    return decided


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


def _end(connection: Connection, values: Sequence[dict[str, Any]]) -> None:
    if execute_all(connection, _END, values) != len(values):
        raise ConflictError(
            "The attempt lost its lease before it ended.",
            hint="Its result doesn't count; the task is tried again.",
            code="NBF615",
        )


def _end_values(token: Token, outcome: str, result: AttemptResult, now: datetime) -> dict[str, Any]:
    kept = {"values", "ambient", "cells", "metrics"}
    document = {key: value for key, value in to_data(result).items() if key not in kept}
    return {
        "of_token": token,
        "new_outcome": outcome,
        "new_reason": result.reason.value,
        "new_message": result.message,
        "new_ended": now,
        "new_result": document,
    }


def _columns(result: AttemptResult) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "kept_kernel": result.kept_kernel,
        "unstorable": dict(result.unstorable),
    }
    if result.reason is Reason.LOST:
        columns["count"] = "lost"
    elif result.state is TaskState.FAILED and result.reason is not Reason.DRAINED:
        columns["count"] = "failures"
        columns["last_error"] = result.error.name if result.error else None
    return columns


def _record_figures(db: Database, connection: Connection, end: Finish, now: datetime) -> None:
    claim, result = end.claim, end.result
    if result.metrics or claim.try_no > 1:
        record_metrics(connection, claim, result)
    if end.move.target is TaskState.SUCCESS:
        about = {"run": claim.run_id, "task": claim.task, "token": claim.token}
        tell_metrics(db, connection, about, result.metrics, now)


def _publish(connection: Connection, ends: Sequence[Finish]) -> None:
    of = t.artifact.c
    good = [end for end in ends if end.move.target is TaskState.SUCCESS]
    for end in good:
        if end.claim.try_no > 1:
            mine = (of.run_id == end.claim.run_id, of.task == end.claim.task)
            connection.execute(t.artifact.delete().where(*mine))
    rows = [
        _artifact(end.claim, value, ambient=ambient)
        for end in good
        for ambient, values in ((0, end.result.values), (1, end.result.ambient))
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


def _record_outcomes(connection: Connection, ends: Sequence[Finish]) -> None:
    told = [end for end in ends if end.result.cells]
    if not told:
        return
    tokens = [end.claim.token for end in told]
    connection.execute(t.cell_run.delete().where(t.cell_run.c.token.in_(tokens)))
    rows = [
        {
            "token": end.claim.token,
            "cell": outcome.cell,
            "position": position,
            "status": outcome.status.value,
            "started": outcome.started,
            "ended": outcome.ended,
        }
        for end in told
        for position, outcome in enumerate({one.cell: one for one in end.result.cells}.values())
    ]
    connection.execute(t.cell_run.insert(), rows)


def record_cells(db: Database, events: Iterable[CellEvent]) -> None:
    """Record the progress of running attempts; what comes from ended ones is dropped."""
    seen = list(events)

    def work(connection: Connection) -> None:
        of = t.attempt.c
        tokens = select(of.token).where(of.token.in_({e.token for e in seen}), of.outcome.is_(None))
        live = set(connection.execute(db.locked(tokens.order_by(of.token))).scalars())
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
    _end(moves.connection, [_end_values(token, LOST, result, moves.now)])
    moves.task(
        RunId(row.run_id),
        TaskMove(task=TaskName(row.task), source=TaskState.RUNNING, target=target, note=message),
        token=token,
        count="lost" if reason is Reason.LOST else None,
    )


def hand_back(db: Database, claim: Claim, who: str, now: datetime) -> None:
    """Give a claimed task back, uncounted: its process was told to stop. ConflictError if lost."""

    def work(connection: Connection) -> bool:
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
        moves = Moves(db=db, connection=connection, who=who, now=now)
        message = Sentence("drained: the scheduler that ran it was told to stop")
        lose(moves, row, reason=Reason.DRAINED, target=TaskState.QUEUED, message=message)
        moves.write()
        return True

    def stands(connection: Connection, _: bool) -> bool:
        of = t.attempt.c
        reason = connection.execute(select(of.reason).where(of.token == claim.token)).scalar()
        return bool(reason == Reason.DRAINED.value)

    db.write("hand_back", work, stands=stands)
