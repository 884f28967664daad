import pytest

from nbflow.render import words
from nbflow.render.measure import shorten, text_width, wrap


def test_every_phrase_has_the_same_blanks_in_both_languages() -> None:
    import string

    for key, phrases in words._WORDS.items():
        blanks = [{name for _, name, _, _ in string.Formatter().parse(p) if name} for p in phrases]
        if key != "edge.after":
            assert blanks[0] == blanks[1], key


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.85, "850 ms"),
        (0.9999, "1.0 s"),
        (3.2, "3.2 s"),
        (59.96, "1 m 00 s"),
        (245, "4 m 05 s"),
        (7620, "2 h 07 m"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_wide_character_takes_the_room_of_two_narrow_ones() -> None:
    assert text_width("데이터", 10) > text_width("dat", 10) * 1.4
    assert text_width("한", 10) == text_width("\u1112\u1161\u11ab", 10) or text_width("한", 10) > 9


def test_long_names_break_after_a_separator_and_nothing_gets_lost() -> None:
    name = "a_rather_long_task_name-with.many_parts_and_one" + "x" * 40
    lines = wrap(name, 17.0)
    assert "".join(lines) == name
    assert all(text_width(line, 1.0) <= 17.0 for line in lines)
    assert lines[0].endswith(("_", "-", "."))


def test_shortened_text_says_that_it_is() -> None:
    assert shorten("short", 20) == "short"
    assert shorten("정확도" * 20, 10).endswith("…")
    assert text_width(shorten("정확도" * 20, 10), 1) <= 11


def test_one_of_a_thing_is_said_as_one() -> None:
    said = [words.counted(key, "en", n) for key in ("dag.tasks", "dag.edges") for n in (1, 2)]
    assert said == ["1 task", "2 tasks", "1 dependency", "2 dependencies"]
    assert words.counted("dag.edges", "ko", 1) == "의존성 1개"
