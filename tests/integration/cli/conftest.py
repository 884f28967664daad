"""The command line as a user calls it: in a process of its own, in a home of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def nbflow(tmp_path: Path) -> Call:
    """Call the command line; keyword arguments are environment variables."""

    def call(*words: object, **variables: str) -> "subprocess.CompletedProcess[str]":
        env = {k: v for k, v in os.environ.items() if not k.startswith(("NBFLOW_", "LC_", "LANG"))}
        env |= {"NBFLOW_HOME": str(tmp_path / "home"), "NBFLOW_LANG": "en", "LANG": "C.UTF-8"}
        return subprocess.run(
            [sys.executable, "-m", "nbflow", *map(str, words)],
            env=env | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            timeout=110,
        )

    return call
