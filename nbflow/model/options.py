"""Options of tasks and DAGs as validated values; their spelling in notebooks is in `notebooks`."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.model.ids import DagId, TaskName
from nbflow.model.notices import Notify
from nbflow.model.triggers import Trigger


class TriggerRule(enum.StrEnum):
    """When a task runs, given how its upstream tasks ended (Airflow's thirteen)."""

    ALL_SUCCESS = "all_success"
    """Every upstream task succeeded."""
    ALL_FAILED = "all_failed"
    """Every upstream task failed."""
    ALL_DONE = "all_done"
    """Every upstream task ended, however."""
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    """Every upstream task ended and at least one succeeded."""
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    """As ``all_done`` (nbflow has no set-up and tear-down tasks)."""
    ONE_SUCCESS = "one_success"
    """At least one upstream task succeeded; doesn't wait for the others."""
    ONE_FAILED = "one_failed"
    """At least one upstream task failed; doesn't wait for the others."""
    ONE_DONE = "one_done"
    """At least one upstream task succeeded or failed; doesn't wait for the others."""
    NONE_FAILED = "none_failed"
    """Every upstream task succeeded or was skipped."""
    NONE_SKIPPED = "none_skipped"
    """Every upstream task ended and none was skipped."""
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    """No upstream task failed and at least one succeeded: the join after branches."""
    ALL_SKIPPED = "all_skipped"
    """Every upstream task was skipped."""
    ALWAYS = "always"
    """Runs at once."""


class RetryJitter(enum.StrEnum):
    """How a retry delay is spread."""

    NONE = "none"
    """Exactly the delay."""
    EQUAL = "equal"
    """Between half the delay and the delay."""
    FULL = "full"
    """Between nothing and the delay."""


class CachePolicy(enum.StrEnum):
    """Whether a task may be left out because nothing that it depends on changed."""

    AUTO = "auto"
    """On for runs by hand, off for scheduled ones."""
    ON = "on"
    """Always."""
    OFF = "off"
    """Never."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resources:
    """What a task needs of a machine: CPUs, bytes of memory, GPUs."""

    cpu: float | None = None
    memory: int | None = None
    gpu: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOptions:
    """Options of one task (format.md, section 2). Durations are seconds."""

    retries: int = 0
    retry_delay: float = 300.0
    retry_backoff: float = 1.0
    max_retry_delay: float = 86_400.0
    retry_jitter: RetryJitter = RetryJitter.NONE
    retry_on: tuple[str, ...] = ()
    no_retry_on: tuple[str, ...] = ()
    max_lost: int = 2
    timeout: float | None = None
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    when: str | None = None
    foreach: str | None = None
    cache: CachePolicy = CachePolicy.AUTO
    pool: str = "default"
    pool_slots: int = 1
    priority: int = 0
    resources: Resources = Resources()
    allow_failure: bool = False
    doc: str = ""


class Catchup(enum.StrEnum):
    """What becomes of slots that passed while nobody looked."""

    NONE = "none"
    """None runs; each is recorded as missed."""
    LATEST = "latest"
    """The newest runs, the others are recorded as missed."""
    ALL = "all"
    """Each runs, oldest first."""


class Overlap(enum.StrEnum):
    """What happens when a slot is due while the run before it is still going."""

    QUEUE = "queue"
    """It waits."""
    SKIP = "skip"
    """It is recorded as missed."""
    CANCEL_OTHER = "cancel_other"
    """The older run is cancelled."""


class Verdict(enum.StrEnum):
    """How a run's state follows from its tasks'."""

    ALL = "all"
    """Failed if any task failed that isn't allowed to."""
    LEAVES = "leaves"
    """Airflow's rule: failed only if a leaf failed."""


class Track(enum.StrEnum):
    """Which version of a notebook its schedule runs."""

    PINNED = "pinned"
    """What was deployed."""
    LIVE = "live"
    """The file in the DAGs folder, deployed whenever it changed and compiles."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DagOptions:
    """The ``dag`` object of a notebook's metadata (format.md, section 3), defaults filled in.

    ``schedule``, ``start_date``, ``end_date`` are kept as written; the timetable reads them.
    """

    id: DagId | None = None
    description: str = ""
    doc: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    schedule: str | None = None
    timezone: str = "UTC"
    start_date: str | None = None
    end_date: str | None = None
    catchup: Catchup = Catchup.LATEST
    max_active_runs: int = 1
    overlap: Overlap = Overlap.QUEUE
    max_active_tasks: int | None = None
    min_period: float = 60.0
    verdict: Verdict = Verdict.ALL
    track: Track = Track.PINNED
    on: tuple[Trigger, ...] = ()
    notify: tuple[Notify, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class NotebookTask:
    """The ``task`` object of a notebook's metadata: the whole notebook is one task of ``dag``."""

    dag: DagId
    name: TaskName
    after: tuple[TaskName, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, tuple[TaskName, str] | None] = field(default_factory=dict)
    """Name to bind -> (task, variable) or None for the same name from the only writer."""
    outputs: tuple[str, ...] = ()
    options: TaskOptions = TaskOptions()
