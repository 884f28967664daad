"""Read ``metadata.nbflow`` of a notebook: its ``dag`` and ``task`` objects, all findings at once."""

import ast
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.options import DagOptions, NotebookTask
from nbflow.model.sentence import Sentence
from nbflow.model.triggers import TriggerKind
from nbflow.notebooks.fields import split_foreach
from nbflow.notebooks.metadata import (
    DagData,
    NotebookTaskData,
    TaskData,
    build_dag_options,
    build_notebook_task,
    validate,
)
from nbflow.notebooks.tags import Problem

_CODES = {"on": "NBF117", "notify": "NBF118"}
"""Options whose mistakes have a code of their own."""
VERSION = 1
"""The version of ``metadata.nbflow`` that this release reads and writes."""


def read_notebook_metadata(
    nbflow: object, stem: str, path: str
) -> tuple[DagOptions | None, bool, NotebookTask | None, list[Diagnostic]]:
    """Return the DAG's options, whether a ``dag`` object was given, the whole-notebook task, and
    the findings. ``stem`` is the default of the DAG's id and of the task's name.
    """
    problems: list[Problem] = []
    dag, given, task = _read(nbflow, stem, problems)
    diagnostics = [
        Diagnostic(
            code=one.code,
            severity=Severity.ERROR if one.error else Severity.WARNING,
            message=one.message,
            hint=one.hint,
            path=path,
        )
        for one in problems
    ]
    return dag, given, task, diagnostics


def option_problems(
    model: type[TaskData] | type[DagData],
    data: Mapping[str, Any],
    what: str,
    *,
    python: bool = True,
) -> tuple[set[str], list[Problem]]:
    """Return the keys that can't be used and the findings about them."""
    values, wrong, unknown = validate(model, data)
    bad = {place.split(".")[0] for place, _ in wrong} | {key for key, _ in unknown}
    problems = [
        Problem(
            _CODES.get(place.split(".")[0], "NBF110"),
            Sentence("{what} {place}: {text}", what=what, place=place, text=text),
            _way_out(data, place),
            place=place,
        )
        for place, text in wrong
    ]
    for key, near in unknown:
        hint = (
            Sentence("did you mean {near}?", near=near)
            if near
            else "see the reference of the format for the keys"
        )
        problems.append(
            Problem(
                "NBF111",
                Sentence("{what} {key} is unknown", what=what, key=key),
                hint,
                error=False,
                place=key,
            )
        )
    if python:
        for key in ("when", "foreach"):
            problem = _expression_problem(values.get(key), key)
            if problem:
                bad.add(key)
                problems.append(
                    Problem(
                        "NBF114",
                        Sentence("{what} {key}: {problem}", what=what, key=key, problem=problem),
                        "mend the expression",
                        place=key,
                    )
                )
    return bad, problems


def read_dag_settings(data: Mapping[str, Any], stem: str) -> tuple[DagOptions, list[Problem]]:
    """Return what a ``dag`` object says, as far as it can be used, and the findings with their places.

    ``stem`` is the default of the DAG's id.
    """
    problems: list[Problem] = []
    options = _dag(dict(data), stem, problems)
    return options, problems


def _read(
    nbflow: object, stem: str, problems: list[Problem]
) -> tuple[DagOptions | None, bool, NotebookTask | None]:
    if not isinstance(nbflow, Mapping):
        problems.append(
            Problem("NBF112", "metadata.nbflow is not an object", 'write {"version": 1}')
        )
        return None, False, None
    version = nbflow.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        problems.append(
            Problem(
                "NBF116",
                Sentence(
                    "metadata.nbflow has version {version!r}; this release reads version {version2}",
                    version=version,
                    version2=VERSION,
                ),
                "install a newer jupyter-nbflow, or set the version to 1",
            )
        )
        return None, False, None
    for key in nbflow:
        if key not in ("version", "dag", "task"):
            hint = "the keys are version, dag and task"
            problems.append(
                Problem(
                    "NBF111", Sentence("metadata.nbflow.{key} is unknown", key=key), hint, False
                )
            )
    dag = _object(nbflow, "dag", problems)
    task = _object(nbflow, "task", problems)
    options = _dag(dag, stem, problems) if dag is not None else None
    owner = str(options.id) if options is not None and options.id else stem
    whole = _task(task, owner, stem, problems) if task is not None else None
    return options, dag is not None, whole


_EXAMPLES = {"dag": '{"schedule": "@daily"}', "task": '{"dag": "etl"}'}


def _object(nbflow: Mapping[str, Any], key: str, problems: list[Problem]) -> dict[str, Any] | None:
    value = nbflow.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        problems.append(
            Problem(
                "NBF112",
                Sentence("metadata.nbflow.{key} is not an object", key=key),
                Sentence("write {example}", example=_EXAMPLES[key]),
            )
        )
        return None
    return dict(value)


def _dag(data: dict[str, Any], stem: str, problems: list[Problem]) -> DagOptions:
    defaults = data.get("defaults")
    if isinstance(defaults, Mapping):
        bad, found = option_problems(TaskData, defaults, Sentence("the dag's default"))
        problems += [replace(one, place=f"defaults.{one.place}") for one in found]
        data["defaults"] = {key: value for key, value in defaults.items() if key not in bad}
    bad, found = option_problems(DagData, data, Sentence("the dag's"))
    problems += found
    good = {key: value for key, value in data.items() if key not in bad}
    values, _, _ = validate(DagData, good)
    options = build_dag_options(values, stem, good)
    for number, one in enumerate(options.on):
        if one.kind is TriggerKind.DAG and one.dag == options.id:
            text = Sentence("the dag's on: {dag} would wait for itself", dag=options.id)
            place = f"on.{number}.dag"
            problems.append(Problem("NBF117", text, "name another DAG", place=place))
    return options


def _task(data: dict[str, Any], dag: str, stem: str, problems: list[Problem]) -> NotebookTask:
    bad, found = option_problems(NotebookTaskData, data, Sentence("the notebook task's"))
    problems += found
    values, _, _ = validate(NotebookTaskData, {k: v for k, v in data.items() if k not in bad})
    task, wrong = build_notebook_task(values, dag=dag, name=stem)
    problems += [
        Problem(
            "NBF110",
            Sentence("the notebook task's {key}: {text}", key=key, text=text),
            'like ["x", "y: load.z"]',
        )
        for key, text in wrong
    ]
    return task


def _way_out(data: Mapping[str, Any], place: str) -> str:
    value: Any = data
    for key in place.split("."):
        if isinstance(value, Mapping) and (key in value or value is data):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
    if isinstance(value, Mapping | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return Sentence("it is {value!r} now", value=str(value)[:60])


def _expression_problem(value: object, key: str) -> str | None:
    """Say what is wrong with a Python expression, None if nothing is."""
    if not isinstance(value, str):
        return None
    text = (split_foreach(value) or ("", ""))[1] if key == "foreach" else value
    try:
        ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Sentence("{text!r} is not a Python expression", text=text.strip()[:60])
    return None
