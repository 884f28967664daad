"""DAGs: those there are, one of them, deploying and pausing."""

import json
from pathlib import Path

from nbflow.errors import NotFoundError
from nbflow.model.ids import DagId, Digest, RunId
from nbflow.model.sentence import Sentence
from nbflow.model.states import TaskState
from nbflow.model.triggers import trigger_sentence
from nbflow.render.draw import draw
from nbflow.scheduling.words import in_words
from nbflow.server.models.dags import (
    DagAnswer,
    DagChange,
    DagChanged,
    DagList,
    DagRowForm,
    DagsQuery,
    DeployedNotebooks,
    DeploymentForm,
    Deployments,
    DeployRequest,
    GraphQuery,
    ImportErrorForm,
    ImportErrors,
    NotebookForm,
    NotebooksQuery,
    VersionForm,
    VersionList,
)
from nbflow.server.resources.forms import dag_form
from nbflow.server.resources.paging import part
from nbflow.server.routing import Call, File, Route
from nbflow.service.adopt import Versions
from nbflow.service.dags import DeployOptions
from nbflow.service.folder import hindrances
from nbflow.service.known_dags import ListedDag, find_dag
from nbflow.service.known_dags import list_dags as known_dags
from nbflow.service.on_page import OnPage
from nbflow.service.targets import Compiled
from nbflow.texts import told

_MEDIA = {
    "svg": "image/svg+xml",
    "dot": "text/vnd.graphviz; charset=utf-8",
    "text": "text/plain; charset=utf-8",
    "json": "application/json",
}


def list_dags(call: Call) -> DagList:
    """Return the DAGs of the DAGs folder and of the metastore."""
    asked: DagsQuery = call.query
    found, broken = known_dags(call.service)
    here, more = part(found, asked, lambda one: one.id, lambda one: _is_wanted(one, asked))
    return DagList(items=[row_form(call, one) for one in here], next=more, broken=broken)


def _is_wanted(one: ListedDag, asked: DagsQuery) -> bool:
    if asked.paused is not None and one.is_paused is not asked.paused:
        return False
    words = (asked.search or "").casefold()
    return any(words in text.casefold() for text in (one.id, one.owner, one.description))


def show_dag(call: Call) -> DagAnswer:
    """Return a DAG as it is deployed, or else as it lies in the DAGs folder."""
    found = find_dag(call.service, call.path["dag_id"])
    dag = dag_form(found.compiled(call.service), call.tools.places, call.lang)
    return DagAnswer(dag=dag, about=row_form(call, found.about))


def list_versions(call: Call) -> VersionList:
    """Return the versions of a DAG."""
    rows = call.service.store.versions(DagId(call.path["dag_id"]))
    return VersionList(items=[VersionForm.model_validate(row) for row in rows])


def show_notebooks(call: Call) -> DeployedNotebooks:
    """Return the notebooks that a version was made of, as they were then."""
    name, asked = DagId(call.path["dag_id"]), call.query.version
    store = call.service.store
    known = [row for row in store.versions(name) if asked in (None, row.version)]
    found = next((row for row in known if asked or row.is_current), None)
    if found is None:
        raise NotFoundError(Sentence("There is no DAG version {digest}.", digest=asked[:12]))
    places = call.tools.places
    return DeployedNotebooks(
        version=found.version,
        items=[
            NotebookForm(
                path=places.shown(path), name=Path(path).name, notebook=json.loads(content)
            )
            for path, content in store.load_notebooks(found.version).items()
        ],
    )


def list_import_errors(call: Call) -> ImportErrors:
    """Return what hinders notebooks of the DAGs folder."""
    return ImportErrors(
        items=[
            ImportErrorForm(
                path=one.path,
                code=one.code,
                message=told(one.message, call.lang, seen=one.number),
                hint=told(one.hint, call.lang),
                since=one.at,
            )
            for one in hindrances(call.service)
        ]
    )


def draw_dag(call: Call) -> File:
    """Draw a DAG, with the states of a run if one is named."""
    asked: GraphQuery = call.query
    if asked.run is None:
        compiled = find_dag(call.service, call.path["dag_id"]).compiled(call.service)
        states: dict[str, TaskState] | None = None
    else:
        compiled, states = _of_run(call, RunId(asked.run))
    view = OnPage(compiled, call.lang).folded(("all",) if states else ())
    drawn = draw(
        view.dag if asked.format in ("svg", "text") else compiled.dag,
        asked.format,
        states=states,
        theme=asked.theme,
        direction=asked.direction,
        lang=call.lang,
        members=view.members,
    )
    return File(content=str(drawn).encode(), media_type=_MEDIA[asked.format])


