"""Verbs about the installation: version, info, config."""

import sys
from importlib import metadata
from typing import Any

import typer

from nbflow import __version__
from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, write
from nbflow.cli.texts import language, t

_PARTS = ("papermill", "nbclient", "ipykernel", "jupytext", "sqlalchemy", "alembic", "graphviz")
_EXTRAS = ("jupyterlab", "notebook", "psycopg", "pymysql", "matplotlib", "pandas", "scikit-learn")


def add_to(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(help=t("Print the version."))(version)
    app.command(help=t("Say what is installed, what is used, and what is wrong."))(info)
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
    from nbflow.settings import VARIABLES, load_settings, mask_password

    settings = load_settings()
    import os

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


def info(
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print what is there and what is wrong; exit 1 if something is."""
    facts = _facts()
    wrong = [fact for fact in facts if fact["wrong"]]
    emit(
        facts,
        ["what", "value", "wrong"],
        form,
        styles={"wrong": {str(f["wrong"]): "red" for f in wrong}},
        output=output,
    )
    if form is Form.TABLE and output is None:
        say(t("{count} things are wrong.", count=len(wrong)) if wrong else t("All is well."))
    if wrong:
        raise typer.Exit(1)


def _facts() -> list[dict[str, Any]]:
    from nbflow.settings import load_settings, mask_password

    settings = load_settings()
    facts = [
        _fact("nbflow", __version__),
        _fact("python", f"{sys.version.split()[0]} ({sys.executable})"),
        _fact("language", language()),
        _fact("home", settings.home, _home_problem(settings.home)),
        _database(mask_password(settings.database_url)),
        _kernels(),
        _graphviz(),
    ]
    for name in _PARTS:
        found = _installed(name)
        facts.append(_fact(name, found or "", "" if found else t("is not installed")))
    facts += [_fact(name, _installed(name) or t("not installed")) for name in _EXTRAS]
    return facts


def _fact(what: str, value: object, wrong: str = "") -> dict[str, Any]:
    return {"what": what, "value": str(value), "wrong": wrong}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _home_problem(home: Any) -> str:
    import os

    if home.exists() and not home.is_dir():
        return t("is not a folder")
    place = next(parent for parent in (home, *home.parents) if parent.exists())
    return "" if os.access(place, os.W_OK) else t("can't be written to")


def _kernels() -> dict[str, Any]:
    from nbflow.execution.kernels import installed_kernels

    names = [kernel.name for kernel in installed_kernels()]
    return _fact("kernels", ", ".join(names), "" if names else t("none is installed"))


def _graphviz() -> dict[str, Any]:
    from nbflow.render.graphviz_layout import find_dot

    found = find_dot()
    return _fact("layout", found[0] if found else t("nbflow's own (no Graphviz found)"))


def _database(url: str) -> dict[str, Any]:
    from nbflow.app import open_service
    from nbflow.errors import NbflowError

    try:
        with open_service() as service:
            problem = service.database_problem()
    except NbflowError as error:
        problem = error.message
    return _fact("database", url, problem)
