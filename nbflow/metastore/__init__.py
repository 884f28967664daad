"""DAG versions, runs, attempts and events in SQLite, PostgreSQL or MariaDB."""

from nbflow.metastore.attention import WaitingRun
from nbflow.metastore.backfills import BackfillRow, Chunk
from nbflow.metastore.check import check
from nbflow.metastore.checks.violation import Looks, Rules, Violation
from nbflow.metastore.clear_requests import Clear
from nbflow.metastore.finish import Finish
from nbflow.metastore.migrate import SchemaState, downgrade, migrate, schema_state
from nbflow.metastore.notices import NewNotice, NoticeRow, RunEnd
from nbflow.metastore.reads import RunFilter
from nbflow.metastore.reap import Reaped
from nbflow.metastore.rows import (
    AttemptRow,
    CellRow,
    DagRow,
    EventRow,
    ImportErrorRow,
    MetricRow,
    RunRow,
    TaskInstanceRow,
    TaskValues,
)
from nbflow.metastore.runs import NewRun
from nbflow.metastore.schedules import Tick, slot_key
from nbflow.metastore.store import Metastore, open_metastore
from nbflow.metastore.triggers import Firing, TriggerEvent, TriggerRow, trigger_key

__all__ = [
    "AttemptRow",
    "BackfillRow",
    "CellRow",
    "Chunk",
    "Clear",
    "DagRow",
    "EventRow",
    "Finish",
    "Firing",
    "ImportErrorRow",
    "Looks",
    "Metastore",
    "MetricRow",
    "NewNotice",
    "NewRun",
    "NoticeRow",
    "Reaped",
    "Rules",
    "RunEnd",
    "RunFilter",
    "RunRow",
    "SchemaState",
    "TaskInstanceRow",
    "TaskValues",
    "Tick",
    "TriggerEvent",
    "TriggerRow",
    "Violation",
    "WaitingRun",
    "check",
    "downgrade",
    "migrate",
    "open_metastore",
    "schema_state",
    "slot_key",
    "trigger_key",
]
