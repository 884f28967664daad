"""Whoever works in Korean finds no English sentence."""

import ast
import re
from string import Formatter

import pytest
from spoken_sentences import columns, handed_over, sentences

from nbflow.model.codes import CODES
from nbflow.texts import catalogue

HANGUL = re.compile("[가-힣]")
FILLED = (ast.JoinedStr, ast.BinOp)


def fields(template: str) -> set[tuple[str, str | None, str | None]]:
    """The places to fill, each with its conversion and format."""
    if not re.search(r"\{\w*[!:}]", template):
        return set()
    return {(name, spec, way) for _, name, spec, way in Formatter().parse(template) if name}


def test_every_sentence_and_heading_has_its_korean() -> None:
    missing = sorted((sentences() | columns()) - set(catalogue()))
    assert missing == []


def test_every_code_has_a_korean_title_explanation_and_way_out() -> None:
    for code, info in CODES.items():
        for text in (info.title, info.explanation, info.remedy):
            assert HANGUL.search(catalogue().get(text, "")), (code, text)


def test_what_fills_a_message_is_named_so_that_it_can_be_said_in_another_language() -> None:
    filled = [f"{p.name}:{e.lineno}" for p, e in handed_over() if isinstance(e, FILLED)]
    assert filled == []


def test_the_catalogue_holds_nothing_that_nobody_says() -> None:
    spare = sorted(set(catalogue()) - sentences() - columns())
    assert spare == []


@pytest.mark.parametrize("english", sorted(catalogue()))
def test_a_translation_is_korean_and_keeps_the_places_to_fill(english: str) -> None:
    korean = catalogue()[english]
    assert fields(korean) == fields(english)
    assert HANGUL.search(korean)
