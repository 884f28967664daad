"""``nbflow dags``: the DAGs of the DAGs folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nbflow.cli.options import DateOption, FormOption, OutputOption, ParameterOption
from nbflow.cli.output import Form, as_text, emit, say, write
from nbflow.cli.run_verb import run as run_notebook
from nbflow.texts import language, t

HELP = "DAGs in the DAGs folder."

DagName = Annotated[str, typer.Argument(metavar="DAG", help=t("The name of a DAG."))]


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the DAGs of the DAGs folder, with their last runs."))(
        list_dags
    )
    group.command(help=t("Show one DAG: its tasks and settings."))(show)
    group.command("test", help=t("Run one DAG of the DAGs folder, here and now."))(run_dag)


def list_dags(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print all DAGs."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles
    from nbflow.service.looking import list_dags as known_dags

    with open_service() as service:
        folder = service.settings.dags_folder
        rows = [
            {
                "dag_id": str(one.id),
                "tasks": one.tasks,
                "schedule": one.dag.options.schedule if one.dag else None,
                "last_run": one.last_run,
                "state": one.last_state.value if one.last_state else None,
                "deployed": one.drift.value if one.drift else None,
                "path": _relative(one.path, folder),
                "description": one.dag.options.description if one.dag else "",
            }
            for one in known_dags(service)
        ]
    empty = t(
        "No DAGs yet. Put a tagged notebook into {folder}, or run nbflow db init for the examples.",
        folder=folder,
    )
    # Where each lies is more than a terminal is wide; `dags show` tells it.
    columns = ["dag_id", "tasks", "schedule", "deployed", "state", "last_run"]
    emit(
        rows,
        columns if form is Form.TABLE else [*columns, "path"],
        form,
        empty=empty,
        styles={"state": state_styles()},
        output=output,
    )


def show(name: DagName, form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print one DAG."""
    from nbflow.app import open_service
    from nbflow.render.draw import draw
    from nbflow.service.drift import Drift, known_drift
    from nbflow.service.looking import find_dag

    with open_service() as service:
        dag, path = find_dag(service, name)
        drift = known_drift(service, dag)
    if form is Form.TABLE and output is None:
        if dag.options.description:
            say(dag.options.description)
        write(draw(dag, "text", lang=language()))
        say(str(path))
        if drift is Drift.DIFFERS:
            say(t("The notebook differs from what is deployed."))
        return
    rows: list[dict[str, Any]] = [
        {
            "task": str(task.name),
            "waits_for": [str(source) for source in dag.upstream(task.name)],
            "trigger_rule": task.options.trigger_rule.value,
            "when": task.options.when,
            "retries": task.options.retries,
        }
        for task in dag.tasks
    ]
    if form in (Form.JSON, Form.YAML):
        facts = {
            "dag_id": str(dag.id),
            "description": dag.options.description,
            "schedule": dag.options.schedule,
            "path": str(path),
            "deployed": drift.value,
            "parameters": {one.name: one.default for one in dag.parameters},
            "tasks": rows,
        }
        write(as_text(facts, form), output)
    else:
        emit(rows, ["task", "waits_for", "trigger_rule", "when", "retries"], form, output=output)


def run_dag(
    name: DagName,
    parameter: ParameterOption = None,
    date: DateOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=t("Show no progress."))] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Run one DAG by its name; the rest is as for ``nbflow run``."""
    from nbflow.app import open_service
    from nbflow.service.looking import find_dag

    with open_service() as service:
        _, path = find_dag(service, name)
    run_notebook(
        path, parameter, None, None, strict=False, quiet=quiet, dag=name, date=date, form=form
    )


def _relative(path: Path | None, folder: Path) -> str | None:
    if path is None:
        return None
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
