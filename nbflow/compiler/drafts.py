"""What the fold over the page collects for each task before the DAG is put together."""

from dataclasses import dataclass, field

from nbflow.compiler.effects import Summary
from nbflow.compiler.versions import Version
from nbflow.model.dag import EdgeKind, Place
from nbflow.model.ids import TaskName

UnitKey = tuple[int, int]
"""(cell index, index of the unit in the cell's analysis)."""


@dataclass(slots=True)
class Need:
    """A version of a name that a task wants from outside, and why."""

    version: Version
    kind: EdgeKind
    reader: Place
    through: TaskName | None = None
    """A later task that stores the value again, together with what shares its object."""
    fallbacks: tuple[Version, ...] = ()
    """Earlier versions to take if the writer was skipped or failed."""


@dataclass(slots=True)
class AmbientVersion:
    """A version of a process-wide state; ``task`` is None if setup cells leave it so."""

    state: str
    task: TaskName | None
    place: Place
    previous: "AmbientVersion | None" = None


@dataclass(slots=True)
class Draft:
    """A task in the making. ``last`` maps a name to the task's last version of it."""

    name: TaskName
    cells: list[int] = field(default_factory=list)
    needs: dict[str, Need] = field(default_factory=dict)
    units: dict[UnitKey, Place] = field(default_factory=dict)
    unit_needs: dict[UnitKey, dict[str, Need]] = field(default_factory=dict)
    ambient_needs: dict[str, tuple[AmbientVersion, Place]] = field(default_factory=dict)
    ambient_last: dict[str, AmbientVersion] = field(default_factory=dict)
    ambient_outputs: set[str] = field(default_factory=set)
    last: dict[str, Version] = field(default_factory=dict)
    outputs: dict[str, Version] = field(default_factory=dict)
    mutates: set[str] = field(default_factory=set)
    summaries: list[Summary] = field(default_factory=list)
    ignores: frozenset[str] = frozenset()
    live_with: dict[TaskName, tuple[str, str]] = field(default_factory=dict)
    """Tasks whose live kernel it needs -> (variable, type)."""


@dataclass(frozen=True, slots=True)
class SafeOrder:
    """A task whose names nobody can list: it waits for all earlier tasks, and with ``binds`` all
    later ones wait for it. ``live`` keeps one kernel: with all earlier tasks (``before``) or all
    later ones.
    """

    task: TaskName
    place: Place
    what: str
    binds: bool = True
    live_before: bool = False
    live_after: bool = False
