"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from nbflow.cli.output import Form
from nbflow.cli.texts import t

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
