"""Notebooks as files: which DAG one belongs to."""

from nbflow.server.models.history import NotebookDagAnswer, NotebookQuery
from nbflow.server.resources.dags import row_form
from nbflow.server.routing import Call, Route
from nbflow.service.notebook_dags import dag_of_notebook


def show_notebook_dag(call: Call) -> NotebookDagAnswer:
    """Return which DAG a saved notebook belongs to, and what is known of it."""
    found = dag_of_notebook(call.service, call.tools.places.notebook(call.query.path))
    return NotebookDagAnswer(
        dag_id=found.dag_id,
        about=row_form(call, found.about) if found.about else None,
        numbers={str(cell): number for cell, number in found.numbers.items()},
    )


ROUTES = (
    Route(
        method="GET",
        path="/notebooks",
        answer=show_notebook_dag,
        summary="Tell which DAG a saved notebook belongs to; it is not compiled for it.",
        query=NotebookQuery,
        given=NotebookDagAnswer,
        problems=(404,),
    ),
)
