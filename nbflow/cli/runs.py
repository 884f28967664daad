"""``nbflow runs``: the runs on record and what they left behind."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, as_text, clean, emit, say, write
from nbflow.model.sentence import Sentence
from nbflow.texts import language, t

if TYPE_CHECKING:
    from nbflow.metastore.rows import RunRow

HELP = "Runs on record."

RunText = Annotated[
    str,
    typer.Argument(metavar="RUN", help=t("The id of a run, or its beginning; last is the newest.")),
]


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the newest runs."))(list_runs)
    group.command(help=t("Show one run: every task with its state, attempts, seconds and reason."))(
        show
    )
    group.command(help=t("Print what the attempts of a task wrote."))(logs)


def list_runs(
    dag: Annotated[str | None, typer.Option("--dag", help=t("Only runs of this DAG."))] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=t("How many."))] = 20,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the newest runs."""
    from nbflow.app import open_service
    from nbflow.cli.looks import age, state_styles
    from nbflow.metastore.reads import RunFilter
    from nbflow.model.ids import DagId

    wanted = RunFilter(dag_id=DagId(dag) if dag else None, limit=limit)
    with open_service() as service:
        runs = service.store.list_runs(wanted)
    rows = [_row(run) for run in runs]
    if form is Form.TABLE:
        rows = [row | {"created": age(run.created)} for row, run in zip(rows, runs, strict=True)]
    emit(
        rows,
        ["run_id", "dag_id", "state", "created", "seconds"],
        form,
        empty=t("No runs yet. nbflow run NOTEBOOK makes one."),
        styles={"state": state_styles()},
        output=output,
    )


def show(run: RunText, form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print one run with its tasks."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles
    from nbflow.render.tokens import tokens
    from nbflow.service.looking import attempt_files, find_run
    from nbflow.service.metrics import metrics_by_task

    with open_service() as service:
        found, tasks = service.store.show_run(find_run(service, run))
        reasons = {a.task: a.message for a, _ in attempt_files(service, found.id)}
        metrics = metrics_by_task(service, found.id)
    rows: list[dict[str, Any]] = [
        {
            "task": str(task.task),
            "state": task.state.value,
            "attempts": task.tries,
            "seconds": _seconds(task.started, task.ended),
            "reason": clean(task.note or reasons.get(task.task) or ""),
        }
        for task in tasks
    ]
    if form in (Form.JSON, Form.YAML):
        write(as_text({**_row(found), "tasks": rows, "metrics": metrics}, form), output)
        return
    columns = ["task", "state", "attempts", "seconds", "reason"]
    emit(rows, columns, form, styles={"state": state_styles()}, output=output)
    if form is Form.TABLE:
        look = tokens().states[found.state.value]
        for task, values in metrics.items():
            told = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
            say(t("Metrics of {task}: {metrics}", task=task, metrics=told))
        note = f" ({found.note})" if found.note else ""
        say(f"{look.glyph} {found.dag_id}, {found.id}: {look.words[language()]}{note}")


def logs(
    run: RunText,
    task: Annotated[
        str | None, typer.Argument(metavar="[TASK]", help=t("The name of a task."))
    ] = None,
    output: OutputOption = None,
) -> None:
    """Print the logs, attempt by attempt."""
    from nbflow.app import open_service
    from nbflow.errors import NotFoundError
    from nbflow.service.looking import attempt_files, find_run

    with open_service() as service:
        run_id = find_run(service, run)
        found = attempt_files(service, run_id)
    names = list(dict.fromkeys(str(attempt.task) for attempt, _ in found))
    if task is not None and task not in names:
        raise NotFoundError(
            Sentence("Run {run_id} tried no task {task!r}.", run_id=run_id, task=task),
            hint=Sentence("Tasks: {names}.", names=", ".join(names)),
        )
    parts = []
    for attempt, files in found:
        if task is not None and attempt.task != task:
            continue
        parts.append(f"── {attempt.task}, {t('try {number}', number=attempt.try_no)}")
        parts += [clean(file.read_text(encoding="utf-8", errors="replace")) for file in files]
        if not files:
            parts.append(t("No log."))
    write("\n".join(part.rstrip("\n") for part in parts), output)


def _row(run: "RunRow") -> dict[str, Any]:
    return {
        "run_id": str(run.id),
        "dag_id": str(run.dag_id),
        "kind": run.kind.value,
        "state": run.state.value,
        "created": run.created.isoformat(timespec="seconds"),
        "seconds": _seconds(run.started or run.created, run.ended),
        "note": run.note,
    }


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return round((end - begin).total_seconds(), 1) if begin and end else None
