"""Every row of docs/reference/abuse.md has tests that show it, or says why there is nothing to show."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reference" / "abuse.md"
ROWS = frozenset(range(1, 48))
NOT_HERE = "## What nbflow has not"


def marked() -> dict[int, set[str]]:
    """Return the tests of each row, from the marks at functions."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for test in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
            if test.name.startswith("test_"):
                for row in (row for mark in test.decorator_list for row in rows_of(mark)):
                    found[row].add(test.name)
    return found


def rows_of(node: ast.AST) -> list[int]:
    return [
        ast.literal_eval(argument)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.abuse"
        for argument in call.args
    ]


def rows_in(text: str) -> list[tuple[int, str]]:
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return [(int(number), answer) for number, answer in rows]


def test_every_row_of_the_page_has_tests_that_carry_its_number_or_a_reason() -> None:
    shown, _, absent = PAGE.read_text(encoding="utf-8").partition(NOT_HERE)
    told, reasons = dict(rows_in(shown)), dict(rows_in(absent))
    numbers = sorted(row for row, _ in [*rows_in(shown), *rows_in(absent)])
    assert numbers == sorted(ROWS), "each row once"
    found = marked()
    assert found.keys() == told.keys(), (told.keys() - found.keys(), found.keys() - told.keys())
    assert all(reason.strip() for reason in reasons.values())


@pytest.mark.abuse(47)
@pytest.mark.parametrize(
    ("name", "holed", "mended"),
    [("jupyter-server", "2.20.0", "2.21.0"), ("nbconvert", "7.17.0", "7.17.1")],
)
def test_no_release_with_known_holes_is_good_enough(name: str, holed: str, mended: str) -> None:
    """CVE-2026-86049 of Jupyter Server, CVE-2026-39377 and -39378 of nbconvert."""
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    required = {
        one.name: one.specifier for one in map(Requirement, project["project"]["dependencies"])
    }
    assert holed not in required[name]
    assert mended in required[name]
