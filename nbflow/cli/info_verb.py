"""The verb ``info``: what is installed, what is used, what is wrong and the way out. It only looks."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nbflow import __version__
from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, emit, say
from nbflow.texts import language, t, told

if TYPE_CHECKING:
    from nbflow.settings import Settings

_PARTS = (
    "papermill", "nbclient", "jupyter-client", "ipykernel", "ipywidgets", "anywidget", "jupytext",
    "sqlalchemy", "alembic", "graphviz", "graphviz-pure", "resvg-py",
)  # fmt: skip
_EXTRAS = ("jupyterlab", "notebook", "psycopg", "pymysql", "matplotlib", "pandas", "scikit-learn")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One line of the answer; ``hint`` is the way out where something is wrong, or could be better."""

    what: str
    value: str
    wrong: str = ""
    hint: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(help=t("Say what is installed, what is used, and what is wrong."))(info)


def info(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print what is there and what is wrong; exit 1 if something is."""
    facts = _facts()
    wrong = [fact for fact in facts if fact.wrong]
    rows: list[dict[str, Any]] = [
        {"what": fact.what, "value": fact.value, "wrong": fact.wrong, "hint": fact.hint}
        for fact in facts
    ]
    if form is Form.TABLE:
        # What is wrong is said below, each with its way out.
        emit(rows, ["what", "value"], form, output=output)
        if output is None:
            _say_verdict(facts)
    else:
        emit(rows, ["what", "value", "wrong", "hint"], form, output=output)
    if wrong:
        raise typer.Exit(1)


def _say_verdict(facts: list[Fact]) -> None:
    wrong = [fact for fact in facts if fact.wrong]
    for fact in wrong:
        say(f"✕ {fact.what}: {fact.wrong}")
        if fact.hint:
            say(f"  → {fact.hint}")
    for fact in facts:
        if fact.hint and not fact.wrong:
            say(f"· {fact.what}: {fact.hint}")
    if not wrong:
        say(t("All is well."))


def _facts() -> list[Fact]:
    from nbflow.settings import load_settings

    settings = load_settings()
    facts = [
        Fact(what="nbflow", value=__version__),
        Fact(what="python", value=f"{sys.version.split()[0]} ({sys.executable})"),
        Fact(what="language", value=language()),
        _home(settings.home),
        _database(settings),
        _kernels(),
        _layout(),
    ]
    missing = t("is not installed")
    for name in _PARTS:
        version = _installed(name)
        hint = "" if version else f"pip install {name}"
        facts.append(
            Fact(what=name, value=version or "", wrong="" if version else missing, hint=hint)
        )
    facts += [Fact(what=name, value=_installed(name) or t("not installed")) for name in _EXTRAS]
    return facts


def _installed(name: str) -> str | None:
    # Slow to load, and this verb is loaded with all others.
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _home(home: Path) -> Fact:
    import os

    wrong = ""
    place = next(parent for parent in (home, *home.parents) if parent.exists())
    if home.exists() and not home.is_dir():
        wrong = t("{path} is not a folder.", path=home)
    elif not os.access(place, os.W_OK):
        wrong = t("{path} can't be written to.", path=place)
    hint = t("Set NBFLOW_HOME to a folder that you may write to.") if wrong else ""
    return Fact(what="home", value=str(home), wrong=wrong, hint=hint)


def _database(settings: "Settings") -> Fact:
    """Ask the metastore for its schema's version; one that isn't there is not made."""
    from nbflow.errors import NbflowError
    from nbflow.metastore import schema_state
    from nbflow.settings import mask_password

    url = mask_password(settings.database_url)
    try:
        state = schema_state(settings.database_url)
    except NbflowError as error:
        return Fact(what="database", value=url, wrong=told(error.message), hint=told(error.hint))
    if state.found is None:
        none = t("none yet: nbflow db init")
        return Fact(what="database", value=f"{url} ({none})")
    value = f"{url} ({t('schema {number}', number=state.found)})"
    if state.is_current:
        return Fact(what="database", value=value)
    return Fact(
        what="database",
        value=value,
        wrong=t("Its schema is {found}, this nbflow works with {expected}.",
                found=state.found, expected=state.expected),
        hint=t("Older: nbflow db migrate. Newer: install the nbflow that made it."),
    )  # fmt: skip


def _kernels() -> Fact:
    from nbflow.execution.kernels import installed_kernels

    found = installed_kernels()
    return Fact(
        what="kernels",
        value=", ".join(f"{kernel.name} ({kernel.display_name})" for kernel in found),
        wrong="" if found else t("No kernel is installed."),
        hint="" if found else "python -m ipykernel install --sys-prefix",
    )


def _layout() -> Fact:
    from nbflow.render.graphviz_layout import find_dot

    found = find_dot()
    if found is None:
        own = t("nbflow's own (no Graphviz found)")
        return Fact(what="layout", value=own, hint="pip install graphviz-pure")
    return Fact(what="layout", value=f"{found[1]} ({found[0]})")
