"""From what happened to what is reported: the result of an attempt, with a sentence for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbflow.errors import NbflowError
from nbflow.execution.kernel_session import KernelDiedError, death_sentence
from nbflow.execution.kernels import KernelStartError
from nbflow.execution.notebook_file import NO_SPACE
from nbflow.model.attempt import AttemptResult, AttemptSpec, ErrorInfo, StoredValue
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason, TaskState

_MEBIBYTE = 2**20
_MESSAGE_LENGTH = 500


@dataclass(slots=True)
class Collected:
    """What the steps around the cells learned; filled in while they run."""

    skipped: str = ""
    """Why the cells were left out; empty if they weren't."""
    values: tuple[StoredValue, ...] = ()
    ambient: tuple[StoredValue, ...] = ()
    unstorable: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


class StepError(Exception):
    """A hidden step failed: code replayed before the cells, loading, storing."""

    def __init__(self, error: ErrorInfo, reason: Reason = Reason.ERROR) -> None:
        super().__init__(f"{error.name}: {error.message}")
        self.error = error
        self.reason = reason


def result_of(
    spec: AttemptSpec,
    *,
    progress: Any,
    problem: BaseException | None,
    ended: Reason | None,
    collected: Collected,
    peak_memory: int | None,
) -> AttemptResult:
    """Return the attempt's result.

    ``ended`` is why the guard ended it, if it did; ``problem`` what the run raised, if anything;
    ``progress`` what is known of the cells, None if no cell could be reached.
    """
    error = progress.error if progress is not None else None
    if isinstance(problem, StepError):
        error = problem.error
    state, reason, message = _verdict(
        spec,
        error=error,
        problem=problem,
        ended=ended,
        collected=collected,
        peak_memory=peak_memory,
    )
    well = state is TaskState.SUCCESS
    return AttemptResult(
        state=state,
        reason=reason,
        message=message,
        cells=progress.cells() if progress is not None else (),
        error=error if state is TaskState.FAILED else None,
        values=collected.values if well else (),
        ambient=collected.ambient if well else (),
        unstorable=collected.unstorable if well else {},
        changed=collected.changed,
        notebook="executed.ipynb" if progress is not None else None,
    )


def unwritable(folder: Path, problem: OSError) -> AttemptResult:
    """Return the result of an attempt that has no place to leave anything."""
    full = problem.errno in NO_SPACE
    return AttemptResult(
        state=TaskState.FAILED,
        reason=Reason.NO_SPACE if full else Reason.ERROR,
        message=_no_space(folder)
        if full
        else Sentence(
            "{folder} can't be made: {problem}",
            folder=str(folder),
            problem=problem.strerror or str(problem),
        ),
    )


def _verdict(
    spec: AttemptSpec,
    *,
    error: ErrorInfo | None,
    problem: BaseException | None,
    ended: Reason | None,
    collected: Collected,
    peak_memory: int | None,
) -> tuple[TaskState, Reason, str]:
    if ended is not None:
        state = TaskState.CANCELLED if ended is Reason.CANCELLED else TaskState.FAILED
        return state, ended, _ended_sentence(spec, ended)
    if isinstance(problem, StepError):
        return TaskState.FAILED, problem.reason, _error_sentence(spec, problem.error)
    if problem is not None:
        reason, message = _problem(spec, problem, peak_memory)
        return TaskState.FAILED, reason, message
    if collected.skipped:
        return TaskState.SKIPPED, Reason.CONDITION, collected.skipped
    if error is not None:
        return TaskState.FAILED, Reason.ERROR, _error_sentence(spec, error)
    lost = [name for name in spec.must_store if name in collected.unstorable]
    if lost:
        why = collected.unstorable[lost[0]]
        what = Sentence("output {name!r} can't be stored: {why}", name=lost[0], why=why)
        return TaskState.FAILED, Reason.UNSTORABLE, what
    return TaskState.SUCCESS, Reason.DONE, Sentence("every cell ran")


def _problem(
    spec: AttemptSpec, problem: BaseException, peak_memory: int | None
) -> tuple[Reason, str]:
    if isinstance(problem, KernelDiedError):
        return Reason.KILLED, _death(spec, problem.status, peak_memory)
    if isinstance(problem, KernelStartError):
        return Reason.KERNEL_START, problem.message
    if isinstance(problem, OSError) and problem.errno in NO_SPACE:
        return Reason.NO_SPACE, _no_space(problem.filename or spec.workdir)
    if isinstance(problem, NbflowError):
        reason = Reason.LOST if problem.code == "NBF507" else Reason.ERROR
        return reason, problem.message
    return Reason.ERROR, f"{type(problem).__name__}: {problem}"[:_MESSAGE_LENGTH]


def _no_space(path: object) -> Sentence:
    return Sentence("no space left on the device for {path}", path=str(path))


def _death(spec: AttemptSpec, status: int | None, peak_memory: int | None) -> str:
    sentence = death_sentence(status)
    if status == -9 and peak_memory is not None:
        sentence = Sentence(
            "{death}, perhaps out of memory: it had used {used} MiB",
            death=sentence, used=peak_memory // _MEBIBYTE,
        )  # fmt: skip
    if spec.limits.memory is not None:
        limit = spec.limits.memory // _MEBIBYTE
        sentence = Sentence("{death} (limit {limit} MiB)", death=sentence, limit=limit)
    return sentence


def _ended_sentence(spec: AttemptSpec, ended: Reason) -> str:
    match ended:
        case Reason.TIMED_OUT:
            return Sentence("timed out after {seconds} s", seconds=f"{spec.limits.timeout:g}")
        case Reason.OUTPUT_LIMIT:
            limit = spec.limits.output_total / 1e6
            return Sentence("output limit: it wrote more than {limit} MB", limit=f"{limit:g}")
        case Reason.CANCELLED:
            return Sentence("cancelled")
        case _:
            return ended.value


def _error_sentence(spec: AttemptSpec, error: ErrorInfo) -> str:
    if error.name == "MemoryError" and spec.limits.memory is not None:
        return Sentence("out of memory (limit {limit} MiB)", limit=spec.limits.memory // _MEBIBYTE)
    first = error.message.strip().splitlines()
    text = f"{error.name}: {first[0]}" if first else error.name
    return text[:_MESSAGE_LENGTH]
