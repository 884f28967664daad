"""``metadata.nbflow`` as written in notebooks: the spelling of options, validated by pydantic.

The models are the source of the JSON Schema that ships with the package.
"""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from nbflow.model.ids import DagId, TaskName
from nbflow.model.names import name_problem, normalise_name
from nbflow.model.options import (
    CachePolicy,
    Catchup,
    DagOptions,
    NotebookTask,
    Overlap,
    Resources,
    RetryJitter,
    TaskOptions,
    Track,
    TriggerRule,
    Verdict,
)
from nbflow.model.sentence import Sentence
from nbflow.notebooks.entries import Notifications, NotifyData, TriggerData, Triggers
from nbflow.notebooks.fields import (
    Bytes,
    DateText,
    Model,
    Name,
    Names,
    Number,
    Seconds,
    Timeout,
    Whole,
    Words,
    read_foreach,
    read_schedule,
    read_switch,
)
from nbflow.notebooks.refusals import said


class ResourcesData(Model):
    """What a task needs of a machine."""

    cpu: Number | None = Field(default=None, gt=0)
    memory: Bytes = Field(default=None, description="bytes, or a size like 2G, 512MiB")
    gpu: Whole | None = Field(default=None, ge=0)


class TaskData(Model):
    """Options of a task: ``metadata.nbflow.task`` of its first cell."""

    retries: Whole = Field(default=0, ge=0, le=1000)
    retry_delay: Seconds = 300.0
    retry_backoff: Number = Field(default=1.0, ge=1)
    max_retry_delay: Seconds = 86_400.0
    retry_jitter: RetryJitter = RetryJitter.NONE
    retry_on: Words = ()
    no_retry_on: Words = ()
    max_lost: Whole = Field(default=2, ge=0, le=1000)
    timeout: Timeout = None
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS
    when: str | None = None
    foreach: Annotated[str | None, BeforeValidator(read_foreach)] = None
    cache: Annotated[CachePolicy, BeforeValidator(read_switch)] = CachePolicy.AUTO
    pool: Name = "default"
    pool_slots: Whole = Field(default=1, ge=1)
    priority: Whole = 0
    resources: ResourcesData = ResourcesData()
    allow_failure: bool = False
    doc: str = ""


class NotebookTaskData(TaskData):
    """``metadata.nbflow.task`` of a notebook: the whole notebook is one task."""

    dag: Name | None = None
    name: Name | None = None
    after: Names = ()
    params: dict[str, Any] = Field(default_factory=dict)
    inputs: list[str] | dict[str, str | None] = Field(
        default_factory=list, description='["x", "y: task.z"] or {"y": "task.z"}'
    )
    outputs: Words = ()


class DagData(Model):
    """``metadata.nbflow.dag``: settings of the DAG."""

    id: Name | None = None
    description: str = ""
    doc: str = ""
    owner: str = ""
    tags: Words = ()
    schedule: Annotated[str | None, BeforeValidator(read_schedule)] = None
    timezone: str = "UTC"
    start_date: DateText = None
    end_date: DateText = None
    catchup: Catchup = Catchup.LATEST
    max_active_runs: Whole = Field(default=1, ge=1)
    overlap: Overlap = Overlap.QUEUE
    max_active_tasks: Whole | None = Field(default=None, ge=1)
    min_period: Seconds = 60.0
    verdict: Verdict = Verdict.ALL
    track: Track = Track.PINNED
    on: Triggers = ()
    notify: Notifications = ()
    defaults: TaskData = TaskData()


LISTED: dict[str, type[Model]] = {"on": TriggerData, "notify": NotifyData}
"""Keys that hold a list of objects, and what each of them is."""


class NotebookMetadata(Model):
    """``metadata.nbflow`` of a notebook."""

    version: Whole = Field(default=1, ge=1, le=1)
    dag: DagData | None = None
    task: NotebookTaskData | None = None


def validate(
    model: type[Model], data: Mapping[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, str]], list[tuple[str, str]]]:
    """Check ``data`` against a model, key by key.

    Returns the values that hold (validated, only keys that were given), the wrong ones as
    ``(key, half a sentence)``, and the unknown keys as ``(key, near miss or "")``.
    """
    unknown = _unknown_keys(model, data)
    given = {key: value for key, value in data.items() if key in model.model_fields}
    wrong: dict[str, str] = {}
    try:
        checked = model.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            place = ".".join(str(part) for part in one["loc"])
            wrong.setdefault(place, said(one))
        bad = {str(one["loc"][0]) for one in error.errors()}
        checked = model.model_validate({k: v for k, v in given.items() if k not in bad})
    values = {key: getattr(checked, key) for key in given if key in checked.model_fields_set}
    return values, list(wrong.items()), unknown


