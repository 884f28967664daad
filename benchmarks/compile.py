"""How long a compile takes: a whole notebook of 1,000 cells, and again after one edited cell."""

import copy
import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.machine import Row, cpu_seconds

CELLS = 1000


def document(cells: int = CELLS) -> dict[str, Any]:
    """Return a notebook of tagged cells like people write: frames, functions, loops."""
    sources = ["import pandas as pd\nimport numpy as np\n"]
    for number in range(1, cells):
        before = f"table_{number - 1}" if number > 1 else "pd.DataFrame({'a': range(9)})"
        sources.append(
            f"def scale_{number}(frame, factor={number % 7 + 1}):\n"
            f"    return frame.assign(a=frame['a'] * factor)\n"
            f"table_{number} = scale_{number}({before})\n"
            f"total_{number} = sum(value for value in table_{number}['a'] if value > 2)\n"
            f"print(f'{{total_{number}:.2f}}')\n"
        )
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": [f"task:t{number}"] if number else []},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(sources)
        ],
    }


EDITS: dict[str, Callable[[list[dict[str, Any]], int], None]] = {
    "a line more in a middle cell": lambda cells, n: _append(cells[CELLS // 2], f"extra = {n}\n"),
    "other text in a middle cell": lambda cells, n: _format(cells[CELLS // 2], n),
    "a line more in the first cell": lambda cells, n: _append(cells[0], f"extra = {n}\n"),
}
"""What one edit of one cell may be."""


def _append(cell: dict[str, Any], line: str) -> None:
    cell["source"] += line


def _format(cell: dict[str, Any], digits: int) -> None:
    cell["source"] = cell["source"].replace(":.2f", f":.{digits + 3}f")


def measure() -> list[Row]:
    """Compile once, then after each of several edits of one cell."""
    from nbflow.compiler import new_compiler
    from nbflow.notebooks import read_document

    raw = document()
    compiler = new_compiler()
    whole = cpu_seconds(lambda: compiler.compile(read_document(raw, "bench.ipynb")))
    rows = [(f"{CELLS} cells, first compile, CPU (bar: 1.5 s)", f"{whole:.2f} s")]
    for words, edit in EDITS.items():
        times = []
        for number in range(7):
            edited = copy.deepcopy(raw)
            edit(edited["cells"], number)
            notebook = read_document(edited, "bench.ipynb")
            times.append(cpu_seconds(lambda notebook=notebook: compiler.compile(notebook)))
        typical = statistics.median(times)
        rows.append(
            (
                f"{words}, CPU, median of 7 (bar: 30 ms)",
                f"{typical * 1e3:.0f} ms, {typical / whole:.1%} of the first",
            )
        )
    return rows
