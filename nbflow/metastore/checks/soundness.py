"""The file, the schema, and words that may stand nowhere."""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, String, Text, or_, select, type_coerce

from nbflow.metastore import tables as t
from nbflow.metastore.checks.violation import Violation
from nbflow.metastore.engine import Database
from nbflow.metastore.schema import REVISION, revision
from nbflow.model.sentence import Sentence

_TEXTS = (String, Text, t.LongText, t.LongBytes)


def soundness(db: Database, connection: Connection) -> Iterator[Violation]:
    """I28: the file is sound, what rows refer to is there, the schema is this code's."""
    if db.is_sqlite:
        for row in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
            if row[0] != "ok":
                yield Violation(code="I28", place=db.place, message=Sentence(str(row[0])))
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield Violation(
                code="I28",
                place=f"{row[0]} {row[1]}",
                message=Sentence("refers to no {table}", table=row[2]),
            )
    found = revision(connection)
    if found != REVISION:
        yield Violation(
            code="I28",
            place=db.place,
            message=Sentence("schema {found}, not {wanted}", found=found or "-", wanted=REVISION),
        )


def leaks(connection: Connection, secrets: Sequence[str]) -> Iterator[Violation]:
    """I29: no secret stands in any text."""
    for table in t.metadata.sorted_tables if secrets else ():
        for column in table.c:
            if not isinstance(column.type, _TEXTS):
                continue
            key = next(iter(table.primary_key))
            if isinstance(column.type, t.LongBytes):
                found = _in_notebooks(connection, key, column, secrets)
            else:
                # As text: a JSON column would ask for the word as a JSON value of its own.
                words = {form for word in secrets for form in (word, json.dumps(word)[1:-1])}
                text = type_coerce(column, Text)
                held = or_(*(text.contains(word, autoescape=True) for word in sorted(words)))
                found = connection.execute(select(key).where(held).limit(20)).scalars()
            for place in found:
                yield Violation(
                    code="I29",
                    place=f"{table.name}.{column.name} {place}",
                    message=Sentence("a secret stands here"),
                )


def _in_notebooks(
    connection: Connection, key: Column[Any], column: Column[Any], secrets: Sequence[str]
) -> Iterator[Any]:
    for place, content in connection.execute(select(key, column)):
        text = zlib.decompress(content)
        if any(word.encode() in text for word in secrets):
            yield place
