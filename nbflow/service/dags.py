"""Deploy: record what is in a notebook or folder as the version that new runs use."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbflow.model.dag import Dag
from nbflow.model.ids import Digest
from nbflow.model.sentence import Sentence
from nbflow.service.targets import Target, load_all

if TYPE_CHECKING:
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
        raise NotFoundError(
            Sentence("there is no DAG {dag} in {target}", dag=dag, target=target), code="NBF902"
        )
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
