"""From a document's cells to cells with roles; every finding is kept, none stops the reading."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import CellId, TaskName
from nbflow.model.names import name_key
from nbflow.model.notebook import Cell, CellType, Role
from nbflow.model.sentence import CellName, Sentence
from nbflow.notebooks.tags import Marks, Problem, merge_marks, read_magic, read_tags

RAISES = "raises-exception"
"""The tag with which nbclient lets a cell fail."""

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(\S[^\n]*)$", re.MULTILINE)
_UNDERLINED = re.compile(r"^ {0,3}(\S[^\n]*)\n {0,3}(=+|-{2,})[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?(^\1|\Z)", re.MULTILINE | re.DOTALL)
_MARKUP = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}|<[^<>]{1,200}>")


class _Page:
    """What is known of the page above the cell that is read."""

    def __init__(self, path: str, *, python: bool) -> None:
        self.path = path
        self.python = python
        self.spelling: dict[str, str] = {}
        self.parameters: CellId | None = None
        self.diagnostics: list[Diagnostic] = []

    def report(self, problem: Problem, cell: CellId) -> None:
        """Keep a finding of a cell."""
        self.diagnostics.append(
            Diagnostic(
                code=problem.code,
                severity=Severity.ERROR if problem.error else Severity.WARNING,
                message=problem.message,
                hint=problem.hint,
                cell=cell,
                line=problem.line,
                path=self.path,
            )
        )


def read_cells(
    documents: Sequence[Mapping[str, Any]], path: str, *, python: bool
) -> tuple[list[Cell], list[Diagnostic]]:
    """Return the cells in page order, and what is wrong with their tags, magics and options.

    ``documents`` are cells as :func:`nbflow.notebooks.document.normalise` returns them.
    """
    page = _Page(path, python=python)
    cells = [_read_cell(page, index, one) for index, one in enumerate(documents)]
    return _drop_later_options(page, cells), page.diagnostics


def heading_of(markdown: str) -> str | None:
    """Return the text of the first heading of a Markdown cell, without its markup; or None."""
    text = _FENCE.sub("", markdown)
    found = [match for match in (_HEADING.search(text), _UNDERLINED.search(text)) if match]
    if not found:
        return None
    first = min(found, key=lambda match: match.start())
    words = first[1].rstrip(" \t")
    if first.re is _HEADING and words.rstrip("#")[-1:] in (" ", "\t", ""):
        words = words.rstrip("#")
    return _MARKUP.sub("", words).strip() or None


def _read_cell(page: _Page, index: int, document: Mapping[str, Any]) -> Cell:
    name = CellId(document["id"])
    kind = CellType(document["cell_type"])
    tags = read_tags(document["metadata"].get("tags", ()), python=page.python)
    if kind is not CellType.CODE:
        if tags.tasks or "setup" in tags.roles:
            page.report(_no_effect(Sentence("a {kind} cell belongs to no task", kind=kind)), name)
        source = document["source"]
        heading = heading_of(source) if kind is CellType.MARKDOWN else None
        return Cell(id=name, index=index, type=kind, source=source, heading=heading)
    magic, source = read_magic(document["source"], python=page.python)
    marks = merge_marks(tags, magic, _metadata_options(page, name, document["metadata"]))
    for problem in marks.problems:
        page.report(problem, name)
    if not source.strip():
        if marks.tasks or "setup" in marks.roles:
            page.report(_no_effect("the cell is empty and belongs to no task"), name)
        return Cell(id=name, index=index, type=kind, source=source)
    task = _spelled(page, marks.tasks[0]) if marks.tasks else None
    parameters = _is_parameters(page, name, marks)
    return Cell(
        id=name,
        index=index,
        type=kind,
        source=source,
        role=_role(marks, parameters=parameters),
        task=task,
        parameters=parameters,
        may_raise=RAISES in document["metadata"].get("tags", ()),
        after=tuple(TaskName(one) for one in marks.after),
        reads=tuple(marks.reads),
        writes=tuple(marks.writes),
        ignores=tuple(marks.ignores),
        options=_checked_options(page, name, marks.options),
    )


def _role(marks: Marks, *, parameters: bool) -> Role:
    if marks.tasks:
        return Role.TASK
    if "skip" in marks.roles:
        return Role.SKIP
    if parameters:
        return Role.PARAMETERS
    return Role.SETUP if "setup" in marks.roles else Role.UNTAGGED


def _is_parameters(page: _Page, name: CellId, marks: Marks) -> bool:
    """Tell whether this is the parameters cell: the first one, as for papermill."""
    if "parameters" not in marks.roles or "skip" in marks.roles:
        return False
    if page.parameters is None:
        page.parameters = name
        return True
    page.report(
        Problem(
            "NBF107",
            Sentence(
                "a second cell has the tag parameters (the first is {parameters}); this one is an ordinary cell",
                parameters=CellName(page.parameters),
            ),
            "move the parameters into one cell",
            error=False,
        ),
        name,
    )
    return False


def _spelled(page: _Page, task: str) -> TaskName:
    """Return the task's name as its first cell spells it; another spelling is an error."""
    first = page.spelling.setdefault(name_key(task), task)
    return TaskName(first)


