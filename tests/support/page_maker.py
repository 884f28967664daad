"""Notebooks for tests, from cell sources alone."""

from collections.abc import Sequence

from nbflow.model.ids import CellId, Digest, TaskName
from nbflow.model.notebook import Cell, CellType, Notebook, Role
from nbflow.model.options import DagOptions


def page(*sources: str, tags: Sequence[str] | None = None, language: str = "python") -> Notebook:
    """Return a notebook whose cells are tasks ``t1``, ``t2`` …; ``tags`` gives each cell's tags
    instead (space-separated; ``-`` for none)."""
    cells = [
        _cell(i, source, f"task:t{i}" if tags is None else tags[i - 1])
        for i, source in enumerate(sources, start=1)
    ]
    return Notebook(
        path="page.ipynb", name="page", language=language, kernel="python3", cells=tuple(cells),
        dag=DagOptions(), dag_given=False, task=None, raw={}, digest=Digest("0" * 64),
    )  # fmt: skip


def _cell(number: int, source: str, tags: str) -> Cell:
    role, task, parameters, may_raise = Role.UNTAGGED, None, False, False
    lists: dict[str, list[str]] = {"after": [], "reads": [], "writes": [], "ignores": []}
    for tag in tags.replace("-", "").split() if tags == "-" else tags.split():
        head, _, rest = tag.partition(":")
        if head == "task":
            role, task = Role.TASK, TaskName(rest)
        elif head in lists:
            lists[head].append(rest)
        elif head == "raises":
            may_raise = True
        elif head == "parameters":
            parameters = True
            role = Role.TASK if task else Role.PARAMETERS
        else:
            role = Role(head)
    return Cell(
        id=CellId(f"c{number}"), index=number - 1, type=CellType.CODE, source=source, role=role,
        task=task, parameters=parameters, may_raise=may_raise, after=tuple(map(TaskName, lists["after"])),
        reads=tuple(lists["reads"]), writes=tuple(lists["writes"]), ignores=tuple(lists["ignores"]),
    )  # fmt: skip
