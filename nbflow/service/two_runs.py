"""Two runs side by side: what their tasks took, what they were given, what their cells put out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.model.ids import CellId, RunId, TaskName
from nbflow.service.compare import compare_outputs
from nbflow.service.metrics import MetricPair, compared
from nbflow.service.records import run_document

if TYPE_CHECKING:
    from nbflow.metastore.rows import RunRow, TaskInstanceRow
    from nbflow.service.service import Service

_COUNT, _MISSING = "execution_count", "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPair:
    """A task in two runs; None where a run has none of that name."""

    task: TaskName
    first: "TaskInstanceRow | None"
    second: "TaskInstanceRow | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputPair:
    """The first place where a cell's outputs differ. ``what`` is ``outputs`` (their number or
    kinds), ``missing``, or an output and its part; a text is None where a run has no such cell.
    """

    cell: CellId
    line: str
    """The first line of the cell's source, by which people know it."""
    what: str
    first: str | None
    second: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TwoRuns:
    """Two runs; ``outputs`` is None if one of them left no executed notebook to compare."""

    first: "RunRow"
    second: "RunRow"
    tasks: tuple[TaskPair, ...]
    metrics: tuple[MetricPair, ...]
    outputs: tuple[OutputPair, ...] | None


def compare_runs(service: "Service", first: RunId, second: RunId) -> TwoRuns:
    """Return two runs side by side, of one DAG or not. Raises NotFoundError, MetastoreError."""
    (left, left_tasks), (right, right_tasks) = map(service.store.show_run, (first, second))
    before = {one.task: one for one in left_tasks}
    after = {one.task: one for one in right_tasks}
    return TwoRuns(
        first=left,
        second=right,
        tasks=tuple(
            TaskPair(task=name, first=before.get(name), second=after.get(name))
            for name in {**before, **after}
        ),
        metrics=tuple(compared(service, first, second)),
        outputs=_outputs(service, first, second),
    )


def _outputs(service: "Service", first: RunId, second: RunId) -> tuple[OutputPair, ...] | None:
    try:
        left, right = run_document(service, first), run_document(service, second)
    except NbflowError:  # one of them is of a version that can't be read any more
        return None
    return tuple(output_pairs(left, right))


def output_pairs(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[OutputPair]:
    """Yield where the outputs of two executed notebooks differ, in page order."""
    lines = _lines(right) | _lines(left)
    for one in compare_outputs([left], right):
        if one.what != _COUNT:
            is_there = one.what != _MISSING
            yield OutputPair(
                cell=one.cell,
                line=lines[one.cell],
                what=one.what,
                first=one.expected if is_there else "",
                second=one.found if is_there else None,
            )
    known = _lines(left)
    for cell, line in _lines(right).items():
        if cell not in known:
            yield OutputPair(cell=cell, line=line, what=_MISSING, first=None, second="")


def _lines(document: Mapping[str, Any]) -> dict[CellId, str]:
    """Return the first line that says something of each code cell, by id."""
    found = {}
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            lines = str(cell["source"]).splitlines()
            found[CellId(cell["id"])] = next((line for line in lines if line.strip()), "")
    return found
