"""How long the command line takes to start; the bar is 0.3 s for ``nbflow version``."""

import statistics
import subprocess
import sys

from benchmarks.machine import Row, environment, seconds

NOTEBOOK = "example_notebooks/first_steps.ipynb"
VERBS = (["version"], ["config"], ["--help"], ["lint", NOTEBOOK], ["show", NOTEBOOK])


def measure() -> list[Row]:
    """Start each verb seven times, the verbs in turn; the first round fills the caches."""
    times: dict[str, list[float]] = {}
    for turn in range(8):
        for words in (["-c", "pass"], *(["-m", "nbflow", *verb] for verb in VERBS)):
            taken = seconds(
                lambda words=words: subprocess.run(
                    [sys.executable, *words], env=environment(), capture_output=True, check=False
                )
            )
            if turn:
                times.setdefault(" ".join(words[1:]), []).append(taken)
    return [(name, f"{statistics.median(taken):.3f} s") for name, taken in times.items()]
