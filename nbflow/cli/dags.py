"""``nbflow dags``: the DAGs of the DAGs folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.deployed import DagName, shown
from nbflow.cli.options import DateOption, FormOption, OutputOption, ParameterOption
from nbflow.cli.output import Form, as_text, emit, say, tell, write
from nbflow.errors import NotFoundError
from nbflow.model.sentence import Sentence
from nbflow.texts import language, t, told

HELP = "DAGs in the DAGs folder."
_PAUSED = {None: Sentence("not deployed"), True: Sentence("yes"), False: Sentence("no")}

if TYPE_CHECKING:
    from nbflow.service.known_dags import ListedDag


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the DAGs of the DAGs folder, with their last runs."))(
        list_dags
    )
    group.command(help=t("Show one DAG: its tasks and settings."))(show)
    group.command("test", help=t("Run the notebook of one DAG, here and now."))(run_dag)


def list_dags(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print all DAGs."""
    from nbflow.app import open_service
    from nbflow.cli.looks import state_styles
    from nbflow.service.drift import Drift
    from nbflow.service.known_dags import list_dags as known_dags

    with open_service() as service:
        folder = service.settings.dags_folder
        found, broken = known_dags(service)
    # Where each lies and what it is for is more than a terminal is wide; `dags show` tells it.
    columns = ["dag_id", "owner", "paused", "schedule", "state", "last_run", "next_run"]
    is_table, lang = form is Form.TABLE, language()
    emit(
        [_words(one, lang) if is_table else _facts(one, folder) for one in found],
        columns if is_table else [*columns, "deployed", "path"],
        form,
        empty=t(
            "No DAGs yet. Put a tagged notebook into {folder}, or run nbflow db init for the examples.",
            folder=folder,
        ),
        styles={"state": state_styles()}, output=output,
    )  # fmt: skip
    if not is_table:
        return
    if differ := [one.id for one in found if one.drift is Drift.DIFFERS]:
        tell(t("Notebooks that differ from what is deployed: {names}.", names=", ".join(differ)))
    if gone := [one.id for one in found if one.drift is Drift.MISSING]:
        tell(
            t("DAGs whose notebook is not where they were deployed from: {names}.",
              names=", ".join(gone))
        )  # fmt: skip
    if broken:
        tell(t("Notebooks with errors: {count}. See nbflow dags import-errors.", count=broken))


def _facts(one: "ListedDag", folder: Path) -> dict[str, Any]:
    """Return a DAG for programs."""
    from nbflow.model.triggers import trigger_sentence

    return {
        "dag_id": str(one.id),
        "owner": one.owner,
        "paused": one.is_paused,
        "tasks": one.tasks,
        "schedule": one.schedule,
        "timezone": one.timezone,
        "on": [str(trigger_sentence(trigger)) for trigger in one.on],
        "state": one.last_state.value if one.last_state else None,
        "last_run": one.last_run,
        "last_run_at": one.last_at.isoformat(timespec="seconds") if one.last_at else None,
        "next_run": shown(one.next_run, one.timezone),
        "deployed": one.drift.value if one.drift else None,
        "path": _relative(one.path, folder),
        "description": one.description,
    }


def _words(one: "ListedDag", lang: str) -> dict[str, Any]:
    """Return a DAG for people."""
    from nbflow.cli.looks import age, when_words

    return {
        "dag_id": str(one.id),
        "owner": one.owner,
        "paused": told(_PAUSED[one.is_paused], lang),
        "schedule": when_words(one.schedule, one.timezone, one.on, lang),
        "state": one.last_state.value if one.last_state else None,
        "last_run": age(one.last_at, lang) if one.last_at else None,
        "next_run": shown(one.next_run, one.timezone),
    }


def show(name: DagName, form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print one DAG."""
    from nbflow.app import open_service
    from nbflow.cli.looks import drift_sentence, state_word
    from nbflow.render.draw import draw
    from nbflow.service.known_dags import find_dag

    with open_service() as service:
        found = find_dag(service, name)
        dag, about = found.dag(service), found.about
        folder = service.settings.dags_folder
        facts = _facts(about, folder)
    if form is Form.TABLE and output is None:
        if about.description:
            say(about.description)
        write(draw(dag, "text", lang=language()))
        words = _words(about, language())
        say(
            t(
                "Schedule: {schedule}. Next run: {next}.",
                schedule=words["schedule"],
                next=words["next_run"] or "-",
            )
        )
        state = state_word(words["state"]) if words["state"] else ""
        say(t("Last run: {run} {state}", run=about.last_run or "-", state=state))
        if about.path is not None:
            say(str(about.path))
        if about.path is None or not about.path.is_relative_to(folder):
            say(t("Its notebook is not in the DAGs folder; this is what is deployed."))
        if about.is_paused:
            say(t("{dag} is paused.", dag=name))
        if differs := drift_sentence(about):
            say(differs)
        return
    rows: list[dict[str, Any]] = [
        {
            "task": str(task.name),
            "waits_for": [str(source) for source in dag.upstream(task.name)],
            "trigger_rule": task.options.trigger_rule.value,
            "when": task.options.when,
            "retries": task.options.retries,
        }
        for task in dag.tasks
    ]
    if form in (Form.JSON, Form.YAML):
        parameters = {one.name: one.default for one in dag.parameters}
        whole = {
            **facts,
            "path": str(about.path) if about.path else None,
            "parameters": parameters,
            "tasks": rows,
        }
        write(as_text(whole, form), output)
    else:
        emit(rows, ["task", "waits_for", "trigger_rule", "when", "retries"], form, output=output)


def run_dag(
    name: DagName,
    parameter: ParameterOption = None,
    date: DateOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help=t("Show no progress."))] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Run one DAG by its name; the rest is as for ``nbflow run``."""
    from nbflow.app import open_service
    from nbflow.cli.run_verb import run as run_notebook
    from nbflow.service.known_dags import find_dag

    with open_service() as service:
        path = find_dag(service, name).about.path
    if path is None:
        raise NotFoundError(
            Sentence("Where the notebook of {dag} lies is not known.", dag=name),
            hint="Name the notebook itself: nbflow run NOTEBOOK",
        )
    run_notebook(
        path, parameter, None, None, strict=False, quiet=quiet, dag=name, date=date, form=form
    )


def _relative(path: Path | None, folder: Path) -> str | None:
    if path is None:
        return None
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
