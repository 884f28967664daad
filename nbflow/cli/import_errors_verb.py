"""``nbflow dags import-errors``: the notebooks that a scheduler can't deploy."""

import typer

from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, emit
from nbflow.texts import t


def add_to(group: typer.Typer) -> None:
    """Add the verb to the group of DAGs."""
    group.command(
        "import-errors", help=t("List the notebooks of the DAGs folder that can't be deployed.")
    )(import_errors)


def import_errors(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print what a scheduler found when it last looked."""
    from nbflow.app import open_service
    from nbflow.cli.looks import age

    with open_service() as service:
        found = service.store.import_errors()
    rows = [
        {
            "path": one.path,
            "code": one.code,
            "message": one.message,
            "hint": one.hint,
            "since": one.at.isoformat(timespec="seconds") if one.at else None,
        }
        for one in found
    ]
    if form is Form.TABLE:
        rows = [
            row | {"since": age(one.at)} for row, one in zip(rows, found, strict=True) if one.at
        ]
    columns = ["path", "code", "message", "since"]
    emit(rows, columns, form, empty=t("Every notebook can be deployed."), output=output)
