"""One executed notebook in page order, out of the executed notebooks of its tasks."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbflow.model.states import CellStatus
from nbflow.notebooks.document import check_document, normalise

_TIMING = ("papermill", "execution")
_WIDGETS = "application/vnd.jupyter.widget-state+json"
_COUNTED = re.compile(r"\b(sk-container-id|sk-estimator-id)-(\d+)\b")
"""Ids that scikit-learn counts up in each process, in an estimator's HTML and its style sheet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutedTask:
    """What a task's attempt left: its notebook, and the kernel it ran in.

    Tasks that shared one live kernel carry the same non-empty ``kernel``. ``warned`` tells, by the
    prompt of a cell, which library warnings it showed that Python shows once for their place: pairs
    of what is the same about them and their text, in order, None where all are forgotten.
    """

    raw: Mapping[str, Any]
    kernel: str = ""
    warned: Mapping[int, Sequence[tuple[str, str] | None]] = field(default_factory=dict)


@dataclass(slots=True)
class _Counter:
    """Renumbers one kind of id. ``last`` is the highest number seen of each kernel."""

    total: int = 0
    last: dict[str, int] = field(default_factory=dict)
    known: dict[tuple[str, int], int] = field(default_factory=dict)

    def number(self, kernel: str, old: int) -> int:
        """Return the number that one kernel for the whole page would have given.

        Numbers that a kernel skipped (drawn, not shown) are counted as well.
        """
        last = self.last.get(kernel, 0)
        for skipped in range(last + 1, min(old, last + 10_000) + 1):
            self.total += 1
            self.known[kernel, skipped] = self.total
        self.last[kernel] = max(last, old)
        return self.known.get((kernel, old), old)


