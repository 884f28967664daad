"""matplotlib's figures: what their own pickles leave out, and what they must not bring back."""

from __future__ import annotations

import itertools
import types
from typing import Any


def reduce_figure(figure: Any) -> Any:
    """Leave out that pyplot showed the figure: a loaded one must not be displayed a second time.

    matplotlib would give it back the resolution that it was made with; it may have been set since.
    """
    function, arguments, state, *_ = figure.__reduce_ex__(5)
    state = {key: item for key, item in state.items() if key != "_restore_to_pylab"}
    is_plain = getattr(figure.canvas, "device_pixel_ratio", 1) == 1
    dpi = figure.dpi if is_plain and figure.dpi != state.get("_dpi") else None
    return (function, arguments, (state, dpi), None, None, set_figure)


def set_figure(figure: Any, stored: tuple[dict[str, Any], float | None]) -> None:
    """Fill a figure; pickles call this."""
    state, dpi = stored
    figure.__setstate__(state)
    if dpi is not None:
        figure.dpi = dpi


def reduce_callbacks(registry: Any) -> Any:
    """Keep what colour bars, images and norms tell each other when one of them changes.

    Storing a registry takes a number that its next callback would have got: it is given back.
    """
    function, arguments, state, *rest = registry.__reduce_ex__(5)
    if isinstance(state, dict) and type(state.get("_cid_gen")) is int:
        registry._cid_gen = itertools.count(state["_cid_gen"])
        if state.get("_signals") == ["changed"]:
            state["callbacks"] = {"changed": _own_methods(registry)}
    return (function, arguments, state, *rest)


def _own_methods(registry: Any) -> dict[int, Any]:
    found = {}
    for number, reference in registry.callbacks.get("changed", {}).items():
        method = reference()
        if isinstance(method, types.MethodType):
            module = type(method.__self__).__module__
            if isinstance(module, str) and module.startswith(("matplotlib.", "mpl_toolkits.")):
                found[number] = method
    return found
