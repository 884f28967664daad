"""A loaded DAG as an object for notebooks and scripts: it draws itself, runs, says what is wrong."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.service.looking import newest_run
from nbflow.service.targets import Compiled

if TYPE_CHECKING:
    from nbflow.execution.open_kernel import OpenKernel
    from nbflow.model.dag import Dag
    from nbflow.model.diagnostics import Diagnostic
    from nbflow.service.reports import RunReport
    from nbflow.service.service import Service

OpenService = Callable[[], "AbstractContextManager[Service]"]
"""Opens the installation's service for the time of a block."""


class LoadedDag:
    """What `nbflow.load` returns: a notebook's or folder's DAG as it was when loaded."""

    def __init__(self, compiled: Compiled, open_service: OpenService) -> None:
        self._compiled = compiled
        self._open_service = open_service

    @property
    def dag(self) -> "Dag":
        """The compiled DAG as a value."""
        return self._compiled.dag

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks' names in page order."""
        return tuple(str(task.name) for task in self.dag.tasks)

    def lint(self) -> "tuple[Diagnostic, ...]":
        """Return all findings: the notebook's, the DAG's, the schedule's."""
        return self.dag.diagnostics

    def explain(self, source: str | None = None, target: str | None = None) -> str:
        """Say why tasks wait for each other, one line per edge; all, or those between two."""
        from nbflow.render.picture import why

        return "\n".join(
            f"{edge.source} → {edge.target}: {why(edge)}"
            for edge in self.dag.edges
            if source in (None, edge.source) and target in (None, edge.target)
        )

    def show(self, form: str = "text", *, unfold: Collection[str] = ()) -> str | bytes:
        """Draw the DAG as ``text``, ``svg``, ``png``, ``dot`` or ``json``.

        Above 60 tasks sections are folded; ``unfold`` names those to open, ``["all"]`` opens all.
        """
        from nbflow.render.draw import draw
        from nbflow.service.on_page import OnPage

        if form in ("dot", "json"):
            return draw(self.dag, form)
        view = OnPage(self._compiled).folded(unfold)
        return draw(view.dag, form, members=view.members)

    def run(
        self,
        *,
        select: str | Sequence[str] | None = None,
        output: str | Path | None = None,
        **parameters: Any,
    ) -> "RunReport":
        """Run it here and now. A failed run is a report, too: look at ``is_success``.

        Raises CompileError, ParameterError, NotFoundError before anything runs.
        """
        from nbflow.service.run import RunOptions, run_compiled

        options = RunOptions(
            parameters=parameters, select=select, output=Path(output) if output else None
        )
        with self._open_service() as service:
            return run_compiled(service, self._compiled, options)

    def open(
        self, task: str, *, run: "RunReport | str | None" = None, item: int | None = None
    ) -> "OpenKernel":
        """Start a kernel with a task's inputs loaded, as they were in a run: by default this DAG's
        newest. Nothing is run again; ``connection_file`` tells frontends how to connect, ``client()``
        runs code in it, and it ends with ``close()`` or its ``with`` block.

        Of a mapped task ``item`` counts from 1; by default it is the one that failed. Raises
        NotFoundError if there is no such run or task, or an input was never stored.
        """
        with self._open_service() as service:
            if run is None:
                run = newest_run(service, self.dag.id)
            run_id = run if isinstance(run, str) else run.run_id
            opening = service.open_task(run_id, task, item=item)
        return opening.start()

    def __repr__(self) -> str:
        return f"<nbflow DAG {self.dag.id}: {len(self.dag.tasks)} tasks>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from nbflow.render.inline import mime_bundle

        return dict(mime_bundle(self.dag))
