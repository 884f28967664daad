"""Verbs that read notebooks and run nothing: tag, lint, show, explain."""

import enum
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import DagOption, FormOption, NotebookPath, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, write
from nbflow.model.sentence import Sentence
from nbflow.texts import clean, language, t

if TYPE_CHECKING:
    from nbflow.model.dag import Dag
    from nbflow.model.diagnostics import Diagnostic
    from nbflow.service.on_page import OnPage
    from nbflow.service.targets import Compiled

_COLOURS = {"error": "\x1b[31m", "warning": "\x1b[33m", "info": "\x1b[2m"}


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
    app.command(help=t("Say why one task waits for another, or what a code means."))(explain)


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
    from nbflow.notebooks.numbers import cell_numbers

    with open_service() as service:
        proposal = service.propose_tags(path, by=by.value)
        if write_it:
            proposal.write()
    numbers = {} if form in (Form.JSON, Form.YAML) else cell_numbers([proposal.notebook])
    rows = [
        {
            "task": str(name),
            "waits_for": _waits(proposal.dag, name),
            "cells": [numbers.get(cell, str(cell)) for cell in cells],
        }
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
    from nbflow.render.json_form import diagnostic_form
    from nbflow.service.on_page import OnPage
    from nbflow.service.targets import load_all, load_one

    found = load_all(path) if dag is None else [load_one(path, dag)]
    found = _with_drift(found)
    dags = [one.dag for one in found]
    severities = {finding.severity.value for one in dags for finding in one.diagnostics}
    if form in (Form.JSON, Form.YAML):
        answer = {
            "diagnostics": [
                {"dag_id": str(one.id), **diagnostic_form(finding)}
                for one in dags
                for finding in one.diagnostics
            ],
            "cells": [
                {"dag_id": str(one.id), "cell": str(cell), "task": role}
                for one in dags
                for cell, role in one.membership
            ],
        }
        write(as_text(answer, form), output)
    else:
        _print_findings([OnPage(one) for one in found], form, output)
    if "error" in severities or (strict and "warning" in severities):
        raise typer.Exit(1)


def _with_drift(found: "list[Compiled]") -> "list[Compiled]":
    """Add what differs from what is deployed, if there is a metastore that can tell."""
    from contextlib import suppress
    from dataclasses import replace

    from nbflow.app import open_service
    from nbflow.errors import MetastoreError
    from nbflow.service.drift import drift_findings

    differs: dict[str, Diagnostic] = {}
    with suppress(MetastoreError), open_service() as service:
        differs = drift_findings(service, found)
    return [
        replace(one, dag=replace(one.dag, diagnostics=(*one.dag.diagnostics, differs[one.dag.id])))
        if one.dag.id in differs
        else one
        for one in found
    ]


def _print_findings(pages: "Sequence[OnPage]", form: Form, output: Path | None) -> None:
    findings = [(page, finding) for page in pages for finding in page.dag.diagnostics]
    if form is Form.PLAIN:
        columns = ["dag_id", "severity", "code", "cell", "line", "message", "hint"]
        rows = [_finding(page, finding) for page, finding in findings]
        emit(rows, columns[len(pages) == 1 :], form, output=output)
        return
    coloured = output is None and _has_colours()
    texts = []
    for page, finding in findings:
        head, *rest = clean(page.finding(finding)).split("\n")
        if len(pages) > 1:
            head = f"{page.dag.id}: {head}"
        style = _COLOURS[finding.severity.value] if coloured else ""
        texts.append("\n".join([f"{style}{head}\x1b[0m" if style else head, *rest]))
    write("\n".join(texts or [t("No findings.")]), output)
    if output is None:
        for page in pages:
            _say_membership(page.dag)


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
    unfold: Annotated[
        list[str] | None,
        typer.Option(
            "--unfold",
            metavar="SECTION",
            help=t("Above 60 tasks sections are folded: open this one, or all."),
        ),
    ] = None,
) -> None:
    """Draw the DAG."""
    from nbflow.errors import UsageError
    from nbflow.render.draw import draw, format_of
    from nbflow.service.on_page import OnPage
    from nbflow.service.targets import load_one

    if theme not in ("light", "dark", "auto"):
        raise UsageError(
            Sentence("There is no theme {theme!r}.", theme=theme),
            hint="light, dark, auto",
            code="NBF706",
        )
    compiled = load_one(path, dag)
    one = compiled.dag
    name = str(form.value) if form else (format_of(output) if output else "text")
    if form is Picture.YAML:
        from nbflow.render.json_form import json_form

        drawn: str | bytes = as_text(json_form(one), Form.YAML)
    elif form in (Picture.TABLE, Picture.PLAIN):
        _emit_tasks(OnPage(compiled).dag, Form(form.value), output)
        return
    else:
        for_programs = name in ("json", "dot")
        view = OnPage(compiled).folded(["all"] if for_programs else unfold or ())
        drawn = draw(
            one if for_programs else view.dag,
            name,
            theme=theme,  # type: ignore[arg-type]  # checked above
            lang=language(),
            color=name == "text" and output is None and _has_colours(),
            members=view.members,
        )
    if isinstance(drawn, bytes) and output is None and sys.stdout.isatty():
        raise UsageError(
            "A PNG can't be shown in a terminal.",
            hint="Name a file: --output dag.png",
            code="NBF707",
        )
    write(drawn, output)
    if output is not None:
        say(t("Drawn: {path}", path=output))


