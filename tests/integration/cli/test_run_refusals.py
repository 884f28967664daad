"""`nbflow run` called in ways that can't work: a code, a place, a sentence, a way out, no traceback."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = """\
# %% tags=["parameters"]
n: int = 1

# %%
# %%task a
x = n

# %%
# %%task b
print(x)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a notebook that runs, one that can't, and places that can't be written to."""
    (tmp_path / "good.py").write_text(GOOD)
    cells = ("a --after c", "x = 1"), ("b", "y = x"), ("c", "z = y")
    (tmp_path / "cycle.py").write_text(
        "".join(f"# %%\n# %%task {task}\n{c}\n" for task, c in cells)
    )
    (tmp_path / "itself.py").write_text("# %%\n# %%task a --after a\nx = 1\n")
    (tmp_path / "syntax.py").write_text("# %%\n# %%task a\nx = = 1\n")
    for name in ("empty", "taken"):
        (tmp_path / name).mkdir()
    (tmp_path / "untagged").mkdir()
    (tmp_path / "untagged" / "scratch.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    return tmp_path


REFUSED = {
    "missing file": (["missing.ipynb"], "NBF001", "missing.ipynb"),
    "folder without notebooks": (["empty"], "NBF902", "name the notebook itself"),
    "folder without a DAG": (["untagged"], "NBF902", "tag a cell with task:NAME"),
    "unknown parameter": (["good.py", "-p", "m=1"], "NBF401", "the parameters are: n (int)"),
    "wrong type": (["good.py", "-p", "n=many"], "NBF401", "n is int"),
    "unknown name in a template": (["good.py", "-p", "n={{ day }}"], "NBF403", "ds, logical_date"),
    "syntax error": (["syntax.py"], "NBF200", "[1]:2"),
    "cycle": (["cycle.py"], "NBF200", "NBF201 tasks wait for each other: a -> b -> c -> a"),
    "waits for itself": (["itself.py"], "NBF200", "task 'a' waits for itself: a -> a"),
    "unknown task": (["good.py", "--select", "zz"], "NBF512", "Tasks: a, b."),
    "output onto a folder": (["good.py", "-o", "taken"], "NBF704", "taken/good.executed.ipynb"),
    "output into no folder": (["good.py", "-o", "no/out.ipynb"], "NBF704", "There is no folder"),
    "output onto itself": (["good.py", "-o", "good.py"], "NBF715", "good.executed.ipynb"),
}


@pytest.mark.fault(38)
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_before_anything_runs(
    nbflow: Call, folder: Path, case: str
) -> None:
    words, code, part = REFUSED[case]
    before = {path: path.read_bytes() for path in folder.glob("*.py")}
    done = nbflow("run", "-q", *words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error {code}: "), done.stderr
    assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert {path: path.read_bytes() for path in folder.glob("*.py")} == before
    assert list((folder / "taken").iterdir()) == []
    assert not (folder / "home" / "store" / "runs").exists()


def without_override(*words: str) -> list[str]:
    """Return a command for which file modes count, also when root runs the tests."""
    if os.geteuid() != 0:
        return list(words)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv is not installed")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search", *words]


@pytest.mark.fault(14)
@pytest.mark.skipif(os.name != "posix", reason="file modes of POSIX")
@pytest.mark.parametrize(
    ("closed", "code", "exit_code"), [("out", "NBF704", 2), ("home/store/runs", "NBF642", 3)]
)
def test_a_folder_that_is_read_only_is_named(
    folder: Path, closed: str, code: str, exit_code: int
) -> None:
    place = folder / closed
    place.mkdir(parents=True)
    place.chmod(0o555)
    command = without_override(sys.executable, "-m", "nbflow", "run", "-q", "good.py")
    try:
        done = subprocess.run(
            [*command, "-o", "out/out.ipynb"] if closed == "out" else command,
            cwd=folder,
            env=os.environ | {"NBFLOW_HOME": str(folder / "home"), "NBFLOW_LANG": "en"},
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
    finally:
        place.chmod(0o755)
    assert done.returncode == exit_code, done.stderr
    assert done.stderr.startswith(f"error {code}: "), done.stderr
    assert str(Path(closed).name) in done.stderr
    assert list(place.iterdir()) == []


@pytest.mark.kernel
def test_a_failed_task_has_a_code_and_a_way_out(nbflow: Call, folder: Path) -> None:
    (folder / "bad.py").write_text(GOOD.replace("print(x)", "print(x / 0)"))
    done = nbflow("run", "-q", "bad.py")
    assert done.returncode == 1
    assert "NBF501: Mend the cell that is named and run again." in done.stdout
    assert "\n  --select b+ runs only what is missing.\n  nbflow runs open" in done.stdout
    header = (
        "# ---\n# jupyter:\n#   kernelspec:\n#     name: nosuch\n#     display_name: None such\n"
        "#     language: python\n# ---\n\n"
    )
    (folder / "other.py").write_text(header + "# %%\n# %%task a\nx = 1\n")
    done = nbflow("run", "-q", "other.py")
    assert done.returncode == 1
    assert "kernel 'nosuch' is not installed; available: " in done.stdout
    assert "NBF503: Install it, or choose an installed kernel" in done.stdout


@pytest.mark.kernel
def test_two_runs_at_once_in_one_home_do_not_hinder_each_other(nbflow: Call, folder: Path) -> None:
    env = os.environ | {"NBFLOW_HOME": str(folder / "home"), "NBFLOW_LANG": "en"}
    words = [sys.executable, "-m", "nbflow", "run", "-q", "good.py", "--format", "json"]
    both = [
        subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for one in both:
        out, err = one.communicate(timeout=110)
        assert (one.returncode, err) == (0, b"")
        assert [json.loads(line)["state"] for line in out.splitlines()] == ["success"] * 2
    assert nbflow("db", "check").returncode == 0
    assert len(json.loads(nbflow("runs", "list", "-f", "json").stdout)) == 2
