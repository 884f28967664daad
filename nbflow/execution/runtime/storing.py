"""What a task leaves: its outputs as bundles, and the reasons where something can't be stored."""

from __future__ import annotations

from typing import Any

from . import ambient, bundles, guarding, previews, sharing
from .code_names import CodeNames
from .code_state import changed_code
from .pickling import Pickled, UnstorableError, dump
from .state import Answer, attempt, namespace


def collect() -> Answer:
    """Store the outputs; a name that can't be stored hinders no other."""
    spec = attempt.spec
    names = namespace()
    code = CodeNames()
    sure = list(spec.get("outputs") or ())
    wanted = list(dict.fromkeys([*sure, *(spec.get("optional_outputs") or ())]))
    held = {name: names[name] for name in wanted if name in names}
    # What each item of a mapped task leaves goes into lists; code has no place there.
    stateful = changed_code(code) if spec.get("item") is None else {}
    pickled, unstorable = _pickle_each(held, code)
    _keep_with_code(held, pickled, unstorable, stateful)
    held = {name: held[name] for name in pickled}
    values = []
    for group, own in _grouped(held, pickled, code, unstorable):
        values += _store(group, own)
    changed, unknown = guarding.compare()
    return {
        "values": values,
        "ambient": _store_ambient(spec.get("ambient_outputs") or (), code),
        "unstorable": unstorable,
        "missing": [name for name in sure if name not in names],
        "changed": changed,
        "unknown": unknown,
        "stateful_code": stateful,
    }


def _pickle_each(
    held: dict[str, Any], code: CodeNames
) -> tuple[dict[str, Pickled], dict[str, str]]:
    pickled: dict[str, Pickled] = {}
    unstorable: dict[str, str] = {}
    for name, value in held.items():
        try:
            pickled[name] = dump([value], code)
        except Exception as problem:
            unstorable[name] = _words(value, problem)
    return pickled, unstorable


def _keep_with_code(
    held: dict[str, Any],
    pickled: dict[str, Pickled],
    unstorable: dict[str, str],
    stateful: dict[str, str],
) -> None:
    """A value that refers to code which a replay can't make again stays where that code is."""
    for name, own in list(pickled.items() if stateful else ()):
        used = sorted(own.code_names & set(stateful))
        if used:
            words = previews.type_words(held[name])
            unstorable[name] = f"{words}: it refers to {used[0]}, {stateful[used[0]]}"
            del pickled[name]


def _grouped(
    held: dict[str, Any], pickled: dict[str, Pickled], code: CodeNames, unstorable: dict[str, str]
) -> list[tuple[sharing.Group, Pickled]]:
    try:
        return sharing.pickle_groups(held, pickled, code)
    except Exception as problem:
        unstorable.update({name: _words(value, problem) for name, value in held.items()})
        return []


def _words(value: Any, problem: Exception) -> str:
    """Return the type, and what in it can't be stored where that is something else."""
    words = previews.type_words(value)
    if isinstance(problem, UnstorableError):
        inner = problem.kind
    else:
        inner = str(problem).strip() or type(problem).__name__
    return words if inner.startswith(words) and inner == words else f"{words}: {inner}"[:300]


def _store(group: sharing.Group, own: Pickled) -> list[dict[str, Any]]:
    looks = {
        name: {
            "type": previews.type_words(group.values[place]),
            "preview": previews.preview(group.values[place]),
        }
        for name, place in group.places.items()
    }
    about = {"names": group.places, "types": {name: look["type"] for name, look in looks.items()}}
    digest, size = bundles.write(attempt.spec["values"], own.stream, own.raw_buffers, about)
    stored = []
    for name, place in group.places.items():
        attempt.held[name] = (digest, name, id(group.values[place]))
        stored.append({"name": name, "bundle": digest, "key": name, "size": size, **looks[name]})
    return stored


def _store_ambient(states: Any, code: CodeNames) -> list[dict[str, Any]]:
    stored = []
    for state in states:
        for value in ambient.take(state):
            own = dump([value], code)
            about = {"names": {state: 0}, "types": {state: "ambient"}}
            digest, size = bundles.write(attempt.spec["values"], own.stream, own.raw_buffers, about)
            stored.append(
                {"name": state, "bundle": digest, "key": state, "size": size,
                 "type": "ambient", "preview": None}
            )  # fmt: skip
    return stored
