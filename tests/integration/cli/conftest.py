"""The command line as a user calls it: in a process of its own, in a home of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from forked_calls import NEEDS_A_START, ForkedCalls

Call = Callable[..., "subprocess.CompletedProcess[str]"]
_OURS = ("NBFLOW_", "LC_", "LANG")


@pytest.fixture(scope="session")
def nbflow_in(forked_calls: ForkedCalls) -> Callable[[Path], Call]:
    """Return who calls the command line in a folder, with a home below it."""

    def caller(folder: Path) -> Call:
        def call(*words: object, **variables: str) -> "subprocess.CompletedProcess[str]":
            env = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
            env |= {"NBFLOW_HOME": str(folder / "home"), "NBFLOW_LANG": "en", "LANG": "C.UTF-8"}
            env |= variables
            said = [str(word) for word in words]
            if not any(name.startswith(NEEDS_A_START) for name in variables):
                return forked_calls.call(said, env, folder)
            return subprocess.run(
                [sys.executable, "-m", "nbflow", *said],
                env=env, cwd=folder, capture_output=True, text=True, encoding="utf-8",
                errors="surrogateescape", check=False, timeout=110,
            )  # fmt: skip

        return call

    return caller


@pytest.fixture
def nbflow(tmp_path: Path, nbflow_in: Callable[[Path], Call]) -> Call:
    """Call the command line; keyword arguments are environment variables."""
    return nbflow_in(tmp_path)
