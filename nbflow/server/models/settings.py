"""Settings of a DAG before they are kept."""

from typing import Any

from pydantic import Field

from nbflow.server.models.fields import Asked, Given, NotebookPath
from nbflow.server.models.schedules import FireForm


class SettingsRequest(Asked):
    """The `dag` object of a notebook's metadata as an editor holds it, right or wrong."""

    path: NotebookPath
    settings: dict[str, Any]
    count: int = Field(default=5, ge=1, le=100, description="How many fires to tell.")


class SettingProblemForm(Given):
    """What is wrong with a setting. `field` leads to it: `timezone`, `on.0.metric`; one that is not an
    `error` hinders nothing.
    """

    field: str
    code: str
    error: bool
    message: str
    hint: str


class SettingsAnswer(Given):
    """What settings mean. `settings` is what a notebook needs to hold: as it was given, without what is
    the default anyway; `defaults` are those. `clock` tells what changes of the clock do within a year.
    """

    dag_id: str
    settings: dict[str, Any]
    defaults: dict[str, Any]
    words: dict[str, str]
    next: list[FireForm]
    clock: list[str]
    triggers: list[str]
    problems: list[SettingProblemForm]


class TimezoneList(Given):
    """Names of the time zones that a schedule may be in."""

    items: list[str]
