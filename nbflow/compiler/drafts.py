"""What the fold over the page collects for each task before the DAG is put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.compiler.effects import Summary
from nbflow.compiler.file_edges import FileUse
from nbflow.compiler.versions import UnitKey, Version
from nbflow.model.dag import CodeUnit, EdgeKind, Place
from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId, TaskName
from nbflow.model.notebook import Role


@dataclass(frozen=True, slots=True)
class Need:
    """A version of a name that a task wants from outside, and why."""

    version: Version
    kind: EdgeKind
    reader: Place
    through: TaskName | None = None
    """A later task that stores the value again, together with what shares its object."""
    fallbacks: tuple[Version, ...] = ()
    """Earlier versions to take if the writer was skipped or failed."""


@dataclass(frozen=True, eq=False, slots=True)
class AmbientVersion:
    """A version of a process-wide state; ``task`` is None if setup cells leave it so."""

    state: str
    cell: CellId
    task: TaskName | None
    previous: "AmbientVersion | None" = None


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


@dataclass(frozen=True, kw_only=True, slots=True)
class CellResult:
    """What folding one cell gave. ``role`` and ``task`` are final; ``versions`` are all that it
    wrote, in order; ``code`` are statements of earlier cells that it wants to have been replayed.
    """

    role: Role
    task: TaskName | None
    summary: Summary
    needs: Mapping[str, Need]
    ambient_needs: Mapping[str, tuple[AmbientVersion, Place]]
    code: Mapping[UnitKey, Place]
    versions: tuple[Version, ...]
    ambient: tuple[AmbientVersion, ...]
    mutates: frozenset[str]
    files: tuple[FileUse, ...]
    safe: tuple[SafeOrder, ...]
    findings: tuple[Diagnostic, ...]
    units: tuple[CodeUnit, ...]


@dataclass(slots=True)
class Draft:
    """A task in the making. ``last`` maps a name to the task's last version of it.

    Two drafts are equal if the same task comes of them, but for the options.
    """

    name: TaskName
    first: int = field(compare=False)
    """The index of its first cell on the page."""
    last_cell: int = field(default=-1, compare=False)
    cells: list[CellId] = field(default_factory=list)
    options: Mapping[str, Any] = field(default_factory=dict, compare=False)
    needs: dict[str, Need] = field(default_factory=dict)
    units: dict[UnitKey, Place] = field(default_factory=dict)
    unit_needs: dict[UnitKey, dict[str, Need]] = field(default_factory=dict)
    ambient_needs: dict[str, tuple[AmbientVersion, Place]] = field(default_factory=dict)
    ambient_last: dict[str, AmbientVersion] = field(default_factory=dict, compare=False)
    ambient_outputs: set[str] = field(default_factory=set)
    last: dict[str, Version] = field(default_factory=dict, compare=False)
    outputs: dict[str, Version] = field(default_factory=dict)
    mutates: set[str] = field(default_factory=set)
    summaries: list[Summary] = field(default_factory=list)
    live_with: dict[TaskName, tuple[str, str]] = field(default_factory=dict, compare=False)
    """Tasks whose live kernel it needs -> (variable, type)."""
