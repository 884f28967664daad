"""From bytes that anybody may have sent to plain JSON data, or one clear error."""

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.sentence import Sentence

MAX_BYTES = 50_000_000
"""Notebooks of this size or more are refused; outputs belong into files."""

MAX_DEPTH = 100
"""Deepest nesting of lists and objects; the parser's recursion limit is far above it."""

_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_bytes(path: Path, shown: str) -> bytes:
    """Return a file's content; NotebookError if there is none, it is no file, or it is too large."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise NotebookError(
            Sentence("{shown}: there is no such file", shown=shown),
            code="NBF001",
            hint="check the path",
        ) from None
    except OSError as error:
        raise _unreadable(shown, error) from None
    except ValueError:
        raise NotebookError(
            Sentence("{shown!r}: is not a path that a file can have", shown=shown),
            code="NBF001",
            hint="check the path",
        ) from None
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        kind = Sentence("a folder" if stat.S_ISDIR(mode) else "not a regular file")
        raise NotebookError(
            Sentence("{shown}: is {kind}, not a notebook", shown=shown, kind=kind),
            code="NBF001",
            hint="name a notebook file",
        )
    with os.fdopen(handle, "rb") as file:
        try:
            data = file.read(MAX_BYTES)
        except OSError as error:
            raise _unreadable(shown, error) from None
    if len(data) >= MAX_BYTES:
        raise NotebookError(
            Sentence(
                "{shown}: is {max_bytes} MB or larger", shown=shown, max_bytes=MAX_BYTES // 10**6
            ),
            code="NBF002",
            hint="clear the outputs (Edit > Clear Outputs of All Cells) and save it again",
        )
    return data


def decode(data: bytes, shown: str) -> tuple[str, bool]:
    """Return the text and whether a byte order mark stood before it; NotebookError if no UTF-8."""
    bom = data.startswith(b"\xef\xbb\xbf")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotebookError(
            Sentence("{shown}: is UTF-16 text; notebooks are UTF-8", shown=shown),
            code="NBF003",
            hint="save it again with the encoding UTF-8",
        )
    try:
        return data[3:].decode() if bom else data.decode(), bom
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        binary = b"\0" in data[:4096]
        what = Sentence("is binary data, no notebook" if binary else "is not UTF-8 text")
        raise NotebookError(
            Sentence(
                "{shown}:{line}: {what} (byte {start})",
                shown=shown,
                line=line,
                what=what,
                start=error.start,
            ),
            code="NBF003",
            hint="name a notebook file" if binary else "save it again with the encoding UTF-8",
        ) from None


def parse_json(data: bytes, shown: str) -> tuple[Any, list[str]]:
    """Return the JSON value of ``data`` and what was tolerated, in words.

    Raises NotebookError with the line for anything that is no JSON text within the limits.
    """
    text, bom = decode(data, shown)
    tolerated: list[str] = [Sentence("starts with a byte order mark")] if bom else []
    if not text.strip():
        raise NotebookError(
            Sentence("{shown}: is empty", shown=shown),
            code="NBF004",
            hint="write a notebook there first, or restore it from version control",
        )
    _check_depth(data, shown)
    constants: list[str] = []

    def constant(name: str) -> float:
        constants.append(name)
        return float(name)

    try:
        value = json.loads(text, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise _not_json(text, error, shown) from None
    except (ValueError, RecursionError):
        raise NotebookError(
            Sentence("{shown}: holds a number with thousands of digits", shown=shown),
            code="NBF005",
            hint="no notebook needs one: restore the file, or clear its outputs",
        ) from None
    if constants:
        tolerated.append(Sentence("holds {constants}, which is not JSON", constants=constants[0]))
    if _SURROGATE_ESCAPE.search(text):
        tolerated += _mend_surrogates(value, shown)
    return value, tolerated


def _unreadable(shown: str, error: OSError) -> NotebookError:
    reason = (error.strerror or str(error)).lower()
    return NotebookError(
        Sentence("{shown}: can't be read: {reason}", shown=shown, reason=reason),
        code="NBF001",
        hint="check the path and the permissions of the file",
    )


def _check_depth(data: bytes, shown: str) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRUCTURE.finditer(data):
        byte = data[match.start()]
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                line = data.count(b"\n", 0, match.start()) + 1
                raise NotebookError(
                    Sentence(
                        "{shown}:{line}: is nested more than {max_depth} levels deep",
                        shown=shown,
                        line=line,
                        max_depth=MAX_DEPTH,
                    ),
                    code="NBF005",
                    hint="no notebook is: restore the file, or clear its outputs",
                )
        elif byte in b"]}":
            depth -= 1


def _not_json(text: str, error: json.JSONDecodeError, shown: str) -> NotebookError:
    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        return NotebookError(
            Sentence(
                "{shown}:{line}: holds the marks of an unresolved merge conflict",
                shown=shown,
                line=line,
            ),
            code="NBF004",
            hint="resolve the conflict (nbdime can: nbdime mergetool), then try again",
        )
    what = error.msg[0].lower() + error.msg[1:]
    return NotebookError(
        Sentence(
            "{shown}:{lineno}: is not JSON: {what} (column {colno})",
            shown=shown,
            lineno=error.lineno,
            what=what,
            colno=error.colno,
        ),
        code="NBF004",
        hint="the file may be cut short or no notebook: restore it, or save it again in Jupyter",
    )


def _mend_surrogates(value: Any, shown: str) -> list[str]:
    """Replace lone surrogates inside outputs; elsewhere they are an error (no kernel takes them)."""
    mended = False
    # (container, key, inside outputs)
    stack: list[tuple[Any, Any, bool]] = [([value], 0, False)]
    while stack:
        container, key, in_outputs = stack.pop()
        item = container[key]
        if isinstance(item, str) and _SURROGATE.search(item):
            if not in_outputs:
                raise NotebookError(
                    Sentence(
                        "{shown}: holds half a character (a lone surrogate) near {item!r}",
                        shown=shown,
                        item=_SURROGATE.sub("�", item)[:40],
                    ),
                    code="NBF003",
                    hint="delete that character in the notebook and save it again",
                )
            container[key] = _SURROGATE.sub("�", item)
            mended = True
        elif isinstance(item, dict):
            if any(_SURROGATE.search(name) for name in item):
                raise NotebookError(
                    Sentence(
                        "{shown}: holds half a character (a lone surrogate) in a key", shown=shown
                    ),
                    code="NBF003",
                    hint="restore the file, or save it again in Jupyter",
                )
            stack.extend((item, name, in_outputs or name == "outputs") for name in item)
        elif isinstance(item, list):
            stack.extend((item, index, in_outputs) for index in range(len(item)))
    return [Sentence("holds half a character (a lone surrogate) in an output")] if mended else []
