"""A plain run: every cell top to bottom in one kernel, as papermill does it, for comparison."""

import copy
import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbflow.errors import ExecutionError
from nbflow.execution.attempt_run import NOTEBOOK_NAME
from nbflow.execution.executor import LocalExecutor
from nbflow.model.attempt import (
    AttemptEnd,
    AttemptResult,
    AttemptSpec,
    CellToRun,
    Limits,
    Load,
    ReplayStep,
    StoredValue,
)
from nbflow.model.ids import CellId, RunId, TaskName, Token
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason

_NO_NOTEBOOK = frozenset({Reason.KERNEL_START, Reason.LOST})


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """What a plain run takes from the runs of other notebooks, and leaves for them.

    ``loads`` are bound right after the cell ``after``, before the first without one; ``outputs`` are
    names stored after the last cell, in the folder ``values``.
    """

    values: str
    loads: tuple[Load, ...] = ()
    after: CellId | None = None
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainRun:
    """A notebook that ran top to bottom, with its outputs, and the values that it handed over."""

    notebook: dict[str, Any]
    values: tuple[StoredValue, ...] = ()


def run_plain(
    raw_notebook: Mapping[str, Any],
    *,
    cwd: str,
    kernel: str,
    timeout: float | None = None,
    skip_cells: Collection[CellId] = (),
    parameters_source: str | None = None,
    sources: Mapping[CellId, str] | None = None,
    limits: Limits | None = None,
    handover: Handover | None = None,
) -> PlainRun:
    """Run a notebook top to bottom in one kernel.

    ``cwd`` is the kernel's folder, ``timeout`` the wall clock of the whole run in seconds.
    ``skip_cells`` stay out and without output. ``sources`` is what the kernel gets instead of a
    cell's own text (a blanked ``%%task`` line), ``parameters_source`` the same for the cell tagged
    ``parameters``; the notebook keeps its text. The run stops at the first cell that raises; what
    became of each cell stands in ``metadata.nbflow.status``.
    Raises ExecutionError when the kernel doesn't start or its slot is lost.
    """
    notebook = json.loads(json.dumps(raw_notebook))
    given = dict(sources or {}) | _parameters(notebook, parameters_source)
    cells = [
        CellToRun(cell=cell, document=_document(document, given.get(cell)), prompt=0)
        for cell, document in _code_cells(notebook)
        if cell not in skip_cells
    ]
    before = _cells_before(cells, handover)
    with tempfile.TemporaryDirectory(prefix="nbflow-") as folder:
        spec = AttemptSpec(
            run_id=RunId("plain"),
            task=TaskName("plain"),
            try_no=1,
            token=Token(0),
            kernel=kernel,
            language="python" if handover else "",
            cwd=cwd,
            workdir=folder,
            values=handover.values if handover else "",
            metadata=notebook["metadata"],
            replays=tuple(_shown(cell) for cell in cells[:before]),
            loads=handover.loads if handover else (),
            cells=tuple(cells[before:]),
            outputs=handover.outputs if handover else (),
            limits=_limits(limits, timeout),
        )
        result = _run(spec)
        if result.reason in _NO_NOTEBOOK or result.notebook is None:
            raise ExecutionError(
                Sentence("the notebook could not be run: {message}", message=result.message)
            )
        executed = json.loads(Path(folder, NOTEBOOK_NAME).read_text(encoding="utf-8"))
    return PlainRun(notebook=_merged(notebook, executed), values=result.values)


def _cells_before(cells: Sequence[CellToRun], handover: Handover | None) -> int:
    """Count the cells that run before values are bound."""
    after = handover.after if handover else None
    return next((number for number, one in enumerate(cells, 1) if one.cell == after), 0)


def _shown(cell: CellToRun) -> ReplayStep:
    return ReplayStep(cell=cell.cell, first_line=1, source=cell.document["source"], show=True)


def _run(spec: AttemptSpec) -> AttemptResult:
    with LocalExecutor(1) as executor:
        executor.start(spec)
        while True:
            for report in executor.poll():
                if isinstance(report, AttemptEnd):
                    return report.result


def _limits(limits: Limits | None, timeout: float | None) -> Limits:
    return replace(limits or Limits(), timeout=timeout)


def _code_cells(notebook: Mapping[str, Any]) -> list[tuple[CellId, dict[str, Any]]]:
    return [
        (CellId(cell.get("id") or f"cell-{index}"), cell)
        for index, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
    ]


def _parameters(notebook: Mapping[str, Any], source: str | None) -> dict[CellId, str]:
    if source is not None:
        for cell, document in _code_cells(notebook):
            if "parameters" in document["metadata"].get("tags", []):
                return {cell: source}
    return {}


def _document(document: dict[str, Any], source: str | None) -> dict[str, Any]:
    document = copy.copy(document)
    text = document["source"]
    document["source"] = source if source is not None else text
    if isinstance(document["source"], list):
        document["source"] = "".join(document["source"])
    return document


def _merged(notebook: dict[str, Any], executed: Mapping[str, Any]) -> dict[str, Any]:
    ran = {cell["id"]: cell for cell in executed["cells"]}
    for cell, document in _code_cells(notebook):
        after = ran.get(cell, {"outputs": [], "execution_count": None, "metadata": {}})
        document["outputs"] = after["outputs"]
        for output in document["outputs"]:
            output.get("metadata", {}).pop("nbflow", None)
        document["execution_count"] = after["execution_count"]
        if "nbflow" in after["metadata"]:
            document["metadata"]["nbflow"] = after["metadata"]["nbflow"]
    if "language_info" in executed["metadata"]:
        notebook["metadata"]["language_info"] = executed["metadata"]["language_info"]
    return notebook
