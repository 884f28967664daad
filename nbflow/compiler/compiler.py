"""The compiler as an object that remembers what it has analysed."""

import logging
from collections.abc import Sequence

from nbflow.compiler.analysis import Analyser
from nbflow.compiler.assemble import PageCompiler
from nbflow.compiler.whole_notebooks import compile_whole_notebooks
from nbflow.errors import is_contained, unforeseen
from nbflow.model.dag import Dag
from nbflow.model.ids import DagId
from nbflow.model.names import name_key
from nbflow.model.notebook import Notebook
from nbflow.model.sentence import Sentence

MAX_PAGES = 16
"""How many notebooks are remembered."""
_log = logging.getLogger("nbflow.compiler")


class Compiler:
    """Compiles notebooks. The analysis of a cell is kept by its content and what it could see, and
    of the notebooks compiled last all else that an edit of one cell leaves as it was.
    """

    def __init__(self) -> None:
        self._analyser = Analyser()
        self._pages: dict[str, PageCompiler] = {}

    def compile(self, notebook: Notebook) -> Dag:
        """Compile one notebook by itself. Never raises for what a notebook may hold."""
        if notebook.task is not None:
            return compile_whole_notebooks([notebook], self._analyser)
        return self.page(notebook.path).compile(notebook)

    def page(self, path: str) -> PageCompiler:
        """Return the compiler of the notebook at a path, with what it remembers."""
        page = self._pages.pop(path, None) or PageCompiler(self._analyser)
        self._pages[path] = page
        if len(self._pages) > MAX_PAGES:
            del self._pages[next(iter(self._pages))]
        return page

    def compile_all(self, notebooks: Sequence[Notebook]) -> tuple[Dag, ...]:
        """Compile notebooks that stand side by side, as the DAGs they belong to.

        A notebook whose metadata hold a ``dag`` object but that has neither a ``task`` object nor
        tagged cells only carries the settings of the DAG of that id.
        """
        members: dict[str, list[Notebook]] = {}
        for notebook in notebooks:
            if notebook.task is not None:
                members.setdefault(name_key(notebook.task.dag), []).append(notebook)
        alone = [[notebook] for notebook in notebooks if notebook.task is None]
        return tuple(unique_ids([self.beside(found) for found in (*members.values(), *alone)]))

    def beside(self, notebooks: Sequence[Notebook]) -> Dag:
        """Compile the notebooks of one DAG, beside others that a failure nobody foresaw must not stop:
        it is a finding of this DAG then.
        """
        try:
            if notebooks[0].task is not None:
                return compile_whole_notebooks(notebooks, self._analyser)
            return self.page(notebooks[0].path).compile(notebooks[0])
        except Exception as problem:
            if not is_contained(problem):
                raise
            self._pages.pop(notebooks[0].path, None)
            return _failed(notebooks, problem)


def _failed(notebooks: Sequence[Notebook], problem: Exception) -> Dag:
    from nbflow.compiler.findings import Findings

    first, findings = notebooks[0], Findings()
    # At this level those who only list what there is print no traceback.
    _log.info("%s could not be compiled", first.path, exc_info=problem)
    findings.add(
        "NBF900",
        Sentence(
            "the compiler failed: {problem}",
            problem=unforeseen(problem),
        ),
        path=first.path,
    )
    return Dag(
        id=DagId(first.task.dag) if first.task is not None else first.dag_id,
        notebooks=tuple(notebook.path for notebook in notebooks),
        options=first.dag,
        tasks=(),
        edges=(),
        diagnostics=findings.all(),
    )


def unique_ids(dags: Sequence[Dag]) -> Sequence[Dag]:
    """Return the DAGs, each whose id another one has with a finding that says so."""
    from dataclasses import replace

    from nbflow.compiler.findings import Findings

    first: dict[str, Dag] = {}
    result: list[Dag] = []
    for dag in dags:
        other = first.setdefault(name_key(dag.id), dag)
        if other is not dag:
            findings = Findings(dag.diagnostics)
            findings.add(
                "NBF216",
                Sentence(
                    "two DAGs have the id '{id}': {notebooks} and {notebooks2}",
                    id=dag.id,
                    notebooks=other.notebooks[0],
                    notebooks2=dag.notebooks[0],
                ),
            )
            dag = replace(dag, diagnostics=findings.all())
        result.append(dag)
    return result
