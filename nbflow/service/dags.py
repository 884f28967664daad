"""Deployed DAGs: record a version, list, show, try one out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.dag import Dag
from nbflow.model.ids import DagId, Digest
from nbflow.service.targets import Target, load_all

if TYPE_CHECKING:
    from nbflow.metastore import DagRow
    from nbflow.service.service import Service


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One deployed DAG; ``is_new`` tells whether this content was not its current version."""

    dag: Dag
    version: Digest
    is_new: bool


def deploy(service: "Service", target: Target, *, dag: str | None = None) -> list[Deployment]:
    """Record every DAG at ``target``, or the one named, as the version that new runs use.

    Raises CompileError, and records nothing, if one of them has errors.
    """
    from nbflow.errors import NotFoundError
    from nbflow.service.run import snapshots

    found = [one for one in load_all(target) if dag is None or one.dag.id == dag]
    if not found:
        raise NotFoundError(f"there is no DAG {dag} in {target}", code="NBF902")
    for one in found:
        one.check()
    current = {row.id: row.version for row in service.store.list_dags()}
    return [
        Deployment(
            dag=one.dag,
            version=service.store.deploy(one.dag, snapshots(one)),
            is_new=current.get(one.dag.id) != one.dag.digest,
        )
        for one in found
    ]


def list_dags(service: "Service") -> "list[DagRow]":
    """Return all deployed DAGs by id."""
    return service.store.list_dags()


def show_dag(service: "Service", dag_id: str) -> Dag:
    """Return the current version of a deployed DAG. Raises NotFoundError."""
    store = service.store
    return store.load_version(store.current_version(DagId(dag_id)))
