"""Order between tasks that touch the same files."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nbflow.compiler.effects import FileAction
from nbflow.model.dag import Edge, EdgeKind, Place
from nbflow.model.ids import TaskName


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """A task's use of a file, in page order. ``path`` None: it can't be told from the page."""

    task: TaskName
    action: FileAction
    path: str | None
    place: Place


@dataclass(slots=True)
class _Seen:
    """Uses of one path since its last write by another task."""

    writers: dict[TaskName, FileUse] = field(default_factory=dict)
    readers: dict[TaskName, FileUse] = field(default_factory=dict)


def may_be_same(one: str | None, other: str | None) -> bool:
    """Tell whether two paths may name one file; None may be any, ``dir/*`` anything below."""
    if one is None or other is None:
        return True
    if one.endswith("*") or other.endswith("*"):
        a, b = one.rstrip("*"), other.rstrip("*")
        shorter, longer = (a, b) if len(a) <= len(b) else (b, a)
        return longer.startswith(shorter) or longer.rstrip("/") == shorter.rstrip("/")
    return one == other


def file_edges(uses: Iterable[FileUse]) -> list[Edge]:
    """Return an edge for each later task that reads what an earlier one writes, or that writes what
    an earlier one reads or writes.
    """
    seen: dict[str | None, _Seen] = {}
    edges: list[Edge] = []
    for use in uses:
        for path, known in seen.items():
            if may_be_same(path, use.path):
                edges.extend(_conflicts(use, known, path))
        known = seen.setdefault(use.path, _Seen())
        if use.action is FileAction.WRITE:
            # Whoever comes later is behind this write, and so behind what it waited for.
            known.writers = {use.task: use}
            known.readers.clear()
        else:
            known.readers.setdefault(use.task, use)
    return edges


def _conflicts(use: FileUse, known: _Seen, path: str | None) -> Iterable[Edge]:
    earlier = list(known.writers.values())
    if use.action is FileAction.WRITE:
        earlier += known.readers.values()
    for other in earlier:
        if other.task != use.task:
            yield Edge(
                source=other.task,
                target=use.task,
                kind=EdgeKind.FILE,
                variable=use.path or path or "?",
                writer=other.place,
                reader=use.place,
            )
