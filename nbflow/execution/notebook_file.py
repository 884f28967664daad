"""Writing an executed notebook: whole or not at all, cell by cell, without validating each save.

The bytes equal those of ``nbformat.writes``; what is left out is its check against the JSON Schema
and its second copy of all outputs in memory.
"""

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
"""Error numbers that mean: the disk, the quota or the file size limit is full."""

_TEXT_MIMES = ("application/javascript", "image/svg+xml")
_TRANSIENT = ("orig_nbformat", "orig_nbformat_minor", "signature")


def write_notebook(nb: Mapping[str, Any], path: Path) -> None:
    """Replace ``path`` by the notebook: temporary file, fsync, rename; readable by its owner only.

    Raises OSError; then the previous file is untouched and the temporary one gone.
    """
    write_whole(path, (text.encode("utf-8", "surrogatepass") for text in notebook_text(nb)))


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Replace ``path`` by ``chunks`` in one step that survives a crash. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def notebook_text(nb: Mapping[str, Any]) -> Iterator[str]:
    """Yield the notebook's JSON text in pieces of one cell each."""
    head = {key: value for key, value in nb.items() if key != "cells"}
    head["metadata"] = {k: v for k, v in nb["metadata"].items() if k not in _TRANSIENT}
    yield "{\n"
    separator = ' "cells": [\n  '
    for cell in nb["cells"]:
        yield separator + _indented(_cell_for_file(cell), 2)
        separator = ",\n  "
    yield ' "cells": []' if separator.startswith(" ") else "\n ]"
    for key in sorted(head):
        yield f",\n {json.dumps(key)}: {_indented(head[key], 1)}"
    yield "\n}"


def _indented(value: Any, depth: int) -> str:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, separators=(",", ": "))
    return text.replace("\n", "\n" + " " * depth)


def _cell_for_file(cell: Mapping[str, Any]) -> dict[str, Any]:
    flat = dict(cell)
    if isinstance(flat.get("source"), str):
        flat["source"] = flat["source"].splitlines(True)
    flat["metadata"] = {k: v for k, v in flat["metadata"].items() if k != "trusted"}
    if "attachments" in flat:
        flat["attachments"] = {n: _bundle(a) for n, a in flat["attachments"].items()}
    if flat["cell_type"] == "code":
        flat["outputs"] = [_output_for_file(output) for output in flat["outputs"]]
    return flat


def _output_for_file(output: Mapping[str, Any]) -> dict[str, Any]:
    flat = dict(output)
    if flat["output_type"] in {"execute_result", "display_data"}:
        flat["data"] = _bundle(flat.get("data", {}))
    elif flat["output_type"] == "stream" and isinstance(flat["text"], str):
        flat["text"] = flat["text"].splitlines(True)
    return flat


def _bundle(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.splitlines(True)
        if isinstance(value, str) and (key.startswith("text/") or key in _TEXT_MIMES)
        else value
        for key, value in data.items()
    }
