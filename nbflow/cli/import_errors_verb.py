"""``nbflow dags import-errors``: the notebooks that can't be deployed, and what is held up."""

import typer

from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, emit
from nbflow.texts import t, told


def add_to(group: typer.Typer) -> None:
    """Add the verb to the group of DAGs."""
    group.command(
        "import-errors",
        help=t(
            "List the notebooks of the DAGs folder that can't be deployed, and what is held up."
        ),
    )(import_errors)


def import_errors(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Compile what is in the folder now, and print what hinders it; then what a scheduler found."""
    from nbflow.app import open_service
    from nbflow.cli.looks import age
    from nbflow.service.folder import hindrances

    with open_service() as service:
        found = hindrances(service)
    rows = [
        {
            "path": one.path,
            "code": one.code,
            "message": told(one.message, seen=one.number),
            "hint": told(one.hint),
            "since": one.at.isoformat(timespec="seconds") if one.at else None,
        }
        for one in found
    ]
    if form is Form.TABLE:
        times = [age(one.at) if one.at else None for one in found]
        rows = [
            row
            | {"since": time, "message": " — ".join(filter(None, (row["message"], row["hint"])))}
            for row, time in zip(rows, times, strict=True)
        ]
    columns = ["path", "code", "message", "since"]
    emit(
        rows,
        columns,
        form,
        empty=t("Every notebook can be deployed, and nothing is held up."),
        output=output,
    )
