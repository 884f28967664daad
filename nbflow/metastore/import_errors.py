"""Notebooks that can't be deployed, and what can't go on: kept until they can, or are gone."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.instances import living
from nbflow.metastore.rows import ImportErrorRow
from nbflow.model.codes import HELD_UP


def replace_errors(
    db: Database,
    scope: str,
    errors: Sequence[ImportErrorRow],
    now: datetime,
    *,
    only: str | None = None,
) -> bool:
    """Put these errors in the place of those known of a scope, or ``only`` of one path in it; False if
    nothing changed. One that was known keeps the instant at which it was found.
    """
    of = t.import_error.c
    known_here = of.scope == _key(scope) if only is None else of.id == _id(scope, only)

    def work(connection: Connection) -> bool:
        before = {row.path: row for row in _rows(connection, known_here)}
        after = {one.path: one for one in errors}
        known = {p: (r.code, r.message) for p, r in before.items()}
        if known == {p: (r.code, r.message) for p, r in after.items()}:
            return False
        connection.execute(t.import_error.delete().where(known_here))
        for one in after.values():
            old = before.get(one.path)
            same = old is not None and (old.code, old.message) == (one.code, one.message)
            row = _row(scope, one, (old.at if same and old is not None else None) or now)
            db.insert_once(connection, t.import_error, row)
        return True

    return db.write("import_errors", work)


def scope_of(instance_id: str) -> str:
    """Return the scope of what a process can't go on with."""
    return f"held up by {instance_id}"


def forget_dead(db: Database, lease: float) -> None:
    """Forget what processes could not go on with that are gone: nobody else does it for them."""
    of = t.import_error.c

    def left(connection: Connection) -> list[str]:
        alive = [_key(scope_of(row.id)) for row in living(db, connection, lease)]
        query = select(of.id).where(of.code == HELD_UP, of.scope.not_in(alive)).order_by(of.id)
        return list(connection.execute(query).scalars())

    if db.read(left):
        db.write(
            "held_up_forget",
            lambda c: c.execute(t.import_error.delete().where(of.id.in_(left(c)))),
        )


def import_errors(connection: Connection) -> list[ImportErrorRow]:
    """Return all errors by path."""
    return _rows(connection)


def _rows(
    connection: Connection, condition: ColumnElement[bool] | None = None
) -> list[ImportErrorRow]:
    query = select(t.import_error)
    if condition is not None:
        query = query.where(condition)
    rows = [
        ImportErrorRow(path=row.path, code=row.code, message=row.message, hint=row.hint, at=row.at)
        for row in connection.execute(query)
    ]
    return sorted(rows, key=lambda row: row.path)


def _row(scope: str, one: ImportErrorRow, at: datetime) -> dict[str, Any]:
    return {
        "id": _id(scope, one.path),
        "scope": _key(scope),
        "path": one.path,
        "code": one.code,
        "message": one.message,
        "hint": one.hint,
        "at": at,
    }


def _id(scope: str, path: str) -> str:
    return _key(f"{scope}\n{path}")


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
