"""Invariants that one question each can tell: a sound metastore answers with nothing."""

from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, or_, select

from nbflow.metastore import tables as t
from nbflow.metastore.checks.questions import Question, ask
from nbflow.metastore.checks.violation import Violation
from nbflow.model.sentence import Sentence
from nbflow.model.states import FINAL_TASK_STATES, RunState, TaskState

_DONE = [state.value for state in FINAL_TASK_STATES]
_RUNNING = TaskState.RUNNING.value


def rows(connection: Connection, *, drained: bool, sent: bool) -> Iterator[Violation]:
    """Ask all questions; with ``drained`` and ``sent`` also those that hold only when all runs are
    over, or all notifications gone.
    """
    questions = [*_run_questions(), *_task_questions(), *_attempt_questions(), *_end_questions()]
    if drained:
        questions += _drained_questions()
    if sent:
        questions.append(_sent_question())
    yield from ask(connection, questions)


def _run_questions() -> list[Question]:
    run, ti, told = t.run.c, t.task_instance.c, t.outbox.c
    sent = (
        select(told.run_id, func.count().label("n"))
        .where(told.id.like("run-end:%"))
        .group_by(told.run_id)
        .subquery()
    )
    return [
        Question(
            "I1",
            Sentence("two runs of one slot"),
            select(run.dag_id, run.slot_key)
            .group_by(run.dag_id, run.slot_key)
            .having(func.count() > 1),
        ),
        Question(
            "I4",
            Sentence("the run has ended, this task has not"),
            select(ti.run_id, ti.task)
            .join(t.run, run.id == ti.run_id)
            .where(run.state.in_(t.ENDED), ti.state.not_in(_DONE)),
        ),
        Question(
            "I11",
            Sentence("is queued, but a task of it runs"),
            select(run.id)
            .join(t.task_instance, ti.run_id == run.id)
            .where(run.state == RunState.QUEUED.value, ti.state == _RUNNING)
            .distinct(),
        ),
        Question(
            "I12",
            Sentence("an ended run has one notification"),
            select(run.id)
            .outerjoin(sent, sent.c.run_id == run.id)
            .where(run.state.in_(t.ENDED), func.coalesce(sent.c.n, 0) != 1),
        ),
        Question(
            "I15",
            Sentence("counts as sent, but was never tried"),
            select(told.id).where(told.sent_at.is_not(None), told.tries < 1),
        ),
        Question(
            "I27",
            Sentence("the run's version is not stored"),
            select(run.id)
            .outerjoin(t.dag_version, t.dag_version.c.digest == run.version)
            .where(t.dag_version.c.digest.is_(None)),
        ),
    ]


def _task_questions() -> list[Question]:
    ti, at, run, of = t.task_instance.c, t.attempt.c, t.run.c, t.dag_task.c
    lacks = of.name.is_(None)
    removed = ti.state == TaskState.REMOVED.value
    tries = (
        select(at.run_id, at.task, func.count().label("n"), func.max(at.try_no).label("last"))
        .group_by(at.run_id, at.task)
        .subquery()
    )
    same_tries = and_(tries.c.run_id == ti.run_id, tries.c.task == ti.task)
    pool = t.pool.c
    used = (
        select(
            ti.pool,
            func.sum(ti.pool_slots).label("slots"),
            func.max(ti.token).label("newest"),
        )
        .where(ti.state == _RUNNING)
        .group_by(ti.pool)
        .subquery()
    )
    return [
        Question(
            "I8",
            Sentence("the tries are not the attempts"),
            select(ti.run_id, ti.task)
            .outerjoin(tries, same_tries)
            .where(
                or_(
                    ti.tries != func.coalesce(tries.c.n, 0),
                    ti.tries != func.coalesce(tries.c.last, 0),
                )
            ),
        ),
        Question(
            "I18",
            Sentence("more tasks run than the pool allows"),
            # What ran already when a pool was made smaller may go on.
            select(pool.name)
            .join(used, used.c.pool == pool.name)
            .where(used.c.slots > pool.slots, used.c.newest > pool.since_token),
        ),
        Question(
            "I19",
            Sentence("a lease without a running task, or the reverse"),
            select(ti.run_id, ti.task).where(
                or_(
                    and_(ti.state == _RUNNING, ti.lease_until.is_(None)),
                    and_(ti.state != _RUNNING, ti.lease_until.is_not(None)),
                )
            ),
        ),
        Question(
            "I38",
            Sentence("counts as removed, but the run's version has it, or the reverse"),
            select(ti.run_id, ti.task)
            .join(t.run, run.id == ti.run_id)
            .outerjoin(t.dag_task, and_(of.version == run.version, of.name == ti.task))
            .where(or_(and_(removed, ~lacks), and_(~removed, lacks))),
        ),
    ]


