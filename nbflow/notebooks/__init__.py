"""Notebook files to tagged cells and back: the grammar of the format, nothing of its meaning."""

from typing import TYPE_CHECKING

from nbflow.later import names_of

if TYPE_CHECKING:
    from nbflow.notebooks.files import notebook_files
    from nbflow.notebooks.read import read_document, read_folder, read_marked, read_notebook

__all__ = ["notebook_files", "read_document", "read_folder", "read_marked", "read_notebook"]

_PLACES = {
    "files": "notebook_files",
    "read": "read_document read_folder read_marked read_notebook",
}

__getattr__ = names_of(__name__, _PLACES)
