"""Warnings that Python shows once for each place in a library: noted by cell, so that the page, put
together from kernels that know nothing of each other, shows them once as well.

What is noted is an order of events: a warning that was shown and is remembered by its module
(`warnings` keeps ``__warningregistry__`` there), and ``None`` where filters changed, which makes all
modules forget.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

from . import state


class _Noted:
    """What the cells of this attempt have shown; ``prompt`` is the running cell's, None between.

    Prompts are counted here: releases of IPython differ in when they count a running cell.
    """

    def __init__(self) -> None:
        self.events: dict[int, list[Any]] = {}
        self.prompt: int | None = None
        self.next = 1
        self.is_installed = False

    def add(self, event: Any) -> None:
        if self.prompt is None:
            return
        found = self.events.setdefault(self.prompt, [])
        if event is not None or not found or found[-1] is not None:
            found.append(event)


_noted = _Noted()


def begin() -> None:
    """Begin to note for another attempt of this kernel."""
    _noted.events = {}
    next_prompt(int(state.shell().execution_count))
    if _noted.is_installed:
        return
    _noted.is_installed = True
    machinery: Any = warnings
    show, mutated = machinery._showwarnmsg_impl, machinery._filters_mutated

    def showing(message: Any) -> Any:
        if _noted.prompt is not None and _is_remembered(message):
            _noted.add([_key(message), machinery._formatwarnmsg(message)])
            write()
        return show(message)

    def forgetting(*arguments: Any) -> Any:
        _noted.add(None)
        return mutated(*arguments)

    machinery._showwarnmsg_impl, machinery._filters_mutated = showing, forgetting
    shell = state.shell()
    shell.events.register("pre_run_cell", _before)
    shell.events.register("post_run_cell", _after)


def next_prompt(number: int) -> None:
    """Say which prompt the next cell has."""
    _noted.next = number


def write() -> None:
    """Leave what was noted beside the attempt's other answers, if there is anything."""
    if _noted.events:
        state.leave("warned", {"cells": _noted.events})


def _before(*_: Any) -> None:
    _noted.prompt = _noted.next
    _noted.next += 1


def _after(*_: Any) -> None:
    _noted.prompt = None


def _key(message: Any) -> str:
    kind = message.category
    return (
        f"{message.filename}:{message.lineno}:{kind.__module__}.{kind.__name__}:{message.message}"
    )


def _is_remembered(message: Any) -> bool:
    wanted = (str(message.message), message.category, message.lineno)
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if names is not None and names.get("__file__") == message.filename:
            registry = names.get("__warningregistry__")
            return bool(registry and registry.get(wanted))
    return False
