"""An installation of its own for each test, and notebooks written as lists of cells."""

from pathlib import Path

import pytest

import nbflow.app
from nbflow.settings import Settings


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def service(home):
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)
    with nbflow.app.open_service(settings) as opened:
        yield opened


@pytest.fixture
def page(tmp_path):
    """Return a function that writes cells ``(source, *tags)`` or ``(source, {options}, *tags)``."""
    import nbformat

    def write(*cells, name="page", **metadata):
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        notebook.metadata["language_info"] = {"name": "python"}
        if metadata:
            notebook.metadata["nbflow"] = {"version": 1, **metadata}
        for number, cell in enumerate(cells):
            source, *rest = (cell,) if isinstance(cell, str) else cell
            made = nbformat.v4.new_code_cell(source, id=f"c{number}")
            if rest and isinstance(rest[0], dict):
                made.metadata["nbflow"] = {"task": rest.pop(0)}
            made.metadata["tags"] = rest
            notebook.cells.append(made)
        path = Path(tmp_path, f"{name}.ipynb")
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def outputs():
    """Return a function that gives the text outputs of an executed notebook, by cell."""
    import json

    def read(path):
        found = {}
        for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
            texts = []
            for output in cell["outputs"]:
                text = output.get("text") or output.get("data", {}).get("text/plain", "")
                texts.append(text if isinstance(text, str) else "".join(text))
            found[cell["id"]] = "".join(texts).strip()
        return found

    return read
