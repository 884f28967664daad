"""A schedule in words, in English or Korean."""

import calendar
import re
from datetime import date
from functools import lru_cache

from nbflow.model.sentence import Sentence
from nbflow.scheduling.schedule import Cron, Interval, Once, Schedule, ScheduleError, parse_schedule
from nbflow.texts import told

_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ko": ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"),
}
_MONTHS = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "ko": tuple(f"{number}월" for number in range(1, 13)),
}  # fmt: skip
_ON_THE_HOUR = re.compile(r"^At 0 minutes past the hour(?=,|$)")
_EACH_DAY = re.compile(r"매월 (?:\d+, )+\d+일")
_MONTHS_LAST = re.compile(r", (\d+월(?:(?:~|, )\d+월)*|\d+개월마다)$")
_FIRST_DAY = re.compile(r"(?:(?:첫째|둘째|셋째|넷째|다섯째|매월 마지막) )?[월화수목금토일]요일")
_STEPS = re.compile(r"(?:\*|\w+(?:-\w+)?)/(\d+)")
_RANGES = ((0, 60), (0, 24), (1, 31), (1, 12), (0, 7))


@lru_cache(maxsize=4096)
def in_words(expression: str | None, timezone: str, lang: str) -> str:
    """Return what a schedule says, for people; as it is written if it is none that can be read."""
    try:
        schedule = parse_schedule(expression, timezone)
    except ScheduleError:
        return expression or ""
    if schedule is None:
        return told(Sentence("by hand"), lang)
    words = _schedule_words(schedule, lang)
    return words if timezone == "UTC" or isinstance(schedule, Interval) else f"{words} ({timezone})"


def _schedule_words(schedule: Schedule, lang: str) -> str:
    match schedule:
        case Cron():
            return cron_in_words(schedule.expression, lang)
        case Interval():
            return told(_interval(schedule), lang)
        case Once():
            if schedule.at is None:
                return told(Sentence("once"), lang)
            at = schedule.at.astimezone(schedule.zone).isoformat(" ", "minutes")
            return told(Sentence("once, {at}", at=at[:16]), lang)


def _interval(schedule: Interval) -> Sentence:
    if schedule.months:
        return _every(
            schedule.months,
            Sentence("every month"),
            Sentence("every {count} months", count=schedule.months),
        )
    if schedule.days:
        return _every(
            schedule.days,
            Sentence("every day"),
            Sentence("every {count} days", count=schedule.days),
        )
    seconds = schedule.seconds
    if seconds % 3600 == 0:
        return _every(
            seconds // 3600,
            Sentence("every hour"),
            Sentence("every {count} hours", count=seconds // 3600),
        )
    if seconds % 60 == 0:
        return _every(
            seconds // 60,
            Sentence("every minute"),
            Sentence("every {count} minutes", count=seconds // 60),
        )
    return _every(
        seconds, Sentence("every second"), Sentence("every {count} seconds", count=seconds)
    )


def _every(count: int, one: Sentence, many: Sentence) -> Sentence:
    return one if count == 1 else many


def cron_in_words(expression: str, lang: str) -> str:
    """Return what a cron expression of 5 or 6 fields (seconds last) says; itself if that can't be
    told.
    """
    from nbflow.scheduling.cron_words import CRON_ERRORS, described

    try:
        words = described(
            _told_steps(expression), lang, needs_both_days=_needs_both_days(expression)
        )
    except CRON_ERRORS:
        return expression
    # It takes names of days and months from the process's locale, whatever language is asked for.
    for theirs, ours in _names(lang):
        words = words.replace(theirs, ours)
    return _smooth_korean(words) if lang == "ko" else _ON_THE_HOUR.sub("On the hour", words)


def _needs_both_days(expression: str) -> bool:
    """Tell whether the day of the month and the day of the week must hold, not one of them: cron
    has it so if one of the fields as they are written starts with ``*``.
    """
    fields = expression.split()
    return fields[2].startswith("*") or fields[4].startswith("*")


def _told_steps(expression: str) -> list[str]:
    """Return the fields, with steps as they are counted: anew in each hour, day, month or week.

    ``*/45`` is minute 0 and 45, ``*/90`` minute 0, and neither comes every 45 or 90 minutes. Only
    steps that fill their range are told as such.
    """
    from nbflow.scheduling.timetable import counted_fields

    fields = expression.split()
    if not any(map(_STEPS.fullmatch, fields[:5])):
        return fields
    counted = counted_fields(expression)
    for place, (low, size) in enumerate(_RANGES):
        found = _STEPS.fullmatch(fields[place])
        step = int(found[1]) if found else 1
        is_even = size % step == 0 and counted[place] == list(range(low, low + size, step))
        if step > 1:
            steps = f"*/{step}" if is_even and step < size else ",".join(map(str, counted[place]))
            fields[place] = steps
    return fields


def _smooth_korean(words: str) -> str:
    """Return what the library says as people say it: it joins translated halves as in English."""
    words = words.replace(", 그리고 ", ", ").replace(" 그리고 ", ", ").strip()
    words = re.sub(r"매 (\d+(?:분|초|시간)마다)", r"\1", words)
    words = words.replace(", 매시마다", "").replace("매시마다", "매시간")
    words = re.sub(r"매(분|초)마다", r"매\1", words).replace("마지막날", "마지막 날")
    words = words.replace("매시간 0분에", "매시간 정각에")
    words = re.sub(r"매시간 (정각에|[\d, ]+분에), (\d+시간마다)", r"\2 \1", words)
    words = re.sub(r"(\d+)부터 (\d+)일까지", r"매월 \1일부터 \2일까지", words)
    words = _EACH_DAY.sub(lambda found: re.sub(r"(\d+)(?=,)", r"\1일", found[0]), words)
    months = _MONTHS_LAST.search(words)
    if months is None:
        return words
    rest, when = words[: months.start()], months[1]
    if "매월 " in rest:
        return rest.replace("매월 ", f"{when} ", 1)
    return (
        _FIRST_DAY.sub(lambda found: f"{when} {found[0]}", rest, count=1)
        if "요일" in rest
        else words
    )


def _names(lang: str) -> list[tuple[str, str]]:
    theirs = (*calendar.day_name, *(date(2026, n, 1).strftime("%B") for n in range(1, 13)))
    pairs = zip(theirs, (*_DAYS[lang], *_MONTHS[lang]), strict=True)
    return sorted((pair for pair in pairs if pair[0] != pair[1]), key=lambda p: -len(p[0]))
