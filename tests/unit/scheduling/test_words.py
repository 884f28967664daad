"""A schedule in words, in both languages, whatever the process's locale is."""

from datetime import UTC, date, datetime

import pytest

from nbflow.scheduling.timetable import next_fires
from nbflow.scheduling.words import in_words

SAID = [
    ("0 6 * * 1-5", "At 06:00, Monday through Friday", "06:00, 월요일~금요일"),
    ("@daily", "At 00:00", "00:00"),
    ("*/15 * * * *", "Every 15 minutes", "15분마다"),
    ("0 0 1 1,4 *", "At 00:00, on day 1 of the month, only in January and April", "00:00, 1월, 4월 1일"),
    ("30 2 * * SUN", "At 02:30, only on Sunday", "02:30, 일요일에"),
    ("0 12 * * * 30", "At 12:00:30", "12:00:30"),
    ("* * * * *", "Every minute", "매분"),
    ("* * * * * *", "Every second", "매초"),
    ("* * * * * */10", "Every 10 seconds", "10초마다"),
    ("0 * * * *", "Every hour", "매시간"),
    ("30 * * * *", "At 30 minutes past the hour", "매시간 30분에"),
    ("5,35 * * * *", "At 5 and 35 minutes past the hour", "매시간 5, 35분에"),
    ("*/20 1 * * *", "Every 20 minutes, between 01:00 and 01:59", "20분마다, 01:00부터 01:59까지"),
    ("* 6 * * *", "Every minute, between 06:00 and 06:59", "매분, 06:00부터 06:59까지"),
    ("0-30 6 * * *", "Every minute between 06:00 and 06:30", "06:00부터 06:30까지 매분"),
    ("0 */2 * * *", "Every 2 hours", "2시간마다"),
    ("15 */6 * * *", "At 15 minutes past the hour, every 6 hours", "6시간마다 15분에"),
    ("0 9-17 * * *", "On the hour, between 09:00 and 17:59", "매시간 정각에, 09:00부터 17:59까지"),
    ("0 6,18 * * *", "At 06:00 and 18:00", "06:00, 18:00"),
    (
        "0 6 * * 1,3,5", "At 06:00, only on Monday, Wednesday, and Friday",
        "06:00, 월요일, 수요일, 금요일에",
    ),
    ("0 0 1 * *", "At 00:00, on day 1 of the month", "00:00, 매월 1일"),
    ("0 0 1,15 * *", "At 00:00, on day 1 and 15 of the month", "00:00, 매월 1일, 15일"),
    (
        "0 0 10-20 * *", "At 00:00, between day 10 and 20 of the month",
        "00:00, 매월 10일부터 20일까지",
    ),
    ("0 0 L * *", "At 00:00, on the last day of the month", "00:00, 매월 마지막 날"),
    ("0 0 1 * 1", "At 00:00, on day 1 of the month, or on Monday", "00:00, 매월 1일, 또는 월요일"),
    ("0 0 1 1 *", "At 00:00, on day 1 of the month, only in January", "00:00, 1월 1일"),
    ("0 0 1 */3 *", "At 00:00, on day 1 of the month, every 3 months", "00:00, 3개월마다 1일"),
    ("*/45 * * * *", "At 0 and 45 minutes past the hour", "매시간 0, 45분에"),
    ("*/90 * * * *", "Every hour", "매시간"),
    ("5/30 * * * *", "At 5 and 35 minutes past the hour", "매시간 5, 35분에"),
    ("0/15 * * * *", "Every 15 minutes", "15분마다"),
    ("0 */5 * * *", "At 00:00, 05:00, 10:00, 15:00 and 20:00", "00:00, 05:00, 10:00, 15:00, 20:00"),
    (
        "0 0 */10 * *", "At 00:00, on day 1, 11, 21, and 31 of the month",
        "00:00, 매월 1일, 11일, 21일, 31일",
    ),
    ("0 0 1 2/5 *", "At 00:00, on day 1 of the month, only in February, July, and December", "00:00, 2월, 7월, 12월 1일"),
    (
        "0 0 * * 1-5/2", "At 00:00, only on Monday, Wednesday, and Friday",
        "00:00, 월요일, 수요일, 금요일에",
    ),
    ("0 0 */31 * *", "At 00:00, on day 1 of the month", "00:00, 매월 1일"),
    ("0 0 1 JAN-DEC/6 *", "At 00:00, on day 1 of the month, every 6 months", "00:00, 6개월마다 1일"),
    ("0 0 * 6-8 *", "At 00:00, June through August", "00:00, 6월~8월"),
    ("0 5 * 3 SAT", "At 05:00, only on Saturday, only in March", "05:00, 3월 토요일에"),
    ("0 0 * * 5#2", "At 00:00, on the second Friday of the month", "00:00, 둘째 금요일"),
    ("0 0 * * L5", "At 00:00, on the last Friday of the month", "00:00, 매월 마지막 금요일"),
    (
        "0 0 1 * */2",
        "At 00:00, on day 1 of the month, and only if it is Sunday, Tuesday, Thursday, or Saturday",
        "00:00, 매월 1일, 단 일요일, 화요일, 목요일, 토요일인 날에만",
    ),
    (
        "0 0 */10 3 1",
        "At 00:00, on day 1, 11, 21, and 31 of the month, and only if it is Monday, only in March",
        "00:00, 3월 1일, 11일, 21일, 31일, 단 월요일인 날에만",
    ),
    (
        "0 0 1/10 * 1", "At 00:00, on day 1, 11, 21, and 31 of the month, or on Monday",
        "00:00, 매월 1일, 11일, 21일, 31일, 또는 월요일",
    ),
    (
        "0 0 */15 * 5#2",
        "At 00:00, on day 1, 16, and 31 of the month, and only if it is the second Friday of the month",
        "00:00, 매월 1일, 16일, 31일, 단 둘째 금요일인 날에만",
    ),
    ("0 0 1 * 1-5", "At 00:00, on day 1 of the month, or on Monday through Friday", "00:00, 매월 1일, 또는 월요일~금요일"),
    ("0 0 */1 * 1", "At 00:00, only on Monday", "00:00, 월요일에"),
    (
        "*/45 */5 * * *", "At 0 and 45 minutes past the hour, in hours 0, 5, 10, 15, and 20",
        "0시, 5시, 10시, 15시, 20시의 0, 45분에",
    ),
    (
        "*/45 0 * * *", "At 0 and 45 minutes past the hour, between 00:00 and 00:59",
        "0시의 0, 45분에",
    ),
    ("*/15 0,5 * * *", "Every 15 minutes, in hours 0 and 5", "0시, 5시에 15분마다"),
    ("* 0,5 * * *", "Every minute, in hours 0 and 5", "0시, 5시에 매분"),
    ("0 0-5,7 * * *", "On the hour, in hours 0 through 5 and 7", "0시~5시, 7시 정각에"),
    ("every 15m", "every 15 minutes", "15분마다"),
    ("every 1h", "every hour", "1시간마다"),
    ("every 2w", "every 14 days", "14일마다"),
    ("every 1mo", "every month", "매월"),
    ("every 90s", "every 90 seconds", "90초마다"),
    ("once 2026-12-01T09:00", "once, 2026-12-01 09:00", "한 번, 2026-12-01 09:00"),
    ("@once", "once", "한 번"),
    (None, "by hand", "수동"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "english", "korean"), SAID)
