"""DAG versions, runs, attempts and events in SQLite, PostgreSQL or MariaDB."""

from typing import TYPE_CHECKING

from nbflow.later import names_of

if TYPE_CHECKING:
    from nbflow.metastore.attention import WaitingRun
    from nbflow.metastore.backfills import BackfillRow, Chunk
    from nbflow.metastore.checking import check
    from nbflow.metastore.checks.violation import Looks, Rules, Violation
    from nbflow.metastore.clear_requests import Clear
    from nbflow.metastore.dag_list import DagRow
    from nbflow.metastore.finish import Finish
    from nbflow.metastore.migrating import SchemaState, downgrade, migrate, schema_state
    from nbflow.metastore.notices import NewNotice, NoticeRow, RunEnd
    from nbflow.metastore.opening import open_metastore
    from nbflow.metastore.reads import RunFilter
    from nbflow.metastore.reap import Reaped
    from nbflow.metastore.rows import (
        AttemptRow,
        CellRow,
        EventRow,
        ImportErrorRow,
        MetricRow,
        RunRow,
        TaskInstanceRow,
        TaskValues,
    )
    from nbflow.metastore.runs import NewRun
    from nbflow.metastore.schedules import Tick, slot_key
    from nbflow.metastore.store import Metastore
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

_PLACES = {
    "attention": "WaitingRun",
    "backfills": "BackfillRow Chunk",
    "checking": "check",
    "checks.violation": "Looks Rules Violation",
    "clear_requests": "Clear",
    "dag_list": "DagRow",
    "finish": "Finish",
    "migrating": "SchemaState downgrade migrate schema_state",
    "notices": "NewNotice NoticeRow RunEnd",
    "opening": "open_metastore",
    "reads": "RunFilter",
    "reap": "Reaped",
    "rows": "AttemptRow CellRow EventRow ImportErrorRow MetricRow RunRow TaskInstanceRow TaskValues",
    "runs": "NewRun",
    "schedules": "Tick slot_key",
    "store": "Metastore",
    "triggers": "Firing TriggerEvent TriggerRow trigger_key",
}

__getattr__ = names_of(__name__, _PLACES)
