"""``nbflow runs metrics``: the figures that tasks recorded, of one run or of two side by side."""

from typing import Annotated, Any

import typer

from nbflow.cli.options import FormOption, OutputOption, RunText
from nbflow.cli.output import Form, emit
from nbflow.texts import t

OtherRun = Annotated[
    str | None, typer.Argument(metavar="[OTHER]", help=t("A second run, to compare with."))
]


def add_to(group: typer.Typer) -> None:
    """Add the verb to the group of runs."""
    group.command(help=t("Print the metrics of a run, or of two runs side by side."))(metrics)


def metrics(
    run: RunText,
    other: OtherRun = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print metrics."""
    from nbflow.app import open_service
    from nbflow.service.metrics import compared, metrics_by_task

    with open_service() as service:
        if other is None:
            rows: list[dict[str, Any]] = [
                {"task": task, "metric": name, "value": value}
                for task, values in metrics_by_task(service, run).items()
                for name, value in values.items()
            ]
            columns = ["task", "metric", "value"]
        else:
            rows = [
                {
                    "task": str(pair.task),
                    "metric": pair.name,
                    "first": pair.first,
                    "second": pair.second,
                    "change": pair.change,
                }
                for pair in compared(service, run, other)
            ]
            columns = ["task", "metric", "first", "second", "change"]
    if form is Form.TABLE:
        rows = [{key: _short(value) for key, value in row.items()} for row in rows]
    emit(rows, columns, form, empty=t("No metrics. nbflow.metric records one."), output=output)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
