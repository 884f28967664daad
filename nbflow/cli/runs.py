"""``nbflow runs``: the runs on record and what they left behind."""

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import FormOption, OutputOption, RunText
from nbflow.cli.output import Form, as_text, emit, say, tell, write
from nbflow.errors import UsageError
from nbflow.model.sentence import Sentence
from nbflow.model.states import RunState, TaskState
from nbflow.texts import clean, language, t, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nbflow.metastore.rows import AttemptRow, RunRow
    from nbflow.model.ids import DagId, RunId, TaskName
    from nbflow.service.service import Service

_GLANCE = 0.25
"""Seconds between looks at logs that are being written."""
HELP = "Runs on record."


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the newest runs."))(list_runs)
    group.command(help=t("Show one run: every task with its state, attempts, seconds and reason."))(
        show
    )
    group.command(help=t("Print what the attempts of a task wrote."))(logs)
    group.command(help=t("Write one executed notebook of a run as it stands, in page order."))(
        notebook
    )


def notebook(run: RunText, output: OutputOption = None) -> None:
    """Write a run's executed notebook: of each task its last attempt. Without a file it is printed."""
    import json

    from nbflow.app import open_service
    from nbflow.service.looking import find_run
    from nbflow.service.records import run_document

    with open_service() as service:
        document = run_document(service, find_run(service, run))
    if output is None:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    else:
        from nbflow.notebooks.write import write_notebook

        write_notebook(document, output)


def list_runs(
    dag: Annotated[str | None, typer.Option("--dag", help=t("Only runs of this DAG."))] = None,
    state: Annotated[
        RunState | None, typer.Option("--state", help=t("Only runs in this state."))
    ] = None,
    missed: Annotated[
        bool, typer.Option("--missed", help=t("Slots and events that got no run, and why."))
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=t("How many."))] = 20,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print the newest runs."""
    from nbflow.app import open_service
    from nbflow.cli.looks import age, state_styles
    from nbflow.metastore.reads import RunFilter
    from nbflow.model.ids import DagId

    wanted = RunFilter(dag_id=DagId(dag) if dag else None, state=state, limit=limit)
    with open_service() as service:
        if missed:
            _list_missed(service, wanted.dag_id, limit, form, output)
            return
        found = service.store.page_of_runs(wanted)
    runs = found.rows
    rows = [_row(run) for run in runs]
    if form is Form.TABLE:
        rows = [
            row | {"created": age(run.created), "cause": _cause(run, short=True)}
            for row, run in zip(rows, runs, strict=True)
        ]
    none = (
        t("There are no such runs.")
        if dag or state
        else t("No runs yet. nbflow run NOTEBOOK makes one.")
    )
    emit(
        rows,
        ["run_id", "dag_id", "state", "created", "seconds", "cause"],
        form,
        empty=none,
        styles={"state": state_styles()},
        output=output,
    )
    if found.unread:
        names = ", ".join(found.unread)
        tell(t("Left out, since they can't be read (nbflow db check says why): {runs}", runs=names))


def _list_missed(
    service: "Service", dag_id: "DagId | None", limit: int, form: Form, output: "Path | None"
) -> None:
    from nbflow.model.schedule import in_zone, missed_reason
    from nbflow.model.triggers import trigger_sentence

    found = service.store.all_missed(dag_id, limit=limit)
    zones = {row.id: row.timezone for row in service.store.list_dags(dag_id)}
    separator = " " if form is Form.TABLE else "T"
    rows = [
        {
            "dag_id": str(one.dag_id),
            "slot": (in_zone(one.slot, zone, separator=separator) if one.slot else None),
            "event": told(trigger_sentence(one.trigger)) if one.trigger else None,
            "reason": told(missed_reason(one.reason)),
            "decided": (
                in_zone(one.at, zone)
                if form is Form.TABLE
                else one.at.isoformat(timespec="seconds")
            ),
        }
        for one in found
        for zone in [zones.get(one.dag_id, "UTC")]
    ]
    columns = ["dag_id", "slot", "event", "reason", "decided"]
    emit(rows, columns, form, empty=t("Nothing was missed."), output=output)


def show(run: RunText, form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print one run with its tasks."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles
    from nbflow.service.looking import find_run
    from nbflow.service.metrics import metrics_by_task

    with open_service() as service:
        run_id = find_run(service, run)
        found, _ = service.store.show_run(run_id)
        rows = task_rows(service, run_id)
        metrics = metrics_by_task(service, run_id)
        goes_on = run_id in service.store.clears.requested()
    if form in (Form.JSON, Form.YAML):
        write(as_text({**_row(found), "tasks": rows, "metrics": metrics}, form), output)
        return
    columns = ["task", "state", "attempts", "seconds", "reason"]
    emit(rows, columns, form, styles={"state": state_styles()}, output=output)
    if form is Form.TABLE:
        for task, values in metrics.items():
            words = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
            say(t("Metrics of {task}: {metrics}", task=task, metrics=words))
        if found.cause is not None:
            say(t("Made by a trigger: {cause}", cause=_cause(found)))
        say(_state_and_note(found))
        if goes_on:
            say(t("It was cleared, and goes on when a scheduler looks."))


def task_rows(
    service: "Service", run_id: "RunId", selector: str | None = None
) -> list[dict[str, Any]]:
    """Return what is told of a run's tasks, or of those that a selector names."""
    from nbflow.service.looking import attempt_files, tasks_of_run

    chosen = set(tasks_of_run(service, run_id, selector))
    _, tasks = service.store.show_run(run_id)
    reasons = {a.task: a.message for a, _ in attempt_files(service, run_id)}
    return [
        {
            "task": str(task.task),
            "state": task.state.value,
            "attempts": task.tries,
            "seconds": _seconds(task.started, task.ended),
            "reason": clean(told(task.note or reasons.get(task.task) or "")),
        }
        for task in tasks
        if task.task in chosen
    ]


