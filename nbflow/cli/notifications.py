"""``nbflow notifications``: who was told what, who could not be, and once more."""

from typing import Annotated

import typer

from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, emit, say
from nbflow.texts import t, told

HELP = "What people were told, or could not be."


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the newest notifications."))(list_notices)
    group.command(help=t("Send a notification that was given up."))(retry)


def list_notices(
    dag: Annotated[str | None, typer.Option("--dag", help=t("Only those of this DAG."))] = None,
    dead: Annotated[bool, typer.Option("--dead", help=t("Only those that were given up."))] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help=t("How many."))] = 50,
    form: FormOption = Form.TABLE,
    output: OutputOption = None,
) -> None:
    """Print notifications, the newest first."""
    from nbflow.app import open_service
    from nbflow.model.ids import DagId
    from nbflow.model.notices import shown_targets

    with open_service() as service:
        found = service.store.notices.all(
            DagId(dag) if dag else None, limit=10_000 if dead else limit
        )
    rows = [
        {
            "id": one.id,
            "dag_id": str(one.dag_id),
            "event": one.event.value,
            "to": shown_targets(one.notify),
            "state": "dead" if one.dead else "sent" if one.sent else "waiting",
            "tries": one.tries,
            "created": one.created.isoformat(timespec="seconds"),
            "error": told(one.error),
        }
        for one in found
        if one.dead or not dead
    ][:limit]
    columns = ["id", "dag_id", "event", "to", "state", "tries", "error"]
    emit(rows, columns, form, empty=t("No notifications."), output=output)


def retry(
    notice: Annotated[str, typer.Argument(metavar="ID", help=t("The id of a notification."))],
) -> None:
    """Let a scheduler send it once more."""
    from nbflow.app import open_service
    from nbflow.service.notices import send_again

    with open_service() as service:
        send_again(service, notice)
    say(t("It will be sent again."))
