"""From tagged cells to a DAG: analysis of cells, edges with their why, diagnostics."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbflow.compiler.compiler import Compiler
    from nbflow.model.dag import Dag
    from nbflow.model.notebook import Notebook


def compile_notebook(notebook: "Notebook") -> "Dag":
    """Compile one notebook by itself; findings, errors too, stand in the DAG's ``diagnostics``."""
    return new_compiler().compile(notebook)


def compile_notebooks(notebooks: "Sequence[Notebook]") -> "tuple[Dag, ...]":
    """Compile a folder's notebooks: whole-notebook tasks are assembled into the DAGs they name."""
    return new_compiler().compile_all(notebooks)


def new_compiler() -> "Compiler":
    """Return a compiler that remembers the analysis of cells, so that compiling again is quick."""
    from nbflow.compiler.compiler import Compiler

    return Compiler()
