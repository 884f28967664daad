"""Identifiers as their own types, so that a task name can't be passed where a run id is due."""

from typing import NewType

DagId = NewType("DagId", str)
"""A DAG's id: the NAME grammar of :mod:`nbflow.model.names`."""

TaskName = NewType("TaskName", str)
"""A task's name, unique in its DAG without regard to case."""

CellId = NewType("CellId", str)
"""A cell's nbformat id; for files without ids one derived from the cell's position."""

RunId = NewType("RunId", str)
"""``{kind}__{YYYYMMDDTHHMMSSZ}__{8 random base32}``, made by the service, fit for a folder name."""

Token = NewType("Token", int)
"""Fencing token of an attempt: from one counter per metastore, never used twice."""

Digest = NewType("Digest", str)
"""Lower-case hexadecimal SHA-256 of some content."""
