"""States of runs, task instances and attempts, and the moves between them that are legal."""

import enum


class RunKind(enum.StrEnum):
    """What made a run."""

    MANUAL = "manual"
    """A person, by hand or through the API."""
    SCHEDULED = "scheduled"
    """A slot of the DAG's schedule."""
    BACKFILL = "backfill"
    """A past slot, asked for by a backfill."""
    TRIGGERED = "triggered"
    """A trigger: a file, another DAG, a metric, changed code."""


class RunState(enum.StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """Recorded; no task released yet."""
    RUNNING = "running"
    """At least one task was released and not all have ended."""
    SUCCESS = "success"
    """Every task ended and none failed (or the failed ones were allowed to)."""
    FAILED = "failed"
    """Every task ended and at least one failed."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""

    @property
    def is_final(self) -> bool:
        """Tell whether the run has ended."""
        return self in FINAL_RUN_STATES


FINAL_RUN_STATES = frozenset({RunState.SUCCESS, RunState.FAILED, RunState.CANCELLED})


class TaskState(enum.StrEnum):
    """Where a task instance stands: Airflow's words, and ``cancelled``."""

    NONE = "none"
    """Waits for its upstream tasks."""
    QUEUED = "queued"
    """May be claimed as soon as time, limits and pool allow."""
    RUNNING = "running"
    """Claimed: an attempt holds a lease on it."""
    SUCCESS = "success"
    """Ended well; its artifacts are published."""
    FAILED = "failed"
    """Ended badly with no try left."""
    SKIPPED = "skipped"
    """A condition or a trigger rule left it out."""
    UPSTREAM_FAILED = "upstream_failed"
    """Can't run since a task it needs failed."""
    UP_FOR_RETRY = "up_for_retry"
    """Failed with tries left; queued again when its delay has passed."""
    CANCELLED = "cancelled"
    """Somebody cancelled it, or the run."""
    REMOVED = "removed"
    """Cleared onto a version of the DAG that lacks it."""

    @property
    def is_final(self) -> bool:
        """Tell whether the task instance has ended."""
        return self in FINAL_TASK_STATES


FINAL_TASK_STATES = frozenset(
    {
        TaskState.SUCCESS,
        TaskState.FAILED,
        TaskState.SKIPPED,
        TaskState.UPSTREAM_FAILED,
        TaskState.CANCELLED,
        TaskState.REMOVED,
    }
)

_CLEARED = frozenset({TaskState.NONE, TaskState.QUEUED, TaskState.REMOVED})

TASK_MOVES: dict[TaskState, frozenset[TaskState]] = {
    TaskState.NONE: frozenset(
        {
            TaskState.QUEUED,
            TaskState.SKIPPED,
            TaskState.UPSTREAM_FAILED,
            TaskState.CANCELLED,
            TaskState.REMOVED,
        }
    ),
    TaskState.QUEUED: frozenset(
        {
            TaskState.RUNNING,
            TaskState.CANCELLED,
            TaskState.SKIPPED,
            TaskState.FAILED,
            TaskState.NONE,
        }
    ),
    TaskState.RUNNING: frozenset(
        {
            TaskState.SUCCESS,
            TaskState.FAILED,
            TaskState.SKIPPED,
            TaskState.UP_FOR_RETRY,
            TaskState.QUEUED,
            TaskState.CANCELLED,
        }
    ),
    TaskState.UP_FOR_RETRY: frozenset(
        {TaskState.QUEUED, TaskState.CANCELLED, TaskState.FAILED, TaskState.NONE}
    ),
    TaskState.SUCCESS: _CLEARED,
    TaskState.FAILED: _CLEARED,
    TaskState.SKIPPED: _CLEARED,
    TaskState.UPSTREAM_FAILED: _CLEARED,
    TaskState.CANCELLED: _CLEARED,
    TaskState.REMOVED: _CLEARED,
}
"""Legal moves of a task instance. ``running -> queued`` is a lost attempt handed back; a final
state is left only by a clear, and only by one does what waits for its turn wait for others again."""

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.SUCCESS, RunState.FAILED, RunState.CANCELLED}),
    RunState.SUCCESS: frozenset({RunState.QUEUED}),
    RunState.FAILED: frozenset({RunState.QUEUED}),
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
}
"""Legal moves of a run; a final state is left only by a clear."""


class Reason(enum.StrEnum):
    """Why an attempt ended as it did; kept beside the outcome for people to read."""

    DONE = "done"
    """Every cell ran."""
    CONDITION = "condition"
    """Its ``when`` was false, or its ``foreach`` had no items."""
    ERROR = "error"
    """A cell raised."""
    TIMED_OUT = "timed_out"
    """Its wall-clock limit passed."""
    KILLED = "killed"
    """The kernel died: a signal, or out of memory."""
    OUTPUT_LIMIT = "output_limit"
    """It wrote more output than allowed."""
    NO_SPACE = "no_space"
    """The disk was full."""
    UNSTORABLE = "unstorable"
    """An output could not be stored."""
    KERNEL_START = "kernel_start"
    """The kernel is not installed or did not start in time."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""
    LOST = "lost"
    """The process that ran it is gone or stalled past its lease."""
    DRAINED = "drained"
    """Handed back since its scheduler was told to stop."""


class CellStatus(enum.StrEnum):
    """What became of a cell in an attempt."""

    NOT_RUN = "not_run"
    """The attempt ended before it."""
    RUNNING = "running"
    """It runs now."""
    COMPLETED = "completed"
    """It ran to its end."""
    FAILED = "failed"
    """It raised, or its output passed the limit."""
    TIMED_OUT = "timed_out"
    """The limit passed while it ran."""
    KILLED = "killed"
    """The kernel died while it ran."""
    CANCELLED = "cancelled"
    """The attempt was cancelled while it ran."""
    SKIPPED = "skipped"
    """Tagged ``skip``, or its task's condition was false."""
