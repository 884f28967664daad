"""Inside a notebook: ``%load_ext nbflow``, the cell magics, ``%dag`` and the live view."""

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Switch on ``%dag``, ``%%task``, ``%%setup`` and ``%%skip`` in a running IPython."""
    from nbflow.ipython.cell_magics import install
    from nbflow.ipython.dag_magic import DagMagics

    install(shell)
    shell.register_magics(DagMagics)


def unload_ipython_extension(shell: Any) -> None:
    """Switch them off again."""
    from nbflow.ipython.cell_magics import remove

    remove(shell)
    shell.magics_manager.magics["line"].pop("dag", None)
