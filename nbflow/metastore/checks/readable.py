"""What rows hold can be read: JSON, one word of a list, a DAG as it was deployed, a schedule."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Connection, and_, select

from nbflow.errors import UsageError
from nbflow.metastore import tables as t
from nbflow.metastore.checks.violation import Rules, Violation
from nbflow.metastore.codec import if_readable
from nbflow.metastore.schedules import entry_of
from nbflow.metastore.unread import Unreadable
from nbflow.model.backfill import BackfillState
from nbflow.model.dag import Dag
from nbflow.model.notices import NoticeEvent
from nbflow.model.options import Catchup, Overlap
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason, RunKind, RunState, TaskState

_LISTS: tuple[tuple[Column[Any], type[StrEnum]], ...] = (
    (t.run.c.kind, RunKind),
    (t.run.c.state, RunState),
    (t.task_instance.c.state, TaskState),
    (t.attempt.c.reason, Reason),
    (t.schedule.c.catchup, Catchup),
    (t.schedule.c.overlap, Overlap),
    (t.backfill.c.state, BackfillState),
    (t.dag.c.health, RunState),
    (t.notice.c.event, NoticeEvent),
)


def readable(connection: Connection, rules: Rules | None) -> Iterator[Violation]:
    """I41: what a row holds can be read; schedules, if there are rules to read them by."""
    for table in t.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, t.Json):
                yield from _json(connection, column)
    for column, words in _LISTS:
        of_none = column.not_in([word.value for word in words])
        for row in connection.execute(select(*_key(column), column).where(of_none)):
            message = Sentence("{word!r} stands for nothing here", word=row[-1])
            yield Violation(code="I41", place=_place(column, row), message=message)
    versions = connection.execute(select(t.dag_version.c.digest, t.dag_version.c.document))
    for digest, document in versions:
        if not isinstance(document, Unreadable) and if_readable(Dag, document) is None:
            place = f"{t.dag_version.c.document} {digest}"
            yield Violation(code="I41", place=place, message=Sentence("this is no DAG"))
    if rules is not None:
        yield from _schedules(connection, rules)


def _schedules(connection: Connection, rules: Rules) -> Iterator[Violation]:
    of = t.schedule.c
    known = and_(of.catchup.in_(list(Catchup)), of.overlap.in_(list(Overlap)), of.expr != "")
    for row in connection.execute(select(t.schedule).where(known)):
        try:
            rules.next_slot(entry_of(row))
        except UsageError as problem:
            message = Sentence("this is no schedule: {problem}", problem=problem.message)
            yield Violation(code="I41", place=f"{of.expr} {row.dag_id}", message=message)


def _json(connection: Connection, column: Column[Any]) -> Iterator[Violation]:
    held = select(*_key(column), column).where(column.is_not(None))
    for row in connection.execute(held):
        if isinstance(row[-1], Unreadable):
            message = Sentence("this is no JSON")
            yield Violation(code="I41", place=_place(column, row), message=message)


def _key(column: Column[Any]) -> list[Column[Any]]:
    return list(column.table.primary_key.columns)


def _place(column: Column[Any], row: Any) -> str:
    return " ".join([str(column), *(str(part) for part in row[:-1])])
