"""Notebook cells become a scheduled DAG: the public Python interface, loaded on first use."""

__version__ = "0.1.0"