def logs(
    run: RunText,
    task: Annotated[
        str | None,
        typer.Argument(metavar="[TASK]", help=t("A task, or tasks: train, +train, train+.")),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help=t("Go on printing until the run has ended.")),
    ] = False,
    output: OutputOption = None,
) -> None:
    """Print the logs, attempt by attempt."""
    from nbflow.app import open_service
    from nbflow.service.looking import find_run, tasks_of_run

    with open_service() as service:
        run_id = find_run(service, run)
        if not follow:
            print_logs(service, run_id, task, output=output)
        elif output is not None:
            raise UsageError(
                "--follow prints to the terminal only.",
                hint="Leave --output away, or redirect the output.",
            )
        else:
            _follow(service, run_id, tasks_of_run(service, run_id, task))


def print_logs(
    service: "Service",
    run_id: "RunId",
    selector: str | None,
    *,
    try_no: int | None = None,
    output: "Path | None" = None,
) -> None:
    """Print the logs of a run's attempts: of all, of a selector's tasks, or of one try."""
    from nbflow.errors import NotFoundError
    from nbflow.service.looking import attempt_files, tasks_of_run

    chosen = set(tasks_of_run(service, run_id, selector))
    all_found = attempt_files(service, run_id)
    found = [(a, files) for a, files in all_found if a.task in chosen]
    if try_no is not None:
        tried = ", ".join(str(a.try_no) for a, _ in found)
        found = [(a, files) for a, files in found if a.try_no == try_no]
        if not found:
            raise NotFoundError(
                Sentence(
                    "Run {run_id} has no try {number} of {task}.",
                    task=selector,
                    number=try_no,
                    run_id=run_id,
                ),
                hint=Sentence("Tries: {tried}.", tried=tried or Sentence("none")),
            )
    if selector is not None and not found:
        raise NotFoundError(
            Sentence("Run {run_id} tried no task {task!r}.", run_id=run_id, task=selector),
            hint=_why_none(service, run_id, chosen)
            or Sentence("Tasks: {names}.", names=_tried(all_found) or Sentence("none")),
        )
    parts = []
    for attempt, files in found:
        parts.append(_heading(attempt.task, attempt.try_no))
        parts += [clean(file.read_text(encoding="utf-8", errors="replace")) for file in files]
        if not files:
            parts.append(t("No log."))
        if attempt.message and attempt.outcome != TaskState.SUCCESS:
            parts.append(_reason(attempt.message))
    write("\n".join(part.rstrip("\n") for part in parts), output)


