"""Notebook cells become a scheduled DAG: the public Python interface, loaded on first use."""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nbflow.app import compile_target as compile  # noqa: A004
    from nbflow.app import metrics, open_service, run
    from nbflow.ipython.loaded import load
    from nbflow.ipython.metrics import metric
    from nbflow.scheduling.timetable import next_fires

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "compile",
    "load",
    "metric",
    "metrics",
    "next_fires",
    "open_service",
    "run",
]

_PLACES = {
    "compile": ("nbflow.app", "compile_target"),
    "load": ("nbflow.ipython.loaded", "load"),
    "metric": ("nbflow.ipython.metrics", "metric"),
    "metrics": ("nbflow.app", "metrics"),
    "next_fires": ("nbflow.scheduling.timetable", "next_fires"),
    "open_service": ("nbflow.app", "open_service"),
    "run": ("nbflow.app", "run"),
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'nbflow' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    found: object = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])


def load_ipython_extension(shell: object) -> None:
    """Switch on the magics: called by ``%load_ext nbflow``."""
    import_module("nbflow.ipython").load_ipython_extension(shell)


def unload_ipython_extension(shell: object) -> None:
    """Switch the magics off: called by ``%unload_ext nbflow``."""
    import_module("nbflow.ipython").unload_ipython_extension(shell)
