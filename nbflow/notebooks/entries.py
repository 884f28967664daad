"""Entries of ``on`` and ``notify`` in ``metadata.nbflow``: what makes a DAG run, whom to tell."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from nbflow.model.notices import (
    Channel,
    NoticeEvent,
    Notify,
    shown_target,
    target_problem,
    template_problem,
)
from nbflow.model.sentence import Sentence
from nbflow.model.triggers import RunEnding, Trigger, TriggerKind, read_condition
from nbflow.notebooks.fields import Model, Name, Seconds, Words, as_list, words


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


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError(Sentence("must not be empty"))
    return value


def _without_empty(entry: object, name: str, others: tuple[str, ...]) -> object:
    """Leave out a list without words beside what is set: only alone it is missed."""
    if not isinstance(entry, Mapping) or name not in entry or words(entry[name]) not in ([], ()):
        return entry
    if not any(entry.get(other) not in (None, False) for other in others):
        return entry
    return {key: value for key, value in entry.items() if key != name}


def _condition(value: str | None) -> str | None:
    if value is not None:
        read_condition(value)
    return value


class TriggerData(Model):
    """One entry of ``on``: what makes the DAG run beside its schedule."""

    dag: Name | None = Field(default=None, description="runs of this DAG, or whose metric it is")
    state: RunEnding = RunEnding.SUCCESS
    files: Annotated[Words, AfterValidator(_some)] = Field(
        default=(), description='a pattern such as "data/*.csv", or several'
    )
    code: bool = False
    metric: Annotated[str | None, AfterValidator(_condition)] = Field(
        default=None, description='such as metric("accuracy") < 0.9'
    )
    debounce: Seconds = 5.0
    cooldown: Seconds = 3600.0

    @model_validator(mode="before")
    @classmethod
    def _without_files(cls, entry: object) -> object:
        return _without_empty(entry, "files", ("dag", "metric", "code"))

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
    tuple[Annotated[TriggerData, BeforeValidator(_as_trigger)], ...], BeforeValidator(as_list)
]


class NotifyData(Model):
    """One entry of ``notify``: whom to tell, and of what."""

    email: Annotated[Words, AfterValidator(_some)] = ()
    webhook: str | None = None
    slack: str | None = None
    on: Annotated[tuple[NoticeEvent, ...], BeforeValidator(words)] = tuple(NoticeEvent)
    subject: Annotated[str | None, AfterValidator(_template)] = None
    text: Annotated[str | None, AfterValidator(_template)] = None

    @model_validator(mode="before")
    @classmethod
    def _without_email(cls, entry: object) -> object:
        return _without_empty(entry, "email", ("webhook", "slack"))

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
