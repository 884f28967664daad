"""Does a pipeline's notebook say what a plain run says? Only what varies by itself is masked.

Plain runs of one notebook show what varies (addresses, timings, process numbers); the pipeline's
notebook is compared with them everywhere else.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbflow.model.ids import CellId
from nbflow.service.varying import Expected, first_difference

_STREAMS = ("stdout", "stderr")
_ROOM = 0.1
_ERROR = "error ename"
_READABLE = (*_STREAMS, "text/plain")
_SHOWN = 120
"""Characters that are shown of an output that has no counterpart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CellDifference:
    """One place where the pipeline's notebook differs from the plain runs.

    ``index`` is the cell's place on the page, from 0. ``what`` is ``execution_count``, ``outputs``
    (their number or kinds), ``missing``, or the output and its part (``output 1 text/html``).
    """

    cell: CellId
    index: int
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A comparable piece of a cell's outputs: stream text, one mime type, an error."""

    key: str
    value: str
    image: bool = False


def compare_outputs(
    plain: Sequence[Mapping[str, Any]],
    pipeline: Mapping[str, Any],
    *,
    leave_out: Collection[str] = (),
) -> tuple[CellDifference, ...]:
    """Compare every code cell's outputs of ``pipeline`` with those of plain runs.

    All are nbformat 4 documents of one notebook. ``leave_out`` are ids of cells that can't be
    compared. With one plain run nothing is masked. ValueError without any plain run.
    """
    if not plain:
        raise ValueError("at least one plain run is needed")
    first, *others = map(_cells, plain)
    last = _cells(pipeline)
    found: list[CellDifference] = []
    for name, (index, cell) in first.items():
        if name in leave_out:
            continue
        if name not in last:
            found.append(_difference(name, index, "missing", "the cell", "no such cell"))
            continue
        cells = [cell, *(other[name][1] for other in others if name in other)]
        found += _compare_cell(name, index, cells, last[name][1])
    return tuple(found)


def _cells(document: Mapping[str, Any]) -> dict[str, tuple[int, Mapping[str, Any]]]:
    return {
        cell.get("id", str(index)): (index, cell)
        for index, cell in enumerate(document["cells"])
        if cell["cell_type"] == "code"
    }


def _difference(name: str, index: int, what: str, expected: str, found: str) -> CellDifference:
    return CellDifference(cell=CellId(name), index=index, what=what, expected=expected, found=found)


def _compare_cell(
    name: str, index: int, plain: Sequence[Mapping[str, Any]], cell: Mapping[str, Any]
) -> list[CellDifference]:
    found = []
    counts = [one.get("execution_count") for one in plain]
    if cell.get("execution_count") not in counts:
        words = str(counts[0]), str(cell.get("execution_count"))
        found.append(_difference(name, index, "execution_count", *words))
    expected = [_groups(one.get("outputs") or ()) for one in plain]
    ours = _groups(cell.get("outputs") or ())
    if any(_kinds(one) != _kinds(expected[0]) for one in expected):
        return found + _compare_loosely(name, index, expected, ours)
    if _kinds(expected[0]) != _kinds(ours):
        words = _words(expected[0]), _words(ours)
        return [*found, _difference(name, index, "outputs", *words)]
    for number, (*plain_parts, our_parts) in enumerate(zip(*expected, ours, strict=True), 1):
        for *parts, own in zip(*plain_parts, our_parts, strict=True):
            text = _compare_part(parts, own)
            if text:
                what = f"output {number} {own.key}"
                found.append(_difference(name, index, what, *text))
    return found


def _compare_loosely(
    name: str, index: int, plain: list[list[list[_Part]]], ours: list[list[_Part]]
) -> list[CellDifference]:
    """Plain runs differ in number or kinds of outputs: a kind that none of them has is new."""
    keys = [{part.key for group in run for part in group} for run in plain]
    own = {part.key for group in ours for part in group}
    if own <= set.union(*keys) and set.intersection(*keys) <= own:
        return []
    return [_difference(name, index, "outputs", _words(plain[0]), _words(ours))]


def _kinds(groups: list[list[_Part]]) -> list[list[str]]:
    return [[part.key for part in group] for group in groups]


def _words(groups: list[list[_Part]]) -> str:
    return "; ".join(map(_told, groups)) or "no output"


def _told(group: list[_Part]) -> str:
    """Return which kinds an output has, and how it begins where that can be read."""
    if group[0].key == _ERROR:
        return ": ".join(part.value for part in group)
    kinds = ", ".join(part.key for part in group)
    text = next((part.value for part in group if part.key.endswith(_READABLE)), "").strip()
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{kinds}: {shown}" if shown else kinds


def _groups(outputs: Sequence[Mapping[str, Any]]) -> list[list[_Part]]:
    """Return the parts of each output; neighbouring stream outputs are one text per name."""
    groups: list[list[_Part]] = []
    streams: dict[str, str] = {}

    def flush() -> None:
        # how stdout and stderr interleave is chance, so they stand in a fixed order
        groups.extend([_Part(name, streams[name])] for name in sorted(streams) if streams[name])
        streams.clear()

    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            name = str(output.get("name", _STREAMS[0]))
            streams[name] = streams.get(name, "") + _text(output.get("text"))
            continue
        flush()
        if kind == "error":
            groups.append(
                [
                    _Part(_ERROR, str(output.get("ename"))),
                    _Part("error evalue", str(output.get("evalue"))),
                ]
            )
        else:
            groups.append(_bundle(kind, output.get("data") or {}))
    flush()
    return groups


def _bundle(kind: object, data: Mapping[str, Any]) -> list[_Part]:
    prefix = "result " if kind == "execute_result" else ""
    parts = []
    for mime in sorted(data):
        image = mime.startswith("image/") and mime != "image/svg+xml"
        parts.append(_Part(prefix + mime, _text(data[mime]), image=image))
    return parts or [_Part(prefix + "nothing", "")]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False).replace("\\n", "\n")


def _compare_part(plain: list[_Part], ours: _Part) -> tuple[str, str] | None:
    """Return (expected, found) in short, or None if they say the same."""
    if not ours.image:
        return first_difference(Expected([part.value for part in plain]), ours.value)
    found = "".join(ours.value.split())
    expected = ["".join(part.value.split()) for part in plain]
    if found in expected:
        return None
    size, wanted = _image_words(found), _image_words(expected[0])
    if len(set(expected)) == 1:
        return wanted, f"{size}, other bytes" if size == wanted else size
    sizes = [_size(one) for one in expected]
    return None if _is_about(_size(found), sizes) else (wanted, size)


def _is_about(size: tuple[int, int] | None, sizes: list[tuple[int, int] | None]) -> bool:
    """Tell whether an image is as large as others; labels of varying numbers need varying room."""
    if size is None or None in sizes or len(set(sizes)) > 1:
        return True
    return all(abs(a - b) <= _ROOM * b for a, b in zip(size, sizes[0] or (), strict=True))


def _image_words(text: str) -> str:
    """Return an image's size in pixels (PNG) and bytes."""
    data = _decoded(text)
    if not data:
        return "an image that can't be decoded"
    size = _size(text)
    if size is not None:
        return f"image of {size[0]} x {size[1]} pixels, {len(data)} bytes"
    return f"image, {len(data)} bytes"


def _size(text: str) -> tuple[int, int] | None:
    """Return width and height of a PNG image, None for others."""
    data = _decoded(text)
    if not data.startswith(b"\x89PNG") or len(data) < 24:
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
