"""Verbs about the installation: version, config."""

import typer

from nbflow import __version__
from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, write
from nbflow.texts import t


def add_to(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(help=t("Print the version."))(version)
    app.command(help=t("Print the settings and where each comes from."))(config)


def version(
    form: FormOption = Form.TABLE,
) -> None:
    """Print the version."""
    if form in (Form.JSON, Form.YAML):
        write(as_text({"nbflow": __version__}, form))
    else:
        say(f"nbflow {__version__}" if form is Form.TABLE else __version__)


def config(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print the settings."""
    import os

    from nbflow.settings import VARIABLES, load_settings, mask_password

    settings = load_settings()

    rows = [
        {
            "setting": name,
            "value": mask_password(str(read(settings))),
            "from": f"{variable}" if os.environ.get(variable) else t("default"),
            "variable": variable,
        }
        for name, (variable, read) in VARIABLES.items()
    ]
    emit(rows, ["setting", "value", "from", "variable"], form, output=output)
