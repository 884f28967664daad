"""One attempt from spec to result, inside a slot: kernel, cells, what came of it, cleaning up."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_core.utils import run_sync

from nbflow.errors import ExecutionError
from nbflow.execution import processes
from nbflow.execution.attempt_log import LOG_NAME, AttemptLog
from nbflow.execution.codec import dumps, encode
from nbflow.execution.guard import AttemptGuard
from nbflow.execution.kernel_runtime import read_metrics
from nbflow.execution.kernel_session import KernelLaunch, KernelSession
from nbflow.execution.outcome import Collected, result_of, unwritable
from nbflow.model.attempt import AttemptResult, AttemptSpec, CellEvent, ItemsFound
from nbflow.model.ids import CellId
from nbflow.model.sentence import Sentence
from nbflow.model.states import CellStatus, Reason, TaskState

NOTEBOOK_NAME = "executed.ipynb"
SPEC_NAME = "spec.json"
_CANCEL_GRACE = 2.0


class GroupLostError(ExecutionError):
    """The live kernel that the attempt must run in is gone."""

    default_code = "NBF507"


@dataclass(slots=True)
class _Running:
    """The attempt at hand."""

    spec: AttemptSpec
    guard: AttemptGuard
    log: AttemptLog
    session: KernelSession | None = None
    marks: dict[str, str] | None = None


class AttemptRunner:
    """Runs attempts one after the other and keeps the kernels that later ones need.

    ``emit`` sends an event to the parent. `run` never raises: whatever happens is a result.
    """

    def __init__(self, *, slot_mark: str, emit: Callable[[dict[str, Any]], None]) -> None:
        self._slot_mark = slot_mark
        self._emit = emit
        self._kept: dict[str, KernelSession] = {}
        self._now: _Running | None = None
        self._ended: list[KernelSession] = []
        self._to_cancel: set[int] = set()

    def cancel(self, token: int) -> None:
        """Cancel the attempt of that token, running or about to; from any thread."""
        self._to_cancel.add(token)
        now = self._now
        if now is not None and int(now.spec.token) == token:
            now.guard.end(Reason.CANCELLED, grace=_CANCEL_GRACE)

    def run(self, spec: AttemptSpec) -> AttemptResult:
        """Run the attempt. The kernel still runs afterwards: `clean_up` ends or keeps it."""
        begun = time.monotonic()
        folder = Path(spec.workdir)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            return unwritable(folder, problem)
        log = AttemptLog(folder, spec.limits.log_bytes)
        guard = AttemptGuard(timeout=spec.limits.timeout)
        now = self._now = _Running(spec=spec, guard=guard, log=log)
        if int(spec.token) in self._to_cancel:
            guard.end(Reason.CANCELLED)
        log.say(f"attempt {spec.try_no} of task {spec.task!r} in run {spec.run_id} starts")
        result = self._attempt(now, folder)
        guard.close()
        result = self._keep_or_end(now, result)
        log.say(f"{result.state.value}: {result.message}")
        log.close()
        return replace(
            result,
            log=LOG_NAME,
            seconds=time.monotonic() - begun,
            peak_memory=guard.peak_memory,
            metrics=read_metrics(folder),
        )

    def clean_up(self) -> None:
        """End the kernels that nobody needs any more and everything they started."""
        now, self._now = self._now, None
        if now is not None:
            self._to_cancel.discard(int(now.spec.token))
        ended, self._ended = self._ended, []
        for session in ended:
            self._end(session)
        if now is not None and now.session is None and now.marks is not None:
            self._sweep(now.marks)

    def close_group(self, group: str) -> None:
        """End the kernel kept under that name, if there is one."""
        session = self._kept.pop(group, None)
        if session is not None:
            self._end(session)

    def close(self) -> None:
        """End every kernel."""
        for group in tuple(self._kept):
            self.close_group(group)

    def _attempt(self, now: _Running, folder: Path) -> AttemptResult:
        from nbflow.execution.papermill_import import import_papermill

        collected = Collected()
        run: Any = None
        problem: BaseException | None = None
        try:
            now.session = self._session_for(now)
            now.guard.attend(now.session)
            import_papermill()
            _write_spec(now.spec, folder)
            if now.session.client is None:
                run_sync(now.session.connect)(now.spec.limits.start_timeout)
            run = self._engine_run(now, folder, collected)
            _execute(now.spec, run)
        except (Exception, asyncio.CancelledError) as caught:
            problem = caught
        return result_of(
            now.spec,
            progress=run.progress if run is not None else None,
            problem=problem,
            ended=now.guard.reason,
            collected=collected,
            peak_memory=now.guard.peak_memory,
        )

    def _session_for(self, now: _Running) -> KernelSession:
        spec = now.spec
        if spec.group is not None:
            kept = self._kept.pop(spec.group, None)
            # A process whose threads are still ending can't be waited for yet, but is gone.
            if kept is not None and kept.is_alive and processes.is_alive(kept.pid):
                return kept
            if kept is not None:
                self._ended.append(kept)
                raise GroupLostError(
                    Sentence("the live kernel of group {group!r} died", group=spec.group)
                )
            if spec.group.startswith("attempt-"):
                raise GroupLostError(
                    Sentence("the live kernel {group!r} is gone", group=spec.group)
                )
        now.marks = {
            processes.SLOT_MARK: self._slot_mark,
            processes.ATTEMPT_MARK: str(spec.token),
            processes.RUN_MARK: spec.run_id,
        }
        launch = KernelLaunch(
            kernel=spec.kernel,
            cwd=spec.cwd,
            marks=now.marks,
            environment=spec.environment,
            memory=spec.limits.memory,
            terminal=str(now.log.path.with_name("kernel.log")),
        )
        session: KernelSession = run_sync(KernelSession.start)(launch)
        return session

    def _engine_run(self, now: _Running, folder: Path, collected: Collected) -> Any:
        from nbflow.execution.engine import EngineRun
        from nbflow.execution.runtime_steps import StepsTell, steps_for

        spec = now.spec

        def on_cell(cell: CellId, status: CellStatus, at: float) -> None:
            event = CellEvent(token=spec.token, cell=cell, status=status, at=at)
            self._emit({"type": "cell", "event": encode(event)})
            now.log.say(f"cell {cell}: {status.value}")

        def on_items(found: ItemsFound) -> None:
            self._emit({"type": "items", "event": encode(found)})
            now.log.say(f"{len(found.labels)} items")

        tell = StepsTell(on_text=now.log.write, on_items=on_items)
        return EngineRun(
            output_path=str(folder / NOTEBOOK_NAME),
            limits=spec.limits,
            session=now.session,
            guard=now.guard,
            steps=steps_for(spec, folder / SPEC_NAME, collected, tell),
            on_cell=on_cell,
            on_text=now.log.write,
        )

    def _keep_or_end(self, now: _Running, result: AttemptResult) -> AttemptResult:
        """Decide what becomes of the kernel: a group's is kept, so is one that holds live values."""
        spec, session = now.spec, now.session
        if session is None:
            return result
        well = result.state in {TaskState.SUCCESS, TaskState.SKIPPED} and session.is_alive
        if well and spec.group is not None and not spec.close_group:
            self._kept[spec.group] = session
            return replace(result, kept_kernel=spec.group)
        if well and result.unstorable:
            name = f"attempt-{spec.token}"
            self._kept[name] = session
            return replace(result, kept_kernel=name)
        self._ended.append(session)
        return result

    def _end(self, session: KernelSession) -> None:
        run_sync(session.shutdown)()
        self._sweep(dict(session.launch.marks))

    def _sweep(self, marks: dict[str, str]) -> None:
        keep = {session.pid for session in (*self._kept.values(), *self._ended)}
        processes.sweep(marks, keep=keep, adopted=True)


