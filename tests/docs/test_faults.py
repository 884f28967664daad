"""Every row of docs/reference/faults.md has tests that show it, marked with its number."""

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reference" / "faults.md"
ROWS = frozenset(range(1, 46))


def marked() -> dict[int, set[str]]:
    """Return the tests of each row, from the marks at functions and modules."""
    found: dict[int, set[str]] = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tests = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
        tests = [test for test in tests if test.name.startswith("test_")]
        for test in tests:
            for mark in test.decorator_list:
                for row in rows_of(mark):
                    found[row].add(test.name)
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
                for row in rows_of(node.value):
                    found[row] |= {test.name for test in tests}
    return found


def rows_of(node: ast.AST) -> list[int]:
    return [
        ast.literal_eval(argument)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault"
        for argument in call.args
    ]


def test_every_fault_of_the_page_is_shown_by_tests_that_carry_its_number() -> None:
    told = [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE.read_text(), re.M)]
    assert sorted(told) == sorted(ROWS), "each row once"
    found = marked()
    assert found.keys() == ROWS, (ROWS - found.keys(), found.keys() - ROWS)
