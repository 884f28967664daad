"""The local executor: attempts run in slots, child processes of the process that drives the run."""

import math
import queue
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from nbflow.execution.codec import decode
from nbflow.execution.slot_process import SlotProcess
from nbflow.model.attempt import AttemptEnd, AttemptResult, AttemptSpec, CellEvent, ItemsFound
from nbflow.model.ids import Token
from nbflow.model.sentence import Sentence
from nbflow.model.states import Reason, TaskState

Report = CellEvent | ItemsFound | AttemptEnd
"""What `LocalExecutor.poll` yields: a cell's progress, a mapped task's items, an attempt's end."""

_STOP_PATIENCE = 8.0
_SIGNS_OF_LIFE = 9
"""Signs of life that a slot gets in the time of its patience."""


class LocalExecutor:
    """Runs up to ``slots`` attempts side by side on this machine.

    Slots are started when needed (`warm` starts them ahead), but not while another is about to be
    idle; reused; replaced when they die and after ``recycle_after`` attempts. An attempt whose
    ``group`` is kept alive in a slot runs there, after whatever that slot is doing. All methods but
    `wake` belong to one thread. With ``patience``, an attempt ends (lost) when `poll` was not called
    for so many seconds: whoever drives it has lost its lease by then.
    """

    def __init__(
        self,
        slots: int,
        *,
        recycle_after: int = 200,
        environment: Mapping[str, str] | None = None,
        patience: float | None = None,
    ) -> None:
        if slots < 1:
            raise ValueError("an executor needs at least one slot")
        self._limit = slots
        self._recycle_after = recycle_after
        self._environment = dict(environment or {})
        self._slots: list[SlotProcess] = []
        self._events: queue.SimpleQueue[tuple[SlotProcess | None, dict[str, Any]]] = (
            queue.SimpleQueue()
        )
        self._waiting: deque[AttemptSpec] = deque()
        self._reports: deque[Report] = deque()
        self._dead_groups: set[str] = set()
        self._retired: list[SlotProcess] = []
        self._closed = False
        self._patience = patience
        self._spoke = time.monotonic()

    @property
    def free_slots(self) -> int:
        """How many more attempts would start at once."""
        busy = sum(slot.is_busy for slot in self._slots)
        return max(0, self._limit - busy - len(self._waiting))

    def warm(self, slots: int | None = None) -> None:
        """Start slots ahead of need: ``slots`` of them, or all."""
        wanted = self._limit if slots is None else min(slots, self._limit)
        while len(self._slots) < wanted:
            self._slots.append(SlotProcess(self._receive, self._environment))

    def start(self, spec: AttemptSpec) -> None:
        """Start an attempt, or let it wait for a slot; its end is reported by `poll`."""
        if self._closed:
            raise RuntimeError("the executor is closed")
        if spec.group in self._dead_groups:
            self._dead_groups.discard(spec.group)
            self._report(
                _lost(
                    spec,
                    Sentence("the live kernel of group {group!r} is gone", group=spec.group),
                )
            )
            return
        self._waiting.append(spec)
        self._hand_out()

    def poll(self, timeout: float | None = None) -> list[Report]:
        """Return what happened since the last call, waiting up to ``timeout`` seconds for a first
        report (None waits for ever, also while nothing runs).
        """
        self._say_alive()
        # A slot that was waited for may have become too late since the last look.
        self._hand_out()
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = min(deadline, self._is_late_at()) - time.monotonic()
            patience = None if left == math.inf else max(0.0, left)
            try:
                slot, event = self._events.get(block=not self._reports, timeout=patience)
            except queue.Empty:
                if self._reports or time.monotonic() >= deadline:
                    break
                self._hand_out()
                continue
            if slot is None:
                break
            self._take(slot, event)
        reports = list(self._reports)
        self._reports.clear()
        return reports

    def wake(self) -> None:
        """Make a waiting `poll` return; callable from any thread and from a signal handler."""
        self._events.put((None, {}))

    def cancel(self, token: Token) -> None:
        """Cancel an attempt, all items of it; the ends are reported by `poll`. Unknown tokens are
        ignored.
        """
        for spec in tuple(self._waiting):
            if spec.token == token:
                self._waiting.remove(spec)
                self._report(_cancelled(spec))
        for slot in self._slots:
            if slot.running is not None and slot.running.token == token:
                slot.send({"type": "cancel", "token": int(token)})

    def end(self, token: Token) -> None:
        """End an attempt at once, its slot with it; nothing more is reported of it."""
        self._waiting = deque(spec for spec in self._waiting if spec.token != token)
        for slot in self._slots:
            if slot.running is not None and slot.running.token == token:
                slot.running = None
                slot.hang_up()

    def close_group(self, group: str) -> None:
        """End the live kernel kept under that name, wherever it is."""
        for slot in self._slots:
            if group in slot.groups:
                slot.groups.discard(group)
                slot.send({"type": "close_group", "group": group})

    def close(self) -> None:
        """End everything: running attempts are killed, no process is left when this returns."""
        self._closed = True
        self._waiting.clear()
        slots, self._slots = self._slots, []
        for slot in slots:
            slot.stop() if slot.running is None else slot.hang_up()
        deadline = time.monotonic() + _STOP_PATIENCE
        for slot in (*slots, *self._retired):
            slot.end(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self, slot: SlotProcess, event: dict[str, Any]) -> None:
        self._events.put((slot, event))

    def _report(self, end: AttemptEnd) -> None:
        self._reports.append(end)
        self.wake()

    def _say_alive(self) -> None:
        now = time.monotonic()
        if self._patience is None or now - self._spoke < self._patience / _SIGNS_OF_LIFE:
            return
        self._spoke = now
        for slot in self._slots:
            if slot.running is not None:
                slot.send({"type": "alive"})

    def _take(self, slot: SlotProcess, event: dict[str, Any]) -> None:
        match event["type"]:
            case "cell":
                self._reports.append(decode(CellEvent, event["event"]))
            case "items":
                self._reports.append(decode(ItemsFound, event["event"]))
            case "result":
                end = decode(AttemptEnd, event["end"])
                slot.end_attempt(end.result.kept_kernel)
                self._reports.append(end)
            case "idle":
                slot.is_busy = False
                self._recycle(slot)
                self._hand_out()
            case "gone":
                self._gone(slot)

    def _gone(self, slot: SlotProcess) -> None:
        slot.end(0)
        if slot in self._retired:
            self._retired.remove(slot)
        if slot not in self._slots:
            return
        self._slots.remove(slot)
        death = slot.death()
        groups = set(slot.groups)
        if slot.running is not None:
            self._reports.append(_lost(slot.running, f"{death} {slot.last_words}".strip()))
            groups.discard(slot.running.group or "")
        for spec in tuple(self._waiting):
            if spec.group is not None and spec.group in groups:
                self._waiting.remove(spec)
                groups.discard(spec.group)
                message = Sentence(
                    "the live kernel of group {group!r} is gone: {death}",
                    group=spec.group,
                    death=death,
                )
                self._reports.append(_lost(spec, message))
        self._dead_groups |= groups
        self._hand_out()

    def _recycle(self, slot: SlotProcess) -> None:
        if slot.attempts >= self._recycle_after and not slot.groups:
            self._slots.remove(slot)
            self._retired.append(slot)
            slot.stop()

    def _is_late_at(self) -> float:
        """Return when a slot that cleans up is waited for no longer, infinite if none is."""
        late = (slot.soon_idle_until for slot in self._slots if slot.is_soon_idle)
        return min(late, default=math.inf) if self._waiting else math.inf

    def _hand_out(self) -> None:
        soon_idle = sum(slot.is_soon_idle for slot in self._slots)
        for spec in tuple(self._waiting):
            slot = self._slot_for(spec, may_start=soon_idle == 0)
            if slot is None:
                soon_idle = max(0, soon_idle - 1)
                continue
            self._waiting.remove(spec)
            slot.start_attempt(spec, self._patience)

    def _slot_for(self, spec: AttemptSpec, *, may_start: bool) -> SlotProcess | None:
        home = next((slot for slot in self._slots if spec.group in slot.groups), None)
        if home is not None:
            return None if home.is_busy else home
        idle = [slot for slot in self._slots if not slot.is_busy]
        if idle:
            return min(idle, key=lambda slot: len(slot.groups))
        if may_start and len(self._slots) < self._limit:
            self._slots.append(SlotProcess(self._receive, self._environment))
            return self._slots[-1]
        return None


def _cancelled(spec: AttemptSpec) -> AttemptEnd:
    message = Sentence("cancelled before it started")
    result = AttemptResult(state=TaskState.CANCELLED, reason=Reason.CANCELLED, message=message)
    return AttemptEnd(token=spec.token, item=spec.item, result=result)


def _lost(spec: AttemptSpec, message: str) -> AttemptEnd:
    result = AttemptResult(state=TaskState.FAILED, reason=Reason.LOST, message=message)
    return AttemptEnd(token=spec.token, item=spec.item, result=result)
