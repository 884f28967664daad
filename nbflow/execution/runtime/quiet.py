"""A replay shows nothing: text, displays and figures of its code go nowhere."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, Iterator


@contextlib.contextmanager
def quiet(shell: Any) -> Iterator[None]:
    """Swallow what code shows. The streams stay the same objects, since a logging handler that the
    code makes keeps writing to them afterwards.
    """
    before = _open_figures()
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            stack.enter_context(_mute(name))
        publisher = getattr(shell, "display_pub", None)
        if publisher is not None:
            stack.enter_context(_patched(publisher, "publish", _nothing))
            stack.enter_context(_patched(publisher, "clear_output", _nothing))
        try:
            yield
        finally:
            _close_figures(before)


class _Gate:
    """Stands for a stream that can't be muted itself; open again after the replay."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.muted = True

    def write(self, text: str) -> int:
        return len(text) if self.muted else int(self._stream.write(text))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _mute(name: str) -> Iterator[None]:
    stream = getattr(sys, name)
    try:
        with _patched(stream, "write", _swallow):
            yield
        return
    except _ReadOnlyError:
        gate = _Gate(stream)
    setattr(sys, name, gate)
    try:
        yield
    finally:
        gate.muted = False
        if getattr(sys, name) is gate:
            setattr(sys, name, stream)


class _ReadOnlyError(Exception):
    """The object takes no attributes."""


@contextlib.contextmanager
def _patched(owner: Any, name: str, function: Any) -> Iterator[None]:
    own = vars(owner).get(name) if hasattr(owner, "__dict__") else None
    try:
        setattr(owner, name, function)
    except (AttributeError, TypeError) as problem:
        raise _ReadOnlyError from problem
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


def _swallow(text: Any) -> int:
    return len(text)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _open_figures() -> list[int]:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    return list(helpers.Gcf.figs) if helpers is not None else []


def _close_figures(before: list[int]) -> None:
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is not None:
        for number in [n for n in helpers.Gcf.figs if n not in before]:
            helpers.Gcf.destroy(number)
