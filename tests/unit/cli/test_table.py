"""Tables as lines: they fit the screen, whatever script they are in, and lose no text."""

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from nbflow.cli.table import table_lines

WORDS = st.text(alphabet="ab 한국어é-", max_size=60)


def lines(rows, *, width=40, whole=None, styles=None, colours=None):
    headings = [f"h{number}" for number in range(len(rows[0]))]
    screen = Console(width=width, color_system=colours, force_terminal=colours is not None)
    looks = styles or [[""] * len(row) for row in rows]
    marks = whole or [False] * len(headings)
    return list(table_lines(headings, rows, looks, marks, screen))


def test_columns_stand_below_each_other_also_in_korean():
    assert lines([["a", "한국어", "x"], ["long", "b", "y"]]) == [
        "h0    h1      h2",
        "────────────────",
        "a     한국어  x",
        "long  b       y",
    ]


def test_what_is_too_wide_goes_on_in_the_next_line_and_a_whole_column_does_not():
    found = lines([["scheduled__1", "some words that go on and on"]], width=24, whole=[True, False])
    assert found[2:] == [
        "scheduled__1  some words", "              that go on", "              and on",
    ]  # fmt: skip


def test_line_breaks_of_a_cell_are_kept():
    assert lines([["one\ntwo", "x"]])[2:] == ["one  x", "two"]


def test_colours_are_drawn_where_there_are_some_and_take_no_room():
    row, look = [["failed", "x"]], [["red", ""]]
    assert lines(row, styles=look)[2] == "failed  x"
    assert lines(row, styles=look, colours="standard")[2] == "\x1b[31mfailed\x1b[0m  x"


@given(rows=st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=4))
def test_every_line_fits_and_no_letter_is_lost(rows):
    found = lines([list(row) for row in rows], width=30)
    assert all(cell_len(line) <= 30 for line in found)
    letters = sorted("".join("".join(row) for row in rows).replace(" ", ""))
    assert sorted(re.sub(r"h\d|[ ─]", "", "".join(found))) == letters


def test_where_words_would_be_torn_each_row_is_a_block():
    rows = [["etl", "At 06:00 (America/New_York)", "scheduled__2026"], ["b", "", "한국어"]]
    assert lines(rows, width=36, whole=[False, False, True]) == [
        "h0  etl",
        "h1  At 06:00 (America/New_York)",
        "h2  scheduled__2026",
        "",
        "h0  b",
        "h2  한국어",
    ]
    assert (
        lines(rows, width=50, whole=[False, False, True])[0]
        == "h0   h1                           h2"
    )
