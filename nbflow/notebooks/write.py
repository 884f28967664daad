"""Write notebooks whole or not at all, and change tags without touching anything else."""

import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.ids import CellId
from nbflow.model.sentence import Sentence
from nbflow.notebooks.document import cell_ids, check_document, normalise
from nbflow.notebooks.parsing import decode, parse_json, read_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class TagChange:
    """What to change at one cell: tags to take off and to add, and its task options.

    ``options`` replaces ``metadata.nbflow.task`` (an empty mapping takes it off, None leaves it).
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    options: Mapping[str, Any] | None = None


def write_tags(
    target: str | Path | Mapping[str, Any], changes: Mapping[CellId, TagChange]
) -> dict[str, Any]:
    """Change tags and options of the named cells and return the document; nothing else changes.

    ``target`` is a file, which is replaced atomically in its own layout (indentation, line ends,
    mode), or a document, which is left as it is. Cells without an id go by their derived one.
    Raises NotebookError for a file that can't be read or written and for an unknown cell.
    """
    if isinstance(target, Mapping):
        return _changed(check_document(target, "the notebook"), changes, "the notebook")
    path, shown = Path(target), str(target)
    data = read_bytes(path, shown)
    if path.suffix.lower() in (".py", ".md"):
        return _write_text_notebook(path, data, changes)
    value, _ = parse_json(data, shown)
    document = _changed(check_document(value, shown), changes, shown)
    ending = b"\r\n" if b"\r\n" in data else b"\n"
    text = json.dumps(document, indent=_indent(data), ensure_ascii=False)
    written = text.encode().replace(b"\n", ending)
    replace_file(path, written + (ending if data.endswith(b"\n") else b""))
    return document


def write_notebook(raw: Mapping[str, Any], path: str | Path) -> None:
    """Write a document to a file, as Jupyter lays it out, atomically. Raises NotebookError."""
    text = json.dumps(raw, indent=1, ensure_ascii=False) + "\n"
    replace_file(Path(path), text.encode("utf-8", "replace"))


def replace_file(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace a file's content in one step that survives a crash, keeping its mode unless one is given.

    A link keeps pointing at its file. Raises NotebookError; the old content is then untouched.
    """
    place = path.resolve()
    temporary = place.with_name(f".{place.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is None and place.exists():
            mode = stat.S_IMODE(place.stat().st_mode)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(place)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise NotebookError(
            Sentence(
                "{path}: can't be written: {lower}",
                path=path,
                lower=(error.strerror or str(error)).lower(),
            ),
            code="NBF011",
            hint="check the folder's permissions and the space on the disk",
        ) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _changed(
    document: dict[str, Any], changes: Mapping[CellId, TagChange], shown: str
) -> dict[str, Any]:
    normalise(document, shown)
    ids, _ = cell_ids(document["cells"], shown)
    unknown = sorted(set(changes) - set(ids))
    if unknown:
        raise NotebookError(
            Sentence("{shown}: has no cell {unknown}", shown=shown, unknown=", ".join(unknown)),
            code="NBF006",
            hint="the notebook changed in the meantime: read it again",
        )
    cells = [
        _changed_cell(cell, changes[name]) if name in changes else cell
        for name, cell in zip(ids, document["cells"], strict=True)
    ]
    return {**document, "cells": cells}


def _changed_cell(cell: Mapping[str, Any], change: TagChange) -> dict[str, Any]:
    metadata = dict(cell.get("metadata") or {})
    tags = [tag for tag in metadata.get("tags", ()) if tag not in change.remove]
    tags += [tag for tag in dict.fromkeys(change.add) if tag not in tags]
    if tags:
        metadata["tags"] = tags
    else:
        metadata.pop("tags", None)
    if change.options is not None:
        nbflow = dict(metadata.get("nbflow") or {})
        nbflow.pop("task", None)
        if change.options:
            nbflow["task"] = dict(change.options)
        metadata["nbflow"] = nbflow
        if not nbflow:
            del metadata["nbflow"]
    return {**cell, "metadata": metadata}


def _indent(data: bytes) -> int:
    """Return the indentation that the file uses; Jupyter's is 1."""
    lines = data.split(b"\n", 2)
    if len(lines) < 2 or not lines[1].startswith(b" "):
        return 1
    return len(lines[1]) - len(lines[1].lstrip(b" "))


def _write_text_notebook(
    path: Path, data: bytes, changes: Mapping[CellId, TagChange]
) -> dict[str, Any]:
    from nbflow.notebooks.jupytext_files import document_from_text, text_from_document

    shown, suffix = str(path), path.suffix.lower()
    text, _ = decode(data, shown)
    document = _changed(document_from_text(text, suffix, shown), changes, shown)
    replace_file(path, text_from_document(document, text, suffix, shown).encode())
    return document
