"""What names a DAG's version: its id, its notebooks' places and contents, and what they mean here."""

import hashlib
from collections.abc import Iterable

from nbflow.model.ids import DagId, Digest

MEANING = "1"
"""Changes whenever the same notebook would compile to something else."""


def version_digest(dag_id: DagId, notebooks: Iterable[tuple[str, Digest]]) -> Digest:
    """Return the name of the version that these notebooks, by path and content, make."""
    content = ":".join(f"{path}:{digest}" for path, digest in notebooks)
    return Digest(hashlib.sha256(f"{MEANING}:{dag_id}:{content}".encode()).hexdigest())
