"""``nbflow run`` against plain papermill: ten chained and twenty parallel tasks that do nothing.

Papermill runs each task as a notebook of its own, one after another, as its users must. Both are
measured in turn in one run, so that the load of the machine falls on both.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import Row, environment, seconds

ROUNDS = 2


def measure() -> list[Row]:
    """Run both shapes both ways in turn."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for label, sources in (
            ("10 chained tasks", ["x = 0", *["x = x + 1"] * 9]),
            ("20 parallel tasks", [f"y_{number} = {number}" for number in range(20)]),
        ):
            place = Path(folder, label.replace(" ", "_"))
            ours, theirs = _side_by_side(place, sources)
            rows += [
                (f"{label}: nbflow run", f"{ours:.1f} s"),
                (f"{label}: papermill, one notebook each", f"{theirs:.1f} s"),
                (f"{label}: ratio", f"{theirs / ours:.2f} x"),
            ]
    return rows


def _side_by_side(place: Path, sources: list[str]) -> tuple[float, float]:
    place.mkdir()
    whole = place / "tasks.ipynb"
    whole.write_text(json.dumps(_notebook(sources, tagged=True)))
    single = [place / f"one_{number}.ipynb" for number in range(len(sources))]
    for path, source in zip(single, sources, strict=True):
        path.write_text(json.dumps(_notebook([source.replace("x + 1", "1")], tagged=False)))
    env = environment(NBFLOW_HOME=str(place / "home"))
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: _call(["nbflow", "run", str(whole), "--quiet"], env)))
        theirs.append(seconds(lambda: _papermill(single, env)))
    return statistics.median(ours), statistics.median(theirs)


def _papermill(notebooks: list[Path], env: dict[str, str]) -> None:
    for path in notebooks:
        _call(
            ["papermill", str(path), str(path.with_suffix(".out.ipynb")), "--no-progress-bar"], env
        )


def _call(words: list[str], env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


def _notebook(sources: list[str], *, tagged: bool) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": [f"task:t{number}"] if tagged else []},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(sources)
        ],
    }
