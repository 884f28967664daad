"""The shape of an nbformat 4 document: checked by hand, since importing nbformat is slow."""

from collections.abc import Mapping
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import CellId
from nbflow.model.sentence import Sentence

_HINT = "save it again in Jupyter, or restore it from version control"


def check_document(value: object, shown: str) -> dict[str, Any]:
    """Return ``value`` as a notebook of a version we read; NotebookError naming what is wrong."""
    if not isinstance(value, Mapping):
        raise _not_a_notebook(
            shown,
            Sentence("is JSON, but {value} where a notebook is an object", value=_kind(value)),
        )
    missing = [key for key in ("nbformat", "cells") if key not in value]
    old = value.get("nbformat") == 3 and "worksheets" in value
    if missing and not old:
        raise _not_a_notebook(
            shown, Sentence("is no notebook: it lacks {missing}", missing=" and ".join(missing))
        )
    version = value["nbformat"]
    if isinstance(version, bool) or not isinstance(version, int):
        raise _not_a_notebook(
            shown,
            Sentence("is no notebook: nbformat is {version}, not a number", version=_kind(version)),
        )
    if version not in (3, 4):
        raise NotebookError(
            Sentence(
                "{shown}: has notebook format {version}; versions 4 and 3 can be read",
                shown=shown,
                version=version,
            ),
            code="NBF007",
            hint="convert it: jupyter nbconvert --to notebook --nbformat 4 FILE",
        )
    if version == 3:
        return _upgrade(dict(value), shown)
    return dict(value)


