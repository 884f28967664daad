"""The papermill engine ``nbflow``: ``papermill --engine nbflow in.ipynb out.ipynb``.

A notebook runs as papermill would run it, with honest cell statuses, atomic and throttled saves of
the executed notebook, capped output and nothing left behind.

papermill loads this module while it is itself being imported: import papermill first.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbclient.util import run_sync
from papermill.engines import Engine

from nbflow.execution import processes
from nbflow.execution.client import NbflowClient
from nbflow.execution.guard import AttemptGuard
from nbflow.execution.kernel_session import KernelLaunch, KernelSession
from nbflow.execution.outputs import OutputBudget
from nbflow.execution.progress import NotebookProgress
from nbflow.execution.steps import Steps
from nbflow.model.attempt import Limits
from nbflow.model.ids import CellId
from nbflow.model.states import CellStatus, Reason


@dataclass(kw_only=True, slots=True)
class EngineRun:
    """What a caller inside nbflow adds to a run, as papermill's engine argument ``nbflow``.

    ``session`` is a connected kernel that outlives the run; without one a kernel is started, and
    ended. ``guard`` ends the run from outside. ``output_path`` receives the executed notebook. After
    the run ``progress`` holds what became of it; papermill itself gets an empty notebook back, so
    that it neither writes the outputs a second time nor raises for them.
    """

    output_path: str | None
    limits: Limits = Limits()
    session: KernelSession | None = None
    guard: AttemptGuard | None = None
    steps: Steps = field(default_factory=Steps)
    on_cell: Callable[[CellId, CellStatus, float], None] | None = None
    on_text: Callable[[str], None] | None = None
    cwd: str | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    progress: NotebookProgress | None = None


class NbflowEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Runs notebooks for papermill; see the module's text."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        nbflow: EngineRun | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run ``nb`` in a kernel of that name and return it with its outputs.

        Raises nbclient's CellTimeoutError, KernelDiedError, KernelStartError, or OSError when the
        executed notebook can't be written; the notebook on disk is whole in each case.
        """
        run = nbflow or EngineRun(output_path=output_path, limits=_limits(kwargs))
        progress = NotebookProgress(
            nb,
            run.output_path,
            on_cell=run.on_cell,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        run.progress = progress
        progress.notebook_start()
        try:
            cls.execute_managed_notebook(
                progress, kernel_name, run=run, log_output=log_output, **kwargs
            )
        finally:
            progress.cleanup_pbar()
            progress.notebook_complete()
        if nbflow is None:
            return progress.nb
        return type(nb)(cells=[], metadata=nb.metadata, nbformat=4, nbformat_minor=5)

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookProgress, kernel_name: str, **kwargs: Any
    ) -> None:
        """Run the cells of ``nb_man``; papermill calls it through `execute_notebook`."""
        run: EngineRun = kwargs.pop("run")
        guard = run.guard or AttemptGuard(timeout=run.limits.timeout)
        try:
            if run.session is not None:
                _run(nb_man, run, run.session, guard, kwargs)
                return
            with _OwnKernel(kernel_name, run, guard) as session:
                _run(nb_man, run, session, guard, kwargs)
        finally:
            if run.guard is None:
                guard.close()
                if guard.reason is Reason.TIMED_OUT:
                    nb_man.nb.metadata.papermill["exception"] = True


class _OwnKernel:
    """A kernel for one run, gone with everything it started when the block ends."""

    def __init__(self, kernel_name: str, run: EngineRun, guard: AttemptGuard) -> None:
        self._marks = {processes.SLOT_MARK: uuid.uuid4().hex, **run.marks}
        self._launch = KernelLaunch(kernel=kernel_name, cwd=run.cwd, marks=self._marks)
        self._timeout = run.limits.start_timeout
        self._guard = guard
        self._session: KernelSession | None = None

    def __enter__(self) -> KernelSession:
        session: KernelSession = run_sync(KernelSession.start)(self._launch)
        self._session = session
        try:
            self._guard.attend(session)
            run_sync(session.connect)(self._timeout)
        except BaseException:
            self.__exit__()
            raise
        return session

    def __exit__(self, *_: object) -> None:
        if self._session is not None:
            run_sync(self._session.shutdown)()
        processes.sweep(self._marks)


def _run(
    progress: NotebookProgress,
    run: EngineRun,
    session: KernelSession,
    guard: AttemptGuard,
    kwargs: Mapping[str, Any],
) -> None:
    budget = OutputBudget(
        per_cell=run.limits.output_per_cell,
        per_notebook=run.limits.output_per_notebook,
        total=run.limits.output_total,
    )
    client = NbflowClient(
        progress,
        session,
        budget=budget,
        guard=guard,
        steps=run.steps,
        on_text=run.on_text,
        timeout=kwargs.get("execution_timeout"),
        log_output=kwargs.get("log_output", False),
        stdout_file=kwargs.get("stdout_file"),
        stderr_file=kwargs.get("stderr_file"),
    )
    client.run()


def _limits(kwargs: Mapping[str, Any]) -> Limits:
    return Limits(start_timeout=float(kwargs.get("start_timeout") or 60))
