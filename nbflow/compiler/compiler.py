"""The compiler as an object that remembers what it has analysed."""

from collections.abc import Sequence

from nbflow.compiler.analysis import Analyser
from nbflow.compiler.assemble import compile_pages
from nbflow.compiler.whole_notebooks import compile_whole_notebooks
from nbflow.model.dag import Dag
from nbflow.model.names import name_key
from nbflow.model.notebook import Notebook
from nbflow.model.sentence import Sentence


class Compiler:
    """Compiles notebooks; the analysis of a cell is kept by its content and what it could see."""

    def __init__(self) -> None:
        self._analyser = Analyser()

    def compile(self, notebook: Notebook) -> Dag:
        """Compile one notebook by itself. Never raises for what a notebook may hold."""
        if notebook.task is not None:
            return compile_whole_notebooks([notebook], self._analyser)
        return compile_pages(notebook, self._analyser)

    def compile_all(self, notebooks: Sequence[Notebook]) -> tuple[Dag, ...]:
        """Compile notebooks that stand side by side, as the DAGs they belong to.

        A notebook whose metadata hold a ``dag`` object but that has neither a ``task`` object nor
        tagged cells only carries the settings of the DAG of that id.
        """
        members: dict[str, list[Notebook]] = {}
        for notebook in notebooks:
            if notebook.task is not None:
                members.setdefault(name_key(notebook.task.dag), []).append(notebook)
        dags = [compile_whole_notebooks(found, self._analyser) for found in members.values()]
        alone = [n for n in notebooks if n.task is None]
        dags.extend(compile_pages(notebook, self._analyser) for notebook in alone)
        return tuple(_unique_ids(dags))


def _unique_ids(dags: Sequence[Dag]) -> Sequence[Dag]:
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
