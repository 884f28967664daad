"""What a deploy of a notebook would change: tasks, edges, settings, cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from nbflow.model.dag import Dag, Edge, Task
from nbflow.model.ids import Digest
from nbflow.model.notices import Notify, shown_targets
from nbflow.model.options import DagOptions
from nbflow.model.sentence import Sentence
from nbflow.model.triggers import Trigger, trigger_sentence
from nbflow.notebooks.differences import (
    CellChange,
    NoNbdimeError,
    TooManyCellsError,
    cell_changes,
)
from nbflow.service.adopt import Versions
from nbflow.service.dags import current_version
from nbflow.service.drift import Drift, drift_of, has_metastore, version_of
from nbflow.service.targets import Compiled
from nbflow.texts import told

if TYPE_CHECKING:
    from nbflow.model.notebook import Notebook
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingChange:
    """A setting of the DAG, as text; empty where it is not set."""

    setting: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotebookChanges:
    """The cells of one notebook that differ."""

    notebook: "Notebook"
    before: "Notebook | None"
    cells: Sequence[CellChange]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedDiff:
    """How a notebook stands to what is deployed. ``version`` is what is deployed, None if nothing is,
    ``becomes`` what a deploy would make of the notebook; ``pages`` is None where nbdime is not
    installed, or for the reason that ``no_pages`` says.
    """

    drift: Drift
    version: Digest | None
    becomes: Digest
    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]
    new_edges: Sequence[Edge]
    lost_edges: Sequence[Edge]
    settings: Sequence[SettingChange]
    pages: Sequence[NotebookChanges] | None
    no_pages: Sentence | None = None


def compare_with_deployed(service: "Service", compiled: Compiled, lang: str) -> DeployedDiff:
    """Compare a compiled notebook with what is deployed under its DAG's id."""
    version = current_version(service, compiled.dag.id) if has_metastore(service) else None
    before = Versions(service.store).compiled(version) if version is not None else None
    old = _tasks(before) if before else {}
    new = _tasks(compiled)
    old_edges = _edges(before.dag) if before else {}
    new_edges = _edges(compiled.dag)
    pages, no_pages = _pages(before, compiled)
    becomes = version_of(compiled)
    return DeployedDiff(
        drift=drift_of(becomes, version),
        version=version,
        becomes=becomes,
        added=[name for name in new if name not in old],
        removed=[name for name in old if name not in new],
        changed=[name for name in new if name in old and new[name] != old[name]],
        new_edges=[edge for key, edge in new_edges.items() if key not in old_edges],
        lost_edges=[edge for key, edge in old_edges.items() if key not in new_edges],
        settings=_settings(
            before.dag.options if before else DagOptions(), compiled.dag.options, lang
        ),
        pages=pages,
        no_pages=no_pages,
    )


def _tasks(compiled: Compiled) -> dict[str, object]:
    """Return what makes each task what it is: its options and the sources of its cells."""
    sources = {cell.id: cell.source for one in compiled.notebooks for cell in one.cells}
    return {str(task.name): _essence(task, sources) for task in compiled.dag.tasks}


def _essence(task: Task, sources: Mapping[Any, str]) -> object:
    return task.options, tuple(sources.get(cell, "") for cell in task.cells)


def _edges(dag: Dag) -> dict[tuple[str, ...], Edge]:
    return {(one.source, one.target, one.kind.value, one.variable or ""): one for one in dag.edges}


def _pages(
    before: Compiled | None, after: Compiled
) -> tuple[list[NotebookChanges] | None, Sentence | None]:
    if before is None:
        return [], None
    known = {one.path: one for one in before.notebooks}
    only = before.notebooks[0] if len(before.notebooks) == len(after.notebooks) == 1 else None
    try:
        pages = [
            NotebookChanges(
                notebook=one,
                before=old,
                cells=cell_changes(old.raw if old else {"cells": []}, one.raw),
            )
            for one in after.notebooks
            for old in [known.get(one.path) or only]
        ]
    except NoNbdimeError:
        return None, None
    except TooManyCellsError:
        return None, Sentence("The pages have too many cells to be set side by side.")
    return [one for one in pages if one.cells], None


def _settings(before: DagOptions, after: DagOptions, lang: str) -> list[SettingChange]:
    found = []
    for one in fields(DagOptions):
        old, new = getattr(before, one.name), getattr(after, one.name)
        if one.name != "id" and old != new:
            change = SettingChange(
                setting=one.name, before=_text(old, lang), after=_text(new, lang)
            )
            found.append(change)
    return found


def _text(value: object, lang: str) -> str:
    match value:
        case None:
            return ""
        case Enum():
            return str(value.value)
        case Trigger():
            return told(trigger_sentence(value), lang)
        case Notify():
            return f"{shown_targets(value)} ({', '.join(value.on)})"
        case tuple():
            return ", ".join(_text(one, lang) for one in value)
        case Mapping():
            return ", ".join(f"{key}: {_text(one, lang)}" for key, one in value.items())
        case float() if value.is_integer():
            return str(int(value))
        case _:
            assert not is_dataclass(value), "every kind of setting has its words"
            return str(value)
