"""What there is to see of a DAG, before any place is known: boxes, lines, frames, the margin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from nbflow.model.dag import Dag, Edge, EdgeKind, Place, Task
from nbflow.model.diagnostics import Severity
from nbflow.model.graph import find_cycle, reachable, reversed_edges
from nbflow.model.states import TaskState
from nbflow.render.measure import printable, shorten, text_width, wrap
from nbflow.render.words import counted, duration, say, state_word

NAME_SIZE = 13.0
NOTE_SIZE = 11.0
LINE_HEIGHT = 17.0
STACK = 8.0
"""How far the boxes behind a stacked one stand out, above and to the right."""
_NAME_EMS = 17.0
_LABEL_EMS = 22.0
_NOTE_WIDTH = 112.0
"""Room kept for the second line, so that a box doesn't change its size while a run goes on."""
_ROOMY = 108.0
"""Room for an icon and a duration, or an icon and the longest word of a state in any language."""

_RANK = (
    EdgeKind.MUTATION,
    EdgeKind.DATA,
    EdgeKind.PASS_THROUGH,
    EdgeKind.FILE,
    EdgeKind.AMBIENT,
    EdgeKind.ORDER,
    EdgeKind.GROUP,
    EdgeKind.SAFE,
)
"""Which kind a line shows where two tasks are bound by several, the first that applies."""

