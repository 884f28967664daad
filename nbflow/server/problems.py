"""Errors as problem details: one table from the tree in `nbflow.errors` to statuses."""

from collections.abc import Iterable

from pydantic import ValidationError

from nbflow.errors import (
    CompileError,
    ConflictError,
    ExecutionError,
    MetastoreBusyError,
    MetastoreError,
    NbflowError,
    NotFoundError,
    ParameterError,
    StoreError,
    UsageError,
)
from nbflow.model.codes import code_info
from nbflow.model.diagnostics import Diagnostic
from nbflow.model.ids import CellId
from nbflow.model.sentence import CellName, Sentence
from nbflow.notebooks.refusals import said
from nbflow.server.models.fields import Finding, Problem
from nbflow.texts import clean, told

MEDIA_TYPE = "application/problem+json"
SOON, LATER = 2, 5
"""Seconds after which a client may ask again: where too many do, and where the metastore is busy."""

_STATUSES: tuple[tuple[type[NbflowError], int], ...] = (
    (NotFoundError, 404),
    (UsageError, 422),
    (ConflictError, 409),
    (MetastoreBusyError, 503),
    (MetastoreError, 503),
    (StoreError, 503),
    (ExecutionError, 500),
)
_OF_CODES = {"NBF619": 409, "NBF643": 404, "NBF644": 404, "NBF664": 412, "NBF665": 412}
"""Refusals that the state of things explains, not the call; files that aren't there; what somebody
did not see."""


class RequestError(Exception):
    """A request that is refused before any use case sees it."""

    def __init__(
        self, status: int, code: str, message: str, *, hint: str = "", field: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.hint, self.field = hint, field


def status_of(error: NbflowError) -> int:
    """Return the status that an error of ours is answered with."""
    if error.code in _OF_CODES:
        return _OF_CODES[error.code]
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def problem_of(error: NbflowError, lang: str) -> Problem:
    """Return an error of ours for clients."""
    problem = make_problem(status_of(error), error.code, error.message, hint=error.hint, lang=lang)
    if isinstance(error, ParameterError) and error.problems:
        by_name = {name: clean(told(text, lang)) for name, text in error.problems.items()}
        return problem.model_copy(update={"parameters": by_name})
    if not isinstance(error, CompileError):
        return problem
    numbers = {str(cell): number for cell, number in error.numbers.items()}
    return problem.model_copy(update={"diagnostics": findings(error.diagnostics, numbers, lang)})


def make_problem(
    status: int, code: str, message: str, *, hint: str = "", field: str | None = None, lang: str
) -> Problem:
    """Return a problem in a language."""
    return Problem(
        type=f"urn:nbflow:problem:{code}",
        title=told(code_info(code).title, lang),
        status=status,
        detail=clean(told(message, lang)),
        code=code,
        hint=clean(told(hint, lang)),
        field=field,
    )


def findings(found: Iterable[Diagnostic], numbers: dict[str, str], lang: str) -> list[Finding]:
    """Return findings for clients; ``numbers`` says what people call cells."""

    def seen(cell: CellName) -> str:
        return numbers.get(cell, str(cell))

    return [
        Finding(
            code=one.code,
            severity=one.severity.value,
            message=told(one.message, lang, seen=seen),
            hint=told(one.hint, lang, seen=seen),
            cell=one.cell,
            line=one.line,
            path=one.path,
            place="" if one.cell is None else numbers.get(CellId(one.cell), str(one.cell)),
        )
        for one in found
    ]


def validation_problem(error: ValidationError) -> RequestError:
    """Return why a request's fields are refused: the first that is wrong is named, all are counted."""
    count = error.error_count()
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or None
    why = said(first)
    if first["type"] != "value_error":  # a sentence of ours needs no address to be understood
        why = Sentence("{field}: {problem}", field=field or "body", problem=why)
    return RequestError(
        422,
        "NBF721",
        why,
        hint=Sentence("Fields that don't fit: {count}.", count=count) if count > 1 else "",
        field=field,
    )
