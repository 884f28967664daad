"""Notebook cells become a scheduled DAG: the public Python interface, loaded on first use."""

from importlib import import_module

__version__ = "0.1.0"


def load_ipython_extension(shell: object) -> None:
    """Switch on the magics: called by ``%load_ext nbflow``."""
    import_module("nbflow.ipython").load_ipython_extension(shell)


def unload_ipython_extension(shell: object) -> None:
    """Switch the magics off: called by ``%unload_ext nbflow``."""
    import_module("nbflow.ipython").unload_ipython_extension(shell)
