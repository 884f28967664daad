"""``nbflow pools``: how many tasks may take something at once."""

from typing import Annotated

import typer

from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, emit, say
from nbflow.texts import t

HELP = "Pools: how much of something tasks may take at once."

PoolName = Annotated[str, typer.Argument(metavar="POOL", help=t("The name of a pool."))]


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command("list", help=t("List the pools with their slots and who takes them."))(list_pools)
    group.command(
        "set",
        help=t("Make a pool, or change how many slots it has."),
        # A number below zero is a number, to be refused as one, and no option.
        context_settings={"ignore_unknown_options": True},
    )(set_pool)
    group.command(help=t("Delete a pool that no task takes slots of."))(delete)


def list_pools(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print all pools."""
    from nbflow.app import open_service

    with open_service() as service:
        rows = [
            {
                "pool": one.name,
                "slots": one.slots,
                "running": one.used,
                "queued": one.wanted,
                "free": max(0, one.slots - one.used),
            }
            for one in service.store.pools.rows()
        ]
    emit(rows, ["pool", "slots", "running", "queued", "free"], form, output=output)


def set_pool(
    name: PoolName,
    slots: Annotated[int, typer.Argument(metavar="SLOTS", help=t("How many slots it has."))],
) -> None:
    """Make or change a pool."""
    from nbflow.app import open_service
    from nbflow.errors import UsageError
    from nbflow.model.sentence import Sentence

    if not name.strip() or len(name) > 100:
        raise UsageError(Sentence("{name!r} is no name of a pool: 1 to 100 characters.", name=name))
    if slots < 1:
        raise UsageError(
            Sentence("A pool has 1 slot or more, not {slots}.", slots=slots),
            hint="To let no task of a DAG start, say nbflow dags pause DAG.",
        )
    with open_service() as service:
        is_new = service.store.pools.set(name, slots)
    if is_new:
        say(t("Pool {pool} is made; slots: {slots}.", pool=name, slots=slots))
    else:
        say(t("Pool {pool} is changed; slots: {slots}.", pool=name, slots=slots))


def delete(name: PoolName) -> None:
    """Delete a pool."""
    from nbflow.app import open_service

    with open_service() as service:
        service.store.pools.delete(name)
    say(t("Pool {pool} is deleted.", pool=name))
