"""What a deploy does to a DAG's schedule, and what a tick writes for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import DagId
from nbflow.model.options import Catchup, DagOptions
from nbflow.model.schedule import DueSchedule, MissedSlot, ScheduleEntry
from nbflow.model.sentence import Sentence
from nbflow.scheduling.schedule import (
    EARLIEST,
    Once,
    Schedule,
    ScheduleError,
    parse_schedule,
    read_instant,
    read_zone,
)
from nbflow.scheduling.slots import (
    CATCHUP_LIMIT,
    MOST_COUNTED,
    Admission,
    DataInterval,
    MissedReason,
    Watch,
    admit,
    data_interval,
    decide_slots,
    depends_on_active,
    first_cursor,
    newest_run,
    next_slot,
)
from nbflow.scheduling.timetable import check_schedule

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedTick:
    """What is to be written for a schedule whose slot has come. ``active_runs`` is the number of
    unfinished runs that it rests on, None if it would be the same whatever their number.
    """

    cursor: datetime
    next_fire: datetime | None
    run: tuple[tuple[datetime, DataInterval], ...] = ()
    missed: tuple[MissedSlot, ...] = ()
    cancel_others: bool = False
    active_runs: int | None = None


def plan_deploy(
    dag_id: DagId,
    options: DagOptions,
    known: ScheduleEntry | None,
    now: datetime,
    *,
    confirmed: bool = False,
) -> ScheduleEntry | None:
    """Return the schedule that a deploy at ``now`` leaves, None for a DAG without one.

    A schedule that is as it was goes on from its cursor; an edited one, from now. Raises
    ScheduleError for what is no schedule, and for more than a thousand slots to catch up on unless
    ``confirmed``.
    """
    zone = read_zone(options.timezone)
    entry = ScheduleEntry(
        id=known.id if known else 0,
        version=known.version if known else 0,
        dag_id=dag_id,
        expression=" ".join((options.schedule or "").split()),
        timezone=options.timezone,
        cursor=now,
        next_fire=None,
        anchor=known.anchor if known and known.anchor else _whole(now),
        start=read_instant(options.start_date, zone) if options.start_date else None,
        end=read_instant(options.end_date, zone) if options.end_date else None,
        catchup=options.catchup,
        overlap=options.overlap,
        max_active_runs=options.max_active_runs,
    )
    if not entry.expression:
        return None
    entry = _placed(entry, known, now)
    if not confirmed:
        _refuse_flood(entry, now)
    return replace(entry, next_fire=next_slot(watch_of(entry), entry.cursor))


def over_finding(options: DagOptions, now: datetime) -> Diagnostic | None:
    """Return a warning if a sound schedule that is deployed at ``now`` would make no run ever."""
    entry = plan_deploy(DagId(""), options, None, now, confirmed=True)
    if entry is None or entry.next_fire is not None:
        return None
    return Diagnostic(
        code="NBF227",
        severity=Severity.WARNING,
        message=Sentence(
            "schedule {text!r} has no time to come: it makes no run", text=entry.expression
        ),
        hint="choose a time to come or a later end_date; `nbflow dags trigger DAG` runs it now",
    )


def schedule_findings(options: DagOptions, now: datetime) -> list[Diagnostic]:
    """Return everything that is wrong with a schedule, or that a sound one makes no run from ``now``
    on; empty if all is well.
    """
    found = check_schedule(
        options.schedule,
        options.timezone,
        start_date=options.start_date,
        end_date=options.end_date,
        min_period=options.min_period,
        now=now,
    )
    over = None if found else over_finding(options, now)
    return [over] if over is not None else found


def _placed(entry: ScheduleEntry, known: ScheduleEntry | None, now: datetime) -> ScheduleEntry:
    """Return the schedule with its cursor, and `@once` with its instant."""
    if known is not None and _says_the_same(entry, known):
        return replace(entry, cursor=known.cursor)
    if entry.expression.lower() == "@once" and entry.start is None:
        entry = replace(entry, anchor=_whole(now))
    schedule = schedule_of(entry)
    if isinstance(schedule, Once) and schedule.at == _whole(now):
        return replace(entry, cursor=schedule.at - _INSTANT)
    if known is None or not known.expression:
        return replace(entry, cursor=first_cursor(now, start=entry.start, catchup=entry.catchup))
    return entry


def _whole(now: datetime) -> datetime:
    """Return the second that ``now`` lies in: people name a slot by what they are shown of it."""
    return now.replace(microsecond=0)


def _says_the_same(entry: ScheduleEntry, known: ScheduleEntry) -> bool:
    return (entry.expression, entry.timezone, entry.start, entry.end) == (
        known.expression, known.timezone, known.start, known.end,
    )  # fmt: skip


def schedule_of(entry: ScheduleEntry) -> Schedule:
    """Return what a stored schedule means. Raises ScheduleError if this release can't read it."""
    found = parse_schedule(entry.expression, entry.timezone, anchor=entry.start or entry.anchor)
    if found is None:
        raise ScheduleError(
            Sentence("{dag} has no schedule", dag=entry.dag_id), hint="give it one and deploy it"
        )
    return found


