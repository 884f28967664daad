"""Arguments and options that several verbs share."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nbflow.cli.output import Form
from nbflow.model.sentence import Sentence
from nbflow.texts import t

if TYPE_CHECKING:
    from datetime import datetime

NotebookPath = Annotated[
    Path, typer.Argument(metavar="NOTEBOOK", help=t("A notebook, or a folder of notebooks."))
]
FormOption = Annotated[Form, typer.Option("--format", "-f", help=t("How to print the answer."))]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help=t("Write to this file instead."))
]
DagOption = Annotated[
    str | None, typer.Option("--dag", help=t("Which DAG, where a folder holds several."))
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help=t("A parameter's value.")),
]

RunText = Annotated[
    str,
    typer.Argument(metavar="RUN", help=t("The id of a run, or its beginning; last is the newest.")),
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", help=t("The run's logical date, such as 2026-11-01; now by default.")),
]


def read_date(text: str | None) -> "datetime | None":
    """Read a day or an instant in ISO form. Raises ParameterError NBF404."""
    from datetime import datetime

    from nbflow.errors import ParameterError

    try:
        return None if text is None else datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ParameterError(
            Sentence("{text!r} is not a date.", text=text),
            hint="Write for example --date 2026-11-01 or --date 2026-11-01T09:00+09:00.",
            code="NBF404",
        ) from error


def read_parameters(given: Sequence[str]) -> dict[str, str]:
    """Split ``NAME=VALUE`` at the first equals sign. Raises ParameterError NBF709."""
    from nbflow.errors import ParameterError

    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ParameterError(
                Sentence("The parameter {text!r} is not written NAME=VALUE.", text=text),
                hint="Write for example -p target=0.9.",
                code="NBF709",
            )
        values[name.strip()] = value
    return values
