"""Files that rows name: they are there, and are what they are said to be."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from nbflow.artifacts.names import attempt_folder
from nbflow.errors import NbflowError, StoreError
from nbflow.metastore import tables as t
from nbflow.metastore.checks.violation import Violation
from nbflow.model.sentence import as_sentence

if TYPE_CHECKING:
    from nbflow.artifacts.store import ArtifactStore


def files(connection: Connection, store: "ArtifactStore") -> Iterator[Violation]:
    """I21: every stored value is what its name says. I22: every executed notebook can be read."""
    of = t.artifact.c
    for (digest,) in connection.execute(select(of.bundle).distinct().order_by(of.bundle)):
        try:
            store.verify(digest)
        except StoreError as error:
            place = digest[:12]
            yield Violation(code="I21", place=place, message=as_sentence(error.message))
    at = t.attempt.c
    query = select(at.run_id, at.task, at.token, at.result).where(at.result.is_not(None))
    for row in connection.execute(query.order_by(at.token)):
        name = (row.result or {}).get("notebook")
        if name is None:
            continue
        try:
            folder = store.root / attempt_folder(row.run_id, row.task, row.token)
        except StoreError as error:
            yield Violation(code="I22", place=row.run_id, message=as_sentence(error.message))
        else:
            yield from _notebooks(folder, name)


def _notebooks(folder: Path, name: str) -> Iterator[Violation]:
    from nbflow.notebooks import read_notebook

    # A mapped task has one for each item.
    for path in [*folder.glob(f"item-*/{name}")] or [folder / name]:
        try:
            read_notebook(path)
        except NbflowError as error:
            yield Violation(code="I22", place=str(path), message=as_sentence(error.message))
