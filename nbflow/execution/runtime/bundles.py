"""Bundle files: values that share objects, content-addressed, written whole or not at all.

    0    magic ``NBFVAL`` and a version (8 bytes)
    8    offset and length of the header, offset and length of the pickle stream (4 x u64)
    40   reserved (24 bytes)
    64   HMAC-SHA256 of the digest under the store's key, zeros without a key (32 bytes)
    128  buffers, each at a multiple of 64; the pickle stream; the header (JSON)

The header names SHA-256 and place of the stream and of every buffer; the digest of the file, which
is its name, is the SHA-256 of the header. So a load proves header and stream without reading the
buffers, and `nbflow db check` proves all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import mmap
import os
import signal
import struct
import tempfile
import threading
import time
from typing import Any, Sequence

from .state import attempt

MAGIC = b"NBFVAL\x00\x01"
PREFIX = struct.Struct("<8sQQQQ24x32s")
START = 128
ALIGNMENT = 64
_THREADED = 1 << 20
KEY_VARIABLE = "NBFLOW_VALUE_KEY"


class BundleError(Exception):
    """A bundle is missing, damaged or not signed by this store."""


class Bundle:
    """A bundle as it is mapped: pages are private, so arrays on them are writable."""

    def __init__(self, header: dict[str, Any], stream: memoryview, buffers: list[memoryview]):
        self.header = header
        self.stream = stream
        self.buffers = buffers


def path_of(values: str, digest: str) -> str:
    """Return where the bundle of a digest lies under the folder of values."""
    return os.path.join(values, digest[:2], digest[2:])


def write(
    values: str, stream: bytes, buffers: Sequence[memoryview], about: dict[str, Any]
) -> tuple[str, int]:
    """Store a bundle; return its digest and size. What is there already is not written again."""
    digests = _Digests([stream, *buffers])
    os.makedirs(values, mode=0o700, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=values, prefix=".bundle-")
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            places, position = _write_buffers(file, buffers)
            _write_all(file, position, stream)
            sums = digests.result()
            header = json.dumps(
                {
                    **about,
                    "stream": [len(stream), sums[0]],
                    "buffers": [[*place, s] for place, s in zip(places, sums[1:])],
                },
                sort_keys=True,
                separators=(",", ":"),
            ).encode()
            digest = hashlib.sha256(header).hexdigest()
            end = position + len(stream)
            _write_all(file, end, header)
            prefix = PREFIX.pack(MAGIC, end, len(header), position, len(stream), _tag(digest))
            _write_all(file, 0, prefix)
            _publish(file, draft, values, digest)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise
    return digest, end + len(header)


def read(values: str, digest: str) -> Bundle:
    """Map a bundle. Raises BundleError before anything of it could be unpickled."""
    path = path_of(values, digest)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError as problem:
        raise BundleError(f"the stored value {digest[:12]} can't be read: {problem}") from problem
    try:
        mapped = memoryview(mmap.mmap(handle, 0, access=mmap.ACCESS_COPY))
    except ValueError as problem:
        raise BundleError(f"the stored value {digest[:12]} is empty") from problem
    finally:
        os.close(handle)
    header, stream = _checked(mapped, digest)
    buffers = []
    for start, length, is_readonly, _sum in header["buffers"]:
        part = mapped[start : start + length]
        if len(part) != length:
            raise BundleError(f"the stored value {digest[:12]} is cut off")
        buffers.append(part.toreadonly() if is_readonly else part)
    return Bundle(header, stream, buffers)


def _checked(mapped: memoryview, digest: str) -> tuple[dict[str, Any], memoryview]:
    damaged = BundleError(f"the stored value {digest[:12]} is damaged")
    if len(mapped) < START:
        raise damaged
    magic, header_at, header_length, at, length, tag = PREFIX.unpack(mapped[: PREFIX.size])
    if magic != MAGIC:
        raise BundleError(f"the stored value {digest[:12]} is of another version or no value")
    header = bytes(mapped[header_at : header_at + header_length])
    if hashlib.sha256(header).hexdigest() != digest:
        raise damaged
    key = _key()
    if key and not hmac.compare_digest(tag, _tag(digest)):
        raise BundleError(f"the stored value {digest[:12]} was not written by this store")
    fields: dict[str, Any] = json.loads(header)
    stream = mapped[at : at + length]
    if fields["stream"] != [len(stream), hashlib.sha256(stream).hexdigest()]:
        raise damaged
    return fields, stream


def _key() -> bytes:
    given = (attempt.spec.get("environment") or {}).get(KEY_VARIABLE)
    return (given or os.environ.get(KEY_VARIABLE) or "").encode()


def _tag(digest: str) -> bytes:
    key = _key()
    return hmac.new(key, digest.encode(), hashlib.sha256).digest() if key else bytes(32)


class _Digests:
    """SHA-256 of parts; large ones are summed up beside the writing."""

    def __init__(self, parts: Sequence[Any]) -> None:
        self._parts = parts
        self._sums: list[str] = []
        self._thread = None
        if sum(len(part) for part in parts) > _THREADED:
            self._thread = threading.Thread(target=self._work)
            self._thread.start()

    def _work(self) -> None:
        self._sums = [hashlib.sha256(part).hexdigest() for part in self._parts]

    def result(self) -> list[str]:
        if self._thread is None:
            self._work()
        else:
            self._thread.join()
        return self._sums


def _write_buffers(file: Any, buffers: Sequence[memoryview]) -> tuple[list[list[int | bool]], int]:
    places: list[list[int | bool]] = []
    position = START
    for buffer in buffers:
        places.append([position, len(buffer), buffer.readonly])
        _write_all(file, position, buffer)
        position += -(-len(buffer) // ALIGNMENT) * ALIGNMENT
    return places, position


def _write_all(file: Any, position: int, data: Any) -> None:
    view = memoryview(data)
    file.seek(position)
    while view:
        view = view[file.write(view[: 1 << 30]) :]


def _publish(file: Any, draft: str, values: str, digest: str) -> None:
    """Make the draft the bundle, durable before it is visible; refresh the age of one that exists."""
    path = path_of(values, digest)
    # Equal content signed with another key can't be read with ours, so it is replaced.
    if os.path.exists(path) and _start_of(path) == _start_of(draft):
        os.utime(path)
        os.unlink(draft)
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    os.fsync(file.fileno())
    _fault("artifact.rename")
    os.replace(draft, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _start_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(PREFIX.size)


def _fault(name: str) -> None:
    """A crash point for tests, as in `nbflow.faults`."""
    given = os.environ.get("NBFLOW_FAULT", "")
    if not given:
        return
    _hits[name] = _hits.get(name, 0) + 1
    for one in given.split(","):
        wanted, hit, action = one.split(":", 2)
        if wanted != name or int(hit) != _hits[name]:
            continue
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif action.startswith("sleep:"):
            time.sleep(float(action[len("sleep:") :]))
        else:
            raise RuntimeError(f"injected fault at {name}")


_hits: dict[str, int] = {}