def _metadata_options(page: _Page, name: CellId, metadata: Mapping[str, Any]) -> dict[str, Any]:
    nbflow = metadata.get("nbflow")
    if nbflow is None:
        return {}
    task = nbflow.get("task", {}) if isinstance(nbflow, Mapping) else None
    if not isinstance(task, Mapping):
        what = "metadata.nbflow.task" if isinstance(nbflow, Mapping) else "metadata.nbflow"
        page.report(
            Problem(
                "NBF112",
                Sentence("{what} of the cell is not an object", what=what),
                'write {"retries": 2}',
            ),
            name,
        )
        return {}
    return dict(task)


def _checked_options(page: _Page, name: CellId, options: dict[str, Any]) -> dict[str, Any]:
    """Report wrong values and unknown keys; return the options that hold, as written."""
    if not options:
        return {}
    # pydantic takes a while to import: only cells with options pay for it
    from nbflow.notebooks.metadata import TaskData
    from nbflow.notebooks.notebook_metadata import option_problems

    bad, problems = option_problems(
        TaskData, options, Sentence("the task option"), python=page.python
    )
    for problem in problems:
        page.report(problem, name)
    return {key: value for key, value in options.items() if key not in bad}


def _drop_later_options(page: _Page, cells: list[Cell]) -> list[Cell]:
    """Options count on the first cell of a task; on a later one they are reported and dropped."""
    started: set[str] = set()
    current: str | None = None
    kept = []
    for cell in cells:
        if cell.role is Role.TASK and cell.task is not None:
            current = cell.task
            later = current in started
            started.add(current)
        else:
            later = current is not None and cell.role is Role.UNTAGGED
        if cell.options and later:
            keys = ", ".join(cell.options)
            page.report(
                Problem(
                    "NBF113",
                    Sentence(
                        "the options {keys} stand on a later cell of the task {current} and have no effect",
                        keys=keys,
                        current=current,
                    ),
                    "move them to the task's first cell",
                    error=False,
                ),
                cell.id,
            )
            cell = _without_options(cell)
        elif cell.options and cell.role in (Role.SETUP, Role.PARAMETERS, Role.SKIP):
            message = Sentence(
                "a {role} cell is no task; its options have no effect", role=cell.role
            )
            page.report(Problem("NBF113", message, "take them off", error=False), cell.id)
            cell = _without_options(cell)
        kept.append(cell)
    return kept


def _without_options(cell: Cell) -> Cell:
    return dataclasses.replace(cell, options={})


def _no_effect(message: str) -> Problem:
    return Problem("NBF108", message, "take the tag off, or move it to a code cell", error=False)
