"""``metadata.nbflow`` as written in notebooks: the spelling of options, validated by pydantic.

The models are the source of the JSON Schema that ships with the package.
"""

import datetime
import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from nbflow.model.ids import DagId, TaskName
from nbflow.model.names import name_problem, normalise_name
from nbflow.model.notices import (
    Channel,
    NoticeEvent,
    Notify,
    shown_target,
    target_problem,
    template_problem,
)
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
from nbflow.model.triggers import RunEnding, Trigger, TriggerKind, read_condition

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*"
_BYTES = r"\s*(\d+(?:\.\d+)?)\s*([kKMGT]?)(i?)[bB]?\s*"
_LONGEST = 366 * 86400.0
_FOREACH = re.compile(r"\s*([^\W\d]\w*)\s+in\s+(\S.*)", re.DOTALL)


def seconds(value: object) -> float:
    """Return a duration (a number of seconds, or ``90s 15m 2h 1d``) in seconds; ValueError."""
    if isinstance(value, str):
        match = re.fullmatch(_DURATION, value)
        if not match:
            raise ValueError(Sentence("must be seconds or a duration like 90s, 15m, 2h, 1d"))
        number = float(match[1]) * _UNITS[match[2]]
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(Sentence("must be seconds or a duration like 90s, 15m, 2h, 1d"))
    else:
        number = float(value)
    if not 0 <= number <= _LONGEST:
        raise ValueError(Sentence("must be between 0 and 366 days"))
    return number


def _positive_seconds(value: object) -> float | None:
    if value is None:
        return None
    number = seconds(value)
    if number <= 0:
        raise ValueError(Sentence("must be more than 0 seconds"))
    return number


def _size(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(_BYTES, value) if isinstance(value, str) else None
    if not match:
        raise ValueError(Sentence("must be bytes or a size like 512M, 2G, 2GiB"))
    step = 1024 if match[3] else 1000
    return int(float(match[1]) * step ** " KMGT".index(match[2].upper() or " "))


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(Sentence("must be a number"))
    return value


def _words(value: object) -> object:
    """Accept ``A,B`` where a list of strings is meant."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _name(value: object) -> str:
    problem = name_problem(value) if isinstance(value, str) else Sentence("is not text")
    if problem:
        raise ValueError(
            Sentence("the name {name!r} {problem}", name=str(value)[:60], problem=problem)
        )
    return normalise_name(str(value))


def _switch(value: object) -> object:
    """Accept true and false (what YAML makes of ``on`` and ``off``)."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _date_text(value: object) -> object:
    """Accept the dates that YAML makes of unquoted ones."""
    return value.isoformat() if isinstance(value, datetime.date) else value


def _foreach(value: object) -> object:
    if value is not None and not (isinstance(value, str) and _FOREACH.fullmatch(value)):
        raise ValueError(Sentence('must be written "NAME in EXPRESSION"'))
    return value


def _mappings(value: object) -> object:
    return [value] if isinstance(value, Mapping | str) else value


def _as_entries(value: object) -> object:
    return [value] if isinstance(value, Mapping) else value


def _template(value: str | None) -> str | None:
    problem = template_problem(value) if value is not None else None
    if problem is not None:
        raise ValueError(problem)
    return value


def _as_trigger(value: object) -> object:
    """Accept ``code``, and a metric's condition as it is."""
    if value == "code":
        return {"code": True}
    return {"metric": value} if isinstance(value, str) else value


def _condition(value: str | None) -> str | None:
    if value is not None:
        read_condition(value)
    return value


_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[smhd]?\s*$"},
    ]
}
_OPTIONAL_DURATION = {"anyOf": [*_DURATION_SCHEMA["anyOf"], {"type": "null"}]}
Seconds = Annotated[float, BeforeValidator(seconds), WithJsonSchema(_DURATION_SCHEMA)]
Timeout = Annotated[
    float | None, BeforeValidator(_positive_seconds), WithJsonSchema(_OPTIONAL_DURATION)
]
Bytes = Annotated[
    int | None, BeforeValidator(_size), WithJsonSchema({"type": ["integer", "string", "null"]})
]
Whole = Annotated[int, BeforeValidator(_not_bool)]
Number = Annotated[float, BeforeValidator(_not_bool)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Name = Annotated[str, BeforeValidator(_name)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_words)]
DateText = Annotated[str | None, BeforeValidator(_date_text)]


