"""What is done in the kernel around a task's cells: replay, load, ask the condition, store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbflow.errors import ExecutionError
from nbflow.execution import kernel_runtime
from nbflow.execution.kernel_session import KernelSession
from nbflow.execution.outcome import Collected, StepError
from nbflow.execution.steps import ConditionFalseError, Steps
from nbflow.model.attempt import AttemptSpec, ErrorInfo, ItemsFound, ReplayStep
from nbflow.model.ids import CellId
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class StepsTell:
    """Who is told while the steps go on: of text that hidden code printed, of a task's items."""

    on_text: Callable[[str], None]
    on_items: Callable[[ItemsFound], None]


def steps_for(spec: AttemptSpec, spec_path: Path, collected: Collected, tell: StepsTell) -> Steps:
    """Return the steps of an attempt; none for other languages, nor without a value store."""
    if uses_runtime(spec):
        return RuntimeSteps(spec, spec_path, collected, tell)
    return Steps()


def uses_runtime(spec: AttemptSpec) -> bool:
    """Tell whether the attempt has a kernel that our runtime works in, and values to carry."""
    return spec.language.lower() in {"python", "ipython"} and spec.values != ""


def for_runtime(spec: AttemptSpec) -> AttemptSpec:
    """Return the spec as the runtime reads it.

    A step that shows runs as a cell. The runtime gets two empty steps in its place: one that binds
    what it reads, one that notes it as done.
    """
    steps: list[ReplayStep] = []
    for step in spec.replays:
        if step.show:
            steps += [replace(step, source="", unit=""), replace(step, source="", loads=())]
        else:
            steps.append(step)
    return replace(spec, replays=tuple(steps))


class RuntimeSteps(Steps):
    """Calls the runtime in the order that makes a task start as if the page had run before it.

    Steps that show and the task's own cells are the notebook's cells, in this order; everything
    between them is hidden. What the runtime learned ends up in ``collected``.
    """

    def __init__(
        self,
        spec: AttemptSpec,
        spec_path: Path,
        collected: Collected,
        tell: StepsTell,
    ) -> None:
        self._spec = spec
        self._spec_path = spec_path
        self._collected = collected
        self._on_text = tell.on_text
        self._on_items = tell.on_items
        self._borders = _borders(spec)
        self._replayed = 0
        self._is_loaded = False

    async def prepare(self, session: KernelSession) -> None:
        """Put the runtime into the kernel and open the attempt."""
        if not session.prepared:
            reply = await session.run_hidden(kernel_runtime.bootstrap_code(), self._on_text)
            _check(reply)
            session.prepared = True
        await self._call(session, "open_attempt", str(self._spec_path))
        if not self._borders and not self._spec.cells:
            await self._load(session)

    async def before_cell(self, session: KernelSession, index: int) -> None:
        """Do what stands before this cell. Raises StepError, or ConditionFalseError."""
        if index < len(self._borders):
            await self._replay(session, self._borders[index])
            shown = [step for step in self._spec.replays if step.show]
            await self._set_prompt(session, shown[index].prompt)
            return
        if not self._is_loaded:
            await self._load(session)
        await self._set_prompt(session, self._spec.cells[index - len(self._borders)].prompt)

    async def finish(self, session: KernelSession) -> None:
        """Store what the task leaves. Raises StepError when an output can't be stored."""
        if not self._is_loaded:
            await self._load(session)
        answer = await self._call(session, "collect", reason=Reason.UNSTORABLE)
        self._collected.values = kernel_runtime.stored_values(answer.get("values", []))
        self._collected.ambient = kernel_runtime.stored_values(answer.get("ambient", []))
        code = {name: f"code, {why}" for name, why in answer.get("stateful_code", {}).items()}
        self._collected.unstorable = {**code, **answer.get("unstorable", {})}
        self._collected.changed = tuple(answer.get("changed", ()))
        for name in answer.get("missing", ()):
            self._on_text(f"[nbflow] the output {name} is not bound\n")

    async def _set_prompt(self, session: KernelSession, prompt: int) -> None:
        if prompt and prompt != session.next_prompt:
            await self._call(session, "set_prompt", prompt)

    async def _load(self, session: KernelSession) -> None:
        self._is_loaded = True
        await self._replay(session, len(for_runtime(self._spec).replays))
        answer = await self._call(session, "load")
        items = answer.get("items")
        if items is not None:
            self._take_items(items)
        elif self._spec.when is not None:
            answer = await self._call(session, "condition")
            if not answer["value"]:
                self._collected.skipped = Sentence(
                    "its condition {condition!r} is false", condition=self._spec.when
                )
                raise ConditionFalseError

    def _take_items(self, items: Mapping[str, Any]) -> None:
        """Tell the items that were found; none is no failure, the task is left out."""
        if not items["labels"]:
            self._collected.skipped = Sentence("its foreach has no items")
            if items["found"]:
                self._collected.skipped = Sentence(
                    "its condition {condition!r} is false for all items",
                    condition=self._spec.when,
                )
            raise ConditionFalseError
        self._on_items(
            ItemsFound(
                token=self._spec.token,
                labels=tuple(items["labels"]),
                values=kernel_runtime.stored_values(items["values"]),
            )
        )

    async def _replay(self, session: KernelSession, border: int) -> None:
        while self._replayed < border:
            answer = await self._call(session, "replay_now", self._replayed, border)
            waits = answer.get("awaits")
            if waits is None:
                self._replayed = border
            else:
                await self._call(session, "replay", waits, waits + 1)
                self._replayed = waits + 1

    async def _call(
        self, session: KernelSession, verb: str, *arguments: object, reason: Reason = Reason.ERROR
    ) -> Mapping[str, Any]:
        folder = self._spec_path.parent
        kernel_runtime.result_path(folder, verb).unlink(missing_ok=True)
        code = kernel_runtime.call_code(verb, *arguments)
        _check(await session.run_hidden(code, self._on_text))
        answer = kernel_runtime.read_result(folder, verb)
        if not answer["ok"]:
            raise StepError(_error(answer["error"]), reason)
        return answer


def _borders(spec: AttemptSpec) -> tuple[int, ...]:
    """Return, for each step that shows, how many of the runtime's steps come before its cell."""
    borders = []
    number = 0
    for step in spec.replays:
        number += 1
        if step.show:
            borders.append(number)
            number += 1
    return tuple(borders)


def _check(reply: Mapping[str, Any]) -> None:
    """Raise StepError if a call itself broke off: interrupted, or the kernel is in a bad way."""
    if reply.get("status") == "ok":
        return
    if "ename" not in reply:
        raise ExecutionError("the kernel broke off a hidden step", code="NBF504")
    traceback = tuple(reply.get("traceback", ()))
    raise StepError(
        ErrorInfo(name=reply["ename"], message=reply.get("evalue", ""), traceback=traceback)
    )


def _error(error: Mapping[str, Any]) -> ErrorInfo:
    cell = error.get("cell")
    return ErrorInfo(
        name=error["name"],
        message=error["message"],
        traceback=tuple(error.get("traceback", ())),
        cell=CellId(cell) if cell else None,
        line=error.get("line"),
    )
