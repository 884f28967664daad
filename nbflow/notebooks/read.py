"""Read notebooks: a file, an editor's document or a folder becomes tagged cells."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import CellId, DagId, Digest
from nbflow.model.names import notebook_name
from nbflow.model.notebook import Cell, Notebook, Role
from nbflow.model.options import DagOptions, NotebookTask
from nbflow.model.sentence import Sentence
from nbflow.notebooks.cells import read_cells
from nbflow.notebooks.document import check_document, normalise
from nbflow.notebooks.files import notebook_files
from nbflow.notebooks.parsing import MAX_DEPTH, decode, parse_json, read_bytes

_KERNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")
_MARKED_TEXT = re.compile(r"%%(task|setup|skip)\b|task:|\bnbflow:")


def read_notebook(path: str | Path) -> Notebook:
    """Read a notebook file: ``.ipynb``, or Jupytext's ``.py`` (percent) and ``.md``.

    Findings about tags and metadata are in ``diagnostics``. Raises NotebookError if the file can't
    be read or is no well-formed notebook.
    """
    shown = str(path)
    data = read_bytes(Path(path), shown)
    suffix = Path(path).suffix.lower()
    if suffix in (".py", ".md"):
        from nbflow.notebooks.jupytext_files import document_from_text

        text, _ = decode(data, shown)
        return read_document(document_from_text(text, suffix, shown), shown)
    value, tolerated = parse_json(data, shown)
    notes = tuple(
        Diagnostic(
            code="NBF010",
            severity=Severity.WARNING,
            message=Sentence("the file {what}", what=what),
            hint="it was read all the same; save it again in Jupyter",
            path=shown,
        )
        for what in tolerated
    )
    return read_document(check_document(value, shown), shown, notes=notes)


def read_document(
    raw: Mapping[str, Any], path: str, *, notes: tuple[Diagnostic, ...] = ()
) -> Notebook:
    """Read a document as an editor holds it (plain nbformat data); ``path`` is for messages, for
    the default DAG id and for the working directory. ``raw`` is not changed.

    Raises NotebookError if it is no well-formed notebook.
    """
    document, diagnostics = normalise(check_document(raw, path), path)
    metadata = document["metadata"]
    _check_metadata_depth(document, path)
    language = _language(metadata)
    kernel = _kernel(metadata, path, diagnostics)
    cells, findings = read_cells(document["cells"], path, python=language == "python")
    diagnostics += findings
    stem = notebook_name(path)
    dag, given, task = _dag_and_task(metadata.get("nbflow"), stem, path, diagnostics)
    if task is not None:
        cells = _without_tags(cells, path, diagnostics)
    return Notebook(
        path=path,
        name=stem,
        language=language,
        kernel=kernel,
        cells=tuple(cells),
        dag=dag,
        dag_given=given,
        task=task,
        raw=document,
        digest=digest(document, language, kernel),
        diagnostics=(*notes, *diagnostics),
    )


def read_folder(path: str | Path) -> list[Notebook]:
    """Read all notebooks below a folder that carry marks of nbflow (tags, metadata, ``%%task``).

    Sorted by path; hidden and checkpoint folders are left out, and a Jupytext file beside the
    ``.ipynb`` it is paired with. Raises NotebookError for a marked file that can't be read;
    ``.ipynb`` files that are broken count as marked, other text doesn't.
    """
    root = Path(path)
    if not root.is_dir():
        raise NotebookError(
            Sentence("{path}: is not a folder", path=path),
            code="NBF001",
            hint="name a folder of notebooks",
        )
    return [
        notebook for file in notebook_files(root) if (notebook := read_marked(file)) is not None
    ]


def read_marked(file: Path) -> Notebook | None:
    """Read a file of a folder; None if it carries no mark of nbflow. Raises NotebookError."""
    if file.suffix.lower() != ".ipynb" and not _looks_marked(file):
        return None
    notebook = read_notebook(file)
    return notebook if is_marked(notebook) else None


def is_marked(notebook: Notebook) -> bool:
    """Tell whether a notebook carries any mark of nbflow's, so that it is meant as a DAG."""
    return (
        notebook.dag_given
        or notebook.task is not None
        or bool(notebook.raw["metadata"].get("nbflow"))
        or any(cell.role in (Role.TASK, Role.SETUP, Role.SKIP) for cell in notebook.cells)
    )


