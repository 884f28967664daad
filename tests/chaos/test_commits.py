"""Whichever commit a process is stopped at, what it wanted is done once when it is asked for again."""

import ast
from pathlib import Path

import pytest
from storms.child import report_of, run_child

CONTRACT = Path(__file__).parents[1] / "contract" / "test_metastore_faults.py"
ELSEWHERE = {
    "fire": "test_metastore_triggers.py",
    "notice_": "test_metastore_notices.py",
}


@pytest.mark.fault(2, 17)
@pytest.mark.timeout(120)
def test_a_process_stopped_at_the_commit_of_any_other_verb_leaves_nothing_half_done(
    tmp_path: Path,
) -> None:
    report = report_of(run_child("commits", {"home": str(tmp_path)}, timeout=100))
    assert report["wrong"] == {}
    tree = ast.parse(CONTRACT.read_text())
    (others,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OTHERS"
    ]
    here = {verb for verb in others if not verb.startswith(tuple(ELSEWHERE))}
    assert here == set(report["verbs"]), "a verb at whose commit nobody is stopped"
    for name in ELSEWHERE.values():
        assert "_commit" in CONTRACT.with_name(name).read_text()
