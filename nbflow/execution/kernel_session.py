"""One live kernel: started with its marks, ready as soon as it answers, ended with all it started."""

import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from nbflow.errors import ExecutionError
from nbflow.execution import processes, stream_pieces
from nbflow.execution.kernels import KernelStartError, check_kernel
from nbflow.model.sentence import Sentence

_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_REFUSED = re.compile(r"LD_.*|PYTHON.*|PATH|NBFLOW_.*")
_HIDDEN = frozenset({"NBFLOW_DATABASE_URL", processes.SLOT_FOLDER})
_MAX_SOCKET_PATH = 90
_IOPUB_BACKLOG = 1
"""Messages that wait unread in this process: a flood of output stays in the kernel's own queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelLaunch:
    """How a kernel is started. ``environment`` is added to this process's own; ``memory`` (bytes)
    limits its address space; what it writes to the terminal goes to the file ``terminal``.
    """

    kernel: str
    cwd: str | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    terminal: str | None = None


class KernelDiedError(ExecutionError):
    """The kernel's process ended while it was needed; ``status`` as of Popen, None if unknown."""

    default_code = "NBF504"

    def __init__(self, status: int | None) -> None:
        super().__init__(death_sentence(status))
        self.status = status


def death_sentence(status: int | None) -> Sentence:
    """Return how a kernel's process ended, in words; a negative status is a signal's number."""
    if status is None:
        return Sentence("kernel died")
    if status < 0:
        return Sentence("kernel died (signal {number})", number=-status)
    return Sentence("kernel died (exit code {number})", number=status)


def check_environment(environment: Mapping[str, str]) -> None:
    """Raise ExecutionError for a variable that a notebook may not set."""
    for name in environment:
        if not _ENV_NAME.fullmatch(name) or _REFUSED.fullmatch(name):
            raise ExecutionError(
                Sentence("the environment variable {name!r} can't be set for a task", name=name),
                code="NBF505",
                hint="use upper-case names; LD_*, PYTHON*, PATH and NBFLOW_* are nbflow's own",
            )


