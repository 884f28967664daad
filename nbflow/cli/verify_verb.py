"""The verb ``verify``: run a notebook both ways and compare every cell's output."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import (
    DagOption,
    FormOption,
    NotebookPath,
    OutputOption,
    ParameterOption,
    read_parameters,
)
from nbflow.cli.output import Form, as_text, emit, say, tell, write
from nbflow.texts import t

if TYPE_CHECKING:
    from nbflow.service.verify import Verification

_LONGEST = 200


def add_to(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        help=t("Run a notebook as a DAG and from top to bottom, and compare every output.")
    )(verify)


def verify(
    path: NotebookPath,
    parameter: ParameterOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=t("Show no progress."))] = False,
    dag: DagOption = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the differences; exit 1 if there is one."""
    from nbflow.app import open_service
    from nbflow.cli.progress import shown
    from nbflow.service.on_page import OnPage
    from nbflow.service.targets import load_one

    parameters = read_parameters(parameter or [])
    compiled = load_one(path, dag)
    with open_service() as service:
        tasks = [(str(task.name), len(task.cells)) for task in compiled.dag.tasks]
        with shown(tasks, quiet=quiet) as on_event:
            outcome = service.verify(path, parameters, dag=dag, on_event=on_event)
    rows = _rows(outcome)
    if form in (Form.JSON, Form.YAML):
        answer = {
            "dag_id": outcome.dag_id,
            "equal": outcome.is_equal,
            "cells": outcome.cells,
            "uncompared": [str(name) for name in outcome.uncompared],
            "differences": rows,
        }
        write(as_text(answer, form), output)
    else:
        page = OnPage(compiled)
        shortened = [{k: str(v)[:_LONGEST] for k, v in row.items()} for row in rows]
        for row in shortened:
            row["cell"] = page.number(row["cell"])
        emit(shortened, ["cell", "what", "expected", "found"], form, output=output)
    if form is Form.TABLE:
        _say_verdict(outcome)
    if not outcome.is_equal:
        raise typer.Exit(1)


def _rows(outcome: "Verification") -> list[dict[str, Any]]:
    return [
        {
            "notebook": path,
            "cell": str(one.cell),
            "what": one.what,
            "expected": one.expected,
            "found": one.found,
        }
        for path, differences in outcome.differences.items()
        for one in differences
    ]


def _say_verdict(outcome: "Verification") -> None:
    if outcome.uncompared:
        names = ", ".join(outcome.uncompared)
        tell(t("Not compared: {names}.", names=names))
        tell("  " + t("They run once per item, or take inputs from other notebooks."))
    if not outcome.run.is_success:
        tell(t("The run itself ended as {state}.", state=outcome.run.state.value))
    if outcome.is_equal:
        say(t("✓ The same outputs both ways, {cells} cells compared.", cells=outcome.cells))
    else:
        say(t("✕ The outputs differ."))
