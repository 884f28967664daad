"""A schedule in words, in both languages, whatever the process's locale is."""

import pytest

from nbflow.scheduling.words import in_words

SAID = [
    ("0 6 * * 1-5", "At 06:00, Monday through Friday", "06:00, 월요일~금요일"),
    ("@daily", "At 00:00", "00:00"),
    ("*/15 * * * *", "Every 15 minutes", "매 15분마다"),
    ("0 0 1 1,4 *", "At 00:00, on day 1 of the month, only in January and April", "1월 그리고 4월"),
    ("30 2 * * SUN", "At 02:30, only on Sunday", "02:30, 일요일에"),
    ("0 12 * * * 30", "At 12:00:30", "12:00:30"),
    ("every 15m", "every 15 minutes", "15분마다"),
    ("every 1h", "every hour", "1시간마다"),
    ("every 2w", "every 14 days", "14일마다"),
    ("every 1mo", "every month", "매월"),
    ("every 90s", "every 90 seconds", "90초마다"),
    ("once 2026-12-01T09:00", "once, 2026-12-01 09:00", "한 번, 2026-12-01 09:00"),
    ("@once", "once", "한 번"),
    (None, "by hand", "수동"),
]


@pytest.mark.parametrize(("expression", "english", "korean"), SAID)
def test_a_schedule_is_said_in_english_and_in_korean(expression, english, korean):
    assert in_words(expression, "UTC", "en") == english
    assert korean in in_words(expression, "UTC", "ko")


def test_another_zone_than_utc_is_named():
    assert in_words("0 6 * * *", "Asia/Seoul", "en") == "At 06:00 (Asia/Seoul)"


def test_what_cannot_be_read_is_shown_as_it_is_written():
    assert in_words("@reboot", "UTC", "en") == "@reboot"
    assert in_words("0 6 * * *", "Nowhere/City", "en") == "0 6 * * *"


def test_names_of_days_do_not_follow_the_locale_of_the_process(monkeypatch):
    german = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
    monkeypatch.setattr("calendar.day_name", german)
    assert in_words("1 6 * * 1-5", "UTC", "en") == "At 06:01, Monday through Friday"
