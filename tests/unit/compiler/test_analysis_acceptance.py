"""The table of cells whose analysis is documented."""

import json
from pathlib import Path

import pytest

from nbflow.compiler.analysis import Analyser

CASES = json.loads((Path(__file__).parents[2] / "golden" / "inference.json").read_text())["cells"]
LISTS = ("needs_now", "needs_when_called", "binds", "may_bind", "mutates", "deletes", "warns")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id']}-{case['title']}")
def test_a_cell_of_the_table_is_understood(case: dict[str, object]) -> None:
    names = {}
    analyser = Analyser()
    if case["id"] == 59:
        before = next(c for c in CASES if c["id"] == 37)
        names.update(analyser.analyse(before["code"], names).exports)
    summary = analyser.analyse(str(case["code"]), names).summary
    assert {key: list(getattr(summary, key)) for key in LISTS} == {key: case[key] for key in LISTS}
