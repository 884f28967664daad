"""Notebooks that can't be deployed, and why: kept until they can, or are gone."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from nbflow.metastore import tables as t
from nbflow.metastore.engine import Database
from nbflow.metastore.rows import ImportErrorRow


def replace_errors(
    db: Database, scope: str, errors: Sequence[ImportErrorRow], now: datetime
) -> bool:
    """Put these errors in the place of those known of a scope; False if nothing changed.

    One that was known keeps the instant at which it was found.
    """

    def work(connection: Connection) -> bool:
        before = {row.path: row for row in _rows(connection, scope)}
        after = {one.path: one for one in errors}
        known = {p: (r.code, r.message) for p, r in before.items()}
        if known == {p: (r.code, r.message) for p, r in after.items()}:
            return False
        connection.execute(t.import_error.delete().where(t.import_error.c.scope == _key(scope)))
        for one in after.values():
            old = before.get(one.path)
            same = old is not None and (old.code, old.message) == (one.code, one.message)
            row = _row(scope, one, (old.at if same and old is not None else None) or now)
            db.insert_once(connection, t.import_error, row)
        return True

    return db.write("import_errors", work)


def import_errors(connection: Connection) -> list[ImportErrorRow]:
    """Return all errors by path."""
    return _rows(connection, None)


def _rows(connection: Connection, scope: str | None) -> list[ImportErrorRow]:
    query = select(t.import_error)
    if scope is not None:
        query = query.where(t.import_error.c.scope == _key(scope))
    rows = [
        ImportErrorRow(path=row.path, code=row.code, message=row.message, hint=row.hint, at=row.at)
        for row in connection.execute(query)
    ]
    return sorted(rows, key=lambda row: row.path)


def _row(scope: str, one: ImportErrorRow, at: datetime) -> dict[str, Any]:
    return {
        "id": _key(f"{scope}\n{one.path}"),
        "scope": _key(scope),
        "path": one.path,
        "code": one.code,
        "message": one.message,
        "hint": one.hint,
        "at": at,
    }


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
