"""Whether a notebook is what is deployed."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow import __version__
from nbflow.errors import NotebookError
from nbflow.model.ids import DagId, Digest
from nbflow.model.sentence import Sentence
from nbflow.service.memory import common_place, remember, remembered, stamp_of

if TYPE_CHECKING:
    from nbflow.metastore.dag_list import DagRow
    from nbflow.model.diagnostics import Diagnostic
    from nbflow.model.notebook import Notebook
    from nbflow.service.service import Service
    from nbflow.service.targets import Compiled

_MADE_BY = f"{__version__} 1"
_NOT_LOOKED_AT: list[int] = []


class Drift(enum.StrEnum):
    """How a notebook stands to what is deployed."""

    SAME = "same"
    """It is what is deployed."""
    DIFFERS = "differs"
    """It was changed since: what was deployed goes on running."""
    NEVER = "never"
    """Its DAG was never deployed."""
    MISSING = "missing"
    """It is not where it was deployed from: what was deployed goes on running, unless it is live."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a DAG was deployed from, a notebook or the folder of several, and how what lies there
    now stands to what is deployed.
    """

    path: Path
    drift: Drift


def drift_of(version: Digest, deployed: Digest | None) -> Drift:
    """Compare the version of a DAG, read by full paths, with the one deployed under its id, if any."""
    if deployed is None:
        return Drift.NEVER
    return Drift.SAME if version == deployed else Drift.DIFFERS


def drift_of_compiled(service: "Service", compiled: "Compiled") -> Drift:
    """Compare a compiled notebook with what is deployed; nothing is made for it."""
    deployed = _deployed(service) if has_metastore(service) else {}
    return drift_of(version_of(compiled), deployed.get(compiled.dag.id))


def version_of(compiled: "Compiled") -> Digest:
    """Return the version that a deploy of a compiled notebook would make."""
    return _full_version(compiled.dag.id, compiled.notebooks)


def drift_findings(service: "Service", found: "Sequence[Compiled]") -> "dict[str, Diagnostic]":
    """Return, by DAG, the finding that a notebook differs from what is deployed.

    Nothing is made for it: without a metastore nothing is deployed.
    """
    from nbflow.model.diagnostics import Diagnostic, Severity

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
        if one.dag.id in versions and version_of(one) != versions[one.dag.id]
    }


def origins(service: "Service", rows: "Iterable[DagRow]") -> dict[DagId, Origin]:
    """Return where deployed DAGs came from. Only notebooks that have changed since they were last
    looked at are read; a DAG that was not deployed from files has no origin.
    """
    place = service.settings.home / "cache" / "deployed.json"
    asked = {row.id: row.version for row in rows}
    known = dict((remembered(place, _MADE_BY) or {"versions": {}})["versions"])
    before = dict(known)
    if not known.keys() >= set(asked.values()):
        known = _of_now(service.store.deployed_notebooks(), known)
    found: dict[DagId, Origin] = {}
    for dag_id, version in asked.items():
        files = known[version]["files"] if version in known else {}
        if not files:
            continue
        seen = {path: _stamp(path) for path in files}
        if known[version].get("drift") is None or files != seen:
            known[version] = {"files": seen, "drift": _compared(dag_id, version, seen).value}
        found[dag_id] = Origin(path=common_place(seen), drift=Drift(known[version]["drift"]))
    if known != before:
        remember(place, _MADE_BY, {"versions": known})
    return found


def _of_now(
    deployed: Mapping[Digest, Sequence[str]], known: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what is known of the versions that are deployed now, nothing of other ones."""
    return {
        version: known.get(version)
        or {"files": dict.fromkeys(paths, _NOT_LOOKED_AT) if _are_files(paths) else {}}
        for version, paths in deployed.items()
    }


def _are_files(paths: Iterable[str]) -> bool:
    return all(Path(path).is_absolute() for path in paths)


def _stamp(path: str) -> list[int] | None:
    try:
        return list(stamp_of(Path(path)))
    except OSError:
        return None


def _compared(dag_id: DagId, version: Digest, seen: Mapping[str, list[int] | None]) -> Drift:
    """Compare the notebooks that a version was made of with it, as they are now."""
    from nbflow.notebooks import read_notebook

    if not all(seen.values()):
        return Drift.MISSING
    try:
        now = _full_version(dag_id, [read_notebook(path) for path in seen])
    except NotebookError:
        return Drift.DIFFERS
    return drift_of(now, version)


def _full_version(dag_id: DagId, notebooks: "Iterable[Notebook]") -> Digest:
    """Return the version of notebooks by their full paths."""
    from nbflow.compiler.version import version_digest

    return version_digest(dag_id, [(str(Path(n.path).absolute()), n.digest) for n in notebooks])


def _deployed(service: "Service") -> dict[str, Digest]:
    return {row.id: row.version for row in service.store.list_dags() if row.is_deployed}


def has_metastore(service: "Service") -> bool:
    """Tell whether there may be a metastore; on a server there always may."""
    url = service.settings.database_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()
