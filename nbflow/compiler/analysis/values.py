"""What the analysis knows of a value: its type's word, what it shares, what code it holds."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

NOTHING: frozenset[str] = frozenset()

IMMUTABLE = frozenset(
    {"int", "float", "complex", "str", "bytes", "bool", "None", "range", "scalar", "path", "regex"}
)
"""Words of types whose objects can't be changed in place."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The mark of a value that the page doesn't tell."""


UNKNOWN_CONST = Unknown()


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """A function of the notebook, compared by its text. ``scope`` is the enclosing function's."""

    name: str
    source: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda = field(compare=False, repr=False)
    free: frozenset[str] = NOTHING
    scope: object = field(default=None, compare=False, repr=False)
    owner: str | None = None
    decorated: bool = False


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class of the notebook: its methods, its notebook bases, and whether it has foreign ones."""

    name: str
    source: str
    methods: tuple[tuple[str, FunctionInfo], ...] = ()
    bases: "tuple[ClassInfo, ...]" = ()
    foreign: bool = False
    free: frozenset[str] = NOTHING
    base_path: str | None = None

    def find(self, name: str) -> FunctionInfo | None:
        """Return the method of that name, own or inherited from a class of the notebook."""
        for own, method in self.methods:
            if own == name:
                return method
        for base in self.bases:
            found = base.find(name)
            if found is not None:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Value:
    """An abstract value.

    ``type`` is a word (``int``, ``list``, ``pandas``, ``instance`` …) or None; ``path`` the dotted
    path of a library's module, function or class. ``same``: names whose object it may be or view;
    ``deep``: names reachable from it; ``loose``: it may itself be one of ``deep``. ``code``, ``late``
    and ``live`` as in `Bind`.
    """

    type: str | None = None
    path: str | None = None
    same: frozenset[str] = NOTHING
    deep: frozenset[str] = NOTHING
    loose: bool = False
    code: frozenset[str] = NOTHING
    late: frozenset[str] = NOTHING
    live: str | None = None
    const: object = UNKNOWN_CONST
    elem: "Value | None" = None
    fns: tuple[FunctionInfo, ...] = ()
    classes: tuple[ClassInfo, ...] = ()
    quiet: bool = False
    """A library object whose methods never draw from a global generator."""
    draws: bool = False
    """Using it may draw from a global generator: an estimator without a seed, say."""

    texts: frozenset[str] = NOTHING
    """Strings of the page of which it may be one, or which it may hold."""

    @property
    def strings(self) -> frozenset[str]:
        """All strings that it may be, as far as the page tells; empty if it doesn't."""
        return frozenset((self.const,)) if isinstance(self.const, str) else self.texts

    @property
    def shares(self) -> frozenset[str]:
        """All names whose objects it may be, contain, view or refer to."""
        return self.same | self.deep

    @property
    def immutable(self) -> bool:
        """Tell whether nobody can change the object in place."""
        return self.type in IMMUTABLE or self.type in ("module", "library")

    @property
    def known(self) -> bool:
        """Tell whether the value is a constant of the page."""
        return self.const is not UNKNOWN_CONST


UNKNOWN = Value()
FRESH_NONE = Value(type="None", const=None)


def fresh(type_: str | None, elem: Value | None = None) -> Value:
    """Return a value that shares nothing."""
    return Value(type=type_, elem=elem)


def constant(value: object) -> Value:
    """Return the value of a literal."""
    if value is None:
        return FRESH_NONE
    return Value(type=type(value).__name__, const=value)


def contents(value: Value) -> Value:
    """Return what iterating, subscripting or an attribute of ``value`` may give."""
    shares = value.shares
    if value.elem is not None:
        if value.elem.immutable:
            return value.elem
        return replace(
            value.elem, same=value.elem.same | shares, deep=value.elem.deep | shares,
            loose=value.loose or value.elem.loose, draws=value.draws or value.elem.draws,
        )  # fmt: skip
    if value.type in IMMUTABLE:
        return Value(type="str" if value.type == "str" else "scalar")
    return Value(
        same=shares, deep=shares, loose=value.loose, code=value.code, late=value.late,
        draws=value.draws, texts=value.texts,
    )  # fmt: skip