_IMPLIED = frozenset({EdgeKind.SAFE, EdgeKind.GROUP})
"""Lines of these kinds alone are left out where a longer way says the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskProgress:
    """Where a task stands in a run: seconds of its last attempt, try ``tried`` of ``tries``,
    ``done`` of ``total`` items of a mapped task, ``reason`` in a few words.
    """

    state: TaskState = TaskState.NONE
    cached: bool = False
    seconds: float | None = None
    tried: int = 0
    tries: int = 0
    done: int | None = None
    total: int | None = None
    reason: str = ""

    @property
    def look(self) -> str:
        """The key of the state in the table of tokens."""
        return "cached" if self.cached and self.state is TaskState.SUCCESS else self.state.value


States = Mapping[str, "TaskProgress | TaskState | str"]
"""Task name to where it stands, in full or as the bare state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A task: ``id`` is made up (``n0``…), so that no name gets into an identifier."""

    id: str
    task: str
    lines: tuple[str, ...]
    note: str
    look: str | None
    width: float
    height: float
    folded: bool
    stacked: bool
    condition: str | None
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """All edges between two tasks, drawn as one."""

    id: str
    source: str
    target: str
    kind: EdgeKind
    label: str
    label_width: float
    dot: bool
    page: bool
    bold: bool
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A kernel group: the boxes inside one dashed frame."""

    id: str
    label: str
    boxes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """An entry of the margin strip: cells that are no part of a task's own cells."""

    kind: str
    label: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Everything to be placed and painted. Boxes stand in page order."""

    title: str
    summary: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    frames: tuple[Frame, ...] = ()
    chips: tuple[Chip, ...] = field(default=())


def picture_of(
    dag: Dag,
    states: States | None = None,
    *,
    lang: str = "en",
    members: Mapping[str, tuple[str, ...]] | None = None,
    roomy: bool = False,
) -> Picture:
    """Say what there is to see of ``dag``; with ``states`` each box has a second line that says how
    its task stands, with ``roomy`` the room for one that whoever paints the picture fills.

    ``members`` are the tasks of boxes that are folded sections, see `nbflow.render.fold`.
    """
    folds = members or {}
    progress = None if states is None else {str(k): as_progress(v) for k, v in states.items()}
    ids = {str(task.name): f"n{index}" for index, task in enumerate(dag.tasks)}
    pairs = _pairs(dag)
    critical = _critical_path(dag, progress) if progress else frozenset()
    lines = tuple(
        _line(f"e{index}", ids, pair, edges, pair in critical, lang)
        for index, (pair, edges) in enumerate(pairs.items())
    )
    frames = tuple(
        Frame(
            id=f"g{index}",
            label=shorten(say("group.label", lang, variable=printable(group.variable)), 26.0),
            boxes=tuple(ids[name] for name in group.tasks if name in ids),
        )
        for index, group in enumerate(dag.groups)
    )
    inside = sum(len(tasks) for tasks in folds.values())
    tasks = len(dag.tasks) - len(folds) + inside
    summary = say(
        "dag.summary",
        lang,
        tasks=counted("dag.tasks", lang, tasks),
        edges=counted("dag.edges", lang, len(pairs)),
    )
    return Picture(
        title=say("dag.title", lang, dag=printable(dag.id)),
        summary=summary if dag.tasks else say("dag.empty", lang),
        boxes=tuple(
            _box(ids[t.name], t, progress, lang, folds.get(str(t.name), ()), roomy=roomy)
            for t in dag.tasks
        ),
        lines=lines,
        frames=tuple(f for f in frames if f.boxes),
        chips=(*_chips(dag, lang), *_fold_chip(folds, lang)),
    )


def as_progress(value: "TaskProgress | TaskState | str") -> TaskProgress:
    """Return the full form of a state."""
    return value if isinstance(value, TaskProgress) else TaskProgress(state=TaskState(value))


def note_of(progress: TaskProgress, lang: str) -> str:
    """Return a box's second line: the state's word, duration, attempt or reason."""
    parts = [state_word(progress.look, lang)]
    if progress.state is TaskState.FAILED and progress.reason:
        parts = [printable(progress.reason)]
    if progress.state is TaskState.UPSTREAM_FAILED:
        parts = [state_word("upstream_failed", lang).split(":")[-1].strip()]
    if progress.total is not None:
        parts.append(say("task.of", lang, n=progress.done or 0, m=progress.total))
    if progress.seconds is not None and progress.look != "cached":
        parts.append(duration(progress.seconds))
    if progress.tries > 1 and progress.state in {TaskState.UP_FOR_RETRY, TaskState.RUNNING}:
        parts.append(f"{progress.tried}/{progress.tries}")
    return shorten(" · ".join(parts), _NOTE_WIDTH / NOTE_SIZE + 6.0)


def _box(
    id_: str,
    task: Task,
    progress: Mapping[str, TaskProgress] | None,
    lang: str,
    members: tuple[str, ...],
    *,
    roomy: bool,
) -> Box:
    name = printable(str(task.name))
    lines = wrap(name, _NAME_EMS)
    stacked = task.options.foreach is not None or bool(members)
    width = max(text_width(line, NAME_SIZE) * 1.05 for line in lines) + 26.0
    height = LINE_HEIGHT * len(lines) + 17.0
    note, look = say("fold.tasks", lang, n=len(members)) if members else "", None
    if progress is not None:
        here = progress.get(str(task.name), TaskProgress())
        note, look = note_of(here, lang), here.look
        width = max(width, _NOTE_WIDTH + 26.0, text_width(note, NOTE_SIZE) + 40.0)
    if roomy:
        width = max(width, _ROOMY)
    if note or roomy:
        height += LINE_HEIGHT - 1.0
    return Box(
        id=id_,
        task=str(task.name),
        lines=lines,
        note=note,
        look=look,
        width=round(max(width, 72.0) + (STACK if stacked else 0.0), 1),
        height=height + (STACK if stacked else 0.0),
        folded=task.notebook is not None,
        stacked=stacked,
        condition=task.options.when,
        title=_task_title(task, look, lang, members),
    )


def _task_title(task: Task, look: str | None, lang: str, members: tuple[str, ...]) -> str:
    parts = [str(task.name) if look is None else f"{task.name}: {state_word(look, lang)}"]
    if task.options.doc:
        parts.append(task.options.doc)
    if members:
        parts.append(", ".join(members))
    elif task.notebook is not None:
        parts.append(say("task.notebook", lang, notebook=task.notebook))
    elif task.cells:
        parts.append(say("task.cells", lang, cells=", ".join(task.cells)))
    if task.options.when:
        parts.append(say("task.when", lang, expression=task.options.when))
    if task.options.foreach:
        parts.append(say("task.foreach", lang, expression=task.options.foreach))
    return "\n".join(map(printable, parts))


def _pairs(dag: Dag) -> dict[tuple[str, str], list[Edge]]:
    """Return the edges by (source, target), without the lines that a longer way implies."""
    names = {task.name for task in dag.tasks}
    pairs: dict[tuple[str, str], list[Edge]] = {}
    for edge in dag.edges:
        if edge.source in names and edge.target in names:
            pairs.setdefault((edge.source, edge.target), []).append(edge)
    weak = [p for p, edges in pairs.items() if {e.kind for e in edges} <= _IMPLIED]
    if not weak:
        return pairs
    upstream: dict[str, set[str]] = {name: set() for name in names}
    for source, target in pairs:
        upstream[target].add(source)
    downstream = reversed_edges(upstream)
    behind = {name: reachable([name], downstream) for name in {p[0] for p in weak} | names}
    for source, target in weak:
        if any(target in behind[n] for n in downstream[source] if n != target):
            del pairs[source, target]
    return pairs


def _line(
    id_: str,
    ids: Mapping[str, str],
    pair: tuple[str, str],
    edges: list[Edge],
    bold: bool,
    lang: str,
) -> Line:
    kinds = {edge.kind for edge in edges}
    kind = next(k for k in _RANK if k in kinds)
    label = _label(edges)
    page = EdgeKind.FILE in kinds
    width = text_width(label, NOTE_SIZE) + (16.0 if page else 2.0) if label else 0.0
    title = "\n".join(
        [
            say("edge.because", lang, source=printable(pair[0]), target=printable(pair[1])),
            *dict.fromkeys(f"• {why(edge, lang)}" for edge in edges),
        ]
    )
    return Line(
        id=id_,
        source=ids[pair[0]],
        target=ids[pair[1]],
        kind=kind,
        label=label,
        label_width=width,
        dot=EdgeKind.MUTATION in kinds,
        page=page,
        bold=bold,
        title=title,
    )


def _label(edges: list[Edge]) -> str:
    """Return at most two names and how many more there are; files by their last part."""
    silent = {EdgeKind.ORDER, EdgeKind.SAFE, EdgeKind.GROUP}
    names = dict.fromkeys(
        (e.variable.rsplit("/", 1)[-1] if e.kind is EdgeKind.FILE else e.variable)
        for e in edges
        if e.variable and e.kind not in silent
    )
    shown = [shorten(printable(name), _LABEL_EMS / min(2, len(names))) for name in list(names)[:2]]
    if len(names) > 2:
        shown.append(f"+{len(names) - 2}")
    return ", ".join(shown[:2]) + (f" {shown[2]}" if len(shown) > 2 else "")


def why(edge: Edge, lang: str = "en") -> str:
    """Say in one line why an edge exists, with the places in the notebook."""
    text = say(f"why.{edge.kind.value}", lang, variable=printable(edge.variable or "…"))
    places = [
        say(key, lang, place=_place(place, lang))
        for key, place in (("writer", edge.writer), ("reader", edge.reader))
        if place is not None
    ]
    return text + (f" ({', '.join(places)})" if places else "")


def _place(place: Place, lang: str) -> str:
    return say("place", lang, cell=printable(place.cell), line=place.line)


def _chips(dag: Dag, lang: str) -> tuple[Chip, ...]:
    """List what stands beside the tasks: setup, parameters, skipped and broken cells."""
    by_kind: dict[str, list[str]] = {}
    for cell, role in dag.membership:
        if role in {"setup", "parameters", "skip"} and not any(cell in t.cells for t in dag.tasks):
            by_kind.setdefault(role, []).append(cell)
    errors = [d for d in dag.diagnostics if d.severity is Severity.ERROR]
    chips = [
        Chip(kind=kind, label=_chip_label(kind, len(cells), lang), title=", ".join(cells))
        for kind, cells in by_kind.items()
    ]
    if errors:
        cells = list(dict.fromkeys(d.cell or "" for d in errors))
        text = "\n".join(printable(d.text()) for d in errors)
        chips.append(Chip(kind="broken", label=_chip_label("broken", len(cells), lang), title=text))
    return tuple(chips)


def _fold_chip(folds: Mapping[str, tuple[str, ...]], lang: str) -> tuple[Chip, ...]:
    if not folds:
        return ()
    label = say("fold.chip", lang, n=len(folds))
    return (Chip(kind="folded", label=label, title=say("fold.hint", lang)),)


def _chip_label(kind: str, count: int, lang: str) -> str:
    cells = counted("strip.cells", lang, count)
    return f"{say(f'strip.{kind}', lang)} · {cells}"


def _critical_path(dag: Dag, progress: Mapping[str, TaskProgress]) -> frozenset[tuple[str, str]]:
    """Return the pairs on the longest way through a run that went well, by seconds."""
    well = {TaskState.SUCCESS, TaskState.SKIPPED}
    if any(progress.get(t.name, TaskProgress()).state not in well for t in dag.tasks):
        return frozenset()
    if find_cycle({t.name: dag.upstream(t.name) for t in dag.tasks}):
        return frozenset()
    ends: dict[str, float] = {}
    chosen: dict[str, str | None] = {}
    for task in _in_order(dag):
        sources = dag.upstream(task)
        best = max(sources, key=lambda s: ends[s], default=None)
        chosen[task] = best
        ends[task] = (ends[best] if best else 0.0) + (progress[task].seconds or 0.0)
    path: set[tuple[str, str]] = set()
    name = max(ends, key=lambda n: ends[n], default=None)
    while name is not None and ends[name] > 0:
        source = chosen[name]
        if source is not None:
            path.add((source, name))
        name = source
    return frozenset(path)


def _in_order(dag: Dag) -> list[str]:
    """Return the task names, each after its upstream tasks."""
    return list(TopologicalSorter({t.name: dag.upstream(t.name) for t in dag.tasks}).static_order())
