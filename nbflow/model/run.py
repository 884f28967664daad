"""A run as the deciding code sees it, and the moves it decides on. Instants are aware UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nbflow.model.ids import DagId, Digest, RunId, TaskName, Token
from nbflow.model.states import RunKind, RunState, TaskState


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskSnapshot:
    """One task instance. ``tries`` counts all attempts so far, ``failures`` those that used up a
    try of the user's ``retries``, ``lost`` those whose process vanished. ``not_before`` delays a
    queued or retried instance. ``note`` says in words why it stands there.
    """

    name: TaskName
    state: TaskState = TaskState.NONE
    tries: int = 0
    failures: int = 0
    lost: int = 0
    not_before: datetime | None = None
    token: Token | None = None
    kept_kernel: str | None = None
    unstorable: Mapping[str, str] = field(default_factory=dict)
    last_error: str | None = None
    """Exception name of the last failed attempt (``retry_on``)."""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSnapshot:
    """One run with all its task instances, as read in one transaction."""

    run_id: RunId
    dag_id: DagId
    version: Digest
    kind: RunKind
    state: RunState
    tasks: Mapping[TaskName, TaskSnapshot]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    selected: tuple[TaskName, ...] | None = None
    """The tasks asked for; None means all. The others are recorded as ``removed``-free: they
    have no instance in the run at all."""
    cancel_requested: bool = False
    created: datetime | None = None
    logical_date: datetime | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    note: str = ""
    folder: str | None = None
    """Where relative paths of its notebooks begin; None if they are absolute."""
    clears: int = 0
    """How often it went on after its end: each time what was known of it counts no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskMove:
    """Move one task instance; applied only if it still is in ``source`` (and holds ``token``)."""

    task: TaskName
    source: TaskState
    target: TaskState
    note: str = ""
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RunMove:
    """Move the run; applied only if it still is in ``source``."""

    source: RunState
    target: RunState
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decisions:
    """What to write, in one transaction."""

    tasks: tuple[TaskMove, ...] = ()
    run: RunMove | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not self.tasks and self.run is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A task instance that this process may run now, until its lease ends."""

    run_id: RunId
    task: TaskName
    try_no: int
    token: Token
    lease_until: datetime
