"""The notebook in the editor, compiled while somebody types."""

from dataclasses import replace
from typing import assert_never

from nbflow.model.notebook import Notebook
from nbflow.notebooks import marking, read_document
from nbflow.notebooks.document import without_ids
from nbflow.notebooks.marking import CellMarks
from nbflow.render.draw import draw
from nbflow.render.fold import Folded
from nbflow.server.models.dags import (
    CellMarksForm,
    Change,
    CompileAnswer,
    CompileRequest,
    MakeRole,
    MakeTask,
    MakeTasks,
    MarkAnswer,
    MarkRequest,
    OrderTask,
    PictureForm,
    RenameTask,
    SplitTask,
    SuggestionForm,
    Suggestions,
    SuggestRequest,
)
from nbflow.server.resources.forms import dag_form, sketch_form
from nbflow.server.routing import NOTEBOOK_LIMIT, Call, Route
from nbflow.service.drift import drift_of_compiled
from nbflow.service.on_page import OnPage
from nbflow.service.targets import Compiled


def compile_notebook(call: Call) -> CompileAnswer:
    """Compile a document that need not be saved; nothing of it is executed."""
    asked: CompileRequest = call.body
    tools = call.tools
    compiled = tools.compiler.compile(asked.notebook, str(tools.places.file(asked.path)))
    pictures: dict[str, str] = {}
    sketch = None
    if asked.pictures or asked.sketch:
        view = OnPage(compiled, call.lang).folded(asked.unfold)
        pictures = {form: _drawn(form, compiled, view, asked, call.lang) for form in asked.pictures}
        if asked.sketch:
            sketch = sketch_form(view, call.lang, roomy=asked.roomy)
    return CompileAnswer(
        dag=dag_form(compiled, tools.places, call.lang),
        drift=drift_of_compiled(call.service, _as_saved(compiled, asked)).value,
        pictures=pictures,
        sketch=sketch,
    )


def _as_saved(compiled: Compiled, asked: CompileRequest) -> Compiled:
    """What a deploy reads from the file may have other ids of cells, and be no other notebook."""
    if asked.keeps_ids:
        return compiled
    saved = read_document(without_ids(asked.notebook), compiled.notebooks[0].path)
    return replace(compiled, notebooks=(saved,))


def _drawn(
    form: PictureForm, compiled: Compiled, view: Folded, asked: CompileRequest, lang: str
) -> str:
    drawn = draw(
        compiled.dag if form == "dot" else view.dag,
        form,
        theme=asked.theme,
        direction=asked.direction,
        lang=lang,
        members=view.members,
    )
    return str(drawn)


def suggest_tasks(call: Call) -> Suggestions:
    """Propose tasks for a document that has none; nothing is written."""
    asked: SuggestRequest = call.body
    places = call.tools.places
    notebook = read_document(asked.notebook, str(places.file(asked.path)))
    proposal = call.service.propose_tags(notebook, by=asked.by)
    compiled = Compiled(dag=proposal.dag, notebooks=(notebook,))
    return Suggestions(
        items=[SuggestionForm.model_validate(one) for one in proposal.suggestions],
        dag=dag_form(compiled, places, call.lang),
    )


def mark_cells(call: Call) -> MarkAnswer:
    """Work out new tags and sources for cells of an open document; nothing is written."""
    asked: MarkRequest = call.body
    notebook = read_document(asked.notebook, str(call.tools.places.file(asked.path)))
    return MarkAnswer(
        cells=[CellMarksForm.model_validate(one) for one in _marks(notebook, asked.change)]
    )


def _marks(notebook: Notebook, change: Change) -> tuple[CellMarks, ...]:
    match change:
        case MakeTask():
            return marking.as_task(notebook, change.cells, change.task)
        case MakeTasks():
            return marking.as_tasks(notebook, {one.cell: one.task for one in change.items})
        case MakeRole():
            return marking.as_role(notebook, change.cells, change.role)
        case RenameTask():
            return marking.renamed(notebook, change.task, change.name)
        case OrderTask():
            return marking.ordered_after(notebook, change.task, change.others)
        case SplitTask():
            return marking.split(notebook, change.cell, change.task)
        case _:
            assert_never(change)


ROUTES = (
    Route(
        method="POST",
        path="/compile",
        answer=compile_notebook,
        summary="Compile an open notebook: tasks, edges with their reasons, findings, pictures.",
        body=CompileRequest,
        given=CompileAnswer,
        limit=NOTEBOOK_LIMIT,
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/marks",
        answer=mark_cells,
        summary="Work out the tags that make cells of an open notebook a task, or something else.",
        body=MarkRequest,
        given=MarkAnswer,
        limit=NOTEBOOK_LIMIT,
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/suggestions",
        answer=suggest_tasks,
        summary="Propose tasks for an open notebook that has none.",
        body=SuggestRequest,
        given=Suggestions,
        limit=NOTEBOOK_LIMIT,
        problems=(404,),
    ),
)