def digest(document: Mapping[str, Any], language: str, kernel: str) -> Digest:
    """Return the SHA-256 over what matters for meaning and run; outputs and counts don't."""
    cells = [
        (
            cell["id"],
            cell["cell_type"],
            cell["source"],
            cell["metadata"].get("tags", []),
            _without_status(cell["metadata"].get("nbflow")),
        )
        for cell in document["cells"]
    ]
    content = [language, kernel, document["metadata"].get("nbflow"), cells]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def _without_status(meta: object) -> object:
    if isinstance(meta, Mapping):
        return {key: value for key, value in meta.items() if key != "status"} or None
    return meta


def _language(metadata: Mapping[str, Any]) -> str:
    for place, key in (("kernelspec", "language"), ("language_info", "name")):
        entry = metadata.get(place)
        name = entry.get(key) if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name.strip():
            word = name.strip().lower()
            return "python" if word in ("ipython", "python3", "python2") else word
    return "python"


def _kernel(metadata: Mapping[str, Any], path: str, diagnostics: list[Diagnostic]) -> str:
    entry = metadata.get("kernelspec")
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if name in (None, ""):
        return "python3"
    if isinstance(name, str) and _KERNEL.fullmatch(name):
        return name
    diagnostics.append(
        Diagnostic(
            code="NBF120",
            severity=Severity.ERROR,
            message=Sentence(
                "the kernel name {name!r} in the metadata is none that can exist",
                name=str(name)[:60],
            ),
            hint="choose a kernel in Jupyter and save the notebook",
            path=path,
        )
    )
    return "python3"


def _check_metadata_depth(document: Mapping[str, Any], path: str) -> None:
    """An editor's document did not pass the file's limits: check what we walk through."""
    level: list[Any] = [document["metadata"], *(cell["metadata"] for cell in document["cells"])]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, Mapping):
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
        if not below:
            return
        level = below
    raise NotebookError(
        Sentence(
            "{path}: its metadata are nested more than {max_depth} levels deep",
            path=path,
            max_depth=MAX_DEPTH,
        ),
        code="NBF005",
        hint="no notebook needs that: restore the file",
    )


def _dag_and_task(
    nbflow: object, stem: str, path: str, diagnostics: list[Diagnostic]
) -> tuple[DagOptions, bool, NotebookTask | None]:
    plain = DagOptions(id=DagId(stem)), False, None
    if nbflow is None:
        return plain
    # pydantic takes a while to import: only notebooks with metadata of ours pay for it
    from nbflow.notebooks.notebook_metadata import read_notebook_metadata

    dag, given, task, findings = read_notebook_metadata(nbflow, stem, path)
    diagnostics += findings
    return dag or plain[0], given, task


def _without_tags(cells: list[Cell], path: str, diagnostics: list[Diagnostic]) -> list[Cell]:
    """Inside a whole-notebook task cell tags don't count (papermill's ``parameters`` does)."""
    kept = []
    for cell in cells:
        marked = cell.role in (Role.TASK, Role.SETUP, Role.SKIP) or bool(
            cell.after or cell.reads or cell.writes or cell.ignores or cell.options
        )
        if marked:
            diagnostics.append(
                Diagnostic(
                    code="NBF115",
                    severity=Severity.WARNING,
                    message="the whole notebook is one task, so the cell's tags don't count",
                    hint="take the tags off, or the task object out of the notebook's metadata",
                    cell=CellId(cell.id),
                    path=path,
                )
            )
            role = Role.PARAMETERS if cell.parameters else Role.UNTAGGED
            cell = Cell(
                id=cell.id,
                index=cell.index,
                type=cell.type,
                source=cell.source,
                role=role,
                parameters=cell.parameters,
            )
        kept.append(cell)
    return kept


def _looks_marked(file: Path) -> bool:
    """Tell cheaply whether a text file may be a notebook of ours, before jupytext is imported."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return bool(_MARKED_TEXT.search(text)) and ("# %%" in text or file.suffix.lower() == ".md")
