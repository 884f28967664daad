"""The seven lists of a cell, and what later cells may know of its names."""

from nbflow.compiler.analysis.recorder import PROVIDED, Recorder
from nbflow.compiler.analysis.scopes import scope_of
from nbflow.compiler.analysis.values import UNKNOWN, shorn
from nbflow.compiler.effects import BindKind, NameInfo, Summary
from nbflow.model.sentence import Sentence


def summary_of(state: Recorder) -> Summary:
    """Return the documented form of one cell."""
    own = state.definite - state.foreign
    binds = {n for n in state.ever & own if n not in state.starred}
    maybe = {n for n in state.ever - own - state.foreign if n not in state.starred}
    now, later = set(state.needs_now), set()
    called = _called(state)
    for index, unit in enumerate(state.units):
        ran = index in called
        for name in unit.needs_when_called:
            if ran and name not in state.definite and not _is_given(state, name):
                now.add(name)
            elif not ran and name not in binds:
                later.add(name)
    for name in state.ever:
        value = state.env.get(name)
        if value is not None and value.late and name not in state.own_units:
            later |= value.late - binds
    visible = {n for n in later if not _is_given(state, n)} - now
    _warn(state)
    return Summary(
        needs_now=tuple(sorted(now - state.starred)),
        needs_when_called=tuple(sorted(visible - state.starred)),
        binds=tuple(sorted(binds)), may_bind=tuple(sorted(maybe)),
        mutates=tuple(sorted(state.mutated)), deletes=tuple(sorted(state.gone)),
        warns=tuple(sorted({f.kind for f in state.findings})),
    )  # fmt: skip


def _is_given(state: Recorder, name: str) -> bool:
    """Tell whether Python or IPython provides the name, and the notebook doesn't bind it."""
    return name in PROVIDED and name not in state.names


def _called(state: Recorder) -> set[int]:
    """Return the units whose functions ran, directly or through each other."""
    by_name = {name: i for i, unit in enumerate(state.units) for name in unit.binds}
    todo = [by_name[n] for n in state.called_units if n in by_name and not _only_makes(state, n)]
    found: set[int] = set()
    while todo:
        index = todo.pop()
        if index not in found:
            found.add(index)
            todo += [by_name[n] for n in state.units[index].needs_when_called if n in by_name]
    return found


def _only_makes(state: Recorder, name: str) -> bool:
    """Tell whether a call runs nothing yet: the function makes a generator."""
    value = state.env.get(name)
    return value is not None and any(scope_of(f.node).is_generator for f in value.fns)


def _warn(state: Recorder) -> None:
    for name, line in state.deferred.items():
        if name not in state.ever:
            state.line = line
            state.warn("deferred-write", name, "NBF303",
                       Sentence("A function binds {name} only when it is called.", name=name))  # fmt: skip
    for name in sorted(state.foreign):
        via = next(
            (getattr(e, "via", None) for e in state.events
             if getattr(e, "name", None) == name and getattr(e, "via", None)), None
        )  # fmt: skip
        if via is not None:
            state.warn("interprocedural", f"{via} writes {name}", "NBF304",
                       Sentence("{via}() binds {name}.", via=via, name=name))  # fmt: skip


def exports_of(state: Recorder) -> dict[str, NameInfo | None]:
    """Return what the cell changes in what is known of names."""
    exports: dict[str, NameInfo | None] = {}
    if state.opaque_binds:
        for name, info in state.names.items():
            if info.kind is not BindKind.IMPORT:
                exports[name] = NameInfo(kind=info.kind if info.kind is BindKind.CLASS
                                         else BindKind.DATA)  # fmt: skip
    for name in sorted(state.touched):
        value = state.env.get(name)
        if value is None:
            exports[name] = None
            continue
        kind = state.kinds.get(name) or BindKind.DATA
        exports[name] = NameInfo(kind=kind, detail=shorn(value) or UNKNOWN)
    return exports
