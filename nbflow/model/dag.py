"""The compiled DAG: tasks, edges that say why they exist, and what each task replays and loads."""

import enum
from collections.abc import Collection
from dataclasses import dataclass, field

from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId, DagId, Digest, TaskName
from nbflow.model.options import DagOptions, TaskOptions


class EdgeKind(enum.StrEnum):
    """Why one task waits for another."""

    DATA = "data"
    """Reads a variable that the other binds."""
    MUTATION = "mutation"
    """Reads or changes an object that the other changed in place."""
    PASS_THROUGH = "pass-through"
    """Takes the value only to hand it on: it may change it, or store it with what shares it."""
    ORDER = "order"
    """An ``after:`` tag."""
    AMBIENT = "ambient"
    """Process-wide state: a random generator, the working directory."""
    FILE = "file"
    """Touches a file that the other touches, one of them changing it."""
    SAFE = "safe"
    """The compiler can't know, and keeps page order."""
    GROUP = "group"
    """Both need the same live kernel, in page order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A line of a cell; ``line`` counts from 1."""

    cell: CellId
    line: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """``target`` waits for ``source``, because of ``variable`` (a path for file edges)."""

    source: TaskName
    target: TaskName
    kind: EdgeKind
    variable: str | None = None
    writer: Place | None = None
    reader: Place | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """A value loaded at the start of a task.

    ``sources`` are the tasks that may have stored it, the newest version first: the first one that
    published it in this run is taken. ``name`` may be an ambient state (``numpy.random``).
    ``optional`` inputs stay unbound without complaint if no source published them.
    """

    name: str
    sources: tuple[TaskName, ...]
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeUnit:
    """A statement that travels as code: an import, a definition, an option-setting statement."""

    id: str
    cell: CellId
    first_line: int
    last_line: int
    source: str
    binds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """One step of a task's start: bind ``inputs`` (versions of the unit's own place), then run it.

    ``unit`` names a :class:`CodeUnit` of the DAG; ``cell`` instead replays a whole setup or
    parameters cell (with the run's values in place).
    """

    unit: str | None = None
    cell: CellId | None = None
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task: the cells it runs and everything a kernel must be given before and asked for after.

    ``needs_now`` … ``warns`` are the analysis in the words of the documented JSON form. ``outputs``
    are the names stored after the last cell, ``ambient`` the process-wide states stored with them.
    ``optional_outputs`` may turn out unbound. ``notebook`` is the file for a whole-notebook task.
    """

    name: TaskName
    cells: tuple[CellId, ...]
    notebook: str | None = None
    options: TaskOptions = TaskOptions()
    replays: tuple[Replay, ...] = ()
    inputs: tuple[Input, ...] = ()
    ambient_inputs: tuple[Input, ...] = ()
    outputs: tuple[str, ...] = ()
    optional_outputs: tuple[str, ...] = ()
    ambient_outputs: tuple[str, ...] = ()
    mutates_inputs: tuple[str, ...] = ()
    """Inputs that the task is known, or allowed, to change; the mutation guard watches the rest."""
    setup_cells: tuple[CellId, ...] = ()
    """Setup and parameters cells whose outputs this task shows (it is the earliest to run them)."""
    group: str | None = None
    input_keys: tuple[tuple[str, str], ...] = ()
    """Of a whole-notebook task: inputs that have another name where they come from."""
    params: tuple[tuple[str, object], ...] = ()
    needs_now: tuple[str, ...] = ()
    needs_when_called: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    may_bind: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()

    @property
    def handed_on(self) -> frozenset[str]:
        """Names that the task stores as it found them, beside what shares their objects."""
        changed = {*self.binds, *self.may_bind, *self.mutates_inputs}
        return frozenset(i.name for i in self.inputs) - changed


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelGroup:
    """Tasks that run in one live kernel, in page order, because of ``variable`` of type ``type``."""

    name: str
    tasks: tuple[TaskName, ...]
    variable: str
    type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A parameter of a DAG: its type as annotated or told from the default, and the default.

    ``default`` is the Python source of the default; ``type`` one of ``int float str bool list dict
    None date datetime path tuple enum`` or the annotation's text.
    """

    name: str
    type: str
    default: str
    cell: CellId
    line: int
    help: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dag:
    """What a notebook, or a folder of notebooks, means. ``tasks`` stand in page order.

    ``digest`` names the content: the same digest is the same version. ``membership`` tells where
    every code cell ended up: the name of its task, or ``setup``, ``parameters``, ``skip``.
    """

    id: DagId
    notebooks: tuple[str, ...]
    options: DagOptions
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...]
    groups: tuple[KernelGroup, ...] = ()
    code: tuple[CodeUnit, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    membership: tuple[tuple[CellId, str], ...] = ()
    language: str = "python"
    kernel: str = "python3"
    digest: Digest = Digest("")
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    def task(self, name: str) -> Task:
        """Return the task of that name; KeyError if there is none."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)

    def upstream(self, name: str) -> tuple[TaskName, ...]:
        """Return the tasks that ``name`` directly waits for, in page order."""
        sources = {e.source for e in self.edges if e.target == name}
        return tuple(t.name for t in self.tasks if t.name in sources)

    def code_readers(self, producer: str, names: Collection[str]) -> tuple[TaskName, ...]:
        """Return the later tasks on the page that use these definitions of ``producer``'s time: up to
        a task that defines a name anew.
        """
        found: dict[TaskName, None] = {}
        after = [task.name for task in self.tasks].index(TaskName(producer)) + 1
        for name in names:
            for task in self.tasks[after:]:
                if name in self._code_used(task):
                    found[task.name] = None
                if name in (*task.binds, *task.may_bind):
                    break
        return tuple(task.name for task in self.tasks if task.name in found)

    def _code_used(self, task: Task) -> frozenset[str]:
        replayed = {replay.unit for replay in task.replays}
        units = (unit.binds for unit in self.code if unit.id in replayed)
        return frozenset((*task.needs_now, *task.needs_when_called)).union(*units)
