"""Everything that nbflow raises for its users.

    NbflowError
    ├── UsageError          2   the call can't be carried out as written
    │   ├── NotebookError   2   a file is not a notebook, or not a well-formed one
    │   ├── CompileError    2   the notebook has findings of severity error
    │   ├── ParameterError  2   a parameter is unknown or does not fit its type
    │   └── NotFoundError   2   no DAG, run, task or file of that name
    ├── RunFailedError      1   the run ended, but not well
    ├── MetastoreError      3   the metastore can't be reached, read or written
    │   ├── SchemaError     3   its schema is not the one this version works with
    │   ├── ConflictError   3   somebody else changed the row first
    │   └── MetastoreBusyError 3  locked, full or restarting: try again
    │       └── RowLockedError 3  others hold just these rows
    ├── StoreError          3   the folder of values, notebooks and logs can't be used
    └── ExecutionError      1   a kernel or a slot could not do its work

Each has a code that the documentation explains, a sentence, a way out, and the exit code of the
command line.
"""

from collections.abc import Mapping

from nbflow.faults import InjectedFaultError
from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import CellId

_LONGEST_WORDS = 500


class NbflowError(Exception):
    """The root: something a user can read and act on.

    ``code`` names a heading of docs/reference/diagnostics.md, ``hint`` says the way out.
    """

    exit_code = 1
    default_code = "NBF900"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def __str__(self) -> str:
        return self.message


class UsageError(NbflowError):
    """The call can't be carried out as written."""

    exit_code = 2
    default_code = "NBF901"


class NotebookError(UsageError):
    """A file is not a notebook, or not a well-formed one; the message starts with its path."""

    default_code = "NBF001"


class CompileError(UsageError):
    """The notebook has findings of severity error; ``diagnostics`` holds all findings.

    ``numbers`` says what people call the cells that the findings name by id.
    """

    default_code = "NBF200"

    def __init__(
        self,
        message: str,
        *,
        diagnostics: tuple[Diagnostic, ...],
        hint: str = "",
        numbers: Mapping[CellId, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = diagnostics
        self.numbers = numbers or {}

    def __str__(self) -> str:
        errors = [d.text() for d in self.diagnostics if d.severity is Severity.ERROR]
        return "\n".join([self.message, *errors])


class ParameterError(UsageError):
    """A parameter is unknown, no identifier, or its value does not fit its type.

    ``problems`` says by name what is wrong with each, as far as it is about one.
    """

    default_code = "NBF401"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        problems: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.problems = problems or {}


class NotFoundError(UsageError):
    """No DAG, run, task or file of that name."""

    default_code = "NBF902"


class RunFailedError(NbflowError):
    """The run ended, but not well."""

    default_code = "NBF501"


class ExecutionError(NbflowError):
    """A kernel or a slot could not do its work."""

    default_code = "NBF502"


class MetastoreError(NbflowError):
    """The metastore can't be reached, read or written."""

    exit_code = 3
    default_code = "NBF601"


class SchemaError(MetastoreError):
    """The metastore's schema is not the one this version works with."""

    default_code = "NBF602"


class ConflictError(MetastoreError):
    """Somebody else changed the row first; nothing was written."""

    default_code = "NBF603"


class MetastoreBusyError(MetastoreError):
    """Locked, full or restarting: nothing was written, try again."""

    default_code = "NBF604"


class RowLockedError(MetastoreBusyError):
    """Others hold the rows that are wanted on a server, and other rows may be free."""


class StoreError(NbflowError):
    """The folder of values, notebooks and logs can't be used."""

    exit_code = 3
    default_code = "NBF610"


def unforeseen(problem: Exception) -> str:
    """Return what is told of an exception that nobody foresaw: its kind and the start of its words."""
    return f"{type(problem).__name__}: {problem}"[:_LONGEST_WORDS]


def is_contained(problem: Exception) -> bool:
    """Tell whether a problem may be of one thing alone, a DAG or a run, so that others can go on: not
    if the metastore as a whole is busy or another release's, or this process can't go on itself.
    """
    if isinstance(problem, MetastoreBusyError):
        return isinstance(problem, RowLockedError)
    return not isinstance(problem, SchemaError | MemoryError | InjectedFaultError)
