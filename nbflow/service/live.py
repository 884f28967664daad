"""Notebooks of the DAGs folder that are deployed as they change: ``track: live``.

A file counts once it has been quiet for a while, whole and without errors; until then, and for
ever if it never is, what was deployed before goes on running. What hinders a notebook is kept.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import (
    ConflictError,
    NbflowError,
    NotebookError,
    NotFoundError,
    UsageError,
    is_contained,
    unforeseen,
)
from nbflow.model.codes import CODES
from nbflow.model.dag import Dag
from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.going_on import GoesOn, always
from nbflow.model.ids import CellId, DagId, Digest, RunId
from nbflow.model.notebook import Notebook
from nbflow.model.options import Track
from nbflow.model.run import RunSnapshot
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState
from nbflow.notebooks.numbers import cell_numbers
from nbflow.service.dags import Deployment, current_version, deploy_one
from nbflow.service.targets import Compiled, with_schedule_findings
from nbflow.texts import told

if TYPE_CHECKING:
    from nbflow.compiler.compiler import Compiler
    from nbflow.metastore.rows import ImportErrorRow
    from nbflow.service.service import Service

MISSING_RUNS = 3
"""Runs in a row without their notebook after which a DAG is paused."""
AGAIN_SOON, AGAIN_LATER = 0.0, 60.0
"""Seconds until a DAG is deployed again that another process held up, or that the metastore refused."""
QUIET = 2.0
"""Seconds without a change in the folder before what it holds counts."""
_log = logging.getLogger("nbflow.live")

Stamp = tuple[int, int, int]
"""What of a file tells that it changed: time, size, inode."""


@dataclass(kw_only=True, slots=True)
class LiveFolder:
    """The DAGs folder under watch; `look` may be called as often as one likes, from one thread."""

    service: "Service"
    quiet: float = QUIET
    goes_on: GoesOn = always
    """Asked while a deploy reads files."""
    _seen: dict[Path, Stamp] | None = None
    _since: float = 0.0
    _is_settled: bool = False
    _again: float = float("inf")
    """When what could not be deployed for a reason outside the folder is tried again."""
    _read: dict[Path, tuple[Stamp, Notebook | NotebookError | None]] = field(default_factory=dict)
    _dags: dict[Path, tuple[Stamp, Dag]] = field(default_factory=dict)
    _compiler: "Compiler | None" = None

    def look(self) -> list[Deployment]:
        """Deploy what has changed and can be deployed; return it.

        What hinders one DAG holds up no other. Raises MetastoreError for what is of no single DAG; it
        is all done again at the next call then.
        """
        seen, now = self._stamps(), self.service.clock.monotonic()
        if seen != self._seen:
            self._seen, self._since, self._is_settled = seen, now, False
        if (self._is_settled and now < self._again) or now - self._since < self.quiet:
            return []
        self._again = float("inf")
        found, errors = self._compile(seen)
        if self._stamps() != seen:
            return []
        done = [one for compiled in found if (one := self._attempt(compiled, errors)) is not None]
        folder = str(self.service.settings.dags_folder)
        if self.service.store.import_errors.replace(folder, errors):
            for error in errors:
                _log.warning(
                    "%s can't be deployed: %s %s", error.path, error.code, error.message,
                    extra={"action": "import_error", "path": error.path},
                )  # fmt: skip
        self._is_settled = True
        return done

    def moved_to(self, contents: Iterable[Digest]) -> Path | None:
        """Return the notebook of the folder that holds what another one held, if there is one."""
        wanted = set(contents)
        for path, (_, notebook) in self._read.items():
            if isinstance(notebook, Notebook) and notebook.digest in wanted:
                return path
        return None

    def _stamps(self) -> dict[Path, Stamp]:
        from nbflow.notebooks import notebook_files

        folder, found = self.service.settings.dags_folder, {}
        for path in notebook_files(folder) if folder.is_dir() else ():
            with suppress(OSError):
                about = path.stat()
                found[path] = (about.st_mtime_ns, about.st_size, about.st_ino)
        return found

    def _compile(self, seen: dict[Path, Stamp]) -> "tuple[list[Compiled], list[ImportErrorRow]]":
        """Return the DAGs that may be deployed, and what is wrong with all the others."""
        notebooks, errors = self._notebooks(seen)
        dags = self._compiled(notebooks, seen)
        by_path = {notebook.path: notebook for notebook in notebooks}
        found = []
        now = self.service.clock.wall()
        for dag in dags:
            compiled = Compiled(
                dag=with_schedule_findings(dag, now),
                notebooks=tuple(by_path[p] for p in dag.notebooks),
            )
            finding = next(
                (d for d in compiled.dag.diagnostics if d.severity is Severity.ERROR), None
            )
            if finding is not None:
                path = finding.path or dag.notebooks[0]
                errors.append(_error(path, finding.code, _words(finding, compiled), finding.hint))
            elif dag.options.track is Track.LIVE:
                found.append(compiled)
        return found, errors

    def _notebooks(self, seen: dict[Path, Stamp]) -> "tuple[list[Notebook], list[ImportErrorRow]]":
        from nbflow.notebooks import read_marked

        notebooks: list[Notebook] = []
        errors: list[ImportErrorRow] = []
        kept = {}
        for path, stamp in seen.items():
            before = self._read.get(path)
            if before is not None and before[0] == stamp:
                kept[path] = before
            else:
                try:
                    kept[path] = stamp, read_marked(path)
                except NotebookError as problem:
                    kept[path] = stamp, problem
            read = kept[path][1]
            if isinstance(read, Notebook):
                notebooks.append(read)
            elif read is not None:
                errors.append(_error(str(path), read.code, read.message, read.hint))
        self._read = kept
        return notebooks, errors

    def _compiled(self, notebooks: Sequence[Notebook], seen: dict[Path, Stamp]) -> Sequence[Dag]:
        from nbflow.compiler import new_compiler
        from nbflow.compiler.compiler import unique_ids

        compiler = self._compiler = self._compiler or new_compiler()
        alone = {}
        for notebook in notebooks:
            path = Path(notebook.path)
            if notebook.task is None:
                before = self._dags.get(path)
                same = before is not None and before[0] == seen[path]
                alone[path] = (
                    before if same and before else (seen[path], compiler.beside([notebook]))
                )
        self._dags = alone
        whole = compiler.compile_all([n for n in notebooks if n.task is not None])
        return unique_ids([*whole, *(dag for _, dag in alone.values())])

    def _attempt(self, compiled: Compiled, errors: "list[ImportErrorRow]") -> Deployment | None:
        """Deploy one DAG unless it is what is deployed; what hinders it is added to the errors."""
        try:
            return self._deploy(compiled, errors)
        except UsageError as problem:
            errors.append(_hindrance(compiled.dag, problem))
        except ConflictError as problem:
            _log.info(
                "%s has to wait: %s", compiled.dag.id, problem,
                extra={"action": "live_deploy", "dag_id": compiled.dag.id},
            )  # fmt: skip
            self._try_again(AGAIN_SOON)
        except Exception as problem:
            if not is_contained(problem):
                raise
            _log.error(
                "%s can't be deployed: %s", compiled.dag.id, problem, exc_info=_trace(problem),
                extra={"action": "live_deploy", "dag_id": compiled.dag.id},
            )  # fmt: skip
            errors.append(_hindrance(compiled.dag, problem))
            self._try_again(AGAIN_LATER)
        return None

    def _try_again(self, after: float) -> None:
        self._again = min(self._again, self.service.clock.monotonic() + after)

    def _deploy(self, compiled: Compiled, errors: "list[ImportErrorRow]") -> Deployment | None:
        dag = compiled.dag
        before = current_version(self.service, dag.id)
        if before == dag.digest:
            return None
        if errors and self._may_be_torn(dag, before):
            hint = Sentence("it is deployed when all notebooks of the folder can be read")
            what = Sentence("a notebook of the folder can't be read, and may belong to this DAG")
            errors.append(_error(dag.notebooks[0], "NBF237", what, hint))
            return None
        done = deploy_one(self.service, compiled, goes_on=self.goes_on)
        self.service.store.import_errors.replace(_scope(dag.id), [])
        _log.info(
            "%s: deployed as it is in %s", dag.id, dag.notebooks[0],
            extra={"action": "live_deploy", "dag_id": dag.id, "version": done.version},
        )  # fmt: skip
        return done

    def _may_be_torn(self, dag: Dag, before: Digest | None) -> bool:
        """Tell whether a notebook that can't be read may be a part of the DAG."""
        broken = {
            str(path) for path, (_, read) in self._read.items() if isinstance(read, NotebookError)
        }
        if not broken:
            return False
        known = self.service.store.load_version(before).notebooks if before is not None else ()
        return any(task.notebook for task in dag.tasks) or bool(broken & set(known))


