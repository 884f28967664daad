"""Programs of this folder in processes of their own, since they fork, die and change the code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).parents[1]
LONG = os.environ.get("NBFLOW_CHAOS") == "1"
"""Whether there is time for all cases: ``make chaos``."""
SECONDS = float(os.environ.get("NBFLOW_CHAOS_SECONDS") or 60)
"""How long each of its storms lasts; what else it does is as much more or less."""


def run_child(
    program: str, options: dict[str, Any], *, timeout: float
) -> "subprocess.CompletedProcess[str]":
    """Run ``storms.PROGRAM`` with options."""
    return subprocess.run(
        [sys.executable, "-m", f"storms.{program}", json.dumps(options)],
        env={**os.environ, "PYTHONPATH": str(SUPPORT), "NBFLOW_FAULT": ""},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def report_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return what a program that went well reports: the last line that it printed."""
    assert done.returncode == 0, done.stderr[-4000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report
