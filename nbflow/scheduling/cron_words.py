"""A cron expression as cron_descriptor says it, mended where that is not what the schedule does."""

import re

from cron_descriptor import (
    ExpressionDescriptor,
    FormatException,
    MissingFieldException,
    Options,
)

CRON_ERRORS = (FormatException, MissingFieldException, ValueError, IndexError)
_LOCALES = {"en": "en_US", "ko": "ko_KR"}
_LISTED = re.compile(r"\d+|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)+")
"""Hours one by one: not all, no step and no single range."""
_ON_DAYS = re.compile(r"^, (?:only on |on )?")
_EITHER = {"en": ", or on {days}", "ko": ", 또는 {days}"}
_BOTH = {"en": ", and only if it is {days}", "ko": ", 단 {days}인 날에만"}


def described(fields: list[str], lang: str, *, needs_both_days: bool) -> str:
    """Return what the fields (seconds last) say. Raises one of CRON_ERRORS if that can't be told.

    ``needs_both_days`` tells that a day of the month and a day of the week must both hold.
    """
    descriptor = _Descriptor(
        " ".join(fields[5:] + fields[:5]),
        Options(locale_code=_LOCALES[lang], use_24hour_time_format=True),
        lang=lang,
        needs_both_days=needs_both_days,
    )
    words: str = descriptor.get_description()
    return words


class _Descriptor(ExpressionDescriptor):  # type: ignore[misc]
    """Its parts are seconds, minutes, hours, days of the month, months and days of the week."""

    def __init__(
        self, expression: str, options: Options, *, lang: str, needs_both_days: bool
    ) -> None:
        super().__init__(expression, options)
        self._lang = lang
        self._needs_both_days = needs_both_days

    def get_minutes_description(self) -> str:
        """Say the minutes; in Korean the hours that stand one by one come before them."""
        said: str = super().get_minutes_description()
        hours: str = self._expression_parts[2]
        if not _LISTED.fullmatch(hours):
            return said
        said = said or self.translate("at {0} minutes past the hour").format("0")
        return _in_korean_hours(hours, said) if self._lang == "ko" else said

    def get_hours_description(self) -> str:
        """Say hours that stand one by one as hours: which minutes of theirs are meant is said."""
        hours: str = self._expression_parts[2]
        if not _LISTED.fullmatch(hours):
            said: str = super().get_hours_description()
            return said
        if self._lang == "ko":
            return ""
        if hours.isdecimal():
            start, end = self.format_time(hours, "0"), self.format_time(hours, "59")
            return str(self.translate("between {0} and {1}").format(start, end))
        return f"in hours {_in_english(hours)}"

    def get_day_of_week_description(self) -> str:
        """Say whether both days must hold, or one of them, if both are named."""
        said: str = super().get_day_of_week_description()
        of_month, of_week = self._expression_parts[3], self._expression_parts[5]
        if not said or of_month == "*":
            return said
        if not self._needs_both_days and ("#" in of_week or "L" in of_week or "W" in of_month):
            return said  # croniter joins these in its own way
        self._expression_parts[3] = "*"
        days = _ON_DAYS.sub("", super().get_day_of_week_description())
        self._expression_parts[3] = of_month
        if self._lang == "ko":
            days = days.strip().removesuffix("에")
        elif self._needs_both_days:
            days = days.replace(" and ", " or ")
        return (_BOTH if self._needs_both_days else _EITHER)[self._lang].format(days=days)


def _in_english(hours: str) -> str:
    *most, last = (hour.replace("-", " through ") for hour in hours.split(","))
    return f"{', '.join(most)}{',' if len(most) > 1 else ''} and {last}"


def _in_korean_hours(hours: str, minutes: str) -> str:
    named = re.sub(r"\d+", r"\g<0>시", hours).replace("-", "~").replace(",", ", ")
    minutes = minutes.removeprefix("매시간 ")
    if minutes == "0분에":
        return f"{named} 정각에"
    return f"{named}에 {minutes}" if minutes.endswith("마다") else f"{named}의 {minutes}"
