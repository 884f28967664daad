"""What a task finds when its first cell starts: inputs, its item, the ambient state."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Iterable

from . import ambient, bundles, code_state, guarding, items, pickling
from .state import Answer, StepError, attempt, namespace


class _Loaded:
    """The objects of the bundles that this attempt has opened; let go once all names are bound."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[list[Any], dict[str, int]]] = {}

    def value(self, stored: dict[str, Any]) -> Any:
        digest = stored["bundle"]
        if digest not in self.objects:
            bundle = bundles.read(attempt.spec["values"], digest)
            objects = pickling.load(bundle.stream, bundle.buffers)
            self.objects[digest] = (objects, bundle.header["names"])
        objects, places = self.objects[digest]
        value = objects[places[stored["key"]]]
        return sys.intern(value) if type(value) is str and value.isidentifier() else value


_loaded = _Loaded()


def load() -> Answer:
    """Bind everything that the spec asks for; raises StepError naming what can't be bound."""
    spec = attempt.spec
    try:
        bind(spec.get("loads") or ())
        for one in spec.get("ambient_loads") or ():
            with _named(f"the state of {one['name']}"):
                ambient.restore(one["name"], _loaded.value(one["value"]))
        show_figures()
        guarding.remember(spec.get("guarded") or ())
        code_state.remember()
        found = items.find(*spec["foreach"]) if spec.get("foreach") else None
    finally:
        _loaded.objects.clear()
    return {"items": found}


def bind(loads: Iterable[dict[str, Any]]) -> None:
    """Bind names to stored values. A name that this kernel holds in that very version stays."""
    names = namespace()
    for one in loads:
        name, stored = one["name"], one["value"]
        version = (stored["bundle"], stored["key"])
        held = attempt.held.get(name)
        if held is not None and held[:2] == version and id(names.get(name)) == held[2]:
            continue
        with _named(repr(name)):
            names[name] = _loaded.value(stored)
        attempt.held[name] = (*version, id(names[name]))


def show_figures(*, loaded: bool = True) -> None:
    """Choose matplotlib's back end where figures were ``loaded`` or pyplot is there: the page has
    plotted before, and from then on a figure is shown as an image.
    """
    if ("matplotlib.figure" if loaded else "matplotlib.pyplot") not in sys.modules:
        return
    pyplot = importlib.import_module("matplotlib.pyplot")
    if getattr(pyplot, "_backend_mod", None) is None:
        pyplot.switch_backend(pyplot.rcParams["backend"])


def condition() -> Answer:
    """Evaluate the task's condition."""
    return {"value": items.holds(attempt.spec["when"])}


class _named:  # noqa: N801
    """Say which name could not be loaded."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, problem: Any, _trace: Any) -> None:
        if isinstance(problem, Exception):
            raise StepError(f"{self._what} can't be loaded") from problem
