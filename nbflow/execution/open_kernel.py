"""A task's inputs in a kernel, for a person to work on: the task's own cells don't run."""

import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from jupyter_core.utils import run_sync

from nbflow.errors import ExecutionError
from nbflow.execution import kernel_runtime, processes
from nbflow.execution.codec import dumps
from nbflow.execution.kernel_session import KernelLaunch, KernelSession
from nbflow.execution.runtime_steps import uses_runtime
from nbflow.model.attempt import AttemptSpec
from nbflow.model.sentence import Sentence

OPEN_MARK = "NBFLOW_OPEN"
"""Environment variable of an opened kernel and of all that it starts."""
_SPEC = "spec.json"


class CallRuntime(Protocol):
    """Calls a verb of the runtime in some kernel; its answer lies in the spec's folder then."""

    def __call__(self, verb: str, *arguments: object) -> None:
        """Call the verb, and wait for it."""
        ...


def load_task(
    spec: AttemptSpec, folder: Path, call: CallRuntime, *, key: str, item: int = 0
) -> tuple[str, ...]:
    """Load what a task finds when its first cell starts; ``item`` is the one of a mapped task that
    it starts with. Return the names that were bound.

    ``folder`` is empty and nobody else's; ``key`` the one that values are signed with. Raises
    ExecutionError NBF522 if something can't be loaded or replayed.
    """
    path = folder / _SPEC
    path.touch(mode=0o600)
    told = _without_own_outputs(spec, key)
    path.write_text(dumps(told), encoding="utf-8")

    def ask(verb: str, *arguments: object) -> Mapping[str, Any]:
        kernel_runtime.result_path(folder, verb).unlink(missing_ok=True)
        call(verb, *arguments)
        answer = kernel_runtime.read_result(folder, verb)
        if not answer["ok"]:
            raise _unloadable(answer["error"])
        return answer

    ask("open_task", str(path))
    done = 0
    while done < len(told.replays):
        waits = ask("replay_now", done, len(told.replays)).get("awaits")
        if waits is None:
            break
        ask("replay", waits, waits + 1)
        done = waits + 1
    ask("load")
    names = [load.name for load in spec.loads]
    if spec.foreach is not None:
        ask("choose_item", *spec.foreach, item)
        names.append(spec.foreach[0])
    if spec.cells:
        ask("set_prompt", spec.cells[0].prompt)
    return tuple(dict.fromkeys(names))


def _without_own_outputs(spec: AttemptSpec, key: str) -> AttemptSpec:
    from dataclasses import replace

    return replace(
        spec,
        replays=tuple(replace(step, show=False) for step in spec.replays),
        foreach=None,
        environment={**spec.environment, kernel_runtime.VALUE_KEY: key},
    )


def _unloadable(error: Mapping[str, Any]) -> ExecutionError:
    return ExecutionError(
        Sentence(
            "the task's inputs can't be loaded: {name}: {message}",
            name=error["name"],
            message=error["message"],
        ),
        hint="\n".join(error.get("traceback", ())),
        code="NBF522",
    )


class OpenKernel:
    """A kernel of its own with a task's inputs loaded; it ends with `close`, or with this process.

    Frontends connect to it by ``connection_file``. ``names`` are the names that were bound.
    """

    def __init__(self, spec: AttemptSpec, *, key: str, item: int = 0) -> None:
        """Start the kernel and load the inputs. Raises KernelStartError, ExecutionError."""
        if not uses_runtime(spec):
            raise ExecutionError(
                Sentence(
                    "Inputs can be loaded into Python kernels only; this is {language}.",
                    language=spec.language,
                ),
                code="NBF522",
            )
        self._marks = {OPEN_MARK: uuid.uuid4().hex}
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nbflow-open-")))
            stack.callback(processes.sweep, self._marks)
            launch = KernelLaunch(
                kernel=spec.kernel,
                cwd=spec.cwd,
                marks=self._marks,
                terminal=str(folder / "kernel.log"),
            )
            self._session: KernelSession = run_sync(KernelSession.start)(launch)
            stack.callback(self._end)
            run_sync(self._session.connect)(spec.limits.start_timeout)
            self._call_hidden(kernel_runtime.bootstrap_code())
            self.names = load_task(spec, folder, self._call, key=key, item=item)
            # Who works in it hears what it says; nobody reads it here any more.
            self._session.client.stop_channels()
            self._stack = stack.pop_all()

    @property
    def connection_file(self) -> str:
        """The file that tells frontends how to connect."""
        return str(self._session.manager.connection_file)

    @property
    def pid(self) -> int:
        """The kernel's process."""
        return self._session.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether the kernel runs."""
        return self._session.is_alive

    def client(self) -> Any:
        """Return a connected jupyter_client to run code with; stop its channels after use."""
        from jupyter_client.blocking import BlockingKernelClient

        client = BlockingKernelClient(connection_file=self.connection_file)
        client.load_connection_file()
        client.start_channels()
        return client

    def close(self) -> None:
        """End the kernel and everything that was started in it."""
        self._stack.close()

    def __enter__(self) -> "OpenKernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self) -> None:
        if self._session.is_alive:
            self._session.client = self._session.manager.client()
            self._session.client.start_channels(hb=False)
        run_sync(self._session.shutdown)()

    def _call(self, verb: str, *arguments: object) -> None:
        self._call_hidden(kernel_runtime.call_code(verb, *arguments))

    def _call_hidden(self, code: str) -> None:
        reply = run_sync(self._session.run_hidden)(code)
        if reply.get("status") != "ok":
            raise _unloadable(
                {"name": reply.get("ename", "?"), "message": reply.get("evalue", "?")}
            )


def load_here(spec: AttemptSpec, *, key: str, item: int = 0) -> tuple[str, ...]:
    """Load a task's inputs into the kernel that this code runs in; return the names that were bound.

    Raises ExecutionError NBF522.
    """
    import sys

    names: dict[str, Any] = {}
    exec(kernel_runtime.bootstrap_code(), names)  # noqa: S102 - as every kernel of a run does
    runtime = sys.modules[kernel_runtime.PACKAGE]

    def call(verb: str, *arguments: object) -> None:
        work: Callable[..., Any] = getattr(runtime, verb)
        if verb == "replay":
            runtime.replays.finish_at_once(work(*arguments))
        else:
            work(*arguments)

    with tempfile.TemporaryDirectory(prefix="nbflow-open-") as folder:
        return load_task(spec, Path(folder), call, key=key, item=item)
