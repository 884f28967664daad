"""``nbflow scheduler``: make runs when their slots come, and drive them, until told to stop."""

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from nbflow.cli.output import clean, say
from nbflow.texts import t, told

if TYPE_CHECKING:
    from nbflow.service.events import RunEvent


def add_to(app: typer.Typer) -> None:
    """Add the verb to the app."""
    app.command(help=t("Run what is deployed when its time comes, until Ctrl-C or SIGTERM."))(
        scheduler
    )


def scheduler(
    drain: Annotated[
        float,
        typer.Option(
            "--drain", metavar="SECONDS", min=0.0,
            help=t("How long running tasks may take to end when it is told to stop."),
        ),
    ] = 30.0,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help=t("Print problems only."))
    ] = False,
) -> None:  # fmt: skip
    """Work in the foreground. A first Ctrl-C or SIGTERM lets running tasks end, a second one ends
    them and gives them back.
    """
    from nbflow.app import open_service
    from nbflow.service.background import Background, jobs
    from nbflow.service.events import ignore
    from nbflow.service.interrupts import CancelSwitch, signals_press
    from nbflow.service.live import LiveFolder
    from nbflow.service.scheduler import Scheduler

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("nbflow").setLevel(logging.WARNING if quiet else logging.INFO)
    switch = CancelSwitch()
    with signals_press(switch), open_service() as service:
        dags = sum(not row.paused for row in service.store.list_dags())
        if not quiet:
            say(
                t(
                    "The scheduler works with {slots} slots; active DAGs: {dags}. Ctrl-C stops it.",
                    slots=service.settings.slots,
                    dags=dags,
                )
            )
        with service.executor() as executor:
            executor.warm()
            live = LiveFolder(service=service)
            with Background(jobs(service, live), service.clock) as beside:
                Scheduler(
                    service=service,
                    executor=executor,
                    stop=switch,
                    drain_timeout=drain,
                    on_event=ignore if quiet else _say_event,
                    before_step=beside.poke,
                    live=live,
                ).run()


def _say_event(event: "RunEvent") -> None:
    from nbflow.render.tokens import tokens
    from nbflow.texts import language

    if event.state is None:
        return
    look = tokens().states.get(event.state.value)
    word = look.words[language()] if look else event.state.value
    glyph = f"{look.glyph} " if look else ""
    why = f": {told(event.note)}" if event.note else ""
    say(f"{glyph}{event.run_id} {event.task or ''} {word}{clean(why)}".replace("  ", " "))
