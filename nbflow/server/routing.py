"""The table of routes: what each takes and gives, and who may ask. Nothing here knows the server."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, TypeAdapter

from nbflow.server.models.fields import Asked, BackfillIdText, Name, RunIdText

if TYPE_CHECKING:
    from nbflow.server.models.users import UserAnswer
    from nbflow.server.places import NotebookPlaces
    from nbflow.service.editing import LiveCompiler
    from nbflow.service.service import Service

Action = Literal["read", "write", "execute"]
"""What Jupyter's authoriser is asked about: looking, changing, or making code run."""

FOLLOWED = 0.2
"""Seconds between looks while a run is followed."""
WATCHED = 2.0
"""Seconds between looks while somebody only wants to see how the runs stand."""
BODY_LIMIT, NOTEBOOK_LIMIT = 10_000_000, 50_000_000

PATH_PARAMETERS: dict[str, tuple[TypeAdapter[Any], str]] = {
    "dag_id": (TypeAdapter(Name), "The name of a DAG."),
    "run_id": (TypeAdapter(RunIdText), "The id of a run."),
    "task": (TypeAdapter(Name), "The name of a task."),
    "backfill_id": (TypeAdapter(BackfillIdText), "The id of a backfill."),
}
_PLACE = re.compile(r"\{(\w+)\}")


class Nothing(Asked):
    """A query or body without fields."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What answers are made with."""

    service: "Service"
    compiler: "LiveCompiler"
    places: "NotebookPlaces"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, checked: ``path`` its identifiers, ``lang`` the language of the answer, ``user``
    who asks, for a route that tells.
    """

    tools: Tools
    lang: Literal["en", "ko"]
    path: dict[str, str] = field(default_factory=dict)
    query: Any = None
    body: Any = None
    user: "UserAnswer | None" = None

    @property
    def service(self) -> "Service":
        """The installation's use cases."""
        return self.tools.service


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """An answer that is no JSON of ours: bytes with their media type; with a ``policy`` for pages."""

    content: bytes
    media_type: str
    policy: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One method of one path. ``answer`` runs in a thread. Without ``given`` it returns a `File` of
    one of the ``media``. ``status`` is that of an answer, ``problems`` those of refusals beside the
    common ones. Who asks one that ``follows`` is told on the server's event bus when runs move, so
    many seconds later at most; one that ``tells_user`` is told who asks.
    """

    method: Literal["GET", "POST", "PATCH"]
    path: str
    answer: Callable[[Call], Any]
    summary: str
    action: Action = "read"
    query: type[BaseModel] = Nothing
    body: type[BaseModel] | None = None
    given: Any = None
    media: tuple[str, ...] = ()
    status: int = 200
    limit: int = BODY_LIMIT
    problems: tuple[int, ...] = ()
    follows: float | None = None
    tells_user: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The identifiers in the path."""
        return tuple(_PLACE.findall(self.path))

    @property
    def pattern(self) -> str:
        """The path as a regular expression below the API's root."""
        return _PLACE.sub(
            r"(?P<\1>[^/]+)", re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}")
        )

    @property
    def operation(self) -> str:
        """A name for clients' code."""
        return self.answer.__name__
