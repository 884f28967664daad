"""The DAGs of the DAGs folder and of the metastore, as one: listed, and looked up by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import NotFoundError
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.names import did_you_mean
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState
from nbflow.service.drift import Drift, Origin, drift_of, origins
from nbflow.service.folder import FolderDag, FolderFacts, folder_facts

if TYPE_CHECKING:
    from nbflow.metastore.dag_list import DagRow
    from nbflow.model.dag import Dag
    from nbflow.model.triggers import Trigger
    from nbflow.service.service import Service
    from nbflow.service.targets import Compiled


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedDag:
    """A DAG of the DAGs folder, of the metastore, or of both.

    ``path`` is its notebook, or the folder of several, in the DAGs folder or where it was deployed
    from; ``drift`` is how what lies there stands to what is deployed. ``is_paused`` is None for a
    DAG that is not deployed. The schedule is the one that is deployed, or else the notebook's. A
    paused DAG has no next run.
    """

    id: DagId
    tasks: int
    schedule: str | None = None
    timezone: str = "UTC"
    owner: str = ""
    description: str = ""
    path: Path | None = None
    drift: Drift | None = None
    is_paused: bool | None = None
    next_run: datetime | None = None
    last_run: RunId | None = None
    last_state: RunState | None = None
    last_at: datetime | None = None
    on: "tuple[Trigger, ...]" = ()
    """What else makes it run, as it is deployed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownDag:
    """A DAG that was looked up by its name. What is deployed counts; of a DAG that is not, what lies
    in the DAGs folder, or else what was run by hand last.
    """

    about: ListedDag
    version: Digest | None
    """Which version of the metastore it is; None for what lies in the DAGs folder."""

    def compiled(self, service: "Service") -> "Compiled":
        """Return it with its notebooks. Raises NotebookError, NotFoundError, MetastoreError."""
        from nbflow.service.adopt import Versions
        from nbflow.service.targets import load_one

        if self.version is not None:
            return Versions(service.store).compiled(self.version)
        assert self.about.path is not None, "what lies in the folder has a place"
        return load_one(self.about.path, self.about.id, now=service.clock.wall())

    def dag(self, service: "Service") -> "Dag":
        """Return it without its notebooks; raises what `compiled` raises."""
        if self.version is not None:
            return service.store.load_version(self.version)
        return self.compiled(service).dag


def list_dags(service: "Service") -> tuple[tuple[ListedDag, ...], int]:
    """Return all DAGs by id, and how many notebooks of the folder have errors. MetastoreError."""
    facts = _facts(service)
    return _joined(service, facts.dags, service.store.list_dags()), facts.broken


def find_dag(service: "Service", name: str) -> KnownDag:
    """Return the DAG of a name.

    Raises NotFoundError, with what may be meant; MetastoreError.
    """
    facts, row = _facts(service).dags, next(iter(service.store.list_dags(DagId(name))), None)
    fact = next((one for one in facts if one.id == name), None)
    if fact is None and row is None:
        known = sorted({*(one.id for one in facts), *(one.id for one in service.store.list_dags())})
        raise _no_dag(name, known)
    (about,) = _joined(service, [fact] if fact else [], [row] if row else [])
    from_store = row if row and (row.is_deployed or fact is None) else None
    return KnownDag(about=about, version=from_store.version if from_store else None)


def _no_dag(name: str, known: Sequence[str]) -> NotFoundError:
    return NotFoundError(
        Sentence("There is no DAG {name!r}.", name=name),
        hint=did_you_mean(name, known)
        or Sentence("DAGs: {known}.", known=", ".join(known) or Sentence("none")),
    )


def _facts(service: "Service") -> FolderFacts:
    settings = service.settings
    return folder_facts(
        settings.dags_folder, settings.home / "cache" / "dags_folder.json", service.clock.wall()
    )


def _joined(
    service: "Service", facts: Sequence[FolderDag], rows: "Sequence[DagRow]"
) -> tuple[ListedDag, ...]:
    """Return what the folder and the metastore know, by id."""
    in_folder = {one.id: one for one in facts}
    known = {row.id: row for row in rows}
    elsewhere = origins(
        service, [row for row in rows if row.is_deployed and row.id not in in_folder]
    )
    return tuple(
        _listed(in_folder.get(key), known.get(key), elsewhere.get(key))
        for key in sorted({*in_folder, *known})
    )


def _listed(
    fact: FolderDag | None, row: "DagRow | None", origin: Origin | None = None
) -> ListedDag:
    """Join what the folder and the metastore know of a DAG; what is deployed counts first."""
    is_deployed = row is not None and row.is_deployed
    shown: FolderDag | DagRow | None = row if is_deployed or fact is None else fact
    assert shown is not None, "one of them knows it"
    return ListedDag(
        id=shown.id,
        tasks=shown.tasks,
        schedule=shown.schedule,
        timezone=shown.timezone,
        owner=shown.owner,
        description=shown.description,
        path=Path(fact.path) if fact else origin.path if origin else None,
        drift=_drift(fact, row, origin) if is_deployed else Drift.NEVER,
        is_paused=row.paused if row and is_deployed else None,
        next_run=row.next_run if row and not row.paused else None,
        last_run=row.last_run if row else None,
        last_state=row.last_state if row else None,
        last_at=row.last_at if row else None,
        on=row.on if row else (),
    )


def _drift(fact: FolderDag | None, row: "DagRow | None", origin: Origin | None) -> Drift | None:
    if fact is None:
        return origin.drift if origin else None
    return drift_of(fact.digest, row.version if row else None)
