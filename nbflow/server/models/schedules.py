"""Schedules in words and instants, backfills, and who is at work."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from nbflow.model.backfill import BackfillState, Reprocess
from nbflow.server.models.fields import Asked, Finding, Given, Name, Page, Paged


class PreviewQuery(Asked):
    """A schedule as written, to see what it says."""

    expression: str = Field(max_length=1000)
    timezone: str = Field(default="UTC", max_length=100)
    start_date: str | None = Field(default=None, max_length=100)
    end_date: str | None = Field(default=None, max_length=100)
    min_period: float = Field(default=60.0, ge=1.0, le=10.0**9)
    count: int = Field(default=5, ge=1, le=100)


class FireForm(Given):
    """An instant, in the schedule's own zone and in UTC."""

    local: str
    utc: datetime


class PreviewAnswer(Given):
    """What a schedule says, in English and Korean, and when it fires next."""

    words: dict[str, str]
    next: list[FireForm]
    diagnostics: list[Finding]


class TriggerForm(Given):
    """A trigger of a deployed DAG: `words` is what it waits for, `watched` the other DAG whose runs or
    metrics it follows, `files` how many files it knows. A metric's trigger that is not `armed` waits
    for the metric to leave its condition first. `fired` is when it last made a run.
    """

    kind: str
    words: str
    watched: str | None
    files: int
    armed: bool
    fired: datetime | None
    waiting: bool


class Triggers(Given):
    """What makes runs of a DAG beside its schedule; a paused DAG's triggers make none."""

    dag_id: str
    paused: bool
    items: list[TriggerForm]


class MissedForm(Given):
    """A slot that got no run, and why."""

    slot: datetime
    reason: str


class ScheduleAnswer(Given):
    """A deployed DAG's schedule; the expression is empty for one that runs by hand or by triggers."""

    dag_id: str
    expression: str
    timezone: str
    words: dict[str, str]
    start: datetime | None
    end: datetime | None
    catchup: str
    overlap: str
    max_active_runs: int
    paused: bool
    next: list[FireForm]
    missed: list[MissedForm]
    missed_while_paused: int
    will_run: int


class BackfillRequest(Asked):
    """Past slots to run; `first` and `last` are days or instants in ISO form, both included."""

    dag_id: Name
    first: str = Field(max_length=40)
    last: str = Field(max_length=40)
    reverse: bool = False
    reprocess: Reprocess = Reprocess.NONE
    max_active: int | None = Field(default=None, ge=1, le=1000)
    before_start: bool = False
    dry_run: bool = False
    confirmed: bool = Field(default=False, description="Agrees to more than a thousand slots.")


class SlotForm(Given):
    """What becomes of a slot, and why. Once it was decided on, `state` is how its run stands and
    `reason` says why.
    """

    slot: datetime
    action: str
    why: str
    run_id: str | None
    state: str | None
    reason: str


class BackfillForm(Given):
    """A backfill; `runs` counts its runs by state."""

    backfill_id: str
    dag_id: str
    state: str
    first: datetime
    last: datetime
    slots: int
    decided: int
    runs: dict[str, int]
    created: datetime | None


class BackfillPlanned(Given):
    """What a backfill does with every slot; `backfill_id` is null if nothing was recorded."""

    backfill_id: str | None
    will_run: int
    slots: list[SlotForm]


class CalendarQuery(Asked):
    """The days to show, both included: two months at most."""

    first: date
    last: date


class DayForm(Given):
    """A day in the schedule's zone that has slots. Those that have come and may have a run are counted
    by how their run stands: `slots` is how many there are in all, `left_out` of them lie outside of the
    schedule's dates, `future` have not come.
    """

    day: date
    slots: int
    no_run: int
    succeeded: int
    failed: int
    cancelled: int
    goes_on: int
    left_out: int
    future: int


class Calendar(Given):
    """The days of a deployed DAG's schedule on which slots lie."""

    dag_id: str
    timezone: str
    items: list[DayForm]


class BackfillQuery(Paged):
    """Which backfills to list."""

    dag_id: Name | None = None
    state: BackfillState | None = None


class BackfillList(Page[BackfillForm]):
    """Backfills, the newest first."""


class BackfillAnswer(Given):
    """A backfill with the slots it has decided on."""

    backfill: BackfillForm
    decided: list[SlotForm]


class SchedulerForm(Given):
    """A scheduler: `works`, `silent` or `gone`."""

    state: str
    host: str
    pid: int
    started: datetime
    heartbeat: datetime
    running: int


class HealthAnswer(Given):
    """Whether all is well, and what waits; `GET /import-errors` lists what is held up."""

    status: Literal["ok", "no scheduler"]
    version: str
    schedulers: list[SchedulerForm]
    slots_waiting: int
    tasks_waiting: int
    held_up: int