def normalise(value: Mapping[str, Any], shown: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Return a document whose cells all have ids, one-string sources, metadata and outputs.

    The input is left as it is. Raises NotebookError naming the first cells that are misshapen.
    """
    problems: list[str] = []
    metadata = value.get("metadata", {})
    if not isinstance(metadata, Mapping):
        problems.append(Sentence("metadata is {metadata}, not an object", metadata=_kind(metadata)))
    cells = value.get("cells")
    if not isinstance(cells, list | tuple):
        problems.append(Sentence("cells is {cells}, not a list", cells=_kind(cells)))
        cells = []
    for number, cell in enumerate(cells, 1):
        problems += [
            Sentence("cell {number}: {text}", number=number, text=text)
            for text in _cell_problems(cell)
        ]
    if problems:
        first, more = Sentence("{problems}", problems=tuple(problems[:3])), len(problems) - 3
        if more > 0:
            first = Sentence("{problems} (and {count} more)", problems=first, count=more)
        raise _not_a_notebook(shown, first)
    ids, diagnostics = cell_ids(cells, shown)
    raw = {**value, "metadata": dict(metadata)}
    raw["cells"] = [_normal_cell(cell, name) for cell, name in zip(cells, ids, strict=True)]
    minor = value.get("nbformat_minor")
    raw["nbformat_minor"] = max(5, minor) if isinstance(minor, int) else 5
    return raw, diagnostics


def without_ids(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document as a file has it that keeps no ids of cells: those that an editor made up
    for it are not there when it is read again. What is no cell stays, to be refused.
    """
    cells = value.get("cells")
    if not isinstance(cells, list | tuple):
        return dict(value)
    bare = [
        {key: part for key, part in cell.items() if key != "id"}
        if isinstance(cell, Mapping)
        else cell
        for cell in cells
    ]
    return {**value, "cells": bare}


def joined(text: object) -> str:
    """Return nbformat's multi-line string (a string or a list of strings) as one string."""
    if isinstance(text, str):
        return text
    return "".join(text) if isinstance(text, list | tuple) else ""


def _normal_cell(cell: Mapping[str, Any], name: CellId) -> dict[str, Any]:
    normal = {**cell, "id": name, "source": joined(cell["source"])}
    normal["metadata"] = dict(cell.get("metadata") or {})
    if cell["cell_type"] == "code":
        normal.setdefault("execution_count", None)
        normal["outputs"] = list(cell.get("outputs") or [])
    return normal


def _cell_problems(cell: object) -> list[str]:
    if not isinstance(cell, Mapping):
        return [Sentence("is {kind}, not an object", kind=_kind(cell))]
    problems: list[str] = []
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        shown = repr(kind)[:40] if "cell_type" in cell else Sentence("missing")
        problems.append(Sentence("cell_type is {shown}, not code, markdown or raw", shown=shown))
    source = cell.get("source")
    if not _is_text(source):
        problems.append(
            Sentence("source is {source}, not text", source=_kind(source))
            if "source" in cell
            else Sentence("has no source")
        )
    metadata = cell.get("metadata", {})
    if metadata is not None and not isinstance(metadata, Mapping):
        problems.append(Sentence("metadata is {metadata}, not an object", metadata=_kind(metadata)))
    elif metadata:
        tags = metadata.get("tags", [])
        if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
            problems.append(
                Sentence("metadata.tags is {tags}, not a list of strings", tags=_kind(tags))
            )
    outputs = cell.get("outputs", [])
    if kind == "code" and (
        not isinstance(outputs, list | tuple | None)
        or not all(isinstance(one, Mapping) for one in outputs or ())
    ):
        problems.append(Sentence("outputs is not a list of objects"))
    name = cell.get("id")
    if name is not None and not isinstance(name, str):
        problems.append(Sentence("id is {name}, not text", name=_kind(name)))
    return problems


def cell_ids(
    cells: list[Mapping[str, Any]] | tuple[Mapping[str, Any], ...], shown: str
) -> tuple[list[CellId], list[Diagnostic]]:
    """Return each cell's id: the first of each is kept, others are derived from the position."""
    taken = {cell["id"] for cell in cells if cell.get("id")}
    seen: set[str] = set()
    ids: list[CellId] = []
    diagnostics = []
    for index, cell in enumerate(cells):
        name = cell.get("id")
        if not name or name in seen:
            derived = f"cell-{index + 1:04d}"
            while derived in taken:
                derived += "x"
            taken.add(derived)
            if name:
                diagnostics.append(
                    Diagnostic(
                        code="NBF009",
                        severity=Severity.WARNING,
                        message=Sentence(
                            "two cells have the id {name}; the later one is called {derived}",
                            name=name,
                            derived=derived,
                        ),
                        hint="save the notebook in Jupyter once; it gives each cell its own id",
                        cell=CellId(derived),
                        path=shown,
                    )
                )
            name = derived
        seen.add(name)
        ids.append(CellId(name))
    return ids, diagnostics


def _upgrade(value: dict[str, Any], shown: str) -> dict[str, Any]:
    """Bring a version 3 document to version 4 with nbformat; its random cell ids are dropped."""
    try:
        from nbformat import from_dict  # slow to import: only where a file needs it
        from nbformat.v4 import upgrade

        new = upgrade(from_dict(value), from_version=3, from_minor=value.get("nbformat_minor", 0))
    except Exception as error:
        raise NotebookError(
            Sentence(
                "{shown}: has notebook format 3 and can't be converted: {error}",
                shown=shown,
                error=error,
            ),
            code="NBF007",
            hint="convert it: jupyter nbconvert --to notebook --nbformat 4 FILE",
        ) from error
    for cell in new["cells"]:
        cell.pop("id", None)
    return dict(plain(new))


def plain(value: Any) -> Any:
    """Return nbformat's nodes as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _is_text(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(line, str) for line in value)
    return isinstance(value, str)


def _kind(value: object) -> Sentence:
    if value is None:
        return Sentence("null")
    if isinstance(value, bool):
        return Sentence("true or false")
    names = {
        int: Sentence("a number"),
        float: Sentence("a number"),
        str: Sentence("a string"),
        list: Sentence("a list"),
        dict: Sentence("an object"),
    }
    return names.get(type(value)) or Sentence("a value of type {kind}", kind=type(value).__name__)


def _not_a_notebook(shown: str, what: str) -> NotebookError:
    return NotebookError(
        Sentence("{shown}: {what}", shown=shown, what=what), code="NBF006", hint=_HINT
    )