def explain(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="NOTEBOOK", help=t("A notebook, a folder of notebooks, or a code like NBF203.")
        ),
    ],
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
    """Print why edges exist: all, those of one task, or those between two; or what a code means."""
    code = str(path).upper()
    if re.fullmatch(r"NBF\d{3}", code) and not path.exists():
        _explain_code(code, form, output)
        return
    from nbflow.errors import NotFoundError
    from nbflow.render.json_form import json_form
    from nbflow.render.picture import why
    from nbflow.service.on_page import OnPage
    from nbflow.service.targets import load_one

    compiled = load_one(path, dag)
    one = compiled.dag
    names = [str(task.name) for task in one.tasks]
    for name in (source, target):
        if name is not None and name not in names:
            raise NotFoundError(
                Sentence("There is no task {name!r} in {id}.", name=name, id=one.id),
                hint=Sentence("Tasks: {names}.", names=", ".join(names)),
            )
    edges = [
        plain | {"why": why(edge, language())}
        for edge, plain in zip(OnPage(compiled).dag.edges, json_form(one)["edges"], strict=True)
        if _is_wanted((edge.source, edge.target), source, target)
    ]
    empty = t("No task waits for another.")
    if source and target:
        empty = t("{target} does not wait for {source}.", target=target, source=source)
    emit(edges, ["source", "target", "kind", "why"], form, empty=empty, output=output)


def _explain_code(code: str, form: Form, output: Path | None) -> None:
    """Print what a diagnostic or an error means."""
    from nbflow.errors import NotFoundError
    from nbflow.model.codes import CODES

    if code not in CODES:
        raise NotFoundError(
            Sentence("There is no code {code}.", code=code),
            hint="The reference lists all codes: docs/reference/diagnostics.md.",
        )
    known = CODES[code]
    fact = {
        "code": code,
        "severity": known.severity.value,
        "title": t(known.title),
        "explanation": t(known.explanation),
        "hint": t(known.remedy),
    }
    if form is Form.TABLE:
        lines = [f"{code} {t(fact['severity'])}: {fact['title']}", fact["explanation"]]
        write("\n".join([*lines, f"→ {fact['hint']}"]), output)
    elif form is Form.PLAIN:
        emit([fact], ["code", "severity", "title", "explanation", "hint"], form, output=output)
    else:
        write(as_text(fact, form), output)


def _is_wanted(edge: tuple[str, str], source: str | None, target: str | None) -> bool:
    if source and target:
        return edge == (source, target)
    return source is None or source in edge


def _finding(page: "OnPage", finding: "Diagnostic") -> dict[str, Any]:
    """Return a finding as a table shows it."""
    return {
        "dag_id": str(page.dag.id),
        "severity": finding.severity.value,
        "code": finding.code,
        "cell": page.place(finding),
        "line": finding.line,
        "message": page.told(finding.message),
        "hint": page.told(finding.hint),
    }


def _say_membership(dag: "Dag") -> None:
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
