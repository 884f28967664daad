"""``nbflow db``: make the metastore, upgrade it, check it."""

from typing import TYPE_CHECKING, Annotated

import typer

from nbflow.cli.options import FormOption
from nbflow.cli.output import Form, emit, say
from nbflow.texts import t, told

if TYPE_CHECKING:
    from nbflow.settings import Settings

_NO_METASTORE = "NBF616"

HELP = "The metastore: make, upgrade, check it."


def add_to(group: typer.Typer) -> None:
    """Add the verbs to the group."""
    group.command(help=t("Make the metastore, and put the examples into the DAGs folder."))(init)
    group.command(help=t("Bring the metastore's schema up to date."))(migrate)
    group.command(help=t("Look for violations of what must always hold."))(check)
    group.command(help=t("Take the schema back to an earlier revision."))(downgrade)


def init(
    without_examples: Annotated[
        bool, typer.Option("--without-examples", help=t("Leave the examples out."))
    ] = False,
) -> None:
    """Make what is missing; what is there stays."""
    from nbflow.app import open_service
    from nbflow.service.examples import copy_examples
    from nbflow.settings import mask_password

    with open_service() as service:
        settings = service.settings
        settings.dags_folder.mkdir(parents=True, exist_ok=True)
        settings.store.mkdir(parents=True, exist_ok=True)
        assert service.store is not None  # opening makes it
        say(t("Metastore: {url}", url=mask_password(settings.database_url)))
        if without_examples:
            return
        written = copy_examples(settings.dags_folder)
        names = [name for name in written if name.endswith((".ipynb", ".py"))]
        if names:
            say(t("Examples: {names}", names=", ".join(names)))
        else:
            say(t("The examples are there already."))


def migrate() -> None:
    """Bring the schema to this version's."""
    from nbflow.metastore import migrate as bring_up

    revision = bring_up(_settings().database_url)
    say(t("The schema is at {revision}.", revision=revision))


def check(
    values: Annotated[
        bool, typer.Option("--values", help=t("Read every stored value and notebook, too."))
    ] = False,
    drained: Annotated[
        bool, typer.Option("--drained", help=t("All runs should be over: name those that are not."))
    ] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Print the violations; exit 1 if there is one."""
    from nbflow.app import open_service
    from nbflow.errors import NbflowError
    from nbflow.service.checking import check as violations

    settings = _settings()
    try:
        found = violations(settings, values=values, drained=drained)
    except NbflowError as error:
        if error.code != _NO_METASTORE:
            raise
        with open_service() as service:
            assert service.store is not None  # opening makes it
        found = violations(settings, values=values, drained=drained)
    rows = [{"code": one.code, "what": f"{one.place}: {told(one.message)}"} for one in found]
    emit(rows, ["code", "what"], form, empty=t("No violations."))
    if rows:
        raise typer.Exit(1)


def downgrade(
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", help=t("The revision to go back to."))
    ],
) -> None:
    """Take the schema back."""
    from nbflow.metastore import downgrade as bring_back

    bring_back(_settings().database_url, revision)
    say(t("The schema is at {revision}.", revision=revision))


def _settings() -> "Settings":
    from nbflow.settings import load_settings

    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    return settings
