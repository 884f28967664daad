"""A run as the metastore has it becomes something this process can drive: its DAG, pages, values."""

import json
from collections import OrderedDict
from typing import TYPE_CHECKING

from nbflow.artifacts.local import LocalFiles
from nbflow.model.dag import Dag
from nbflow.model.ids import Digest, RunId
from nbflow.model.notebook import Notebook
from nbflow.model.run import RunSnapshot
from nbflow.model.states import TaskState
from nbflow.service.context import RunContext
from nbflow.service.flights import RunSetup
from nbflow.service.pages import open_pages
from nbflow.service.published import Published, left_out_sources
from nbflow.service.targets import Compiled, overrides

if TYPE_CHECKING:
    from nbflow.metastore import Metastore
    from nbflow.service.service import Service

_KEPT_VERSIONS = 64
_KEPT_PAGES = 16


class Versions:
    """DAG versions as they were deployed; the ones used last are kept."""

    def __init__(self, store: "Metastore") -> None:
        self._store = store
        self._dags: OrderedDict[Digest, Dag] = OrderedDict()
        self._compiled: OrderedDict[Digest, Compiled] = OrderedDict()

    def dag(self, digest: Digest) -> Dag:
        """Return the DAG of a version."""
        found = self._dags.pop(digest, None) or self._store.load_version(digest)
        self._dags[digest] = found
        while len(self._dags) > _KEPT_VERSIONS:
            self._dags.popitem(last=False)
        return found

    def compiled(self, digest: Digest) -> Compiled:
        """Return the DAG of a version with the notebooks it was made of."""
        found = self._compiled.pop(digest, None) or self._load(digest)
        self._compiled[digest] = found
        while len(self._compiled) > _KEPT_PAGES:
            self._compiled.popitem(last=False)
        return found

    def _load(self, digest: Digest) -> Compiled:
        dag, contents = self.dag(digest), self._store.load_notebooks(digest)
        return Compiled(
            dag=dag, notebooks=tuple(_notebook(path, contents[path]) for path in dag.notebooks)
        )


def adopt(service: "Service", compiled: Compiled, snapshot: RunSnapshot) -> RunSetup:
    """Return what is needed to drive a run: its parameters in place, what it has stored so far."""
    context = context_of(snapshot, compiled.dag.options.timezone)
    files = LocalFiles(service.settings.store)
    files.folder(f"runs/{snapshot.run_id}")
    return RunSetup(
        dag=compiled.dag,
        pages=open_pages(
            compiled.notebooks,
            overrides(compiled, snapshot.parameters, context),
            base=snapshot.folder or "",
        ),
        run_id=snapshot.run_id,
        published=_left_out(service.store, compiled.dag, snapshot),
        root=files.root,
        values=files.folder("values"),
        slots=service.settings.slots,
        context=context.texts(),
        clears=snapshot.clears,
    )


def _left_out(store: "Metastore", dag: Dag, snapshot: RunSnapshot) -> Published:
    """Return what the tasks that the run leaves out had stored when it was made."""
    published = Published()
    if snapshot.selected is not None:
        for name in left_out_sources(dag, snapshot.selected):
            found = store.values.latest(dag.id, name, before=snapshot.created)
            if found.values or found.ambient:
                published.restore(name, found.values, found.ambient)
    return published


def refresh(store: "Metastore", published: Published, snapshot: RunSnapshot) -> None:
    """Take what tasks have stored that other processes ran, in place of what was cleared."""
    current = {n: t.token for n, t in snapshot.tasks.items() if t.state is TaskState.SUCCESS}
    for name, known in tuple(published.tokens.items()):
        if current.get(name) != known:
            published.forget(name)
    new = {name: token for name, token in current.items() if name not in published.tokens}
    if not new:
        return
    stored = store.values.of_run(RunId(snapshot.run_id))
    for name, token in new.items():
        if name in stored:
            published.restore(name, stored[name].values, stored[name].ambient)
        published.values.setdefault(name, {})
        published.live[name] = frozenset(snapshot.tasks[name].unstorable)
        if token is not None:
            published.tokens[name] = token


def context_of(snapshot: RunSnapshot, timezone: str) -> RunContext:
    """Return what a run is for, as it was recorded."""
    at = snapshot.logical_date or snapshot.created
    assert at is not None, "every run has an instant"
    return RunContext(
        run_id=snapshot.run_id,
        logical_date=at,
        data_interval_start=snapshot.data_interval_start or at,
        data_interval_end=snapshot.data_interval_end or at,
        timezone=timezone,
    )


def _notebook(path: str, content: bytes) -> Notebook:
    from nbflow.notebooks import read_document

    return read_document(json.loads(content), path)
