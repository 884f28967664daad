"""What a kernel does for nbflow around a task's cells; see `nbflow.execution.kernel_runtime`.

Standard library only, Python 3.9 and later: the kernel may be of another environment. Every verb
writes its answer to ``runtime-<verb>.json`` in the attempt's folder and raises nothing but an
interrupt.
"""

from __future__ import annotations

from typing import Any

from . import items, loading, previews, replays, state, warned
from .metrics import record_metric
from .storing import collect as store_outputs

__all__ = [
    "choose_item",
    "collect",
    "condition",
    "describe",
    "load",
    "open_attempt",
    "open_task",
    "record_metric",
    "replay",
    "replay_now",
    "set_prompt",
]


def open_attempt(spec_path: str) -> None:
    """Begin an attempt; in a kernel that lives on, what it holds is kept. Answer: ``kept`` names."""
    state.answer("open_attempt", lambda: state.open_attempt(spec_path), spec_path=spec_path)
    warned.begin()


def open_task(spec_path: str) -> None:
    """Begin to load a task for a person to work on, who runs its cells; what was loaded before in
    this kernel counts no more. Answer: nothing.
    """
    state.answer("open_task", lambda: state.open_task(spec_path), spec_path=spec_path)


def choose_item(name: str, expression: str, number: int) -> None:
    """Bind ``name`` to one of the items of ``foreach``, counted from 0. Answer: ``labels``."""
    state.answer("choose_item", lambda: items.choose(name, expression, number))


async def replay(first: int = 0, last: int | None = None) -> None:
    """Run ``replays[first:last]`` silently. Answer: ``ran``, ``skipped`` (numbers of steps)."""
    await state.answer_async("replay", replays.replay(first, last))


def replay_now(first: int = 0, last: int | None = None) -> None:
    """As `replay`, without waiting. Answer: also ``awaits``, the step before which it had to stop."""
    state.answer("replay_now", lambda: replays.replay_now(first, last))


def load() -> None:
    """Bind inputs, the ambient state and the first item of ``foreach``. Answer: ``items``, None but
    for ``foreach``: ``found`` (how many), ``labels`` and ``values`` of those that run.
    """
    state.answer("load", loading.load)


def condition() -> None:
    """Evaluate ``when``. Answer: ``value``."""
    state.answer("condition", loading.condition)


def set_prompt(number: int) -> None:
    """Make the next cell's prompt ``number``."""
    state.answer("set_prompt", lambda: state.set_prompt(number))
    warned.next_prompt(number)


def collect() -> None:
    """Store what the task leaves. Answer: ``values``, ``ambient`` (fields of StoredValue),
    ``unstorable`` {name: type}, ``missing`` (sure outputs that are not bound), ``changed`` (guarded
    inputs), ``unknown`` (guarded inputs that could not be compared), ``stateful_code`` {name: why}.
    """
    warned.write()
    state.answer("collect", store_outputs)


def describe(name: str) -> None:
    """Answer: ``type`` and ``preview`` of a name, for people to look at."""

    def look() -> dict[str, Any]:
        value = state.namespace()[name]
        return {"type": previews.type_words(value), "preview": previews.preview(value)}

    state.answer("describe", look)
