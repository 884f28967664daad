"""Exceptions that were caught and kept: with their cause, and without asking their class to make
them anew from what it was told.
"""

from __future__ import annotations

import types
from typing import Any


def reduce_exception(problem: BaseException) -> Any:
    """Return how an exception is made again; its traceback belongs to the kernel it was raised in."""
    kind = type(problem)
    links = (problem.__cause__, problem.__context__, problem.__suppress_context__)
    is_bare = kind.__reduce__ is BaseException.__reduce__
    if is_bare and isinstance(kind.__init__, types.FunctionType):
        made: tuple[Any, ...] = (make_exception, (kind, problem.args))
        state = problem.__dict__ or None
    elif links == (None, None, False):
        return NotImplemented
    else:
        reduced = problem.__reduce_ex__(5)
        if not isinstance(reduced, tuple) or len(reduced) > 3:
            return NotImplemented
        made, state = reduced[:2], reduced[2] if len(reduced) == 3 else None
    return (*made, (state, links), None, None, set_exception)


def make_exception(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """Make an exception without its class's own ``__init__``, which may take other arguments."""
    return kind.__new__(kind, *arguments)


def set_exception(problem: BaseException, state: Any) -> None:
    """Give an exception its attributes and what it was raised from."""
    attributes, (cause, context, is_suppressed) = state
    if attributes:
        problem.__setstate__(attributes)
    problem.__cause__ = cause
    problem.__context__ = context
    problem.__suppress_context__ = is_suppressed
