"""The verb ``run``: one notebook or folder, here and now."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import (
    DagOption,
    DateOption,
    NotebookPath,
    ParameterOption,
    read_date,
    read_parameters,
)
from nbflow.cli.output import Form, as_text, clean_but_colours, console, say, tell, write
from nbflow.model.codes import code_info, reason_code
from nbflow.model.states import TaskState
from nbflow.texts import clean, language, t, told

if TYPE_CHECKING:
    from nbflow.service.on_page import OnPage
    from nbflow.service.reports import RunReport, TaskReport

_LAST_FRAMES = 3
_CANCELLED = 130


def add_to(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(help=t("Run a notebook or folder as a DAG, here and now."))(run)


def run(
    path: NotebookPath,
    parameter: ParameterOption = None,
    select: Annotated[
        str | None,
        typer.Option(help=t("Only these tasks: train, +train (and before), train+ (and after).")),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=t("Write one executed notebook to this file.")),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help=t("Refuse a notebook that needs a kernel group."))
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=t("Show no progress."))] = False,
    dag: DagOption = None,
    date: DateOption = None,
    form: Annotated[Form, typer.Option("--format", "-f", help=t("How to print the answer."))] = (
        Form.TABLE
    ),
) -> None:
    """Run, with progress on standard error; exit 1 if a task failed, 130 if it was cancelled."""
    from nbflow.app import open_service
    from nbflow.cli.progress import shown
    from nbflow.service.drift import drift_findings
    from nbflow.service.on_page import OnPage
    from nbflow.service.targets import load_one

    parameters = read_parameters(parameter or [])
    compiled = load_one(path, dag)
    logical_date = read_date(date)
    with open_service() as service:
        tasks = [(str(task.name), len(task.cells)) for task in compiled.dag.tasks]
        with shown(tasks, quiet=quiet) as on_event:
            report = service.run(
                path,
                parameters,
                dag=dag,
                select=select,
                output=output,
                strict=strict,
                date=logical_date,
                on_event=on_event,
            )
        differs = drift_findings(service, [compiled])
    if form is Form.TABLE:
        say_report(report, OnPage(compiled))
        for finding in differs.values():
            tell(told(finding.text()))
    else:
        _emit(report, form)
    exit_as(report)


def exit_as(report: "RunReport") -> None:
    """Leave with the code of a run that didn't end well."""
    from nbflow.model.states import RunState

    if report.state is RunState.CANCELLED:
        raise typer.Exit(_CANCELLED)
    if not report.is_success:
        raise typer.Exit(1)


def _emit(report: "RunReport", form: Form) -> None:
    rows = [_row(task) for task in report.tasks]
    if form is Form.JSON:
        # One line per task, so that a program can read them as they are.
        write("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    elif form is Form.YAML:
        write(as_text(rows, form))
    else:
        write("\n".join("\t".join(clean(v) for v in row.values()) for row in rows))


def _row(task: "TaskReport") -> dict[str, Any]:
    return {
        "task": str(task.name),
        "state": task.state.value,
        "attempts": task.attempts,
        "seconds": round(task.seconds, 3),
        "reason": clean(told(task.note)) or (task.reason.value if task.reason else ""),
    }


def say_report(report: "RunReport", page: "OnPage") -> None:
    """Say how a run ended: what failed and where, what was not run, and how to go on."""
    from nbflow.render.tokens import tokens
    from nbflow.render.words import duration

    for task in report.failed:
        _say_failure(task, page)
    _say_how_to_go_on(report)
    left_out = [task for task in report.not_run if task.state is not TaskState.REMOVED]
    if left_out:
        say(t("Not run:"))
    for task in left_out:
        look = tokens().states[task.state.value]
        why = f" ({told(task.note)})" if task.note else ""
        say(f"  {look.glyph} {task.name}: {look.words[language()]}{why}")
    for task in report.tasks:
        if task.changed:
            names = ", ".join(task.changed)
            tell(t("{task} changed {names} without saying so.", task=task.name, names=names))
    look = tokens().states[report.state.value]
    say(f"{look.glyph} {report.run_id}: {look.words[language()]}, {duration(report.seconds)}")
    if report.output is not None:
        say(t("Executed notebook: {path}", path=report.output))


def _say_failure(task: "TaskReport", page: "OnPage") -> None:
    look_at = t("✕ Task {task} failed: {why}", task=task.name, why=told(task.note) or task.reason)
    say(look_at)
    error = task.error
    if error is not None:
        if error.cell is not None:
            say(f"  {page.spot(error.cell, error.line)}")
        _print_traceback(error.traceback or (f"{error.name}: {error.message}",))
    if task.notebook is not None:
        say(f"  {t('executed notebook')}: {task.notebook}")
    if task.log is not None:
        say(f"  {t('log')}: {task.log}")
    code = reason_code(task.reason)
    say(f"  {code}: {t(code_info(code).remedy)}")


def _say_how_to_go_on(report: "RunReport") -> None:
    """Say how to run only what is missing, if something is there already."""
    done = any(task.state is TaskState.SUCCESS for task in report.tasks)
    if report.failed and done:
        selector = ",".join(f"{task.name}+" for task in report.failed)
        say("  " + t("--select {selector} runs only what is missing.", selector=selector))
    if report.failed:
        first = report.failed[0].name
        say(
            "  "
            + t(
                "nbflow runs open {run} {task} starts a kernel with the task's inputs loaded.",
                run=report.run_id,
                task=first,
            )
        )


def _print_traceback(frames: Sequence[str]) -> None:
    """Print the heading, the last frames and the error, as the kernel drew them."""
    kept = [*frames[:1], *frames[1:-1][-_LAST_FRAMES:], *frames[-1:]] if len(frames) > 1 else frames
    text = "\n".join(kept)
    screen = console()
    if screen.color_system is None:
        say("\n".join("  " + line for line in clean(text).splitlines()))
    else:
        coloured = clean_but_colours(text).splitlines()
        screen.file.write("\n".join("  " + line for line in coloured) + "\x1b[0m\n")
