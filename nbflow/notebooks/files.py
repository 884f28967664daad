"""Which files of a folder may be notebooks."""

import os
from collections.abc import Iterator
from pathlib import Path

SUFFIXES = (".ipynb", ".py", ".md")
"""What `read_notebook` and `read_folder` take."""
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "venv", "site-packages"})


def notebook_files(root: Path) -> Iterator[Path]:
    """Yield the files below a folder that may be notebooks, sorted by path."""
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in _LEFT_OUT]
        stems = {Path(name).stem for name in files if name.lower().endswith(".ipynb")}
        for name in files:
            file = Path(folder, name)
            suffix = file.suffix.lower()
            if name.startswith(".") or suffix not in SUFFIXES:
                continue
            if suffix == ".ipynb" or file.stem not in stems:
                found.append(file)
    yield from sorted(found)
