"""Bundle files from outside a kernel: what stands in them and whether they are whole.

The layout is documented where kernels write it, in the kernel's runtime: a prefix, buffers, a pickle
stream, and a header in JSON whose SHA-256 is the file's name. Nothing is unpickled here.
"""

import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from nbflow.errors import StoreError
from nbflow.model.ids import Digest
from nbflow.model.sentence import Sentence

_MAGIC = b"NBFVAL\x00\x01"
_PREFIX = struct.Struct("<8sQQQQ24x32s")
_HEADER_LIMIT = 64 << 20
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleHeader:
    """What a bundle says about itself. ``names`` and their ``types``, ``size`` in bytes, the places
    and SHA-256 of its parts (offset, length, digest).
    """

    digest: Digest
    names: tuple[str, ...]
    types: Mapping[str, str]
    size: int
    parts: tuple[tuple[int, int, str], ...]
    tag: bytes


def read_header(file: BinaryIO, digest: Digest) -> BundleHeader:
    """Read a bundle's header. Raises StoreError for a file that isn't the bundle of that digest."""
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size or prefix[:8] != _MAGIC:
        raise _damaged(digest, Sentence("it is no bundle of this version"))
    _, header_at, header_length, stream_at, stream_length, tag = _PREFIX.unpack(prefix)
    file.seek(header_at)
    raw = file.read(min(header_length, _HEADER_LIMIT))
    if hashlib.sha256(raw).hexdigest() != digest:
        raise _damaged(digest, Sentence("its header is not the one it is named after"))
    fields: dict[str, Any] = json.loads(raw)
    parts = [(stream_at, stream_length, fields["stream"][1])]
    if fields["stream"][0] != stream_length:
        raise _damaged(digest, Sentence("its stream is cut off"))
    parts += [(start, length, summed) for start, length, _, summed in fields["buffers"]]
    return BundleHeader(
        digest=digest,
        names=tuple(fields["names"]),
        types=fields["types"],
        size=header_at + header_length,
        parts=tuple(parts),
        tag=tag,
    )


def verify(file: BinaryIO, digest: Digest, key: str = "") -> BundleHeader:
    """Read a whole bundle and prove every byte that counts; with a key, also who wrote it.

    Raises StoreError that says what is wrong.
    """
    header = read_header(file, digest)
    for offset, length, wanted in header.parts:
        if _sum(file, offset, length) != wanted:
            raise _damaged(
                digest,
                Sentence("the {length} bytes at {offset} changed", length=length, offset=offset),
            )
    if key:
        tag = hmac.new(key.encode(), digest.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(tag, header.tag):
            raise _damaged(digest, Sentence("it was not written by this store"))
    return header


def _sum(file: BinaryIO, offset: int, length: int) -> str:
    total = hashlib.sha256()
    file.seek(offset)
    while length > 0 and (block := file.read(min(length, _BLOCK))):
        total.update(block)
        length -= len(block)
    return total.hexdigest() if length == 0 else ""


def _damaged(digest: Digest, why: str) -> StoreError:
    return StoreError(
        Sentence("the stored value {digest} is damaged: {why}", digest=digest[:12], why=why),
        code="NBF645",
        hint="run the task that made it again",
    )