def test_a_schedule_is_said_in_english_and_in_korean(expression, english, korean):
    assert in_words(expression, "UTC", "en") == english
    assert in_words(expression, "UTC", "ko") == korean


def days_of_2027(expression: str) -> set[date]:
    fires = next_fires(expression, "UTC", datetime(2026, 12, 31, 12, tzinfo=UTC), 370)
    return {at.date() for at in fires if at.year == 2027}


@pytest.mark.parametrize(
    ("of_month", "of_week"),
    [
        ("1", "*/2"), ("*/10", "1"), ("*/2", "1-5"), ("*/2", "*/2"), ("1-7", "*/3"), ("L", "*/2"),
        ("*/10", "5#2"), ("1/10", "1"), ("1", "1"), ("1-7", "1-5"), ("1,15", "1-3,5"), ("L", "5"),
        ("2-30/2", "1-5/2"),
    ],
)  # fmt: skip
def test_words_say_whether_both_days_must_hold_as_the_timetable_has_it(of_month, of_week):
    expression = f"0 0 {of_month} * {of_week}"
    fires = days_of_2027(expression)
    month_days, week_days = days_of_2027(f"0 0 {of_month} * *"), days_of_2027(f"0 0 * * {of_week}")
    needs_both = fires == month_days & week_days
    assert needs_both or fires == month_days | week_days
    english, korean = in_words(expression, "UTC", "en"), in_words(expression, "UTC", "ko")
    assert ("only if" in english, " or on " in english) == (needs_both, not needs_both)
    assert ("인 날에만" in korean, "또는" in korean) == (needs_both, not needs_both)


def test_another_zone_than_utc_is_named():
    assert in_words("0 6 * * *", "Asia/Seoul", "en") == "At 06:00 (Asia/Seoul)"


def test_what_cannot_be_read_is_shown_as_it_is_written():
    assert in_words("@reboot", "UTC", "en") == "@reboot"
    assert in_words("0 6 * * *", "Nowhere/City", "en") == "0 6 * * *"


def test_names_of_days_do_not_follow_the_locale_of_the_process(monkeypatch):
    german = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
    monkeypatch.setattr("calendar.day_name", german)
    assert in_words("1 6 * * 1-5", "UTC", "en") == "At 06:01, Monday through Friday"