_PYDANTIC = {
    **dict.fromkeys(("enum", "literal_error"), "must be {expected}"),
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "greater_than": "must be more than {gt}",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "string_type": "must be text",
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type"), "must be an object"),
}
"""pydantic's kinds of problems in our words; the fields are those of its contexts."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class ResourcesData(_Model):
    """What a task needs of a machine."""

    cpu: Number | None = Field(default=None, gt=0)
    memory: Bytes = Field(default=None, description="bytes, or a size like 2G, 512MiB")
    gpu: Whole | None = Field(default=None, ge=0)


class TaskData(_Model):
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
    foreach: Annotated[str | None, BeforeValidator(_foreach)] = None
    cache: Annotated[CachePolicy, BeforeValidator(_switch)] = CachePolicy.AUTO
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


class TriggerData(_Model):
    """One entry of ``on``: what makes the DAG run beside its schedule."""

    dag: Name | None = Field(default=None, description="runs of this DAG, or whose metric it is")
    state: RunEnding = RunEnding.SUCCESS
    files: Words = Field(default=(), description='a pattern such as "data/*.csv", or several')
    code: bool = False
    metric: Annotated[str | None, AfterValidator(_condition)] = Field(
        default=None, description='such as metric("accuracy") < 0.9'
    )
    debounce: Seconds = 5.0
    cooldown: Seconds = 3600.0

    @model_validator(mode="after")
    def _is_one(self) -> "TriggerData":
        kinds = (bool(self.files), self.code, self.metric is not None or self.dag is not None)
        if sum(kinds) != 1:
            raise ValueError(Sentence("must be one of dag, files, code and metric"))
        return self

    def value(self) -> Trigger:
        """Return the trigger that is meant."""
        if self.metric is not None:
            kind = TriggerKind.METRIC
        else:
            kind = (
                TriggerKind.DAG
                if self.dag
                else TriggerKind.FILES
                if self.files
                else TriggerKind.CODE
            )
        return Trigger(
            kind=kind,
            dag=self.dag,
            state=self.state,
            files=self.files,
            metric=read_condition(self.metric) if self.metric is not None else None,
            debounce=self.debounce,
            cooldown=self.cooldown,
        )


Triggers = Annotated[
    tuple[Annotated[TriggerData, BeforeValidator(_as_trigger)], ...], BeforeValidator(_mappings)
]


class NotifyData(_Model):
    """One entry of ``notify``: whom to tell, and of what."""

    email: Words = ()
    webhook: str | None = None
    slack: str | None = None
    on: Annotated[tuple[NoticeEvent, ...], BeforeValidator(_words)] = tuple(NoticeEvent)
    subject: Annotated[str | None, AfterValidator(_template)] = None
    text: Annotated[str | None, AfterValidator(_template)] = None

    @model_validator(mode="after")
    def _is_one(self) -> "NotifyData":
        if sum((bool(self.email), self.webhook is not None, self.slack is not None)) != 1:
            raise ValueError(Sentence("must be one of email, webhook and slack"))
        value = self.value()
        for target in value.to:
            problem = target_problem(value.channel, target)
            if problem is not None:
                shown = shown_target(value.channel, target)[:60]
                raise ValueError(Sentence("{target!r} {problem}", target=shown, problem=problem))
        return self

    def value(self) -> Notify:
        """Return what is meant."""
        channel = (
            Channel.EMAIL
            if self.email
            else Channel.SLACK
            if self.slack is not None
            else Channel.WEBHOOK
        )
        return Notify(
            channel=channel,
            to=self.email or (self.slack or self.webhook or "",),
            on=self.on,
            subject=self.subject,
            text=self.text,
        )


Notifications = Annotated[tuple[NotifyData, ...], BeforeValidator(_as_entries)]


class DagData(_Model):
    """``metadata.nbflow.dag``: settings of the DAG."""

    id: Name | None = None
    description: str = ""
    doc: str = ""
    owner: str = ""
    tags: Words = ()
    schedule: str | None = None
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


_LISTED: dict[str, type[_Model]] = {"on": TriggerData, "notify": NotifyData}
"""Keys that hold a list of objects, and what each of them is."""


class NotebookMetadata(_Model):
    """``metadata.nbflow`` of a notebook."""

    version: Whole = Field(default=1, ge=1, le=1)
    dag: DagData | None = None
    task: NotebookTaskData | None = None


def validate(
    model: type[_Model], data: Mapping[str, Any]
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
            wrong.setdefault(place, _said(one))
        bad = {str(one["loc"][0]) for one in error.errors()}
        checked = model.model_validate({k: v for k, v in given.items() if k not in bad})
    values = {key: getattr(checked, key) for key in given if key in checked.model_fields_set}
    return values, list(wrong.items()), unknown


def _unknown_keys(
    model: type[_Model], data: Mapping[str, Any], path: str = ""
) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in data.items():
        field = model.model_fields.get(key)
        if field is None:
            near = difflib.get_close_matches(str(key), model.model_fields)
            found.append((f"{path}{key}", next(iter(near), "")))
        elif isinstance(field.default, _Model) and isinstance(value, Mapping):
            found.extend(_unknown_keys(type(field.default), value, f"{path}{key}."))
        elif key in _LISTED:
            entries = value if isinstance(value, list | tuple) else [value]
            for number, entry in enumerate(entries):
                if isinstance(entry, Mapping):
                    found.extend(_unknown_keys(_LISTED[key], entry, f"{path}{key}.{number}."))
    return found


def _said(problem: Any) -> str:
    """Return what is wrong with a value as half a sentence: ours, or pydantic's in our words."""
    context = problem.get("ctx", {})
    ours = context.get("error")
    if isinstance(ours, ValueError) and ours.args:
        return cast("str", ours.args[0])
    template = _PYDANTIC.get(problem["type"])
    if template is None:
        text = str(problem["msg"])
        return text[:1].lower() + text[1:]
    return Sentence(template, **{key: value for key, value in context.items() if key != "error"})


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
