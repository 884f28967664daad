"""The DAGs folder: its DAGs and what is wrong in it, each file by itself; the facts that lists show
are remembered as long as the files stay as they are.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow import __version__
from nbflow.errors import NotebookError
from nbflow.model.ids import CellId, DagId, Digest
from nbflow.model.names import name_key
from nbflow.service.memory import Stamp, common_place, remember, remembered, stamp_of

if TYPE_CHECKING:
    from nbflow.model.dag import Dag
    from nbflow.model.notebook import Notebook
    from nbflow.service.service import Service
    from nbflow.service.targets import Compiled

_MADE_BY = f"{__version__} 1"
"""Who wrote a memory: another nbflow may compile the same notebooks to something else."""
_EMPTY: Mapping[str, Any] = {"files": {}, "whole": {"parts": {}, "dags": [], "broken": 0}}
_FOUND_BY_DEPLOYING = ("NBF224", "NBF237", "NBF6", "NBF900")
"""How the codes begin of what no look at the folder finds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderError:
    """A finding that keeps a notebook of the folder from being deployed."""

    path: str
    code: str
    message: str
    hint: str = ""
    at: datetime | None = None
    """When a scheduler found it first."""
    numbers: Mapping[CellId, str] = field(default_factory=dict, compare=False)
    """What people call the cells that the message names by id."""

    def number(self, cell: str) -> str:
        """Return what people call a cell; its id where nothing better is known."""
        return self.numbers.get(CellId(cell), cell)


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderDag:
    """What lists show of a DAG of the folder; ``path`` is its notebook, or the folder of several."""

    id: DagId
    digest: Digest
    path: str
    tasks: int
    schedule: str | None
    timezone: str
    owner: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderFacts:
    """The DAGs of a folder by path, and how many notebooks in it have errors."""

    dags: tuple[FolderDag, ...] = ()
    broken: int = 0


def compile_folder(folder: Path, now: datetime) -> "tuple[list[Compiled], list[FolderError]]":
    """Compile what is in a folder; what can't be read or has errors is told, and keeps nothing
    else from being compiled.
    """
    from nbflow.compiler import compile_notebooks
    from nbflow.model.diagnostics import Severity
    from nbflow.notebooks.numbers import cell_numbers
    from nbflow.service.targets import Compiled, with_schedule_findings

    notebooks, errors = _read_all(stamps(folder))
    by_path = {notebook.path: notebook for notebook in notebooks}
    found = [
        Compiled(
            dag=with_schedule_findings(dag, now), notebooks=tuple(by_path[p] for p in dag.notebooks)
        )
        for dag in compile_notebooks(notebooks)
    ]
    for one in found:
        errors += [
            FolderError(
                path=finding.path or one.dag.notebooks[0],
                code=finding.code,
                message=finding.at_place(),
                hint=finding.hint,
                numbers=cell_numbers(one.notebooks),
            )
            for finding in one.dag.diagnostics
            if finding.severity is Severity.ERROR
        ]
    return found, sorted(errors, key=lambda error: error.path)


def hindrances(service: "Service") -> list["FolderError"]:
    """Return what keeps notebooks from being deployed, by path: what the folder holds now, and what
    a scheduler found that only a deploy can find.
    """
    folder = service.settings.dags_folder
    known = service.store.import_errors.all()
    since = {(one.path, one.code): one.at for one in known}
    there = {str(path) for path in stamps(folder)}
    errors = compile_folder(folder, service.clock.wall())[1]
    found = [replace(one, at=since.get((one.path, one.code))) for one in errors]
    gone = [
        FolderError(path=one.path, code=one.code, message=one.message, hint=one.hint, at=one.at)
        for one in known
        if one.path not in there or one.code.startswith(_FOUND_BY_DEPLOYING)
    ]
    # Several schedulers may be held up by the same thing.
    seen = {(one.path, one.code, str(one.message)): one for one in (*found, *gone)}
    return sorted(seen.values(), key=lambda one: one.path)


