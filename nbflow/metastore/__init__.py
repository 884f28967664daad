"""DAG versions, runs, attempts and events in SQLite, PostgreSQL or MariaDB."""

from nbflow.metastore.reads import RunFilter
from nbflow.metastore.reap import Reaped
from nbflow.metastore.rows import (
    AttemptRow,
    CellRow,
    DagRow,
    EventRow,
    RunRow,
    TaskInstanceRow,
    TaskValues,
)
from nbflow.metastore.runs import NewRun
from nbflow.metastore.store import Metastore, open_metastore

__all__ = [
    "AttemptRow",
    "CellRow",
    "DagRow",
    "EventRow",
    "Metastore",
    "NewRun",
    "Reaped",
    "RunFilter",
    "RunRow",
    "TaskInstanceRow",
    "TaskValues",
    "open_metastore",
]
