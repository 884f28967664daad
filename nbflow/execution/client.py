"""The client that runs a notebook's cells: output capped as it arrives, honest about each end."""

import asyncio
from collections.abc import Callable
from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from papermill.clientwrap import PapermillNotebookClient

from nbflow.execution.guard import AttemptGuard
from nbflow.execution.kernel_session import KernelDiedError, KernelSession
from nbflow.execution.outputs import OutputBudget, bundle_size
from nbflow.execution.progress import NotebookProgress
from nbflow.execution.steps import ConditionFalseError, Steps
from nbflow.model.states import CellStatus, Reason

_ENDINGS = {
    Reason.TIMED_OUT: CellStatus.TIMED_OUT,
    Reason.CANCELLED: CellStatus.CANCELLED,
    Reason.OUTPUT_LIMIT: CellStatus.FAILED,
}
_OUTPUTS = frozenset({"stream", "display_data", "execute_result", "error"})
_OUTPUT_GRACE = 2.0


class NbflowClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Runs the cells of ``nb_man`` in a live kernel session.

    Streams of one name are one output, as a front end shows them. What a cell or the notebook may
    not keep is dropped on arrival, and said in a last line.
    """

    def __init__(
        self,
        nb_man: NotebookProgress,
        session: KernelSession,
        *,
        budget: OutputBudget,
        guard: AttemptGuard,
        steps: Steps,
        on_text: Callable[[str], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(nb_man, km=session.manager, **options)
        self.kc = session.client
        self._session = session
        self._budget = budget
        self._guard = guard
        self._steps = steps
        self._on_text = on_text
        self._stream: Any = None
        self._pieces: list[str] = []
        nb_man.before_save = self.settle
        nb_man.ending = lambda: _ENDINGS.get(guard.reason) if guard.reason else None

    async def async_run(self) -> None:
        """Run everything. Raises KernelDiedError, CellTimeoutError or what a step raises.

        A cell's exception ends the run without being raised: the notebook says it.
        """
        self.reset_execution_trackers()
        saver = asyncio.ensure_future(self._save_now_and_then())
        try:
            await self._steps.prepare(self._session)
            if await self._run_cells():
                await self._steps.finish(self._session)
        except ConditionFalseError:
            self.nb_man.skip_cells()
        except DeadKernelError:
            raise KernelDiedError(self._session.exit_status) from None
        finally:
            saver.cancel()
            self.settle()
            self.nb.metadata["language_info"] = dict(self._session.language_info)
            self.set_widgets_metadata()

    run = run_sync(async_run)

    async def _run_cells(self) -> bool:
        """Run the cells; False if one raised."""
        for index, cell in enumerate(self.nb.cells):
            if self._guard.reason is not None:
                return False
            await self._steps.before_cell(self._session, index)
            self._budget.start_cell()
            self.nb_man.cell_start(cell, index)
            try:
                await self._run_cell(cell, index)
            except CellExecutionError as problem:
                self._close_cell(cell)
                self.nb_man.cell_exception(cell, cell_index=index, exception=problem)
                return False
            except (DeadKernelError, KernelDiedError):
                self._end_cell(cell, CellStatus.KILLED)
                raise
            except CellTimeoutError:
                self._end_cell(cell, CellStatus.TIMED_OUT)
                raise
            finally:
                self._close_cell(cell)
                self.nb_man.cell_complete(cell, cell_index=index)
        return self._guard.reason is None

    async def _run_cell(self, cell: Any, index: int) -> None:
        await self.async_execute_cell(cell, index)
        if cell.get("execution_count"):
            self._session.next_prompt = cell["execution_count"] + 1

    def _end_cell(self, cell: Any, status: CellStatus) -> None:
        self.nb_man.end_cell(cell, self.nb_man.ending() or status)

    def _close_cell(self, cell: Any) -> None:
        self.settle()
        notice = self._budget.notice()
        if notice is not None:
            cell.outputs.append(_stream("stderr", notice))
            self._budget.start_cell()

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Take one message of a running cell, within the limits."""
        kind, content = msg["msg_type"], msg["content"]
        if kind in _OUTPUTS and self.clear_before_next_output:
            self._budget.clear_cell()
        if kind == "stream":
            if self._on_text is not None:
                self._on_text(content["text"])
            content["text"] = self._admit(self._budget.admit_text(content["text"]))
            if not content["text"] or self._joined(msg, cell):
                self.nb_man.autosave_cell()
                return None
        elif kind in {"display_data", "execute_result", "update_display_data"}:
            if not self._admit(self._budget.admit_data(bundle_size(content["data"]))):
                return None
        elif kind == "error" and self._on_text is not None:
            self._on_text("\n".join(content["traceback"]) + "\n")
        self.settle()
        if kind == "clear_output" and not content.get("wait"):
            self._budget.clear_cell()
        if kind == "update_display_data" and display_id(msg) not in self._display_id_map:
            output = _update(content, display_id(msg))
            cell.outputs.append(output)
            return output
        output = super().process_message(msg, cell, cell_index)
        if display_id(msg):
            self._mark_displays(display_id(msg))
        if kind == "stream" and output is not None:
            self._stream, self._pieces = output, [output["text"]]
        return output

    def _mark_displays(self, name: str) -> None:
        """Note a display's id at its outputs, since a later task may update it."""
        for index, places in self._display_id_map.get(name, {}).items():
            outputs = self.nb.cells[index].outputs
            for place in places:
                if place < len(outputs):
                    outputs[place]["metadata"]["nbflow"] = {"display_id": name}

    def settle(self) -> None:
        """Put the text that was gathered for the last stream output into it."""
        if self._stream is not None:
            self._stream["text"] = "".join(self._pieces)
            self._pieces = [self._stream["text"]]

    def _admit(self, kept: Any) -> Any:
        if self._budget.is_exceeded:
            self._guard.end(Reason.OUTPUT_LIMIT, grace=_OUTPUT_GRACE)
        return kept

    def _joined(self, msg: Any, cell: Any) -> bool:
        """Add a stream's text to the output before it, if that is the same stream."""
        if self.clear_before_next_output or self.output_hook_stack[msg["parent_header"]["msg_id"]]:
            return False
        last = cell.outputs[-1] if cell.outputs else None
        if last is None or last is not self._stream or last["name"] != msg["content"]["name"]:
            return False
        self._pieces.append(msg["content"]["text"])
        return True

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            self.nb_man.save_if_due()


def display_id(msg: Any) -> str:
    """Return the id of a display that may be updated later, empty if it has none."""
    return str((msg["content"].get("transient") or {}).get("display_id") or "")


def _update(content: Any, name: str) -> Any:
    """Return what stands for the update of a display that an earlier task made."""
    from nbformat.v4 import new_output

    mark = {"display_id": name, "is_update": True}
    metadata = {**content.get("metadata", {}), "nbflow": mark}
    return new_output("display_data", data=content["data"], metadata=metadata)


def _stream(name: str, text: str) -> Any:
    from nbformat.v4 import new_output

    return new_output("stream", name=name, text=text)
