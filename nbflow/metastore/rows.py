"""What lists of the metastore consist of: small frozen values, instants aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nbflow.model.attempt import StoredValue
from nbflow.model.ids import CellId, DagId, Digest, RunId, TaskName, Token
from nbflow.model.states import CellStatus, Reason, RunKind, RunState, TaskState


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionRow:
    """A version of a DAG; ``is_current`` tells whether it is the one known best: deployed, or run."""

    version: Digest
    number: int
    created: datetime
    is_current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """A run in a list."""

    id: RunId
    dag_id: DagId
    version: Digest
    kind: RunKind
    state: RunState
    created: datetime
    started: datetime | None
    ended: datetime | None
    logical_date: datetime | None
    note: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    has_driver: bool = False
    """Whether a process drives this run alone, as ``nbflow run`` does; schedulers drive the others."""
    cause: Mapping[str, Any] | None = None
    """What made it, where that was a trigger."""
    timezone: str | None = None
    """Where its DAG has a schedule now, the zone that it is in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """One try of a task. ``outcome`` is None while it runs, ``lost`` if its process vanished.

    ``result`` holds the rest of the slot's report: error, notebook, log, seconds, peak_memory.
    """

    run_id: RunId
    task: TaskName
    try_no: int
    token: Token
    host: str
    pid: int | None
    claimed: datetime
    started: datetime | None
    ended: datetime | None
    outcome: str | None
    reason: Reason | None
    message: str
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRow:
    """A cell of an attempt; times are seconds since the epoch."""

    token: Token
    cell: CellId
    status: CellStatus
    started: float | None
    ended: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """A move of a task instance, or of the run if ``task`` is None."""

    seq: int
    run_id: RunId
    task: TaskName | None
    source: str
    target: str
    token: Token | None
    at: datetime
    who: str
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskInstanceRow:
    """A task in a run with the times of its last attempt."""

    run_id: RunId
    task: TaskName
    state: TaskState
    tries: int
    note: str
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskValues:
    """What a task published: values of variables, and of process-wide states."""

    values: tuple[StoredValue, ...] = ()
    ambient: tuple[StoredValue, ...] = ()

    @property
    def all(self) -> tuple[StoredValue, ...]:
        """Both, variables first."""
        return (*self.values, *self.ambient)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRow:
    """A figure that a task recorded of itself."""

    task: TaskName
    name: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportErrorRow:
    """A notebook of the DAGs folder that can't be deployed as it is; ``at`` is when that was found."""

    path: str
    code: str
    message: str
    hint: str = ""
    at: datetime | None = None