def _attempt_questions() -> list[Question]:
    ti, at, art = t.task_instance.c, t.attempt.c, t.artifact.c
    same_task = and_(at.run_id == ti.run_id, at.task == ti.task)
    success = TaskState.SUCCESS.value
    later = t.attempt.alias()
    return [
        Question(
            "I5",
            Sentence("values of two attempts are published at once"),
            select(art.run_id, art.task)
            .group_by(art.run_id, art.task)
            .having(func.min(art.token) != func.max(art.token)),
        ),
        Question(
            "I6",
            Sentence("a value that its task's last attempt did not publish"),
            select(art.run_id, art.task, art.name)
            .join(t.attempt, at.token == art.token)
            .where(or_(at.outcome.is_(None), at.outcome != success)),
        ),
        Question(
            "I6",
            Sentence("succeeded without an attempt that did"),
            select(ti.run_id, ti.task)
            .outerjoin(t.attempt, at.token == ti.token)
            .where(ti.state == success, func.coalesce(at.outcome, "") != success),
        ),
        Question(
            "I7",
            Sentence("an attempt is open, its task is not running"),
            select(at.run_id, at.task)
            .join(t.task_instance, same_task)
            .where(at.outcome.is_(None), or_(ti.state != _RUNNING, ti.token != at.token)),
        ),
        Question(
            "I7",
            Sentence("the task is running, no attempt is open"),
            select(ti.run_id, ti.task)
            .outerjoin(t.attempt, and_(same_task, at.outcome.is_(None)))
            .where(ti.state == _RUNNING, at.token.is_(None)),
        ),
        Question(
            "I16",
            Sentence("a later try has an older token"),
            select(at.run_id, at.task, at.try_no)
            .join(later, and_(later.c.run_id == at.run_id, later.c.task == at.task))
            .where(later.c.try_no > at.try_no, later.c.token <= at.token),
        ),
        Question(
            "I17",
            Sentence("two attempts are open at once"),
            select(at.run_id, at.task)
            .where(at.outcome.is_(None))
            .group_by(at.run_id, at.task)
            .having(func.count() > 1),
        ),
    ]


def _end_questions() -> list[Question]:
    """I23: what began comes before what ended. By stamps of one clock only: calendars may jump."""
    run, at, ti = t.run.c, t.attempt.c, t.task_instance.c
    return [
        Question(
            "I23",
            Sentence("has an end and goes on, or ended without one"),
            select(run.id).where(
                or_(
                    and_(run.state.in_(t.ENDED), run.ended.is_(None)),
                    and_(run.state.in_(t.GOING), run.ended.is_not(None)),
                )
            ),
        ),
        Question(
            "I23",
            Sentence("has an end and goes on, or ended without one"),
            select(at.run_id, at.task, at.try_no).where(
                or_(
                    and_(at.outcome.is_not(None), at.ended.is_(None)),
                    and_(at.outcome.is_(None), at.ended.is_not(None)),
                )
            ),
        ),
        Question(
            "I23",
            Sentence("a task of it was tried, but it never began"),
            select(run.id)
            .join(t.task_instance, ti.run_id == run.id)
            .where(run.state == RunState.RUNNING.value, run.started.is_(None), ti.tries > 0)
            .distinct(),
        ),
    ]


def _drained_questions() -> list[Question]:
    run, at = t.run.c, t.attempt.c
    return [
        Question(
            "I3",
            Sentence("all work is over, this run has not ended"),
            select(run.id).where(run.state.in_(t.GOING)),
        ),
        Question(
            "I7",
            Sentence("all work is over, this attempt has not ended"),
            select(at.run_id, at.task, at.try_no).where(at.outcome.is_(None)),
        ),
    ]


def _sent_question() -> Question:
    told = t.outbox.c
    return Question(
        "I14",
        Sentence("all work is over, this notification was not sent"),
        select(told.id).where(told.sent_at.is_(None)),
    )
