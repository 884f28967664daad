"""Notebooks whose every code cell is a task, run both ways."""

import pytest

import nbflow.app
from nbflow.settings import Settings


@pytest.fixture
def differences(tmp_path):
    """Return a function that verifies cells, each a task of its own, and says what differs; those
    whose numbers are ``raising`` may raise."""
    import nbformat

    def verify(*cells, raising=()):
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        for number, source in enumerate(cells):
            cell = nbformat.v4.new_code_cell(source, id=f"c{number}")
            cell.metadata["tags"] = [f"task:c{number:03d}"]
            if number in raising:
                cell.metadata["tags"].append("raises-exception")
            notebook.cells.append(cell)
        folder = tmp_path / "page"
        folder.mkdir()
        nbformat.write(notebook, folder / "page.ipynb")
        home = tmp_path / "home"
        settings = Settings(home=home, database_url=f"sqlite:///{home / 'nbflow.db'}", slots=2)
        with nbflow.app.open_service(settings) as service:
            outcome = service.verify(folder / "page.ipynb", {})
        assert outcome.cells == len(cells)
        return [
            f"{one.cell} {one.what}: {one.expected} / {one.found}"
            for found in outcome.differences.values()
            for one in found
        ]

    return verify
