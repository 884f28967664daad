"""Types that several resources share: names, identifiers, instants, pages."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from nbflow.model.names import MAX_NAME_LENGTH, name_problem, normalise_name
from nbflow.model.sentence import Sentence

MAX_PATH = 4096
MAX_TEXT = 65_536
MAX_PARAMETERS = 1_000_000
_RUN_ID = re.compile(r"[a-z]+__\d{8}T\d{6}Z__[A-Za-z0-9]{8}")
_BACKFILL_ID = re.compile(r"[a-z0-9]{1,32}", re.IGNORECASE)
_NO_RUN = Sentence("{text!r} is no id of a run.")
_NO_BACKFILL = Sentence("{text!r} is no id of a backfill.")


def _name(text: str) -> str:
    problem = name_problem(text)
    if problem is not None:
        raise ValueError(Sentence("A name {problem}.", problem=problem))
    return normalise_name(text)


def _matches(pattern: re.Pattern[str], refusal: str) -> Any:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(Sentence(refusal, text=text))
        return text

    return check


def _in_path(text: str) -> str:
    if "\0" in text:
        raise ValueError(Sentence("The path holds a NUL character."))
    return text


Name = Annotated[str, Field(min_length=1, max_length=4 * MAX_NAME_LENGTH), AfterValidator(_name)]
RunIdText = Annotated[str, Field(max_length=100), AfterValidator(_matches(_RUN_ID, _NO_RUN))]
BackfillIdText = Annotated[
    str, Field(max_length=32), AfterValidator(_matches(_BACKFILL_ID, _NO_BACKFILL))
]
_DIGEST = "[0-9a-f]{64}"
DigestText = Annotated[str, Field(pattern=f"^{_DIGEST}$", description="A version of a DAG.")]
SeenDigestText = Annotated[str, Field(pattern=f"^({_DIGEST}|any)$")]
TryNo = Annotated[int, Field(ge=1, le=1_000_000)]
Lang = Literal["en", "ko"]
KeepsIds = Annotated[
    bool,
    Field(
        description="Whether the file keeps the ids of cells: not before nbformat 4.5, nor as text."
    ),
]
NotebookPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_PATH,
        description="A notebook as Jupyter names it: relative to the server's root, with `/`.",
    ),
    AfterValidator(_in_path),
]


class Asked(BaseModel):
    """What clients send: nothing but the fields that are named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given(BaseModel):
    """What clients get; made of nbflow's own values, so that nothing is checked twice."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


Item = TypeVar("Item")


class Page(Given, Generic[Item]):
    """Part of a list."""

    items: list[Item]
    next: str | None = Field(
        default=None, description="`cursor` of the next part; null at the end."
    )


class Paged(Asked):
    """Which part of a list."""

    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    cursor: str | None = Field(
        default=None, max_length=200, description="`next` of the part before."
    )


class Changed(Given):
    """Whether anything changed: false if it stood so already."""

    id: str
    changed: bool


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it, with nbflow's code and the way out."""

    type: str = Field(
        description="`urn:nbflow:problem:` and the code, which docs/reference/diagnostics.md explains."
    )
    title: str
    status: int
    detail: str
    code: str = Field(pattern="^NBF[0-9]{3}$")
    hint: str = ""
    field: str | None = Field(default=None, description="The field that the problem is about.")
    parameters: dict[str, str] | None = Field(
        default=None, description="What is wrong with each of the run's parameters, by name."
    )
    diagnostics: list["Finding"] | None = Field(
        default=None, description="All findings, where a notebook's hinder the call."
    )


class Finding(Given):
    """One finding of a compile; `place` is what people call its cell."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    hint: str
    cell: str | None
    line: int | None
    path: str | None
    place: str


Instant = AwareDatetime


def seconds_between(begin: datetime | None, end: datetime | None) -> float | None:
    """Return how long something took; nobody knows if the calendar was set back meanwhile."""
    if begin is None or end is None or end < begin:
        return None
    return round((end - begin).total_seconds(), 3)
