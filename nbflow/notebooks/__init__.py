"""Notebook files to tagged cells and back: the grammar of the format, nothing of its meaning."""

from nbflow.notebooks.read import (
    notebook_files,
    read_document,
    read_folder,
    read_marked,
    read_notebook,
)

__all__ = ["notebook_files", "read_document", "read_folder", "read_marked", "read_notebook"]
