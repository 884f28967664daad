"""The notebook in the editor, compiled while somebody types."""

from nbflow.render.draw import draw
from nbflow.server.models.dags import CompileAnswer, CompileRequest
from nbflow.server.resources.forms import dag_form
from nbflow.server.routing import NOTEBOOK_LIMIT, Call, Route
from nbflow.service.drift import drift_of_compiled
from nbflow.service.on_page import OnPage


def compile_notebook(call: Call) -> CompileAnswer:
    """Compile a document that need not be saved; nothing of it is executed."""
    asked: CompileRequest = call.body
    tools = call.tools
    compiled = tools.compiler.compile(asked.notebook, str(tools.places.file(asked.path)))
    pictures: dict[str, str] = {}
    if asked.pictures:
        view = OnPage(compiled, call.lang).folded(asked.unfold)
        for form in asked.pictures:
            drawn = draw(
                compiled.dag if form == "dot" else view.dag,
                form,
                theme=asked.theme,
                direction=asked.direction,
                lang=call.lang,
                members=view.members,
            )
            pictures[form] = str(drawn)
    return CompileAnswer(
        dag=dag_form(compiled, tools.places, call.lang),
        drift=drift_of_compiled(call.service, compiled).value,
        pictures=pictures,
    )


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
)
