"""Which of several runs is the newest."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func

from nbflow.metastore import tables as t


def newest_first(of: Any = t.run.c) -> tuple[Any, Any, Any]:
    """Return the order of runs in lists: of those that one tick made, the newest slot first."""
    return of.created.desc(), when(of).desc(), of.id


def when(of: Any = t.run.c) -> ColumnElement[datetime]:
    """Return the instant that a run is for; of one without a logical date, when it was made."""
    return func.coalesce(of.logical_date, of.created)
