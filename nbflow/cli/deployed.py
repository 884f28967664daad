"""The verbs of ``nbflow dags`` for what is deployed: deploy, pause, trigger, next, state, delete."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import (
    DagOption,
    DateOption,
    FormOption,
    NotebookPath,
    OutputOption,
    ParameterOption,
    read_date,
    read_parameters,
)
from nbflow.cli.output import Form, emit, say, tell, write
from nbflow.model.ids import DagId
from nbflow.texts import clean, language, t, told

if TYPE_CHECKING:
    from nbflow.service.dags import Deployment
    from nbflow.service.looking import NextFires
    from nbflow.service.service import Service

DagName = Annotated[str, typer.Argument(metavar="DAG", help=t("The name of a DAG."))]
_FIRES = 5
"""Fires that a deploy tells."""


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command(help=t("Make what is in a notebook or folder the version that runs."))(deploy)
    group.command(help=t("Make no scheduled runs of a DAG until it is unpaused."))(pause)
    group.command(help=t("Make scheduled runs of a DAG again, after saying which were missed."))(
        unpause
    )
    group.command(help=t("Ask a scheduler to run what is deployed, now."))(trigger)
    group.command("next", help=t("Tell when a DAG runs next."))(next_runs)
    group.command(
        help=t("Tell the state of a DAG's newest run, or of a run; exit 1 if there is none.")
    )(state)
    group.command(help=t("Delete a DAG with its schedule and its runs; its notebook stays."))(
        delete
    )


def deploy(
    notebook: NotebookPath,
    dag: DagOption = None,
    catchup: Annotated[
        bool,
        typer.Option("--catchup", help=t("Confirm a catch-up on more than a thousand slots.")),
    ] = False,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Deploy a notebook, or the DAGs of a folder."""
    from nbflow.app import open_service
    from nbflow.service.dags import DeployOptions
    from nbflow.service.looking import next_fires

    with open_service() as service:
        options = DeployOptions(confirmed=catchup)
        found = service.deploy(notebook, dag=dag, options=options)
        fires = [next_fires(service, one.dag.id, _FIRES) for one in found]
    is_table = form is Form.TABLE
    lang = language() if is_table else "en"
    rows = [_facts(one, its, lang) for one, its in zip(found, fires, strict=True)]
    columns = ["dag_id", "version", "new", "schedule", "next_runs"]
    if not is_table or any(one.is_paused for one in found):
        columns.append("paused")
    emit([_words(row) for row in rows] if is_table else rows, columns, form, output=output)
    _tell_warnings(found)


def _facts(one: "Deployment", its: "NextFires", lang: str) -> dict[str, Any]:
    """Return what is deployed, for programs; a paused DAG has the times it would run at."""
    from nbflow.cli.looks import when_words

    expression, options = one.schedule.expression if one.schedule else None, one.dag.options
    return {
        "dag_id": str(one.dag.id),
        "version": one.version[:12],
        "new": one.is_new,
        "paused": one.is_paused,
        "schedule": expression,
        "words": when_words(expression, options.timezone, options.on, lang),
        "next_run": shown(one.schedule.next_fire, one.schedule.timezone) if one.schedule else None,
        "next_runs": [shown(at, its.timezone) for at in its.times],
    }