def _unknown_keys(
    model: type[Model], data: Mapping[str, Any], path: str = ""
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        field = model.model_fields.get(key)
        if field is None:
            near = difflib.get_close_matches(str(key), model.model_fields)
            found.append((f"{path}{key}", next(iter(near), "")))
        elif isinstance(field.default, Model) and isinstance(value, Mapping):
            found.extend(_unknown_keys(type(field.default), value, f"{path}{key}."))
        elif key in LISTED:
            entries = value if isinstance(value, list | tuple) else [value]
            for number, entry in enumerate(entries):
                if isinstance(entry, Mapping):
                    found.extend(_unknown_keys(LISTED[key], entry, f"{path}{key}.{number}."))
    return found


def build_task_options(
    options: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> TaskOptions:
    """Return a task's options: its own over the DAG's defaults over ours.

    Keys that are unknown or wrong are left out; the reader has reported them.
    """
    merged = {**(defaults or {}), **options}
    if not merged:
        return TaskOptions()
    values, _, _ = validate(TaskData, merged)
    return TaskOptions(**_option_values(values))


def build_dag_options(values: Mapping[str, Any], stem: str, given: Mapping[str, Any]) -> DagOptions:
    """Return the DAG's options from validated values; ``defaults`` stay as written."""
    kept = {key: value for key, value in values.items() if value is not None}
    kept["id"] = DagId(kept.get("id") or stem)
    for key in ("on", "notify"):
        if key in kept:
            kept[key] = tuple(one.value() for one in kept[key])
    if "defaults" in kept:
        kept["defaults"] = dict(given["defaults"])
    return DagOptions(**kept)


def build_notebook_task(
    values: Mapping[str, Any], *, dag: str, name: str
) -> tuple[NotebookTask, list[tuple[str, str]]]:
    """Return the whole-notebook task and what is wrong with its ``inputs`` and ``outputs``."""
    problems: list[tuple[str, str]] = []
    inputs = _inputs(values.get("inputs", []), problems)
    outputs = tuple(values.get("outputs", ()))
    for variable in [*outputs, *values.get("params", {})]:
        if not str(variable).isidentifier():
            key = "outputs" if variable in outputs else "params"
            problems.append(
                (key, Sentence("{name!r} is not the name of a variable", name=variable))
            )
    own = {key: value for key, value in values.items() if key in TaskData.model_fields}
    task = NotebookTask(
        dag=DagId(values.get("dag") or dag),
        name=TaskName(values.get("name") or name),
        after=tuple(TaskName(one) for one in values.get("after", ())),
        params=dict(values.get("params", {})),
        inputs=inputs,
        outputs=outputs,
        options=TaskOptions(**_option_values(own)),
    )
    return task, problems


def _option_values(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(values)
    if "resources" in kept:
        kept["resources"] = Resources(**kept["resources"].model_dump())
    return kept


def _inputs(
    given: object, problems: list[tuple[str, str]]
) -> dict[str, tuple[TaskName, str] | None]:
    pairs: list[tuple[str, str | None]] = []
    if isinstance(given, Mapping):
        pairs = [(str(name), source) for name, source in given.items()]
    elif isinstance(given, list):
        for text in given:
            name, colon, source = text.partition(":")
            pairs.append((name, source if colon else None))
    inputs: dict[str, tuple[TaskName, str] | None] = {}
    for name, source in pairs:
        name = name.strip()
        task, _, variable = (source or "").strip().rpartition(".")
        if not name.isidentifier():
            problems.append(
                ("inputs", Sentence("{name!r} is not the name of a variable", name=name))
            )
        elif source is None:
            inputs[name] = None
        elif name_problem(task) or not variable.isidentifier():
            problems.append(
                (
                    "inputs",
                    Sentence("{source!r} is not written TASK.variable", source=source.strip()),
                )
            )
        else:
            inputs[name] = (TaskName(normalise_name(task)), variable)
    return inputs
