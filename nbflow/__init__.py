"""Notebook cells become a scheduled DAG: the public Python interface, loaded on first use."""

__version__ = "0.1.0"


def load_ipython_extension(shell: object) -> None:
    """Switch on the magics: called by ``%load_ext nbflow``."""
    from nbflow.ipython import load_ipython_extension as load

    load(shell)


def unload_ipython_extension(shell: object) -> None:
    """Switch the magics off: called by ``%unload_ext nbflow``."""
    from nbflow.ipython import unload_ipython_extension as unload

    unload(shell)
