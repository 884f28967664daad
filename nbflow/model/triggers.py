"""What makes a DAG run beside its schedule (``on:``), and what is remembered of it."""

import ast
import enum
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from nbflow.model.sentence import Sentence

_COMPARED: dict[type[ast.cmpop], tuple[str, str, Callable[[float, float], bool]]] = {
    ast.Lt: ("<", ">", operator.lt),
    ast.LtE: ("<=", ">=", operator.le),
    ast.Gt: (">", "<", operator.gt),
    ast.GtE: (">=", "<=", operator.ge),
    ast.Eq: ("==", "==", operator.eq),
    ast.NotEq: ("!=", "!=", operator.ne),
}
_OPERATORS = {word: compare for word, _, compare in _COMPARED.values()}
_LONGEST = 300


class TriggerKind(enum.StrEnum):
    """What a trigger watches."""

    DAG = "dag"
    """The runs of another DAG: one run for each that ends so."""
    FILES = "files"
    """The content of files."""
    CODE = "code"
    """The DAG's own version, and the modules beside its notebook that it uses."""
    METRIC = "metric"
    """A figure that a task records: one run when it crosses a value."""


class RunEnding(enum.StrEnum):
    """How a run must end to trigger another one."""

    SUCCESS = "success"
    """It succeeded."""
    FAILURE = "failure"
    """It failed."""
    END = "end"
    """It ended, however."""

    def includes(self, state: str) -> bool:
        """Tell whether a run that ended in this state counts."""
        return self is RunEnding.END or state == {"success": "success", "failure": "failed"}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricCondition:
    """A metric compared with a number."""

    name: str
    operator: str
    bound: float

    def holds(self, value: float) -> bool:
        """Tell whether a value meets the condition."""
        return _OPERATORS[self.operator](value, self.bound)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """One entry of ``on``, as validated. ``debounce`` and ``cooldown`` are seconds.

    ``dag`` is the one watched, for a metric None for the DAG itself; ``files`` are patterns.
    """

    kind: TriggerKind
    dag: str | None = None
    state: RunEnding = RunEnding.SUCCESS
    files: tuple[str, ...] = ()
    metric: MetricCondition | None = None
    debounce: float = 5.0
    cooldown: float = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMark:
    """A file as it was: size, time of change in nanoseconds, SHA-256 of the content, and its number
    in the file system, 0 where that was not noted. The number is no part of what it is: elsewhere
    the same file may have another.

    ``is_fresh``: it was read so soon after its change that size and time may have outlasted another.
    """

    size: int
    time: int
    sha: str
    inode: int = field(default=0, compare=False)
    is_fresh: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerState:
    """What is remembered of a trigger between looks.

    ``seen`` are the files as they were when it last took note, ``version`` the DAG's. ``is_armed``:
    the metric has not met the condition since it last made a run; ``fired`` is when that was, in
    ISO form.
    """

    seen: Mapping[str, FileMark] = field(default_factory=dict)
    version: str = ""
    is_armed: bool = True
    fired: str | None = None


def read_condition(text: str) -> MetricCondition:
    """Return what ``metric("accuracy") < 0.9`` says; it is parsed, never run. Raises ValueError."""
    wrong = Sentence('must be written metric("NAME") < NUMBER, with <, <=, >, >=, == or !=')
    if len(text) > _LONGEST:
        raise ValueError(wrong)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(wrong) from None
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1:
        raise ValueError(wrong)
    as_written, turned, _ = _COMPARED.get(type(tree.ops[0]), ("", "", None))
    left, right = tree.left, tree.comparators[0]
    for call, number, word in ((left, right, as_written), (right, left, turned)):
        name, bound = _metric_name(call), _number(number)
        if name is not None and bound is not None and word:
            return MetricCondition(name=name, operator=word, bound=bound)
    raise ValueError(wrong)


def _metric_name(node: ast.expr) -> str | None:
    match node:
        case ast.Call(
            func=ast.Name(id="metric"), args=[ast.Constant(value=str(name))], keywords=[]
        ) if name.strip():
            return name
    return None


def _number(node: ast.expr) -> float | None:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            value = _number(inner)
            return None if value is None else -value
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() | float() as value) if math.isfinite(value):
            return float(value)
    return None


def cause_sentence(cause: Mapping[str, Any]) -> Sentence:
    """Return in words what made a run that was triggered."""
    match cause.get("kind"):
        case TriggerKind.DAG:
            template = _ENDED_AS.get(cause["state"], _ENDED_AS["cancelled"])
            return Sentence(template, dag=cause["dag"], run=cause["run"])
        case TriggerKind.METRIC:
            return Sentence(
                "{name} of {dag} is {value}, {operator} {bound} ({run})",
                name=cause["name"], dag=cause["dag"], value=f"{cause['value']:.6g}",
                operator=cause["operator"], bound=f"{cause['bound']:.6g}", run=cause["run"],
            )  # fmt: skip
        case TriggerKind.CODE if cause.get("deployed"):
            return Sentence("a new version was deployed")
        case TriggerKind.CODE:
            return Sentence("code changed: {files}", files=", ".join(cause["files"]))
        case _ if cause.get("count") == 1:
            return Sentence("1 file changed: {files}", files=", ".join(cause.get("files", ())))
        case _:
            return Sentence(
                "{count} files changed: {files}",
                count=cause.get("count", 0), files=", ".join(cause.get("files", ())),
            )  # fmt: skip


def short_cause(cause: Mapping[str, Any]) -> Sentence:
    """Return what made a run in a few words, for lists."""
    match cause.get("kind"):
        case TriggerKind.DAG:
            return Sentence(_ENDED.get(cause["state"], _ENDED["cancelled"]), dag=cause["dag"])
        case TriggerKind.METRIC:
            return Sentence(
                "{name} {operator} {bound}",
                name=cause["name"], operator=cause["operator"], bound=f"{cause['bound']:.6g}",
            )  # fmt: skip
        case TriggerKind.CODE:
            return Sentence("code changed")
        case _:
            return Sentence("files changed")


def trigger_sentence(trigger: Trigger) -> Sentence:
    """Return in words what a trigger waits for."""
    match trigger.kind:
        case TriggerKind.DAG:
            return Sentence(_ENDINGS[trigger.state], dag=trigger.dag)
        case TriggerKind.FILES:
            return Sentence("when files change: {files}", files=", ".join(trigger.files))
        case TriggerKind.CODE:
            return Sentence("when its code changes")
        case TriggerKind.METRIC:
            condition = trigger.metric
            assert condition is not None, "a metric's trigger has a condition"
            return Sentence(
                "when {name} {operator} {bound}",
                name=condition.name, operator=condition.operator, bound=f"{condition.bound:.6g}",
            )  # fmt: skip
    assert_never(trigger.kind)


_ENDINGS = {
    RunEnding.SUCCESS: Sentence("when {dag} succeeds").template,
    RunEnding.FAILURE: Sentence("when {dag} fails").template,
    RunEnding.END: Sentence("when {dag} has ended").template,
}

_ENDED = {
    "success": Sentence("{dag} succeeded").template,
    "failed": Sentence("{dag} failed").template,
    "cancelled": Sentence("{dag} was cancelled").template,
}
_ENDED_AS = {
    "success": Sentence("{dag} succeeded ({run})").template,
    "failed": Sentence("{dag} failed ({run})").template,
    "cancelled": Sentence("{dag} was cancelled ({run})").template,
}