def _of_run(call: Call, run_id: RunId) -> tuple[Compiled, dict[str, TaskState]]:
    run, tasks = call.service.store.show_run(run_id)
    if run.dag_id != call.path["dag_id"]:
        raise NotFoundError(Sentence("There is no run {text!r}.", text=run_id))
    states: dict[str, TaskState] = {str(one.task): one.state for one in tasks}
    return Versions(call.service.store).compiled(run.version), states


def deploy_notebook(call: Call) -> Deployments:
    """Make a saved notebook the version that runs by itself."""
    asked: DeployRequest = call.body
    place = call.tools.places.notebook(asked.path)
    options = DeployOptions(
        confirmed=asked.confirmed,
        replaces=None if asked.replaces is None else Digest(asked.replaces),
        becomes=None if asked.becomes is None else Digest(asked.becomes),
    )
    done = call.service.deploy(place, dag=asked.dag_id, options=options)
    return Deployments(
        items=[
            DeploymentForm(
                dag_id=one.dag.id,
                version=one.version,
                is_new=one.is_new,
                paused=one.is_paused,
                schedule=one.schedule.expression or None if one.schedule else None,
                next_run=one.schedule.next_fire if one.schedule else None,
            )
            for one in done
        ]
    )


def change_dag(call: Call) -> DagChanged:
    """Pause a DAG or let it run again."""
    asked: DagChange = call.body
    name = call.path["dag_id"]
    missed, will_run = (0, 0) if asked.paused else call.service.will_catch_up(name)
    changed = call.service.pause(name, paused=asked.paused, confirmed=asked.confirmed)
    return DagChanged(
        dag_id=name,
        paused=asked.paused,
        changed=changed,
        missed=missed if changed else 0,
        will_run=will_run if changed else 0,
    )


def row_form(call: Call, one: ListedDag) -> DagRowForm:
    """Return a DAG of a list for clients."""
    return DagRowForm(
        dag_id=one.id,
        owner=one.owner,
        description=one.description,
        tasks=one.tasks,
        paused=one.is_paused,
        schedule=one.schedule,
        timezone=one.timezone,
        schedule_in_words=in_words(one.schedule, one.timezone, call.lang),
        triggers=[told(trigger_sentence(trigger), call.lang) for trigger in one.on],
        next_run=one.next_run,
        last_run=one.last_run,
        last_state=one.last_state.value if one.last_state else None,
        last_run_at=one.last_at,
        drift=one.drift.value if one.drift else None,
        path=call.tools.places.shown(str(one.path)) if one.path else None,
    )


ROUTES = (
    Route(
        method="GET",
        path="/dags",
        answer=list_dags,
        summary="List the DAGs of the DAGs folder and the metastore, by name.",
        query=DagsQuery,
        given=DagList,
    ),
    Route(
        method="POST",
        path="/dags",
        answer=deploy_notebook,
        summary="Deploy a saved notebook: it is what runs by itself from now on.",
        action="write",
        body=DeployRequest,
        given=Deployments,
        problems=(404, 409, 412),
    ),
    Route(
        method="GET",
        path="/dags/{dag_id}",
        answer=show_dag,
        summary="Show a DAG: tasks, edges with their reasons, parameters, findings.",
        given=DagAnswer,
        problems=(404,),
    ),
    Route(
        method="PATCH",
        path="/dags/{dag_id}",
        answer=change_dag,
        summary="Pause a DAG, or let it run again.",
        action="write",
        body=DagChange,
        given=DagChanged,
        problems=(404, 409),
    ),
    Route(
        method="GET",
        path="/dags/{dag_id}/versions",
        answer=list_versions,
        summary="List the versions of a DAG, the newest first.",
        given=VersionList,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/dags/{dag_id}/notebooks",
        answer=show_notebooks,
        summary="The notebooks of a version as they were deployed, to compare with what is open.",
        query=NotebooksQuery,
        given=DeployedNotebooks,
        problems=(404,),
    ),
    Route(
        method="GET",
        path="/import-errors",
        answer=list_import_errors,
        summary="List the notebooks of the DAGs folder that can't be deployed, and why.",
        given=ImportErrors,
    ),
    Route(
        method="GET",
        path="/dags/{dag_id}/graph",
        answer=draw_dag,
        summary="Draw a DAG, with the states of a run if one is named.",
        query=GraphQuery,
        media=tuple(_MEDIA.values()),
        problems=(404,),
    ),
)
