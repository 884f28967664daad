"""What a slot is handed to run one attempt, and what it hands back. Plain data, JSON at the pipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbflow.model.ids import CellId, Digest, RunId, TaskName, Token
from nbflow.model.sentence import Sentence
from nbflow.model.states import CellStatus, Reason, TaskState


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredValue:
    """One name inside a stored bundle. Names that share objects stand in one bundle.

    ``bundle`` is the digest of the bundle file in the value store; ``key`` the name under which the
    value was stored; ``type`` and ``preview`` (JSON text) are for people to look at; ``size`` is in
    bytes and counts the whole bundle.
    """

    name: str
    bundle: Digest
    key: str
    size: int
    type: str = ""
    preview: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Bind ``name`` in the kernel to what ``value`` stores."""

    name: str
    value: StoredValue


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayStep:
    """Code run silently before the task's cells, after ``loads`` were bound for it.

    ``source`` keeps its place on the page: it is compiled as lines ``first_line``… of ``cell``.
    """

    cell: CellId
    first_line: int
    source: str
    loads: tuple[Load, ...] = ()
    show: bool = False
    """Whether its outputs belong to this task (a setup cell that nobody ran before)."""
    unit: str = ""
    """Stable id of the step, so that a live kernel doesn't replay what it has already run."""
    prompt: int = 0
    """The prompt number that its cell has in page order, for tracebacks that pass its code."""
    cell_source: str = ""
    """The whole cell where ``source`` is a part of it: warnings and tracebacks name the code by it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellToRun:
    """A cell of the task: its nbformat document and the prompt number it has in page order."""

    cell: CellId
    document: Mapping[str, Any]
    prompt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits of one attempt: seconds of wall clock, bytes of output."""

    timeout: float | None = None
    start_timeout: float = 60.0
    output_per_cell: int = 10_000_000
    output_per_notebook: int = 100_000_000
    output_total: int = 1_000_000_000
    """More than this (dropped output included) ends the attempt."""
    log_bytes: int = 64 * 2**20
    memory: int | None = None
    """Bytes of address space that the kernel may use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptSpec:
    """Everything one attempt needs; a slot knows nothing else and never sees the metastore.

    ``workdir`` is the attempt's own folder, the only place it writes to but ``values``; ``cwd`` the
    kernel's working directory; ``values`` the folder of the value store. ``lazy`` maps a name to
    the replay that defines it, run only if a stored value turns out to need it. ``group`` keeps the
    kernel alive after the attempt, under that name, for the group's next member.
    """

    run_id: RunId
    task: TaskName
    try_no: int
    token: Token
    kernel: str
    language: str
    cwd: str
    workdir: str
    values: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    replays: tuple[ReplayStep, ...] = ()
    lazy: Mapping[str, ReplayStep] = field(default_factory=dict)
    loads: tuple[Load, ...] = ()
    ambient_loads: tuple[Load, ...] = ()
    cells: tuple[CellToRun, ...] = ()
    when: str | None = None
    foreach: tuple[str, str] | None = None
    """(name, expression): find a mapped task's items, tell them, and bind name to the first."""
    item: int | None = None
    """Which item of a mapped task this is, from 0: its items are attempts' pieces with one token."""
    outputs: tuple[str, ...] = ()
    optional_outputs: tuple[str, ...] = ()
    ambient_outputs: tuple[str, ...] = ()
    must_store: tuple[str, ...] = ()
    """Outputs without whose stored form the attempt has failed; no live kernel makes up for it."""
    guarded: tuple[str, ...] = ()
    """Loaded names that the task must not change; the guard reports it when one did."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """Names such as ``logical_date``, ``ds``, ``run_id``, as JSON values."""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    group: str | None = None
    close_group: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CellOutcome:
    """What became of one cell; times are seconds since the epoch."""

    cell: CellId
    status: CellStatus
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorInfo:
    """A cell's exception: name, message, traceback as the kernel drew it (ANSI colours and all)."""

    name: str
    message: str
    traceback: tuple[str, ...] = ()
    cell: CellId | None = None
    line: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptResult:
    """How an attempt ended. ``state`` is success, failed, skipped or cancelled.

    ``unstorable`` maps names that could not be stored to their type: the kernel was kept under
    ``kept_kernel`` and their readers must run in it. ``changed`` names guarded inputs that changed.
    """

    state: TaskState
    reason: Reason
    message: str
    cells: tuple[CellOutcome, ...] = ()
    error: ErrorInfo | None = None
    values: tuple[StoredValue, ...] = ()
    ambient: tuple[StoredValue, ...] = ()
    unstorable: Mapping[str, str] = field(default_factory=dict)
    kept_kernel: str | None = None
    changed: tuple[str, ...] = ()
    notebook: str | None = None
    """Path of the executed notebook, relative to the attempt's folder."""
    log: str | None = None
    seconds: float = 0.0
    peak_memory: int | None = None
    foreach_count: int | None = None
    """How many items a mapped task had."""
    shown_item: int | None = None
    """Of a mapped task, the item, from 0, whose error, executed notebook and log these are."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What its code recorded of itself; of a mapped task by ``name[0]``, ``name[1]`` …"""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptEnd:
    """An attempt, or one item of a mapped task's, has ended."""

    token: Token
    result: AttemptResult
    item: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemsFound:
    """The items of a mapped task, in order: how to call each, and where the others load theirs.

    ``values`` is empty if there is but one.
    """

    token: Token
    labels: tuple[str, ...]
    values: tuple[StoredValue, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CellEvent:
    """Progress of a running attempt, as it happens."""

    token: Token
    cell: CellId
    status: CellStatus
    at: float


def died_running(times: int) -> Sentence:
    """Return why a task whose process died ``times`` times is not tried again."""
    if times == 1:
        return Sentence("worker died once running this task")
    return Sentence("worker died {times} times running this task", times=times)
