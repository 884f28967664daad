"""The documented JSON form of a DAG (docs/reference/format.md, section 7) and its JSON Schema."""

import json
from importlib import resources
from typing import Any

from nbflow.model.dag import Dag, Edge, EdgeKind, Place, Task
from nbflow.model.diagnostics import Diagnostic, Severity

_TASK_LISTS = (
    "cells",
    "needs_now",
    "needs_when_called",
    "binds",
    "may_bind",
    "mutates",
    "deletes",
    "warns",
)


def json_form(dag: Dag) -> dict[str, Any]:
    """Return the DAG in its documented form, as plain data."""
    return {
        "dag_id": str(dag.id),
        "tasks": [_task(task) for task in dag.tasks],
        "edges": [_edge(edge) for edge in dag.edges],
        "diagnostics": [diagnostic_form(d) for d in dag.diagnostics],
    }


def to_json(dag: Dag) -> str:
    """Return the documented form as JSON text."""
    return json.dumps(json_form(dag), ensure_ascii=False, indent=2)


def diagnostic_form(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one finding in its documented form."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "cell": diagnostic.cell,
        "line": diagnostic.line,
        "message": str(diagnostic.message),
        "hint": str(diagnostic.hint),
    }


def dag_schema() -> dict[str, Any]:
    """Return the shipped JSON Schema of the documented form."""
    path = resources.files(__package__).joinpath("schema", "dag.schema.json")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def make_schema() -> dict[str, Any]:
    """Build the schema from the model; the shipped file is this, and a test holds it fresh."""
    place = {
        "type": ["object", "null"],
        "properties": {"cell": {"type": "string"}, "line": {"type": "integer", "minimum": 1}},
        "required": ["cell", "line"],
        "additionalProperties": False,
    }
    task = {
        "name": {"type": "string"},
        **{key: {"type": "array", "items": {"type": "string"}} for key in _TASK_LISTS},
    }
    edge = {
        "source": {"type": "string"},
        "target": {"type": "string"},
        "kind": {"enum": [kind.value for kind in EdgeKind]},
        "variable": {"type": ["string", "null"]},
        "writer": place,
        "reader": place,
    }
    diagnostic = {
        "code": {"type": "string", "pattern": "^NBF[0-9]{3}$"},
        "severity": {"enum": [severity.value for severity in Severity]},
        "cell": {"type": ["string", "null"]},
        "line": {"type": ["integer", "null"]},
        "message": {"type": "string", "minLength": 1},
        "hint": {"type": "string"},
    }
    form = {
        "dag_id": {"type": "string"},
        "tasks": {"type": "array", "items": _closed(task)},
        "edges": {"type": "array", "items": _closed(edge)},
        "diagnostics": {"type": "array", "items": _closed(diagnostic)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An nbflow DAG, as `nbflow show --format json` prints it",
        **_closed(form),
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "name": str(task.name),
        **{key: [str(entry) for entry in getattr(task, key)] for key in _TASK_LISTS},
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": str(edge.source),
        "target": str(edge.target),
        "kind": edge.kind.value,
        "variable": edge.variable,
        "writer": _place(edge.writer),
        "reader": _place(edge.reader),
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"cell": str(place.cell), "line": place.line}
