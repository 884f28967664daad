"""What users install: the package with its data and examples, and nothing else."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nbflow import __version__

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "nbflow" / "labextension"
LAB = (
    f"jupyter_nbflow-{__version__}.data/data/share/jupyter/labextensions/@jupyter-nbflow/extension/"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (BUILT / "package.json").exists() and shutil.which("npm") is None:
        pytest.skip("Node.js is not installed, and the JupyterLab extension was not built before")
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.name == f"jupyter_nbflow-{__version__}-py3-none-any.whl"
    return wheel


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_examples_and_their_data_are_in_the_wheel(names: list[str]) -> None:
    inside = {name.removeprefix("nbflow/examples/") for name in names if "/examples/" in name}
    examples = ROOT / "example_notebooks"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=examples, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    wanted = {name for name in tracked if name} or {
        str(path.relative_to(examples)) for path in examples.rglob("*") if path.is_file()
    }
    assert wanted <= inside
    assert "붓꽃_분류.ipynb" in inside


def test_data_files_of_the_package_are_in_the_wheel(names: list[str]) -> None:
    package = ROOT / "nbflow"
    for path in package.rglob("*"):
        if BUILT not in path.parents and path.suffix in {".json", ".css", ".js", ".typed", ".mako"}:
            assert str(path.relative_to(ROOT)) in names, path


def test_jupyter_server_is_told_of_the_extension(names: list[str]) -> None:
    data = f"jupyter_nbflow-{__version__}.data/data/"
    assert f"{data}etc/jupyter/jupyter_server_config.d/nbflow.json" in names


def test_the_jupyterlab_extension_is_in_the_wheel_once_and_built(
    wheel: Path, names: list[str]
) -> None:
    assert {f"{LAB}install.json", f"{LAB}package.json"} <= set(names)
    assert f"{LAB}schemas/@jupyter-nbflow/extension/plugin.json" in names
    assert any(re.fullmatch(rf"{LAB}static/remoteEntry\.\w+\.js", name) for name in names)
    assert [name for name in names if "labextension" in name and not name.startswith(LAB)] == []
    with zipfile.ZipFile(wheel) as archive:
        package = json.loads(archive.read(f"{LAB}package.json"))
    assert package["version"] == __version__
    assert f"{LAB}{package['jupyterlab']['_build']['load']}" in names


def test_nothing_else_is_in_the_wheel(names: list[str]) -> None:
    for name in names:
        assert name.startswith(("nbflow/", "jupyter_nbflow-")), name
        assert not name.endswith((".pyc", ".ipynb_checkpoints")), name
