"""Notebook files to tagged cells and back: the grammar of the format, nothing of its meaning."""

from nbflow.notebooks.read import read_document, read_folder, read_notebook

__all__ = ["read_document", "read_folder", "read_notebook"]