def _words(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is deployed, for people."""
    return row | {
        "new": t("yes") if row["new"] else t("no"),
        "paused": t("yes") if row["paused"] else t("no"),
        "schedule": row["words"],
        "next_runs": "" if row["paused"] else "\n".join(row["next_runs"]),
    }


def _tell_warnings(found: "Sequence[Deployment]") -> None:
    """Print what may not be meant: it is deployed all the same."""
    from nbflow.model.diagnostics import Severity
    from nbflow.service.on_page import OnPage

    for one in found:
        if one.is_paused:
            tell(t("{dag} is paused: no run is made by itself.", dag=one.dag.id))
        page = OnPage(one.compiled)
        for finding in one.dag.diagnostics:
            if finding.severity is Severity.WARNING:
                told_of = clean(page.finding(finding))
                tell(told_of if len(found) == 1 else f"{one.dag.id}: {told_of}")


def pause(name: DagName) -> None:
    """Pause a DAG."""
    from nbflow.app import open_service

    with open_service() as service:
        changed = service.pause(name, paused=True)
    say(t("{dag} is paused.", dag=name) if changed else t("{dag} was paused already.", dag=name))


def unpause(
    name: DagName,
    catchup: Annotated[
        bool,
        typer.Option(
            "--catchup", "--yes", "-y", help=t("Confirm a catch-up on more than a thousand slots.")
        ),
    ] = False,
) -> None:
    """Let a paused DAG run again."""
    from nbflow.app import open_service

    with open_service() as service:
        if any(row.paused for row in service.store.list_dags(DagId(name))):
            catchup = _say_what_runs(service, name, confirmed=catchup)
        changed = service.pause(name, paused=False, confirmed=catchup)
    say(t("{dag} is active.", dag=name) if changed else t("{dag} was not paused.", dag=name))


def _say_what_runs(service: "Service", name: str, *, confirmed: bool) -> bool:
    """Say which slots a paused DAG missed, and how many of them run; tell whether very many are agreed
    to: who sits at a terminal is asked.
    """
    from nbflow.scheduling.plan import shown_count
    from nbflow.scheduling.slots import CATCHUP_LIMIT

    missed, will_run = service.will_catch_up(name)
    run = shown_count(will_run)
    if missed:
        words = t(
            "Slots missed: {missed}; of these {run} will run.", missed=shown_count(missed), run=run
        )
        say(words)
    if will_run <= CATCHUP_LIMIT or confirmed or not sys.stdin.isatty():
        return confirmed
    question = t("Let {dag} run again, and make {count} runs?", dag=name, count=run)
    return typer.confirm(question, abort=True)


def trigger(
    name: DagName,
    parameter: ParameterOption = None,
    date: DateOption = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help=t("Make one run only, however often this is said.")),
    ] = None,
) -> None:
    """Record a run for a scheduler to carry out."""
    from nbflow.app import open_service

    with open_service() as service:
        run_id = service.trigger(
            name, read_parameters(parameter or ()), date=read_date(date), key=key
        )
        differs = _drift(service, name)
        is_driven = service.store.has_scheduler()
    if run_id is None:
        say(t("There is a run with this key already."))
        return
    say(str(run_id))
    if differs:
        tell(differs)
    if not is_driven:
        tell(t("No scheduler works on this metastore: nothing happens until one does."))


def _drift(service: "Service", name: str) -> str:
    """Say that the notebook of a deployed DAG is not what runs; empty if it is."""
    from nbflow.cli.looks import drift_sentence
    from nbflow.service.known_dags import find_dag

    return drift_sentence(find_dag(service, name).about)


def next_runs(
    name: DagName,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help=t("How many."))] = 5,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print a DAG's next fires in its own zone."""
    from nbflow.app import open_service
    from nbflow.scheduling.words import in_words
    from nbflow.service.looking import next_fires

    with open_service() as service:
        found = next_fires(service, name, count)
        differs = _drift(service, name) if form is Form.TABLE else ""
    rows = [{"next_run": shown(at, found.timezone), "utc": at.isoformat()} for at in found.times]
    emit(rows, ["next_run", "utc"], form, empty=_without_fires(name, found), output=output)
    if form is Form.TABLE and output is None and found.expression is not None:
        say(in_words(found.expression, found.timezone, language()))
    if differs:
        tell(differs)


def _without_fires(name: str, found: "NextFires") -> str:
    """Say why a DAG has no next fire, and what makes it run."""
    from nbflow.model.triggers import trigger_sentence

    if found.expression is not None:
        return t("The schedule of {dag} has ended.", dag=name)
    if not found.on:
        return t("{dag} has no schedule: nbflow dags trigger {dag} runs it.", dag=name)
    when = ", ".join(told(trigger_sentence(one)) for one in found.on)
    return t("{dag} has no schedule; it runs: {when}.", dag=name, when=when)


def state(
    name: Annotated[
        str, typer.Argument(metavar="DAG|RUN", help=t("The name of a DAG, or the id of a run."))
    ],
    date: Annotated[
        str | None, typer.Option("--date", help=t("The run of this logical date, not the newest."))
    ] = None,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print one word: the state of a run; exit 1 if there is none."""
    from nbflow.app import open_service
    from nbflow.service.looking import run_meant

    with open_service() as service:
        run = run_meant(service, name, read_date(date))
    if form is Form.TABLE:
        write(run.state.value if run else "", output)
        if run and run.note:
            tell(clean(told(run.note)))
    else:
        rows = [
            {
                "dag_id": str(run.dag_id),
                "run_id": str(run.id),
                "state": run.state.value,
                "reason": told(run.note),
            }
            for run in ([run] if run else [])
        ]
        emit(rows, ["dag_id", "run_id", "state", "reason"], form, output=output)
    if run is None:
        tell(
            t("{dag} has no such run.", dag=name) if date else t("{dag} has no runs yet.", dag=name)
        )
        raise typer.Exit(1)


def delete(
    name: DagName,
    keep_runs: Annotated[
        bool,
        typer.Option("--keep-runs", help=t("Only let it rest: its runs stay on record.")),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("Don't ask."))] = False,
) -> None:
    """Delete a DAG from the metastore."""
    from nbflow.app import open_service
    from nbflow.service.dags import delete as delete_dag

    with open_service() as service:
        service.store.current_version(DagId(name))
        if not yes:
            question = (
                t("Let {dag} rest, and keep its runs?", dag=name)
                if keep_runs
                else t("Delete {dag} with all its runs?", dag=name)
            )
            typer.confirm(question, abort=True)
        deleted = delete_dag(service, name, keep_runs=keep_runs)
    if keep_runs:
        say(t("{dag} rests: nothing of it starts by itself until it is deployed again.", dag=name))
        return
    say(t("{dag} is deleted, with its runs: {runs}.", dag=name, runs=deleted))
    if deleted:
        say(t("nbflow cleanup deletes the files they leave behind."))


def shown(at: datetime | None, zone: str) -> str | None:
    """Return an instant as people read it: in the schedule's own zone."""
    from nbflow.model.schedule import in_zone

    return None if at is None else in_zone(at, zone)