def _tried(found: "Sequence[tuple[AttemptRow, Sequence[Path]]]") -> str:
    return ", ".join(dict.fromkeys(str(attempt.task) for attempt, _ in found))


def _why_none(service: "Service", run_id: "RunId", chosen: "set[TaskName]") -> Sentence | None:
    """Say why tasks that exist were not tried, if that is on record."""
    _, tasks = service.store.show_run(run_id)
    notes = tuple(
        Sentence("{task}: {why}", task=task.task, why=task.note)
        for task in tasks
        if task.task in chosen and task.note
    )
    return Sentence("{problems}", problems=notes) if notes else None


def _follow(service: "Service", run_id: "RunId", tasks: "tuple[TaskName, ...]") -> None:
    """Print what attempts write, as they write it; Ctrl-C ends the looking, not the run."""
    from nbflow.service.following import LogFollower

    run, _ = service.store.show_run(run_id)
    if not (run.state.is_final or run.has_driver or service.store.has_scheduler()):
        tell(t("No scheduler works on this metastore: nothing happens until one does."))
    follower = LogFollower(service, run_id, tasks)
    last: tuple[str, int] | None = None
    try:
        while True:
            run, pieces = follower.look()
            for piece in pieces:
                if (piece.task, piece.try_no) != last:
                    last = piece.task, piece.try_no
                    say(_heading(*last))
                write(clean(piece.text))
            sys.stdout.flush()
            if run.state.is_final:
                break
            time.sleep(_GLANCE)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    for row in task_rows(service, run_id):
        if row["reason"] and row["task"] in tasks and row["state"] != TaskState.SUCCESS:
            tell(f"{row['task']}: {row['reason']}")
    tell(_state_and_note(run))


def _heading(task: str, try_no: int) -> str:
    return f"── {task}, {t('try {number}', number=try_no)}"


def _reason(message: str) -> str:
    """Return why an attempt ended as it did, below its log."""
    return f"→ {clean(told(message))}"


def _state_and_note(run: "RunRow") -> str:
    note = f" ({clean(told(run.note))})" if run.note else ""
    return f"{_state(run)}{note}"


def _state(run: "RunRow") -> str:
    from nbflow.render.tokens import tokens

    look = tokens().states[run.state.value]
    return f"{look.glyph} {run.dag_id}, {run.id}: {look.words[language()]}"


def _cause(run: "RunRow", *, short: bool = False) -> str:
    from nbflow.model.triggers import cause_sentence, short_cause

    if run.cause is None:
        return ""
    return told(short_cause(run.cause) if short else cause_sentence(run.cause))


def _row(run: "RunRow") -> dict[str, Any]:
    return {
        "run_id": str(run.id),
        "dag_id": str(run.dag_id),
        "kind": run.kind.value,
        "state": run.state.value,
        "created": run.created.isoformat(timespec="seconds"),
        "seconds": _seconds(run.started or run.created, run.ended),
        "note": told(run.note),
        "cause": dict(run.cause) if run.cause else None,
    }


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    """How long it took; nobody knows if the calendar was set back meanwhile."""
    if begin is None or end is None or end < begin:
        return None
    return round((end - begin).total_seconds(), 1)
