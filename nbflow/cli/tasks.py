"""``nbflow tasks``: the tasks of a DAG, and what became of them in a run."""

from typing import Annotated, Any

import typer

from nbflow.cli.options import FormOption, OutputOption, RunText
from nbflow.cli.output import Form, emit
from nbflow.cli.runs import print_logs, task_rows
from nbflow.texts import t

HELP = "Tasks of DAGs and runs."

_SELECT = t("Only these tasks: train, +train (and before), train+ (and after).")


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the tasks of a DAG, and what each waits for."))(list_tasks)
    group.command(help=t("Tell the state of each task in a run."))(states)
    group.command(help=t("Print what the attempts of a task wrote."))(logs)


def list_tasks(
    dag: Annotated[str, typer.Argument(metavar="DAG", help=t("The name of a DAG."))],
    select: Annotated[str | None, typer.Option(help=_SELECT)] = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the tasks of what is deployed, or of the DAGs folder."""
    from nbflow.app import open_service
    from nbflow.service.known_dags import find_dag
    from nbflow.service.select import select_tasks

    with open_service() as service:
        found = find_dag(service, dag).dag(service)
    chosen = select_tasks(found, select)
    rows: list[dict[str, Any]] = [
        {
            "task": str(task.name),
            "waits_for": [str(source) for source in found.upstream(task.name)],
            "trigger_rule": task.options.trigger_rule.value,
            "when": task.options.when,
            "retries": task.options.retries,
            "pool": task.options.pool,
        }
        for task in found.tasks
        if chosen is None or task.name in chosen
    ]
    columns = ["task", "waits_for", "trigger_rule", "when", "retries", "pool"]
    emit(rows, columns, form, output=output)


def states(
    run: RunText,
    select: Annotated[str | None, typer.Option(help=_SELECT)] = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the tasks of a run: state, attempts, seconds, reason."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles
    from nbflow.service.looking import find_run

    with open_service() as service:
        rows = task_rows(service, find_run(service, run), select)
    emit(
        rows,
        ["task", "state", "attempts", "seconds", "reason"],
        form,
        styles={"state": state_styles()},
        output=output,
    )


def logs(
    run: RunText,
    task: Annotated[
        str, typer.Argument(metavar="TASK", help=t("A task, or tasks: train, +train, train+."))
    ],
    attempt: Annotated[
        int | None,
        typer.Option("--attempt", min=1, metavar="N", help=t("Only the N-th try.")),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Print the logs of a task, try by try."""
    from nbflow.app import open_service
    from nbflow.service.looking import find_run

    with open_service() as service:
        print_logs(service, find_run(service, run), task, try_no=attempt, output=output)
