"""Arguments and options that several verbs share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from nbflow.cli.output import Form
from nbflow.model.sentence import Sentence
from nbflow.texts import t

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
