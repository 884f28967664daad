"""Changing what cells are: tags, and ``%%task`` lines where a notebook uses them.

Every change is worked out on a notebook as it was read, and given back as the new tags and source
of the cells that change; whoever holds the document applies it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from nbflow.errors import NotFoundError, UsageError
from nbflow.model.ids import CellId, TaskName
from nbflow.model.names import name_key, normalise_name
from nbflow.model.notebook import Cell, CellType, Notebook
from nbflow.model.sentence import Sentence
from nbflow.notebooks.magic_line import MagicLine

RoleWord = Literal["setup", "parameters", "skip", "none"]
_ROLES = frozenset({"setup", "parameters", "skip"})
_OWN = ("task:", "after:", "reads:", "writes:", "ignores:")


@dataclass(frozen=True, kw_only=True, slots=True)
class CellMarks:
    """A cell's tags, and its source, as they shall be."""

    cell: CellId
    tags: tuple[str, ...]
    source: str


@dataclass(slots=True)
class _Draft:
    """The cells of a notebook while they are changed."""

    notebook: Notebook
    tags: dict[CellId, list[str]] = field(default_factory=dict)
    lines: dict[CellId, MagicLine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cell, raw in zip(self.notebook.cells, self.notebook.raw["cells"], strict=True):
            self.tags[cell.id] = list(raw["metadata"].get("tags", ()))
            if cell.type is CellType.CODE:
                self.lines[cell.id] = MagicLine.read(raw["source"])

    def changed(self) -> tuple[CellMarks, ...]:
        found = []
        for cell, raw in zip(self.notebook.cells, self.notebook.raw["cells"], strict=True):
            line = self.lines.get(cell.id)
            source = raw["source"] if line is None else line.source
            tags = tuple(dict.fromkeys(self.tags[cell.id]))
            if source != raw["source"] or tags != tuple(raw["metadata"].get("tags", ())):
                found.append(CellMarks(cell=cell.id, tags=tags, source=source))
        return tuple(found)


def as_task(notebook: Notebook, cells: Collection[str], name: str) -> tuple[CellMarks, ...]:
    """Make code cells a task, or part of one that there is; what they were before they no longer are.

    Raises UsageError if none of them is code.
    """
    draft = _Draft(notebook)
    task = _spelled(notebook, name)
    for cell in _code(notebook, cells):
        _become_task(draft, cell, task)
    return draft.changed()


def as_tasks(notebook: Notebook, wanted: Mapping[str, str]) -> tuple[CellMarks, ...]:
    """Give each cell the task that ``wanted`` says."""
    draft = _Draft(notebook)
    for cell in _code(notebook, wanted):
        _become_task(draft, cell, normalise_name(wanted[cell.id]))
    return draft.changed()


def as_role(notebook: Notebook, cells: Collection[str], role: RoleWord) -> tuple[CellMarks, ...]:
    """Make code cells setup, parameters or scratch work, or take off all that nbflow knows of them.

    Raises UsageError if none of them is code.
    """
    draft = _Draft(notebook)
    for cell in _code(notebook, cells):
        tags, line = draft.tags[cell.id], draft.lines[cell.id]
        kept = [tag for tag in tags if tag not in _ROLES and not tag.startswith(_OWN)]
        if role in ("setup", "skip") and line.word:
            line.become(role)
        else:
            line.take_off()
            kept += [role] if role != "none" else []
        draft.tags[cell.id] = kept
    return draft.changed()


def renamed(notebook: Notebook, task: str, name: str) -> tuple[CellMarks, ...]:
    """Rename a task; what is ordered after it follows.

    Raises NotFoundError if no cell is tagged so, UsageError if another task has the name.
    """
    old, new = name_key(task), normalise_name(name)
    if not any(name_key(cell.task) == old for cell in notebook.cells if cell.task):
        raise _no_task(task)
    if name_key(new) != old and _spelled(notebook, new, default="") != "":
        raise UsageError(
            Sentence("There is a task {name} already.", name=new),
            hint="Choose another name, or make the cells part of that task.",
        )
    draft = _Draft(notebook)

    def follow(one: str) -> str:
        return new if name_key(one) == old else one

    for cell in notebook.cells:
        _rewrite(draft, cell, "task:", follow)
        _rewrite(draft, cell, "after:", follow)
        if cell.id in draft.lines:
            draft.lines[cell.id].rename(follow)
    return draft.changed()


def ordered_after(notebook: Notebook, task: str, others: Iterable[str]) -> tuple[CellMarks, ...]:
    """Order a task after others, and no more after any that is not named.

    Raises NotFoundError if no cell is tagged with one of the names, UsageError for itself.
    """
    cells = [cell for cell in notebook.cells if cell.task and name_key(cell.task) == name_key(task)]
    if not cells:
        raise _no_task(task)
    wanted: list[str] = []
    for other in others:
        found = _spelled(notebook, other, default="")
        if found == "":
            raise _no_task(other)
        if name_key(other) == name_key(task):
            raise UsageError(
                Sentence("{task} can't run after itself.", task=task), hint="Name another task."
            )
        wanted.append(found)
    draft = _Draft(notebook)
    for cell in cells:
        draft.tags[cell.id] = [t for t in draft.tags[cell.id] if not t.startswith("after:")]
        draft.lines[cell.id].order_after(())
    first = cells[0].id
    if draft.lines[first].word == "task":
        draft.lines[first].order_after(wanted)
    else:
        draft.tags[first] += [f"after:{one}" for one in wanted]
    return draft.changed()


def split(notebook: Notebook, cell: str, name: str) -> tuple[CellMarks, ...]:
    """Let a new task begin at a cell: it and the cells of its task below it.

    Raises NotFoundError for an unknown cell, UsageError if there is a task of that name.
    """
    if _spelled(notebook, name, default="") != "":
        raise UsageError(
            Sentence("There is a task {name} already.", name=name),
            hint="Choose another name, or make the cells part of that task.",
        )
    (start,) = _code(notebook, [cell])
    task = start.task or next(
        (one.task for one in reversed(notebook.cells[: start.index]) if one.task), None
    )
    below = [
        one.id
        for one in notebook.cells[start.index + 1 :]
        if one.task and task and name_key(one.task) == name_key(task)
    ]
    return as_task(notebook, [start.id, *below], name)


def _become_task(draft: _Draft, cell: Cell, task: str) -> None:
    line = draft.lines[cell.id]
    kept = [
        tag
        for tag in draft.tags[cell.id]
        if not tag.startswith("task:") and tag not in ("setup", "skip")
    ]
    if line.word:
        line.become("task", task)
    else:
        kept.append(f"task:{task}")
    draft.tags[cell.id] = kept


def _rewrite(draft: _Draft, cell: Cell, prefix: str, follow: Callable[[str], str]) -> None:
    draft.tags[cell.id] = [
        f"{prefix}{follow(tag[len(prefix) :])}" if tag.startswith(prefix) else tag
        for tag in draft.tags[cell.id]
    ]


def _code(notebook: Notebook, cells: Collection[str]) -> Sequence[Cell]:
    known = {cell.id for cell in notebook.cells}
    unknown = [cell for cell in cells if cell not in known]
    if unknown:
        raise NotFoundError(
            Sentence("There is no cell {cell} in the notebook.", cell=unknown[0][:80]),
            hint="The notebook changed in the meantime: try again.",
        )
    found = [cell for cell in notebook.cells if cell.id in cells and cell.type is CellType.CODE]
    if not found:
        raise UsageError(
            Sentence("None of the cells is a code cell."), hint="Select at least one code cell."
        )
    return found


def _spelled(notebook: Notebook, name: str, default: str | None = None) -> str:
    """Return a task's name as the page spells it; ``default``, or else itself, if there is none."""
    key = name_key(name)
    spelled = (cell.task for cell in notebook.cells if cell.task and name_key(cell.task) == key)
    return next(spelled, normalise_name(name) if default is None else default)


def _no_task(task: str) -> NotFoundError:
    return NotFoundError(
        Sentence("No cell is tagged as a part of {task}.", task=TaskName(task)[:120]),
        hint="Turn its cells into a task first.",
    )