def stamps(folder: Path) -> dict[Path, Stamp]:
    """Return the files of a folder that may be notebooks, with what tells that one changed."""
    from nbflow.notebooks.files import notebook_files

    found = {}
    for path in notebook_files(folder) if folder.is_dir() else ():
        with suppress(OSError):
            found[path] = stamp_of(path)
    return found


def place_of(dag: "Dag") -> Path:
    """Return a DAG's notebook, or the folder of its several ones."""
    return common_place(dag.notebooks)


def folder_facts(folder: Path, memory: Path, now: datetime) -> FolderFacts:
    """Return what lists show of a folder. Only files that have changed since ``memory`` was written
    are compiled, and the notebooks that are tasks of DAGs all together.
    """
    seen = {str(path): list(stamp) for path, stamp in stamps(folder).items()}
    known = remembered(memory, _MADE_BY) or _EMPTY
    files = {path: one for path, one in known["files"].items() if one["stamp"] == seen.get(path)}
    changed = seen.keys() - files.keys()
    if not changed and files.keys() == known["files"].keys():
        return _facts(known)
    for path in sorted(changed):
        files[path] = {"stamp": seen[path], **_look_at(path, now)}
    parts = {path: one["stamp"] for path, one in sorted(files.items()) if one["is_part"]}
    whole = known["whole"]
    if whole["parts"] != parts:
        whole = {"parts": parts, **_assembled(parts, now)}
    fresh = {"files": files, "whole": whole}
    remember(memory, _MADE_BY, fresh)
    return _facts(fresh)


def _facts(known: Mapping[str, Any]) -> FolderFacts:
    groups = [known["whole"], *(one for _, one in sorted(known["files"].items()))]
    dags: dict[str, FolderDag] = {}
    for one in (one for group in groups for one in group["dags"]):
        dags.setdefault(name_key(one["id"]), FolderDag(**one))
    return FolderFacts(dags=tuple(dags.values()), broken=sum(one["broken"] for one in groups))


def _look_at(path: str, now: datetime) -> dict[str, Any]:
    """Read and compile one file; a notebook that is a task of a DAG is only told to be one."""
    from nbflow.compiler import compile_notebook
    from nbflow.notebooks import read_marked

    try:
        notebook = read_marked(Path(path))
    except NotebookError:
        return {"is_part": False, "dags": [], "broken": 1}
    if notebook is None or notebook.task is not None:
        return {"is_part": notebook is not None, "dags": [], "broken": 0}
    return {"is_part": False, **_about([compile_notebook(notebook)], now)}


def _assembled(paths: Iterable[str], now: datetime) -> dict[str, Any]:
    from nbflow.compiler import compile_notebooks

    notebooks, errors = _read_all(map(Path, paths))
    found = _about(compile_notebooks(notebooks), now)
    return {**found, "broken": found["broken"] + len(errors)}


def _about(dags: "Iterable[Dag]", now: datetime) -> dict[str, Any]:
    from nbflow.model.diagnostics import has_errors
    from nbflow.service.targets import with_schedule_findings

    checked = [with_schedule_findings(dag, now) for dag in dags]
    return {
        "dags": [asdict(fact_of(dag)) for dag in checked],
        "broken": sum(has_errors(dag.diagnostics) for dag in checked),
    }


def fact_of(dag: "Dag") -> FolderDag:
    """Return what lists show of a DAG."""
    return FolderDag(
        id=dag.id,
        digest=dag.digest,
        path=str(place_of(dag)),
        tasks=len(dag.tasks),
        schedule=dag.options.schedule,
        timezone=dag.options.timezone,
        owner=dag.options.owner,
        description=dag.options.description,
    )


def _read_all(paths: Iterable[Path]) -> "tuple[list[Notebook], list[FolderError]]":
    from nbflow.notebooks import read_marked

    notebooks: list[Notebook] = []
    errors: list[FolderError] = []
    for path in paths:
        try:
            notebook = read_marked(path)
        except NotebookError as problem:
            errors.append(
                FolderError(
                    path=str(path), code=problem.code, message=problem.message, hint=problem.hint
                )
            )
        else:
            notebooks += [notebook] if notebook is not None else []
    return notebooks, errors
