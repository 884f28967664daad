"""What the analysis of one cell hands to the assembly of the DAG: events in the order they happen.

The analysis (`nbflow.compiler.analysis`) turns one cell's source, and what is known of the names it
uses (`NameInfo`), into a `CellAnalysis`. The assembly (`nbflow.compiler.assemble`) folds the events
of all cells in page order into versions, edges and replays. Neither knows the other's inside.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class BindKind(enum.StrEnum):
    """What sort of thing a name was bound to."""

    DATA = "data"
    """A value: travels as data."""
    IMPORT = "import"
    """A module or something imported: travels as code."""
    FUNCTION = "function"
    """A function (``def`` or a named lambda) of the notebook: travels as code."""
    CLASS = "class"
    """A class of the notebook (also namedtuple, Enum(...), NewType): travels as code."""


class AmbientUse(enum.StrEnum):
    """How a piece of process-wide state is used."""

    SEED = "seed"
    """Sets it without looking (``random.seed(0)``, ``os.chdir("/x")`` with an absolute path)."""
    DRAW = "draw"
    """Reads and changes it (``random.random()``)."""
    MAYBE_DRAW = "maybe-draw"
    """Calls library code nobody can look into, which may draw; counts only once it was seeded."""
    READ = "read"
    """Only looks (a relative path reads ``cwd``)."""


class FileAction(enum.StrEnum):
    """What is done to a file."""

    READ = "read"
    """Its content, or whether it exists, is looked at."""
    WRITE = "write"
    """It is made, changed, moved or deleted."""


@dataclass(frozen=True, slots=True)
class Read:
    """The name is loaded while the cell runs. ``guarded``: under ``try``/``if``, so that a name
    which nothing binds is only a warning. ``called``: the name's value is called here, so what a
    function under that name needs when called is needed now; ``escapes``: it is handed to code that
    may call it (argument of a call), likewise.
    """

    name: str
    line: int
    guarded: bool = False
    called: bool = False
    escapes: bool = False


@dataclass(frozen=True, slots=True)
class Bind:
    """The name is bound. ``shares``: names of the notebook whose objects the value may be, contain,
    view or refer to (empty: surely fresh). ``code``: functions and classes of the notebook that the
    value may hold or be an instance of. ``late``: names that functions inside the value load when
    called. ``unit``: index into ``CellAnalysis.units`` if the binding travels as code. ``live``: the
    type's words if the value can't be stored (generator, open file, lock …). ``via``: the function
    whose call binds it (``global``).
    """

    name: str
    line: int
    kind: BindKind = BindKind.DATA
    sure: bool = True
    shares: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    unit: int | None = None
    live: str | None = None
    via: str | None = None
    literal: bool = False
    """The value is a literal of the page (leading cells that bind only such are ``setup``)."""


@dataclass(frozen=True, slots=True)
class Mutate:
    """The object of ``name`` is changed in place. ``sure`` is False for unknown methods. ``stores``:
    names whose objects become reachable from it. ``how`` is words for people (``.append()``).
    ``code``/``late`` as in `Bind`, of what is put into the object. ``live``: the change puts
    something into the object that can't be stored.
    """

    name: str
    line: int
    sure: bool = True
    how: str = ""
    stores: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    live: str | None = None
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """The name is unbound (``del x``)."""

    name: str
    line: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Ambient:
    """Use of process-wide state: ``random``, ``numpy.random`` or ``cwd``."""

    state: str
    use: AmbientUse
    line: int
    sure: bool = True
    what: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """Use of a file. ``path`` is normalised with ``/``; None if it can't be told from the page. A
    relative path is relative to the working directory, an absolute one starts with ``/``. A path
    with ``*`` at its end stands for everything below (a folder, a glob).
    """

    action: FileAction
    path: str | None
    line: int
    what: str = ""


@dataclass(frozen=True, slots=True)
class SetOption:
    """Process-wide options are set (`pd.set_option`, `plt.rcParams[...]`, `%matplotlib`); replayed at
    the start of later tasks. ``unit`` None: it happens where it can't be replayed on its own (in a
    loop over data, say).
    """

    line: int
    unit: int | None
    what: str = ""


@dataclass(frozen=True, slots=True)
class Opaque:
    """Nobody can list the names used here: ``exec``, ``globals()``, ``%run`` … (safe order).
    ``history``: uses ``_``, ``Out`` or ``In`` (one live kernel with all earlier tasks). ``binds``:
    may bind or change names that nobody can list, so later tasks depend on it too.
    """

    line: int
    what: str
    history: bool = False
    binds: bool = True


@dataclass(frozen=True, slots=True)
class Plot:
    """Something may be plotted, so that matplotlib chooses its back end, which turns on that figures
    are shown and closed behind their cell.
    """

    line: int


Event = Read | Bind | Mutate | Delete | Ambient | File | SetOption | Opaque | Plot


@dataclass(frozen=True, slots=True)
class Unit:
    """A top-level statement (or line magic) that travels as code.

    ``needs_now``: names loaded when it is replayed (decorators, defaults, bases, option values).
    ``needs_when_called``: free names of the functions it defines. ``stateful``: says why the object
    may change after its definition without a visible mutation (``lru_cache``, a mutable default that
    the body changes, a class attribute), None if it can't.
    """

    first_line: int
    last_line: int
    source: str
    binds: tuple[str, ...] = ()
    needs_now: frozenset[str] = frozenset()
    needs_when_called: frozenset[str] = frozenset()
    option: bool = False
    stateful: str | None = None


@dataclass(frozen=True, slots=True)
class NameInfo:
    """What the page so far tells about a name, for the analysis of later cells: an opaque value to
    everybody else. Hashable and comparable, so that an analysis can be cached by what it saw.
    """

    kind: BindKind
    detail: object = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A warning or error of the analysis. ``kind`` is the `kind:name` word of ``warns``."""

    kind: str
    line: int
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The seven lists of the documented JSON form, of one cell; names sorted."""

    needs_now: tuple[str, ...] = ()
    needs_when_called: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    may_bind: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellAnalysis:
    """All that is known of one cell. ``exports`` updates what is known of names for later cells;
    a None there means: nothing is known any more; ``classes`` are the classes among them.
    ``only_code``: nothing but imports, definitions, names of literals and options (a leading cell of
    that sort is ``setup``).
    """

    events: tuple[Event, ...] = ()
    units: tuple[Unit, ...] = ()
    exports: Mapping[str, NameInfo | None] = field(default_factory=dict)
    classes: Mapping[str, NameInfo] = field(default_factory=dict)
    summary: Summary = Summary()
    findings: tuple[Finding, ...] = ()
    only_code: bool = False
    syntax_error: Finding | None = None