def merge_executed(
    notebook_raw: Mapping[str, Any],
    executed: Sequence[ExecutedTask | Mapping[str, Any]],
    *,
    statuses: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the notebook with the outputs of its executed tasks, every cell at its place.

    ``notebook_raw`` gives order, ids, sources and metadata; outputs, execution counts and timing
    come from the first of ``executed`` that holds the cell. ``statuses`` maps cell ids to words of
    `CellStatus` and goes before what the executed cells say; a code cell that nobody ran has no
    outputs and is ``not_run`` unless its status says otherwise. Nothing passed in is changed.
    """
    document, _ = normalise(check_document(notebook_raw, "the notebook"), "the notebook")
    document = copy.deepcopy(document)
    tasks = [one if isinstance(one, ExecutedTask) else ExecutedTask(raw=one) for one in executed]
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    for number, task in enumerate(tasks):
        for cell in task.raw.get("cells", ()):
            if cell.get("cell_type") == "code":
                found.setdefault(cell.get("id", ""), (cell, task.kernel or f"#{number}"))
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            _fill(cell, found.get(cell["id"], (None, ""))[0], (statuses or {}).get(cell["id"]))
    _show_once(document["cells"], tasks)
    _apply_updates(document["cells"])
    _renumber(document["cells"], {name: kernel for name, (_, kernel) in found.items()})
    _merge_metadata(document, tasks)
    return document


def _fill(cell: dict[str, Any], ran: Mapping[str, Any] | None, status: str | None) -> None:
    cell["outputs"], cell["execution_count"] = [], None
    metadata = cell["metadata"]
    for key in _TIMING:
        metadata.pop(key, None)
    if ran is not None:
        cell["outputs"] = copy.deepcopy(list(ran.get("outputs") or []))
        cell["execution_count"] = ran.get("execution_count")
        ran_metadata = ran.get("metadata") or {}
        metadata |= {
            key: copy.deepcopy(ran_metadata[key]) for key in _TIMING if key in ran_metadata
        }
        status = status or (ran_metadata.get("nbflow") or {}).get("status")
    elif status is None and cell["source"].strip():
        status = CellStatus.NOT_RUN
    nbflow = {
        key: value for key, value in (metadata.get("nbflow") or {}).items() if key != "status"
    }
    if status is not None:
        nbflow["status"] = str(status)
    metadata["nbflow"] = nbflow
    if not nbflow:
        del metadata["nbflow"]


def _show_once(cells: Sequence[dict[str, Any]], tasks: Sequence[ExecutedTask]) -> None:
    """Leave out the library warnings that one kernel for the whole page would not have shown again."""
    warned: dict[int, Sequence[tuple[str, str] | None]] = {}
    for task in tasks:
        warned |= task.warned
    seen: set[str] = set()
    for cell in cells:
        for event in warned.get(cell.get("execution_count") or 0, ()):
            if event is None:
                seen.clear()
            elif event[0] in seen:
                _take_out(cell, event[1])
            else:
                seen.add(event[0])


def _take_out(cell: dict[str, Any], text: str) -> None:
    for output in cell["outputs"]:
        if output.get("output_type") == "stream" and output.get("name") == "stderr":
            whole = output["text"] if isinstance(output["text"], str) else "".join(output["text"])
            if text in whole:
                output["text"] = whole.replace(text, "", 1)
                break
    cell["outputs"] = [o for o in cell["outputs"] if o.get("text") != "" or "data" in o]


def _apply_updates(cells: Sequence[dict[str, Any]]) -> None:
    """Carry out updates of displays that an earlier task made, and drop the marks they need.

    A display's id stands in ``transient`` or in ``metadata.nbflow.display_id`` of the output; an
    update has the type ``update_display_data`` or the mark ``metadata.nbflow.is_update``.
    """
    shown: dict[str, list[dict[str, Any]]] = {}
    for cell in cells:
        kept = []
        for output in cell.get("outputs", ()):
            name, is_update = _display_id(output)
            if is_update:
                for earlier in shown.get(name or "", ()):
                    earlier["data"] = copy.deepcopy(output.get("data", {}))
                    earlier["metadata"] = copy.deepcopy(output.get("metadata", {}))
                continue
            if name is not None:
                shown.setdefault(name, []).append(output)
            kept.append(output)
        if "outputs" in cell:
            cell["outputs"] = kept


def _display_id(output: dict[str, Any]) -> tuple[str | None, bool]:
    """Take the display's id out of an output (None if it has none); tell whether it is an update."""
    transient = output.pop("transient", None) or {}
    metadata = output.get("metadata")
    nbflow = metadata.pop("nbflow", None) if isinstance(metadata, dict) else None
    nbflow = nbflow or {}
    name = transient.get("display_id") or nbflow.get("display_id")
    is_update = output.get("output_type") == "update_display_data" or "is_update" in nbflow
    return str(name) if name else None, is_update


def _renumber(cells: Sequence[dict[str, Any]], kernels: Mapping[str, str]) -> None:
    counters: dict[str, _Counter] = {}

    def renumbered(text: str, kernel: str) -> str:
        def one(match: re.Match[str]) -> str:
            counter = counters.setdefault(match[1], _Counter())
            return f"{match[1]}-{counter.number(kernel, int(match[2][:9]))}"

        return _COUNTED.sub(one, text) if "sk-" in text else text

    for cell in cells:
        kernel = kernels.get(cell["id"], "")
        for output in cell.get("outputs", ()):
            for holder, key in _texts(output):
                value = holder[key]
                # in one piece, since the order of first sight decides
                holder[key] = (
                    renumbered(value, kernel)
                    if isinstance(value, str)
                    else [renumbered(line, kernel) for line in value]
                )


def _texts(output: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield where an output holds text: (mapping, key)."""
    holder = output if output.get("output_type") == "stream" else output.get("data")
    if not isinstance(holder, dict):
        return
    for key, value in holder.items():
        text = isinstance(value, list) and all(isinstance(line, str) for line in value)
        if (isinstance(value, str) and not key.startswith("image/png")) or text:
            yield holder, key


def _merge_metadata(document: dict[str, Any], tasks: Sequence[ExecutedTask]) -> None:
    """Take the language's description, and the state of widgets, from the executed notebooks."""
    metadata = document["metadata"]
    state: dict[str, Any] = {}
    for task in tasks:
        ran = task.raw.get("metadata") or {}
        if "language_info" in ran:
            metadata.setdefault("language_info", copy.deepcopy(ran["language_info"]))
        widgets = (ran.get("widgets") or {}).get(_WIDGETS) or {}
        state |= widgets.get("state") or {}
    if state:
        widgets = {"state": copy.deepcopy(state), "version_major": 2, "version_minor": 0}
        metadata["widgets"] = {_WIDGETS: widgets}
