"""Verbs that read notebooks and run nothing: tag, lint, show, explain."""

import enum
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import DagOption, FormOption, NotebookPath, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, write
from nbflow.cli.texts import language, t

if TYPE_CHECKING:
    from nbflow.model.dag import Dag
    from nbflow.model.diagnostics import Diagnostic

_STYLES = {"severity": {"error": "red", "warning": "yellow", "info": "dim"}}


class By(enum.StrEnum):
    """What becomes a task."""

    SECTION = "section"
    """The cells below one heading."""
    CELL = "cell"
    """Each cell."""


class Picture(enum.StrEnum):
    """How ``show`` draws."""

    TEXT = "text"
    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    YAML = "yaml"
    SVG = "svg"
    PNG = "png"
    DOT = "dot"


def add_to(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(help=t("Propose tasks for a notebook without tags."))(tag)
    app.command(
        help=t("Say what is wrong with a notebook, at the cell, and where every cell ended up.")
    )(lint)
    app.command(help=t("Draw the DAG of a notebook or folder."))(show)
    app.command(help=t("Say why one task waits for another."))(explain)


def load_dags(path: Path, wanted: str | None = None) -> "list[Dag]":
    """Return the DAGs at ``path``; only the DAG ``wanted``, if given."""
    from nbflow.app import open_service

    with open_service() as service:
        return service.load_all(path) if wanted is None else [service.load(path, dag=wanted)]


def load_dag(path: Path, wanted: str | None = None) -> "Dag":
    """Return the one DAG at ``path`` that is meant."""
    from nbflow.app import open_service

    with open_service() as service:
        return service.load(path, dag=wanted)


def tag(
    path: NotebookPath,
    by: Annotated[By, typer.Option(help=t("What becomes a task: a section or a cell."))] = (
        By.SECTION
    ),
    write_it: Annotated[
        bool, typer.Option("--write", help=t("Write the tags into the notebook."))
    ] = False,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the proposal, or write it."""
    from nbflow.app import open_service

    with open_service() as service:
        proposal = service.propose_tags(path, by=by.value)
        if write_it:
            proposal.write()
    rows = [
        {"task": str(name), "waits_for": _waits(proposal.dag, name), "cells": list(cells)}
        for name, cells in proposal.tasks.items()
    ]
    empty = t("Every cell has its place already.")
    emit(rows, ["task", "waits_for", "cells"], form, empty=empty, output=output)
    if form is Form.TABLE and rows:
        done = t("Written: {path}", path=path)
        say(done if write_it else t("Nothing was written; --write does it."))


def lint(
    path: NotebookPath,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help=t("Exit with 1 on warnings, too."))
    ] = False,
    dag: DagOption = None,
) -> None:
    """Print the findings; exit 1 if one is an error."""
    dags = load_dags(path, dag)
    findings = [_finding(one, d) for one in dags for d in one.diagnostics]
    cells = [
        {"dag_id": str(one.id), "cell": cell, "task": role}
        for one in dags
        for cell, role in one.membership
    ]
    if form in (Form.JSON, Form.YAML):
        write(as_text({"diagnostics": findings, "cells": cells}, form), output)
    else:
        emit(
            findings,
            ["dag_id", "severity", "code", "cell", "line", "message", "hint"][len(dags) == 1 :],
            form,
            empty=t("No findings."),
            styles=_STYLES,
            output=output,
        )
        if form is Form.TABLE and output is None:
            _say_membership(dags)
    severities = {finding["severity"] for finding in findings}
    if "error" in severities or (strict and "warning" in severities):
        raise typer.Exit(1)


def show(
    path: NotebookPath,
    form: Annotated[
        Picture | None,
        typer.Option("--format", "-f", help=t("The form; by default text, or by OUTPUT's ending.")),
    ] = None,
    output: OutputOption = None,
    dag: DagOption = None,
    theme: Annotated[str, typer.Option(help=t("Colours of a picture: light, dark or auto."))] = (
        "light"
    ),
) -> None:
    """Draw the DAG."""
    from nbflow.errors import UsageError
    from nbflow.render.draw import draw, format_of

    if theme not in ("light", "dark", "auto"):
        raise UsageError(f"There is no theme {theme!r}.", hint="light, dark, auto", code="NBF706")
    one = load_dag(path, dag)
    name = str(form.value) if form else (format_of(output) if output else "text")
    if form is Picture.YAML:
        from nbflow.render.json_form import json_form

        drawn: str | bytes = as_text(json_form(one), Form.YAML)
    elif form in (Picture.TABLE, Picture.PLAIN):
        _emit_tasks(one, Form(form.value), output)
        return
    else:
        drawn = draw(
            one,
            name,
            theme=theme,  # type: ignore[arg-type]  # checked above
            lang=language(),
            color=name == "text" and output is None and _has_colours(),
        )
    if isinstance(drawn, bytes) and output is None and sys.stdout.isatty():
        raise UsageError(
            t("A PNG can't be shown in a terminal."),
            hint=t("Name a file: --output dag.png"),
            code="NBF707",
        )
    write(drawn, output)
    if output is not None:
        say(t("Drawn: {path}", path=output))


def explain(
    path: NotebookPath,
    source: Annotated[
        str | None, typer.Argument(metavar="[SOURCE]", help=t("The task that is waited for."))
    ] = None,
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help=t("The task that waits."))
    ] = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
    dag: DagOption = None,
) -> None:
    """Print why edges exist: all, those of one task, or those between two."""
    from nbflow.errors import NotFoundError
    from nbflow.render.json_form import json_form
    from nbflow.render.picture import why

    one = load_dag(path, dag)
    names = [str(task.name) for task in one.tasks]
    for name in (source, target):
        if name is not None and name not in names:
            raise NotFoundError(
                f"There is no task {name!r} in {one.id}.",
                hint=t("Tasks: {names}.", names=", ".join(names)),
            )
    edges = [
        plain | {"why": why(edge, language())}
        for edge, plain in zip(one.edges, json_form(one)["edges"], strict=True)
        if _is_wanted((edge.source, edge.target), source, target)
    ]
    empty = t("No task waits for another.")
    if source and target:
        empty = t("{target} does not wait for {source}.", target=target, source=source)
    emit(edges, ["source", "target", "kind", "why"], form, empty=empty, output=output)


def _is_wanted(edge: tuple[str, str], source: str | None, target: str | None) -> bool:
    if source and target:
        return edge == (source, target)
    return source is None or source in edge


def _finding(dag: "Dag", diagnostic: "Diagnostic") -> dict[str, Any]:
    from nbflow.render.json_form import diagnostic_form

    return {"dag_id": str(dag.id), **diagnostic_form(diagnostic)}


def _say_membership(dags: "Sequence[Dag]") -> None:
    for dag in dags:
        cells: dict[str, list[str]] = {}
        for cell, role in dag.membership:
            cells.setdefault(role, []).append(cell)
        counts = t("{tasks} tasks, {cells} cells", tasks=len(dag.tasks), cells=len(dag.membership))
        say(f"{dag.id}: {counts}")
        for role, members in cells.items():
            say(f"  {role}: {', '.join(members)}")


def _emit_tasks(dag: "Dag", form: Form, output: Path | None) -> None:
    rows = [
        {
            "task": str(task.name),
            "waits_for": list(dag.upstream(task.name)),
            "cells": list(task.cells),
            "when": task.options.when,
        }
        for task in dag.tasks
    ]
    emit(rows, ["task", "waits_for", "cells", "when"], form, output=output)


def _waits(dag: "Dag", name: str) -> list[str]:
    return [str(one) for one in dag.upstream(name)]


def _has_colours() -> bool:
    from nbflow.cli.output import console

    return console().color_system is not None