class KernelSession:
    """A started kernel and the one client that talks to it, in the event loop of one thread."""

    def __init__(self, manager: Any, launch: KernelLaunch, folder: str, is_ipykernel: bool) -> None:
        self.manager = manager
        self.launch = launch
        self.is_ipykernel = is_ipykernel
        self.client: Any = None
        self.language_info: Mapping[str, Any] = {}
        self.interrupt_mode = "signal"
        self.prepared = False
        """Whether the runtime was injected."""
        self.next_prompt = 1
        self._folder = folder
        self._process = manager.provisioner.process
        self.pid: int = self._process.pid

    @classmethod
    async def start(cls, launch: KernelLaunch) -> "KernelSession":
        """Start the kernel's process; `connect` waits until it answers. Raises KernelStartError."""
        import zmq.asyncio
        from jupyter_client.manager import AsyncKernelManager

        installed = check_kernel(launch.kernel)
        check_environment(launch.environment)
        folder = tempfile.mkdtemp(prefix="nbflow-", dir=os.environ.get(processes.SLOT_FOLDER))
        context = zmq.asyncio.Context()
        context.setsockopt(zmq.RCVHWM, _IOPUB_BACKLOG)
        options: dict[str, Any] = {"connection_file": str(Path(folder, "kernel.json"))}
        is_ipykernel = any("ipykernel" in argument for argument in installed.argv)
        if is_ipykernel and os.name == "posix" and len(folder) < _MAX_SOCKET_PATH:
            options |= {"transport": "ipc", "ip": str(Path(folder, "k"))}
        manager = AsyncKernelManager(kernel_name=launch.kernel, context=context, **options)
        try:
            await _start_process(manager, launch, is_ipykernel)
        except Exception as problem:
            context.destroy(linger=0)
            shutil.rmtree(folder, ignore_errors=True)
            raise KernelStartError(
                Sentence(
                    "kernel {kernel!r} could not be started: {problem}",
                    kernel=launch.kernel,
                    problem=problem,
                ),
                hint=Sentence("look at kernel.json in {folder}", folder=installed.folder),
            ) from problem
        session = cls(manager, launch, folder, is_ipykernel)
        session.interrupt_mode = installed.interrupt_mode
        return session

    async def connect(self, timeout: float) -> None:
        """Wait until the kernel answers and its output arrives.

        Raises KernelStartError after ``timeout`` seconds or when the process ends before.
        """
        self.client = self.manager.client()
        self.client.start_channels(hb=False)
        self.client.allow_stdin = False
        deadline = time.monotonic() + timeout
        while not await self._answers():
            if not self.is_alive:
                raise KernelStartError(
                    Sentence(
                        "kernel {kernel!r} ended before it was ready (exit code {exit_status})",
                        kernel=self.launch.kernel,
                        exit_status=self.exit_status,
                    ),
                    hint="the attempt's log holds what it wrote",
                )
            if time.monotonic() > deadline:
                raise KernelStartError(
                    Sentence(
                        "kernel {kernel!r} did not start within {timeout:g} s",
                        kernel=self.launch.kernel,
                        timeout=timeout,
                    ),
                    hint="start it by hand once, or raise the start time-out",
                )
        if self.is_ipykernel:
            await self.run_hidden(stream_pieces.CODE)

    @property
    def is_alive(self) -> bool:
        """Tell whether the kernel's process still runs."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How the process ended, as of Popen: negative for a signal; None while it runs."""
        status = self._process.poll()
        return None if status is None else int(status)

    async def run_hidden(
        self, code: str, on_text: Callable[[str], None] | None = None
    ) -> Mapping[str, Any]:
        """Run code that leaves no trace in history or outputs; return the reply's content.

        What it prints goes to ``on_text``. Raises KernelDiedError.
        """
        message = self.client.execute(code, silent=True, store_history=False, allow_stdin=False)
        reply = asyncio.ensure_future(self._reply_to(message))
        idle = asyncio.ensure_future(self._idle_after(message, on_text))
        pending: set[asyncio.Future[Any]] = {reply, idle}
        while pending:
            done, pending = await asyncio.wait(
                pending, timeout=0.5, return_when=asyncio.FIRST_EXCEPTION
            )
            if pending and not done and not self.is_alive:
                for future in pending:
                    future.cancel()
                raise KernelDiedError(self.exit_status)
        idle.result()
        return reply.result()

    async def shutdown(self, grace: float = 2.5) -> None:
        """End the kernel: asked politely, killed with its process group after ``grace`` seconds."""
        if self.is_alive and grace > 0 and self.client is not None:
            self.client.shutdown()
            deadline = time.monotonic() + grace
            while self.is_alive and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
        await self.kill()

    async def kill(self) -> None:
        """End the kernel and its process group at once, and free its sockets and files."""
        processes.send_signal(self.pid, "SIGKILL", group=True)
        deadline = time.monotonic() + 5
        while self.is_alive and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        if self.client is not None:
            self.client.stop_channels()
            self.client = None
        await self.manager.cleanup_resources()
        self.manager.context.destroy(linger=0)
        shutil.rmtree(self._folder, ignore_errors=True)

    def interrupt(self) -> None:
        """Ask the kernel to stop what it runs; callable from any thread."""
        if self.interrupt_mode == "message":
            self._send_interrupt_message()
        else:
            processes.send_signal(self.pid, "SIGINT", group=True)

    def _send_interrupt_message(self) -> None:
        from jupyter_client.blocking import BlockingKernelClient

        client = BlockingKernelClient(connection_file=self.manager.connection_file)
        client.load_connection_file()
        client.start_channels(shell=False, iopub=False, stdin=False, hb=False, control=True)
        client.control_channel.send(client.session.msg("interrupt_request", {}))
        client.stop_channels()

    async def _answers(self) -> bool:
        self.client.kernel_info()
        deadline = time.monotonic() + 1
        while True:
            try:
                message = await self.client.get_shell_msg(timeout=0.1)
            except Empty:
                if time.monotonic() > deadline or not self.is_alive:
                    return False
                continue
            if message["msg_type"] != "kernel_info_reply":
                continue
            try:
                await self.client.get_iopub_msg(timeout=0.2)
            except Empty:
                return False
            self.language_info = message["content"].get("language_info", {})
            return True

    async def _reply_to(self, message: str) -> Mapping[str, Any]:
        while True:
            reply = await self.client.get_shell_msg(timeout=None)
            if reply["parent_header"].get("msg_id") == message:
                content: Mapping[str, Any] = reply["content"]
                return content

    async def _idle_after(self, message: str, on_text: Callable[[str], None] | None) -> None:
        while True:
            output = await self.client.get_iopub_msg(timeout=None)
            if output["parent_header"].get("msg_id") != message:
                continue
            content = output["content"]
            if output["msg_type"] == "status" and content["execution_state"] == "idle":
                return
            if output["msg_type"] == "stream" and on_text is not None:
                on_text(content["text"])


async def _start_process(manager: Any, launch: KernelLaunch, is_ipykernel: bool) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in _HIDDEN}
    environment |= dict(launch.environment) | dict(launch.marks)
    # Sets have to iterate alike in all kernels of a run, as they do in the one kernel of a page.
    environment.setdefault("PYTHONHASHSEED", "0")
    options: dict[str, Any] = {}
    if os.name == "posix":
        # Runs between fork and exec: two system calls through functions resolved before.
        options["preexec_fn"] = _limits(launch.memory)
    if is_ipykernel:
        options["extra_arguments"] = ["--HistoryManager.hist_file=:memory:"]
    target = launch.terminal or os.devnull
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    terminal = os.open(target, flags, 0o600)
    try:
        await manager.start_kernel(
            cwd=launch.cwd, env=environment, stdout=terminal, stderr=terminal, **options
        )
    finally:
        os.close(terminal)


def _limits(memory: int | None) -> Callable[[], None]:
    if memory is None:
        return processes.die_with_parent
    import resource

    def apply() -> None:
        processes.die_with_parent()
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    return apply
