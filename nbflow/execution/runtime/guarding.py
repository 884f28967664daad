"""The mutation guard: did a task change an input that it only reads?

A loaded value is pickled right after loading, large arrays apart, and again at the end; arrays on
mapped pages are compared by the sums in their bundle. Where two pickles of the unchanged value
already differ, nobody can tell.
"""

from __future__ import annotations

import hashlib
import sys
import time
from typing import Any, Iterable

from . import bundles, pickling
from .code_names import CodeNames
from .state import attempt, namespace

_LARGEST = 64 << 20
_SECONDS = 0.5


class _Fingerprint:
    def __init__(self, stream: str, buffers: int, digest: str, key: str) -> None:
        self.stream = stream
        self.buffers = buffers
        self.digest = digest
        self.key = key


def remember(names: Iterable[str]) -> None:
    """Take the fingerprints of loaded names, before the task's cells run."""
    guarded = [name for name in names if name in attempt.held and name in namespace()]
    if not guarded:
        return
    code = CodeNames()
    deadline = time.monotonic() + _SECONDS
    for name in guarded:
        if time.monotonic() > deadline:
            return
        digest, key, _ = attempt.held[name]
        taken = _take(namespace()[name], code)
        if taken is not None:
            stream, buffers, _ = taken
            attempt.fingerprints[name] = _Fingerprint(stream, buffers, digest, key)


def compare() -> tuple[list[str], list[str]]:
    """Return the names whose objects changed, and those nobody can tell of. A name that the task
    bound to another object is not a change of the input.
    """
    changed, unknown = [], []
    code = CodeNames()
    for name in attempt.spec.get("guarded") or ():
        held = attempt.held.get(name)
        if held is None or id(namespace().get(name)) != held[2]:
            continue
        verdict = _is_changed(name, namespace()[name], code)
        if verdict is None:
            unknown.append(name)
        elif verdict:
            changed.append(name)
    return changed, unknown


def _take(value: Any, code: CodeNames) -> Any:
    try:
        own = pickling.dump(value, code)
    except Exception:
        return None
    if len(own.stream) > _LARGEST:
        return None
    return hashlib.sha256(own.stream).hexdigest(), len(own.buffers), own.raw_buffers


def _is_changed(name: str, value: Any, code: CodeNames) -> bool | None:
    before = attempt.fingerprints.get(name)
    now = _take(value, code) if before is not None else None
    if before is None or now is None:
        return None
    stream, count, buffers = now
    if stream == before.stream and count == before.buffers:
        return _are_buffers_changed(buffers, before)
    return _differs_from_stored(value, before, code)


def _are_buffers_changed(buffers: Any, before: _Fingerprint) -> bool | None:
    if sum(len(buffer) for buffer in buffers) > 4 * _LARGEST:
        return None
    bundle = bundles.read(attempt.spec["values"], before.digest)
    stored = {entry[3] for entry in bundle.header["buffers"]}
    return any(hashlib.sha256(buffer).hexdigest() not in stored for buffer in buffers)


def _differs_from_stored(value: Any, before: _Fingerprint, code: CodeNames) -> bool | None:
    """Load the value once more: does it pickle as it did, and is it really another one?"""
    bundle = bundles.read(attempt.spec["values"], before.digest)
    objects = pickling.load(bundle.stream, bundle.buffers)
    fresh = objects[bundle.header["names"][before.key]]
    pandas = sys.modules.get("pandas")
    if (
        pandas is not None
        and type(value) is type(fresh)
        and isinstance(value, (pandas.DataFrame, pandas.Series))
    ):
        return not _are_equal_frames(value, fresh)
    again = _take(fresh, code)
    if again is None or again[0] != before.stream:
        return None
    return True


def _are_equal_frames(value: Any, fresh: Any) -> bool:
    """Compare by content: how pandas lays blocks out in memory changes when it reads."""
    axes = all(
        a.equals(b) and list(a.names) == list(b.names) for a, b in zip(value.axes, fresh.axes)
    )
    return bool(axes and value.equals(fresh) and value.attrs == fresh.attrs)