def watch_of(entry: ScheduleEntry) -> Watch:
    """Return a stored schedule with its bounds and policy, as slots are decided by."""
    return Watch(
        schedule=schedule_of(entry),
        cursor=entry.cursor,
        start=entry.start,
        end=entry.end,
        catchup=entry.catchup,
    )


def plan_tick(due: DueSchedule, now: datetime) -> PlannedTick:
    """Say what becomes of the slots of one schedule that have come by ``now``."""
    entry = due.entry
    watch = replace(watch_of(entry), pauses=due.pauses)
    decided = decide_slots(watch, now)
    run, dropped, replaces = _admitted(entry, decided.run, due.active_runs)
    missed = [(one.slot, one.reason) for one in decided.missed]
    missed += [(slot, MissedReason.OVERLAP) for slot in dropped]
    return PlannedTick(
        cursor=decided.cursor,
        next_fire=decided.next_fire,
        run=_intervals(watch.schedule, run, entry.cursor, decided.next_fire),
        missed=tuple(
            MissedSlot(dag_id=entry.dag_id, slot=slot, reason=reason.value, at=now)
            for slot, reason in sorted(missed)
        ),
        cancel_others=replaces,
        active_runs=due.active_runs if decided.run and depends_on_active(entry.overlap) else None,
    )


def _admitted(
    entry: ScheduleEntry, slots: Sequence[datetime], active: int
) -> tuple[list[datetime], list[datetime], bool]:
    """Return which slots get a run beside ``active`` ones and which the overlap drops, and whether
    what runs is replaced.
    """
    run: list[datetime] = []
    dropped: list[datetime] = []
    replaces = False
    for slot in slots:
        admission = admit(entry.overlap, active=active, max_active_runs=entry.max_active_runs)
        if admission is Admission.MISS:
            dropped.append(slot)
            continue
        if admission is Admission.REPLACE:
            # Of several slots that come at once only the newest is left.
            replaces, active = True, 0
            dropped += run
            run = []
        active += 1
        run.append(slot)
    return run, dropped, replaces


def _intervals(
    schedule: Schedule, slots: Sequence[datetime], cursor: datetime, following: datetime | None
) -> tuple[tuple[datetime, DataInterval], ...]:
    """Return the slots with what their runs cover. The slot before the first is likely the cursor,
    or as far before it as the next is after the last.
    """
    found: list[tuple[datetime, DataInterval]] = []
    near = cursor
    if following is not None and slots:
        near = min(near, slots[0] - min(following - slots[-1], slots[0] - EARLIEST))
    for slot in slots:
        found.append((slot, data_interval(schedule, slot, near=near)))
        near = slot
    return tuple(found)


def preview_unpause(
    entry: ScheduleEntry, now: datetime, *, active_runs: int = 0
) -> tuple[int, int]:
    """Return how many slots passed unnoticed, and how many of them will run beside ``active_runs``
    unfinished ones; both are counted up to `MOST_COUNTED`.
    """
    watch = watch_of(entry)
    decided = decide_slots(watch, now, limit=MOST_COUNTED)
    wanted = decided.run
    if decided.more and entry.catchup is not Catchup.ALL:
        wanted = newest_run(watch, now)
    run, _, _ = _admitted(entry, wanted, active_runs)
    return len(decided.run) + len(decided.missed), len(run)


def _refuse_flood(entry: ScheduleEntry, now: datetime) -> None:
    if entry.catchup is not Catchup.ALL:
        return
    watch = watch_of(entry)
    found = decide_slots(watch, now, limit=MOST_COUNTED)
    count = len(found.run)
    if count <= CATCHUP_LIMIT:
        return
    begin = f"{(entry.cursor + _INSTANT).astimezone(watch.schedule.zone):%Y-%m-%d}"
    what = (
        Sentence(
            "catch-up on every slot since {begin} is more than {limit} runs",
            begin=begin,
            limit=MOST_COUNTED,
        )
        if found.more
        else Sentence(
            "catch-up on every slot since {begin} is {count} runs", begin=begin, count=count
        )
    )
    raise ScheduleError(
        what,
        hint="choose a later start_date or catchup latest, or confirm it (--catchup; `confirmed` of the API)",
        code="NBF224",
    )


def refuse_to_run(dag_id: DagId, will_run: int) -> None:
    """Raise ScheduleError if a DAG that is let run again would make more runs than anybody asks for by
    mistake.
    """
    if will_run <= CATCHUP_LIMIT:
        return
    count = shown_count(will_run)
    raise ScheduleError(
        Sentence(
            "{dag} stays paused: unpausing it would make {count} runs", dag=dag_id, count=count
        ),
        hint="confirm it (--catchup; `confirmed` of the API), or deploy it with catchup latest first",
        code="NBF224",
    )


def shown_count(slots: int) -> str:
    """Return how many slots were counted, for people: no more than `MOST_COUNTED` are."""
    return f"{slots}+" if slots == MOST_COUNTED else str(slots)
