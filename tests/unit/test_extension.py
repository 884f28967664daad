"""The unit tests of the JupyterLab extension, run by its own test runner."""

import shutil
import subprocess
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "extension"


@pytest.mark.skipif(shutil.which("npm") is None, reason="Node.js is not installed")
def test_the_unit_tests_of_the_extension_pass() -> None:
    assert (EXTENSION / "node_modules").is_dir(), "run make setup first"
    done = subprocess.run(
        ["npm", "test", "--silent"], cwd=EXTENSION, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
