"""Questions to which a sound metastore answers with nothing."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select

from nbflow.metastore.checks.violation import Violation
from nbflow.model.sentence import Sentence


class Question(NamedTuple):
    """An invariant's number, what it means to break it, and the query for what does."""

    code: str
    message: Sentence
    query: Select[Any]


def ask(connection: Connection, questions: Iterable[Question]) -> Iterator[Violation]:
    """Return a violation for each row found, named by its columns."""
    for question in questions:
        for row in connection.execute(question.query):
            place = "/".join(str(part) for part in row)
            yield Violation(code=question.code, place=place, message=question.message)
