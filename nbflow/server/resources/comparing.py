"""An open notebook beside what is deployed."""

from collections.abc import Iterable
from dataclasses import replace

from nbflow.model.dag import Edge
from nbflow.model.ids import CellId
from nbflow.notebooks.document import without_ids
from nbflow.notebooks.numbers import cell_numbers
from nbflow.render.picture import why
from nbflow.server.models.deploying import (
    CellChangeForm,
    CompareAnswer,
    CompareRequest,
    EdgeChangeForm,
    LineChangeForm,
    SettingChangeForm,
)
from nbflow.server.routing import NOTEBOOK_LIMIT, Call, Route
from nbflow.service.deployed_diff import NotebookChanges, compare_with_deployed
from nbflow.texts import told


def compare_notebook(call: Call) -> CompareAnswer:
    """Say what a deploy of a document would change; nothing is deployed."""
    asked: CompareRequest = call.body
    tools = call.tools
    document = asked.notebook if asked.keeps_ids else without_ids(asked.notebook)
    compiled = tools.compiler.compile(document, str(tools.places.file(asked.path)))
    found = compare_with_deployed(call.service, compiled, call.lang)
    return CompareAnswer(
        dag_id=compiled.dag.id,
        drift=found.drift.value,
        version=found.version,
        becomes=found.becomes,
        added=list(found.added),
        removed=list(found.removed),
        changed=list(found.changed),
        edges=[
            *_edges(found.new_edges, call.lang, is_new=True),
            *_edges(found.lost_edges, call.lang, is_new=False),
        ],
        settings=[SettingChangeForm.model_validate(one) for one in found.settings],
        cells=None
        if found.pages is None
        else [one for page in found.pages for one in _cells(page)],
        no_cells=None if found.no_pages is None else told(found.no_pages, call.lang),
    )


def _edges(edges: Iterable[Edge], lang: str, *, is_new: bool) -> list[EdgeChangeForm]:
    return [
        EdgeChangeForm(
            source=one.source,
            target=one.target,
            new=is_new,
            why=why(replace(one, writer=None, reader=None), lang),
        )
        for one in edges
    ]


def _cells(page: NotebookChanges) -> list[CellChangeForm]:
    now = cell_numbers([page.notebook])
    before = cell_numbers([page.before]) if page.before else {}
    return [
        CellChangeForm(
            kind=one.kind,
            cell=one.cell,
            place=(before if one.kind == "removed" else now).get(
                CellId(one.cell), f"#{one.place + 1}"
            ),
            lines=[LineChangeForm(sign=sign, text=text) for sign, text in one.lines],
            settings=list(one.settings),
        )
        for one in page.cells
    ]


ROUTES = (
    Route(
        method="POST",
        path="/comparisons",
        answer=compare_notebook,
        summary="Say what a deploy of an open notebook would change: tasks, edges, settings, cells.",
        body=CompareRequest,
        given=CompareAnswer,
        limit=NOTEBOOK_LIMIT,
        problems=(404,),
    ),
)
