"""The ``dag`` object as an editor writes it: nothing that holds anyway."""

from collections.abc import Mapping
from typing import Any

from nbflow.notebooks.fields import Model
from nbflow.notebooks.metadata import LISTED, DagData, TaskData, validate


def without_defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ``dag`` object without what is the default anyway; the rest as it is written.

    What is wrong or unknown is kept: that is for people to see.
    """
    kept = _kept(DagData, data)
    for key, model in LISTED.items():
        if isinstance(kept.get(key), list):
            kept[key] = [
                _kept(model, one) if isinstance(one, Mapping) else one for one in kept[key]
            ]
    if isinstance(kept.get("defaults"), Mapping):
        kept["defaults"] = _kept(TaskData, kept["defaults"])
        if not kept["defaults"]:
            del kept["defaults"]
    return kept


def default_settings() -> dict[str, Any]:
    """Return the defaults of all settings of a DAG, as JSON has them."""
    return DagData().model_dump(mode="json")


def _kept(model: type[Model], data: Mapping[str, Any]) -> dict[str, Any]:
    if model is not DagData and model is not TaskData:
        return _kept_entry(model, data)
    values, _, _ = validate(model, data)
    return {
        key: value
        for key, value in data.items()
        if key not in values or values[key] != model.model_fields[key].get_default()
    }


def _kept_entry(model: type[Model], data: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a list may be wrong as a whole: then all of it is kept."""
    try:
        entry = model.model_validate(data)
    except ValueError:
        return dict(data)
    return {
        key: value
        for key, value in data.items()
        if key not in model.model_fields
        or getattr(entry, key) != model.model_fields[key].get_default()
    }