@dataclass(kw_only=True, slots=True)
class MissingNotebooks:
    """Refuses runs of live DAGs whose notebook is gone, and pauses a DAG after several of them."""

    service: "Service"
    folder: LiveFolder | None = None
    patience: int = MISSING_RUNS
    _refused: dict[DagId, set[RunId]] = field(default_factory=dict)

    def check(self, dag: Dag, snapshot: RunSnapshot, contents: Iterable[Digest]) -> None:
        """Raise NotFoundError NBF238 if a run that has done nothing yet lacks its notebook.

        ``contents`` are the digests of the notebooks as they were deployed.
        """
        if dag.options.track is not Track.LIVE:
            return
        base = snapshot.folder or ""
        # Only of its own folder a scheduler can say that something is missing there.
        own = self.service.settings.dags_folder
        here = [path for path in dag.notebooks if Path(base, path).is_relative_to(own)]
        gone = [path for path in here if not Path(base, path).exists()]
        if not gone or any(t.state is TaskState.SUCCESS for t in snapshot.tasks.values()):
            self._refused.pop(dag.id, None)
            return
        message = Sentence("notebook not found: {path}", path=gone[0])
        there = self.folder.moved_to(contents) if self.folder is not None else None
        self._note(
            dag.id,
            snapshot.run_id,
            gone[0],
            message if there is None else f"{message}; moved to {there}?",
        )
        if there is None:
            raise NotFoundError(message, code="NBF238")
        raise NotFoundError(
            Sentence("notebook not found: {path}; moved to {there}?", path=gone[0], there=there),
            code="NBF238",
        )

    def _note(self, dag_id: DagId, run_id: RunId, path: str, message: str) -> None:
        refused = self._refused.setdefault(dag_id, set())
        refused.add(run_id)
        if len(refused) >= self.patience and self.service.store.pause(dag_id, paused=True):
            message = f"{message}; paused after {len(refused)} runs"
            _log.warning(
                "%s is paused: %s", dag_id, message,
                extra={"action": "auto_pause", "dag_id": dag_id},
            )  # fmt: skip
        self.service.store.import_errors.replace(_scope(dag_id), [_error(path, "NBF238", message)])


def _scope(dag_id: DagId) -> str:
    return f"dag:{dag_id}"


def _words(finding: Diagnostic, compiled: Compiled) -> str:
    numbers = cell_numbers(compiled.notebooks)
    return told(finding.at_place(), "en", seen=lambda cell: numbers.get(CellId(cell), cell))


def _hindrance(dag: Dag, problem: Exception) -> "ImportErrorRow":
    if isinstance(problem, NbflowError):
        return _error(dag.notebooks[0], problem.code, problem.message, problem.hint)
    what = Sentence(
        "it could not be deployed: {problem}",
        problem=unforeseen(problem),
    )
    return _error(dag.notebooks[0], "NBF900", what, CODES["NBF900"].remedy)


def _trace(problem: Exception) -> Exception | None:
    """Return whose traceback is logged: what nobody foresaw."""
    return None if isinstance(problem, NbflowError) else problem


def _error(path: str, code: str, message: str, hint: str = "") -> "ImportErrorRow":
    from nbflow.metastore.rows import ImportErrorRow

    return ImportErrorRow(path=path, code=code, message=str(message), hint=str(hint))
