"""A scheduler that takes one step when told to, with attempts that end when told to."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from nbflow.metastore import Metastore, Tick, open_metastore
from nbflow.model.attempt import AttemptEnd, AttemptResult, AttemptSpec, ErrorInfo, StoredValue
from nbflow.model.ids import Digest, Token
from nbflow.model.states import Reason, TaskState
from nbflow.service.scheduler import Scheduler
from nbflow.service.service import Service
from nbflow.settings import Settings

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class SteppedClock:
    """Time that passes when told to, under a calendar that can be set."""

    passed: float = 0.0
    shift: float = 0.0

    def wall(self) -> datetime:
        return FIRST + timedelta(seconds=self.passed + self.shift)

    def monotonic(self) -> float:
        return 1_000.0 + self.passed


@dataclass(kw_only=True)
class SteppedExecutor:
    """Attempts that do nothing, and end when told to."""

    running: dict[Token, AttemptSpec] = field(default_factory=dict)
    ends: list[AttemptEnd] = field(default_factory=list)

    def start(self, spec: AttemptSpec) -> None:
        self.running[spec.token] = spec

    def finish(self, token: Token, *, well: bool) -> None:
        spec = self.running.pop(token)
        self.ends.append(AttemptEnd(token=token, result=_succeeded(spec) if well else _FAILED))

    def poll(self, timeout: float | None = None) -> list[AttemptEnd]:
        ends, self.ends = self.ends, []
        return ends

    def cancel(self, token: Token) -> None:
        if self.running.pop(token, None) is not None:
            self.ends.append(AttemptEnd(token=token, result=_CANCELLED))

    def end(self, token: Token) -> None:
        self.running.pop(token, None)
        self.ends = [end for end in self.ends if end.token != token]

    def wake(self) -> None:
        """Nobody waits."""

    def close_group(self, group: str) -> None:
        """There are no kernels."""


_FAILED = AttemptResult(
    state=TaskState.FAILED,
    reason=Reason.ERROR,
    message="ValueError: no",
    error=ErrorInfo(name="ValueError", message="no"),
)
_CANCELLED = AttemptResult(state=TaskState.CANCELLED, reason=Reason.CANCELLED, message="cancelled")


def _succeeded(spec: AttemptSpec) -> AttemptResult:
    values = []
    for name in spec.outputs:
        bundle = Digest(hashlib.sha256(f"{name} {spec.token}".encode()).hexdigest())
        values.append(StoredValue(name=name, bundle=bundle, key=name, size=1, type="int"))
    return AttemptResult(
        state=TaskState.SUCCESS, reason=Reason.DONE, message="", values=tuple(values)
    )


class SteppedScheduler:
    """A real scheduler over a connection of its own, whose parts are called one by one."""

    def __init__(self, settings: Settings, clock: SteppedClock) -> None:
        self.store: Metastore = open_metastore(settings.database_url, clock=clock)
        self.executor = SteppedExecutor()
        executor: Any = self.executor
        service = Service(
            settings=settings,
            clock=clock,
            open_store=lambda: self.store,
            executor=lambda: executor,
        )
        self.service = service
        self.scheduler = Scheduler(service=service, executor=executor)
        self._planned: list[Tick] = []

    def step(self) -> None:
        self.scheduler.step(0)

    def look(self) -> None:
        self.scheduler._look()

    def claim(self) -> None:
        self.scheduler._start()

    def record(self) -> None:
        self.scheduler._take(0)

    def beat(self) -> None:
        self.scheduler._renew()

    def plan(self) -> None:
        """Read what is due and plan its runs; `tick` writes them, whatever has happened since."""
        due = self.store.due(self.service.clock.wall())
        self._planned = [self.scheduler._ticker.plan(one) for one in due]

    @property
    def has_plan(self) -> bool:
        return bool(self._planned)

    def tick(self) -> None:
        planned, self._planned = self._planned, []
        self.store.tick_all(planned)

    def die(self) -> None:
        """Be gone without a word: nothing is handed back, nothing is closed in the metastore."""
        self.store.db.close()
