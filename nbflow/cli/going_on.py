"""The verbs of ``nbflow runs`` that change what becomes of a run: cancel, clear, delete."""

import enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import FormOption, OutputOption, RunText
from nbflow.cli.output import Form, emit, say
from nbflow.texts import t

if TYPE_CHECKING:
    from nbflow.service.clear import Cleared, ClearOptions
    from nbflow.service.service import Service


class Going(enum.StrEnum):
    """The states of a run that has not ended."""

    QUEUED = "queued"
    RUNNING = "running"


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command(help=t("Run tasks of a run again; what succeeded stays."))(clear)
    group.command(help=t("End a run that goes on, or all of a DAG; or withdraw a clear."))(cancel)
    group.command(help=t("Delete ended runs with their notebooks, logs and values."))(delete)


def clear(
    run: RunText,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task", "-t", metavar="TASKS",
            help=t("These tasks: train, +train (and before), train+ (and after)."),
        ),
    ] = None,
    downstream: Annotated[
        bool, typer.Option("--downstream", help=t("What follows them, too, though it succeeded."))
    ] = False,
    only_failed: Annotated[
        bool, typer.Option("--only-failed", help=t("Of these, or of all, what did not succeed."))
    ] = False,
    every: Annotated[bool, typer.Option("--all", help=t("All tasks."))] = False,
    deployed: Annotated[
        bool,
        typer.Option("--deployed", help=t("Go on with the version that is deployed now.")),
    ] = False,
    here: Annotated[
        bool, typer.Option("--run", help=t("Run them here and now, without a scheduler."))
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=t("Only say what would be cleared."))
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=t("Show no progress."))] = False,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:  # fmt: skip
    """Ask a scheduler to let an ended run go on, or do it here; exit 1 if it then fails."""
    from nbflow.app import open_service
    from nbflow.service.clear import ClearOptions

    options = ClearOptions(
        select=task, every=every, downstream=downstream, only_failed=only_failed, deployed=deployed
    )
    with open_service() as service:
        if here and not dry_run:
            _clear_here(service, run, options, quiet=quiet)
            return
        cleared = service.clear(run, options, dry_run=dry_run)
    emit(_rows(cleared), ["task", "state", "becomes"], form, output=output)
    if form is not Form.TABLE or dry_run:
        return
    say(t("Run {run} goes on with these tasks.", run=cleared.run_id))
    _say_how_to_write(cleared.run_id)
    if not cleared.is_driven:
        say(
            t(
                "No scheduler works on this metastore: start one with nbflow scheduler, or say "
                "this again with --run."
            )
        )


def _clear_here(service: "Service", run: str, options: "ClearOptions", *, quiet: bool) -> None:
    from nbflow.cli.progress import shown
    from nbflow.cli.run_verb import exit_as, say_report
    from nbflow.service.on_page import OnPage

    planned = service.clear(run, options, dry_run=True)
    tasks = [(str(task.name), len(task.cells)) for task in planned.compiled.dag.tasks]
    with shown(tasks, quiet=quiet) as on_event:
        cleared = service.clear_and_run(run, options, on_event=on_event)
    assert cleared.report is not None
    say_report(cleared.report, OnPage(cleared.compiled))
    _say_how_to_write(cleared.run_id)
    exit_as(cleared.report)


def _say_how_to_write(run_id: str) -> None:
    say(
        t(
            "An executed notebook written before is left as it is; nbflow runs notebook {run} "
            "--output FILE writes it anew.",
            run=run_id,
        )
    )


def _rows(cleared: "Cleared") -> list[dict[str, Any]]:
    rows = [
        {"task": str(task), "state": state.value, "becomes": "cleared"}
        for task, state in cleared.tasks
    ]
    return rows + [
        {"task": str(task), "state": None, "becomes": "removed"} for task in cleared.removed
    ]


def cancel(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]", help=t("The id of a run, or its beginning; last is the newest.")
        ),
    ] = None,
    dag: Annotated[
        str | None, typer.Option("--dag", help=t("All runs of this DAG that have not ended."))
    ] = None,
    state: Annotated[
        Going | None, typer.Option("--state", help=t("With --dag: only runs in this state."))
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("Don't ask."))] = False,
) -> None:
    """Ask whoever drives the run to end it, or those of a DAG, after asking."""
    from nbflow.errors import UsageError

    if (run is None) == (dag is None) or (state is not None and dag is None):
        raise UsageError(
            "Either one run is cancelled, or those of a DAG.",
            hint="nbflow runs cancel RUN, or nbflow runs cancel --dag DAG [--state queued].",
        )
    if run is not None:
        _cancel_one(run)
    elif dag is not None:
        _cancel_all(dag, state, yes=yes)


def _cancel_all(dag: str, state: Going | None, *, yes: bool) -> None:
    from nbflow.app import open_service
    from nbflow.model.states import RunState
    from nbflow.service.cancelling import cancel_runs, runs_to_cancel

    with open_service() as service:
        wanted = runs_to_cancel(service, dag, RunState(state.value) if state else None)
        if not wanted:
            say(t("{dag} has no such run.", dag=dag))
            return
        if not yes:
            question = t("Cancel runs of {dag}: {count}?", dag=dag, count=len(wanted))
            typer.confirm(question, abort=True)
        count = cancel_runs(service, wanted)
        has_scheduler = service.store.has_scheduler()
    say(t("Runs of {dag} that are asked to end: {count}.", dag=dag, count=count))
    if not has_scheduler:
        say(t("No scheduler works on this metastore: they end when one does."))


def _cancel_one(run: str) -> None:
    from nbflow.app import open_service
    from nbflow.service.looking import find_run

    with open_service() as service:
        run_id = find_run(service, run)
        before, _ = service.store.show_run(run_id)
        changed = service.cancel_run(run_id)
        is_waiting = not before.has_driver and not service.store.has_scheduler()
    if not changed:
        say(t("Run {run} has ended already.", run=run_id))
    elif before.state.is_final:
        say(t("Run {run} will not go on.", run=run_id))
    else:
        say(t("Run {run} is asked to end.", run=run_id))
        if is_waiting:
            say(t("No scheduler works on this metastore: the run ends when one does."))


def delete(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help=t("Ids of runs, or their beginnings; last is the newest."),
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("Don't ask."))] = False,
) -> None:
    """Delete ended runs for good, after asking."""
    from nbflow.app import open_service
    from nbflow.service.deleting import delete_runs, runs_to_delete

    with open_service() as service:
        wanted = runs_to_delete(service, runs)
        for run_id in wanted:
            say(str(run_id))
        if not yes:
            typer.confirm(t("Delete these runs for good?"), abort=True)
        freed = delete_runs(service, wanted)
    say(t("Runs deleted: {count}; bytes freed: {freed}.", count=len(wanted), freed=freed))
