"""What ``nbflow.load`` returns: a DAG that draws itself, runs, and shows its run live."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.service.loaded import LoadedDag

if TYPE_CHECKING:
    from nbflow.ipython.live_run import LiveRun
    from nbflow.service.targets import Target


class NotebookDag(LoadedDag):
    """A loaded DAG inside Jupyter; see `LoadedDag` for what it does anywhere."""

    def live(
        self,
        *,
        select: str | Sequence[str] | None = None,
        output: str | Path | None = None,
        **parameters: Any,
    ) -> "LiveRun":
        """Start a run in the background and return its live view.

        As the last line of a cell it shows itself and colours while tasks run; ``wait()`` waits for
        the end, ``cancel()`` stops it, ``ending`` tells how it ended.
        Raises CompileError, ParameterError, NotFoundError before anything runs.
        """
        from nbflow.ipython.live_run import LiveRun
        from nbflow.ipython.runs import RunRequest, run_here
        from nbflow.service.on_page import OnPage
        from nbflow.texts import language

        request = RunRequest(
            compiled=self._compiled,
            parameters=parameters,
            select=select,
            output=Path(output) if output else None,
        )
        request.check()
        live = LiveRun(OnPage(self._compiled).folded(), request, run_here, lang=language())
        live.start()
        return live

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from nbflow.render.inline import mime_bundle
        from nbflow.service.on_page import OnPage
        from nbflow.texts import language

        view = OnPage(self._compiled).folded()
        return dict(mime_bundle(view.dag, lang=language(), members=view.members))


def load(target: "Target", *, dag: str | None = None) -> NotebookDag:
    """Read and compile a notebook file, or a folder of notebooks that are one DAG.

    The object that comes back draws itself in a notebook and has ``run()``, ``live()``, ``lint()``,
    ``explain()`` and ``show()``. Findings don't raise; a file that is no notebook does
    (NotebookError), and so does a folder with several DAGs unless ``dag`` names one.
    """
    from nbflow.app import open_service
    from nbflow.service.targets import load_one

    return NotebookDag(load_one(target, dag), open_service)
