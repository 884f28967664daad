"""Whoever works in Korean finds no English sentence."""

import ast
import re
from pathlib import Path

import pytest

from nbflow.cli.texts import catalogue

CLI = Path(__file__).parents[2] / "nbflow" / "cli"
HANGUL = re.compile("[가-힣]")


def sentences() -> set[str]:
    """Every literal that the command line hands to ``t``, and every group's ``HELP``."""
    found = set()
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(first.value)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HELP":
                found.add(ast.literal_eval(node.value))
    return found


def columns() -> set[str]:
    """Every heading of a table: the lists of column names given to ``emit``."""
    found = set()
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "emit":
                for part in ast.walk(node.args[1]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        found.add(part.value.replace("_", " "))
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "columns":
                found |= {name.replace("_", " ") for name in ast.literal_eval(node.value)}
    return found


def test_every_sentence_and_heading_has_its_korean() -> None:
    missing = sorted((sentences() | columns()) - set(catalogue()))
    assert missing == []


def test_the_catalogue_holds_nothing_that_nobody_says() -> None:
    spare = sorted(set(catalogue()) - sentences() - columns())
    assert spare == []


@pytest.mark.parametrize("english", sorted(catalogue()))
def test_a_translation_is_korean_and_keeps_the_places_to_fill(english: str) -> None:
    korean = catalogue()[english]
    assert set(re.findall(r"\{\w+\}", korean)) == set(re.findall(r"\{\w+\}", english))
    assert HANGUL.search(korean)