def _write_spec(spec: AttemptSpec, folder: Path) -> None:
    from nbflow.execution.runtime_steps import for_runtime

    (folder / SPEC_NAME).touch(mode=0o600)
    (folder / SPEC_NAME).write_text(dumps(for_runtime(spec)), encoding="utf-8")


def _execute(spec: AttemptSpec, run: Any) -> None:
    import nbformat
    from papermill.execute import execute_notebook

    cells = [_visible_step(step) for step in spec.replays if step.show]
    cells += [_runnable(dict(cell.document), str(cell.cell)) for cell in spec.cells]
    notebook = nbformat.from_dict(
        {
            "cells": cells,
            "metadata": json.loads(json.dumps(encode(spec.metadata))),
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
    execute_notebook(
        notebook,
        None,
        engine_name="nbflow",
        kernel_name=spec.kernel,
        progress_bar=False,
        nbflow=run,
    )


def _visible_step(step: Any) -> dict[str, Any]:
    document = {"cell_type": "code", "metadata": {}, "source": step.source}
    return _runnable(document, str(step.cell))


def _runnable(document: dict[str, Any], cell: str) -> dict[str, Any]:
    document = json.loads(json.dumps(encode(document))) | {"id": cell}
    if document["cell_type"] == "code":
        document |= {"outputs": [], "execution_count": None}
    return document
