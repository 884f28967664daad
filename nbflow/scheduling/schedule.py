"""A schedule as written becomes a value, or reasons why it can't be kept."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from nbflow.errors import MetastoreError, UsageError
from nbflow.model.names import did_you_mean, may_be_meant
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunKind

MAX_LENGTH = 256
EARLIEST = datetime(100, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
"""What lies between them can be told in any zone, with room before it to look for earlier slots."""
PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 1,4,7,10 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_EVERY = re.compile(r"every\s+(\d+)\s*(s|m|h|d|w|mo)", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_EQUAL_RANGE = re.compile(r"(?:^|[\s,])(\w+)-(\1)(?=$|[\s,/])", re.IGNORECASE)
_HASHED = re.compile(r"(?:^|[\s,])[hr](?=$|[\s,/(])", re.IGNORECASE)
_EXAMPLES = (
    "write cron ('0 6 * * 1-5'), '@daily', 'every 15m' or 'once 2026-12-01T09:00'; "
    "'manual' or null for no schedule"
)


class ScheduleError(UsageError):
    """A schedule can't be kept as written; the message says why."""

    default_code = "NBF220"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """A cron expression of 5 or 6 fields (seconds last), read on the wall clock of ``zone``."""

    expression: str
    zone: ZoneInfo

    @property
    def is_fixed(self) -> bool:
        """Whether it names its times of day: neither minute nor hour starts with ``*``."""
        minute, hour = self.expression.split()[:2]
        return not minute.startswith("*") and not hour.startswith("*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """Every so often from ``anchor``: ``seconds`` of real time, or days or months by calendar."""

    zone: ZoneInfo
    anchor: datetime | None
    seconds: int = 0
    days: int = 0
    months: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """One time only; ``at`` None stands for the start date, else the time of the deploy."""

    zone: ZoneInfo
    at: datetime | None


Schedule = Cron | Interval | Once


def parse_schedule(
    text: str | None, timezone: str = "UTC", *, anchor: datetime | None = None
) -> Schedule | None:
    """Return what ``text`` means, None for no schedule. Times without a zone are in ``timezone``.

    ``anchor`` (aware) is where intervals start, and when ``@once`` is. Raises ScheduleError.
    """
    zone = read_zone(timezone)
    words = (text or "").strip()
    if not words or words.lower() == RunKind.MANUAL:
        return None
    if len(words) > MAX_LENGTH:
        raise _refused(
            Sentence(
                "the schedule has {count} characters; at most {max_length} are allowed",
                count=len(words),
                max_length=MAX_LENGTH,
            )
        )
    if not words.isascii():
        raise _refused(
            Sentence("schedule {words!r} holds characters that are not ASCII", words=words)
        )
    lower = words.lower()
    if lower == "@once":
        return Once(zone=zone, at=anchor)
    if lower.startswith("once"):
        return Once(zone=zone, at=read_instant(words[4:].strip(), zone))
    if lower.startswith("every"):
        return _interval(words, zone, anchor)
    if lower.startswith("@"):
        return Cron(expression=_preset(lower), zone=zone)
    _check_fields(words)
    return Cron(expression=" ".join(words.split()), zone=zone)


def read_zone(name: str) -> ZoneInfo:
    """Return the IANA zone of that name. Raises ScheduleError."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ScheduleError(
            Sentence("there is no time zone {name!r}", name=name),
            hint=_zone_meant(name)
            or Sentence("use an IANA name such as 'Europe/Berlin', 'Asia/Seoul' or 'UTC'"),
            code="NBF221",
        ) from None


def _zone_meant(name: str) -> Sentence | None:
    """Ask for the zone that only spaces or capitals keep from being found, or one that is near."""
    names = available_timezones()
    plain = name.strip().lower()
    alike = [one for one in names if one.lower() == plain]
    return may_be_meant(alike) or did_you_mean(name, names, cutoff=0.8)


def stored_zone(name: str) -> ZoneInfo:
    """Return the IANA zone that a schedule or a version was stored with. Raises MetastoreError NBF621
    if there is none of that name.
    """
    try:
        return read_zone(name)
    except ScheduleError:
        raise MetastoreError(
            Sentence("The metastore holds {text!r} where a time zone should be.", text=name),
            hint="Run `nbflow db check`, then put a backup in its place.",
            code="NBF621",
        ) from None


def read_instant(text: str, zone: ZoneInfo) -> datetime:
    """Return an ISO date or time as an aware instant, UTC; without an offset it is in ``zone``.

    Raises ScheduleError, also for what lies so far away that no zone's clock can show it.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ScheduleError(
            Sentence("{text!r} is not a date or time", text=text),
            hint="write it as 2026-12-01 or 2026-12-01T09:00",
            code="NBF222",
        ) from None
    try:
        found = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
        found.astimezone(zone)
    except OverflowError:
        raise too_far(text) from None
    if found < EARLIEST:
        raise too_far(text)
    return found


def too_far(text: str) -> ScheduleError:
    """Return why a date at the ends of the calendar can't be kept."""
    return ScheduleError(
        Sentence("{text!r} lies too far from today", text=text),
        hint="choose a year from 100 to 9998",
        code="NBF222",
    )


def _preset(name: str) -> str:
    if name in PRESETS:
        return PRESETS[name]
    if name == "@reboot":
        raise _refused("'@reboot' has no meaning here: nothing starts with the machine")
    raise _refused(
        Sentence(
            "there is no preset {name!r}; known: {presets}, @once",
            name=name,
            presets=", ".join(PRESETS),
        )
    )


def _interval(words: str, zone: ZoneInfo, anchor: datetime | None) -> Interval:
    match = _EVERY.fullmatch(words)
    count = int(match[1]) if match and len(match[1]) < 9 else 0
    if match is None or count == 0:
        raise _refused(
            Sentence(
                "{words!r} is not an interval; the units are s, m, h, d, w and mo", words=words
            )
        )
    unit = match[2].lower()
    if unit in _SECONDS:
        return Interval(zone=zone, anchor=anchor, seconds=count * _SECONDS[unit])
    if unit == "mo":
        return Interval(zone=zone, anchor=anchor, months=count)
    return Interval(zone=zone, anchor=anchor, days=count * (7 if unit == "w" else 1))


def _check_fields(words: str) -> None:
    fields = words.split()
    if len(fields) not in (5, 6):
        raise _refused(
            Sentence(
                "cron expression {words!r} has {count} fields, not 5 or 6",
                words=words,
                count=len(fields),
            )
        )
    if _HASHED.search(words):
        raise _refused(
            Sentence(
                "cron expression {words!r} uses H or R: its times would be a matter of luck",
                words=words,
            )
        )
    equal = _EQUAL_RANGE.search(words)
    if equal:
        raise _refused(
            Sentence(
                "the range {equal}-{equal2} in {words!r} is from a value to itself; write {equal}",
                equal=equal[1],
                equal2=equal[2],
                words=words,
            )
        )


def _refused(message: str) -> ScheduleError:
    return ScheduleError(message, hint=_EXAMPLES)
