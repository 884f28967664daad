"""Does a pipeline's notebook say what a plain run says? Only what varies by itself is masked.

Two plain runs of one notebook show what varies (addresses, timings, process numbers); a third
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
    """Compare every code cell's outputs of ``pipeline`` with those of two plain runs.

    All are nbformat 4 documents of one notebook. ``leave_out`` are ids of cells that can't be
    compared. With one plain run nothing is masked. ValueError without any plain run.
    """
    if not plain:
        raise ValueError("at least one plain run is needed")
    first, second = (_cells(run) for run in (plain[0], plain[-1]))
    third = _cells(pipeline)
    found: list[CellDifference] = []
    for name, (index, cell) in first.items():
        if name in leave_out:
            continue
        if name not in third:
            found.append(_difference(name, index, "missing", "the cell", "no such cell"))
            continue
        other = second.get(name, (index, cell))[1]
        found += _compare_cell(name, index, (cell, other), third[name][1])
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
    name: str,
    index: int,
    plain: tuple[Mapping[str, Any], Mapping[str, Any]],
    cell: Mapping[str, Any],
) -> list[CellDifference]:
    found = []
    counts = [one.get("execution_count") for one in (*plain, cell)]
    if counts[2] not in counts[:2]:
        found.append(_difference(name, index, "execution_count", str(counts[0]), str(counts[2])))
    first, second, third = (_groups(one.get("outputs") or ()) for one in (*plain, cell))
    if _kinds(first) != _kinds(second):
        return found + _compare_loosely(name, index, (first, second), third)
    if _kinds(first) != _kinds(third):
        words = _words(first), _words(third)
        return [*found, _difference(name, index, "outputs", *words)]
    for number, parts in enumerate(zip(first, second, third, strict=True), 1):
        for one, other, ours in zip(*parts, strict=True):
            text = _compare_part(one, other, ours)
            if text:
                what = f"output {number} {one.key}"
                found.append(_difference(name, index, what, *text))
    return found


def _compare_loosely(
    name: str,
    index: int,
    plain: tuple[list[list[_Part]], list[list[_Part]]],
    ours: list[list[_Part]],
) -> list[CellDifference]:
    """Two plain runs differ in number or kinds of outputs: a kind that neither has is new."""
    known = {part.key for run in plain for group in run for part in group}
    new = sorted({part.key for group in ours for part in group} - known)
    always = {part.key for group in plain[0] for part in group}
    always &= {part.key for group in plain[1] for part in group}
    lost = sorted(always - {part.key for group in ours for part in group})
    if not new and not lost:
        return []
    return [_difference(name, index, "outputs", _words(plain[0]), _words(ours))]


def _kinds(groups: list[list[_Part]]) -> list[list[str]]:
    return [[part.key for part in group] for group in groups]


def _words(groups: list[list[_Part]]) -> str:
    return "; ".join(", ".join(part.key for part in group) for group in groups) or "no output"


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
                    _Part("error ename", str(output.get("ename"))),
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
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _compare_part(one: _Part, other: _Part, ours: _Part) -> tuple[str, str] | None:
    """Return (expected, found) in short, or None if they say the same."""
    if not one.image:
        return first_difference(Expected(one.value, other.value), ours.value)
    found = "".join(ours.value.split())
    expected = ["".join(part.value.split()) for part in (one, other)]
    if found in expected:
        return None
    size, wanted = _image_words(found), _image_words(expected[0])
    if expected[0] == expected[1]:
        return wanted, f"{size}, other bytes" if size == wanted else size
    return (wanted, size) if size.split(",")[0] != wanted.split(",")[0] else None


def _image_words(text: str) -> str:
    """Return an image's size in pixels (PNG) and bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "an image that can't be decoded"
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
        return f"image of {width} x {height} pixels, {len(data)} bytes"
    return f"image, {len(data)} bytes"