def shorn(value: Value | None, depth: int = 3) -> Value | None:
    """Return what may be kept of a value for later cells: no names of this cell's moment."""
    if value is None:
        return None
    elem = shorn(value.elem, depth - 1) if depth else None
    fns = tuple(replace(f, scope=_kept(f.scope, depth)) for f in value.fns)
    return replace(value, same=NOTHING, deep=NOTHING, loose=False, elem=elem, fns=fns)


def _kept(scope: object, depth: int) -> object:
    """Of the variables around a function, its own functions are worth keeping."""
    found = getattr(scope, "vars", None)
    if not found or depth <= 0:
        return None
    kept = {n: s for n, v in found.items() if v.fns and (s := shorn(v, depth - 1)) is not None}
    return replace(scope, vars=kept, parent=None, own=NOTHING) if kept else None  # type: ignore[type-var]


def exact(value: Value) -> object:
    """Return what may tell two equal values apart: the types of constants (``1 == True``), and the
    functions around a function.
    """
    elem = exact(value.elem) if value.elem is not None else None
    return repr(value.const), elem, [_around(f) for f in value.fns]


def _around(function: FunctionInfo) -> object:
    found: dict[str, Value] = getattr(function.scope, "vars", {})
    return {name: (value, exact(value)) for name, value in found.items()}


def holding(type_: str | None, parts: Iterable[Value], *, loose: bool = False) -> Value:
    """Return a container of the parts (or an unknown result made from them)."""
    deep: frozenset[str] = NOTHING
    code: frozenset[str] = NOTHING
    late: frozenset[str] = NOTHING
    live: str | None = None
    draws = False
    for part in parts:
        if part.immutable and not part.live:
            continue
        draws = draws or part.draws
        deep |= part.same | part.deep
        code |= part.code
        late |= part.late
        live = live or part.live
    return Value(type=type_, deep=deep, loose=loose, code=code, late=late, live=live, draws=draws)


def join(values: Iterable[Value]) -> Value:
    """Return what a name may be that is any one of the values."""
    unique = list(dict.fromkeys(_Identity(v) for v in values))
    if not unique:
        return UNKNOWN
    first = unique[0].value
    if len(unique) == 1:
        return first
    out = first
    for wrapped in unique[1:]:
        out = _join_two(out, wrapped.value)
    return out


class _Identity:
    """Wraps a value so that the very same object is seen once, without deep hashing."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.value is self.value


def _join_two(a: Value, b: Value) -> Value:
    type_ = a.type
    if a.type != b.type:
        type_ = "scalar" if a.type in IMMUTABLE and b.type in IMMUTABLE else None
        if a.type == "None":
            type_ = b.type
        elif b.type == "None":
            type_ = a.type
    elem = None
    if a.elem is not None and b.elem is not None:
        elem = a.elem if a.elem == b.elem else _join_two(a.elem, b.elem)
    return Value(
        type=type_, path=a.path if a.path == b.path else None, same=a.same | b.same,
        deep=a.deep | b.deep, loose=a.loose or b.loose, code=a.code | b.code,
        late=a.late | b.late, live=a.live or b.live,
        const=a.const if a.known and b.known and type(a.const) is type(b.const)
        and a.const == b.const else UNKNOWN_CONST,
        elem=elem, fns=tuple(dict.fromkeys(a.fns + b.fns)),
        classes=tuple(dict.fromkeys(a.classes + b.classes)), quiet=a.quiet and b.quiet,
        draws=a.draws or b.draws,
        texts=a.strings | b.strings if a.strings and b.strings else NOTHING,
    )  # fmt: skip
