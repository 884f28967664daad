"""Whether a notebook is what is deployed."""

import enum
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.model.diagnostics import Diagnostic, Severity
from nbflow.model.ids import Digest
from nbflow.model.sentence import Sentence
from nbflow.service.targets import Compiled

if TYPE_CHECKING:
    from nbflow.service.service import Service


class Drift(enum.StrEnum):
    """How a notebook stands to what is deployed."""

    SAME = "same"
    """It is what is deployed."""
    DIFFERS = "differs"
    """It was changed since: what was deployed goes on running."""
    NEVER = "never"
    """Its DAG was never deployed."""


def drift_of(version: Digest, deployed: Digest | None) -> Drift:
    """Compare the version of a DAG, read by full paths, with the one deployed under its id, if any."""
    if deployed is None:
        return Drift.NEVER
    return Drift.SAME if version == deployed else Drift.DIFFERS


def drift_of_compiled(service: "Service", compiled: Compiled) -> Drift:
    """Compare a compiled notebook with what is deployed; nothing is made for it."""
    deployed = _deployed(service) if has_metastore(service) else {}
    return drift_of(_full_version(compiled), deployed.get(compiled.dag.id))


def drift_findings(service: "Service", found: Sequence[Compiled]) -> dict[str, Diagnostic]:
    """Return, by DAG, the finding that a notebook differs from what is deployed.

    Nothing is made for it: without a metastore nothing is deployed.
    """
    versions = _deployed(service) if has_metastore(service) else {}
    return {
        one.dag.id: Diagnostic(
            code="NBF236",
            severity=Severity.INFO,
            message="the notebook differs from what is deployed: that is what runs by itself",
            hint=Sentence("it runs after: nbflow dags deploy {path}", path=one.dag.notebooks[0]),
            path=one.dag.notebooks[0],
        )
        for one in found
        if one.dag.id in versions and _full_version(one) != versions[one.dag.id]
    }


def _full_version(compiled: Compiled) -> Digest:
    """Return the version that a deploy would make: that of the notebooks by their full paths."""
    from nbflow.compiler.version import version_digest

    places = [(str(Path(n.path).absolute()), n.digest) for n in compiled.notebooks]
    return version_digest(compiled.dag.id, places)


def _deployed(service: "Service") -> dict[str, Digest]:
    return {row.id: row.version for row in service.store.list_dags() if row.is_deployed}


def has_metastore(service: "Service") -> bool:
    """Tell whether there may be a metastore; on a server there always may."""
    url = service.settings.database_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()
