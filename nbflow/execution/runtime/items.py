"""The items of a mapped task. They are found once, in the kernel that runs the first one, and stored
for the others: an expression may give another order, or other items, in another kernel.
"""

from __future__ import annotations

import itertools
from typing import Any

from . import bundles, previews
from .code_names import CodeNames
from .pickling import dump
from .state import Answer, StepError, attempt, namespace

MOST = 1024
_LABEL = 60


def find(name: str, expression: str) -> Answer:
    """Evaluate the expression, leave out items for which the task's condition is false, store the
    others and bind ``name`` to the first.
    """
    found, items = _found(name, expression)
    if items:
        namespace()[name] = items[0]
    return {
        "found": len(found),
        "labels": [_label(item) for item in items],
        "values": _store(name, items) if len(items) > 1 else [],
    }


def choose(name: str, expression: str, number: int) -> Answer:
    """Find the items as `find` does and bind ``name`` to one of them; nothing is stored."""
    _, items = _found(name, expression)
    if not 0 <= number < len(items):
        raise StepError(f"foreach has {len(items)} items here, no item {number + 1}")
    namespace()[name] = items[number]
    return {"labels": [_label(item) for item in items]}


def _found(name: str, expression: str) -> tuple[list[Any], list[Any]]:
    """Return all items, and those for which the task's condition is true."""
    try:
        found = list(itertools.islice(evaluate(expression, "<foreach>"), MOST + 1))
    except Exception as problem:
        raise StepError(f"the items {expression!r} of foreach failed") from problem
    if len(found) > MOST:
        raise StepError(f"foreach has more than {MOST:,} items: map over batches of them")
    names = namespace()
    condition = attempt.spec.get("when")
    items = []
    for item in found:
        names[name] = item
        if condition is None or holds(condition):
            items.append(item)
    return found, items


def holds(condition: str) -> bool:
    """Tell whether a condition is true as the names are bound now."""
    try:
        return bool(evaluate(condition, "<when>"))
    except Exception as problem:
        raise StepError(f"the condition {condition!r} failed") from problem


def evaluate(expression: str, filename: str) -> Any:
    """Return an expression's value in the page's namespace."""
    return eval(compile(expression.strip(), filename, "eval"), namespace())


def _label(item: Any) -> str:
    text = previews.preview(item) or previews.type_words(item)
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _store(name: str, items: list[Any]) -> list[dict[str, Any]]:
    """Store all items in one bundle, so that what they share stays shared."""
    code = CodeNames()
    keys = [f"{name}[{number}]" for number in range(len(items))]
    types = [previews.type_words(item) for item in items]
    try:
        own = dump(items, code)
    except Exception as problem:
        raise StepError(f"{_unstorable(items, code)} of foreach can't be stored") from problem
    about = {"names": {key: at for at, key in enumerate(keys)}, "types": dict(zip(keys, types))}
    digest, size = bundles.write(attempt.spec["values"], own.stream, own.raw_buffers, about)
    return [
        {"name": key, "bundle": digest, "key": key, "size": size, "type": kind, "preview": None}
        for key, kind in zip(keys, types)
    ]


def _unstorable(items: list[Any], code: CodeNames) -> str:
    for number, item in enumerate(items, 1):
        try:
            dump([item], code)
        except Exception:
            return f"item {number} of {len(items)} ({_label(item)})"
    return "the list of items"
