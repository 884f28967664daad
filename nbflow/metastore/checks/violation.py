"""What a check finds, and what it is told to find it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from nbflow.model.clock import Clock, SystemClock
from nbflow.model.dag import Dag
from nbflow.model.ids import TaskName
from nbflow.model.run import RunSnapshot
from nbflow.model.schedule import ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState

if TYPE_CHECKING:
    from nbflow.artifacts.store import ArtifactStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """Something that must never be: the invariant's number, where, and a sentence."""

    code: str
    place: str
    message: Sentence

    @property
    def what(self) -> str:
        """The place and the sentence."""
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a metastore doesn't know by itself: when tasks may start, and when schedules fire.

    ``may_start`` gets a DAG, a task, and how all tasks of the run stand; ``undecided`` names the
    tasks that wait for a decision which could have been taken; ``slots`` gives a schedule's slots
    after one instant up to another; ``next_slot`` the first after its cursor.
    """

    may_start: Callable[[Dag, TaskName, Mapping[TaskName, TaskState]], bool]
    undecided: Callable[[Dag, RunSnapshot], Sequence[TaskName]]
    slots: Callable[[ScheduleEntry, datetime, datetime], Sequence[datetime]]
    next_slot: Callable[[ScheduleEntry], datetime | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """How far a check goes.

    With ``store``, files are read and compared with their rows; without ``rules``, what needs them
    is left out. ``secrets`` are words that may stand nowhere, ``processes`` those on this machine that
    work for runs, by run. ``drained`` tells that no run may be unfinished, ``sent`` that no
    notification may be left. ``lease`` and ``reap_every`` are seconds.
    """

    store: "ArtifactStore | None" = None
    rules: Rules | None = None
    secrets: Sequence[str] = ()
    processes: Mapping[str, Collection[int]] = field(default_factory=dict)
    drained: bool = False
    sent: bool = False
    lease: float = 60.0
    reap_every: float = 10.0
    clock: Clock = SystemClock()
