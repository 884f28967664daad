"""``nbflow scheduler``: make runs when their slots come, and drive them, until told to stop."""

import logging
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, tell, write
from nbflow.texts import clean, t, told

if TYPE_CHECKING:
    from datetime import datetime

    from nbflow.metastore.at_work import Backlog
    from nbflow.service.events import RunEvent


HELP = "Run what is deployed when its time comes, until Ctrl-C or SIGTERM."


def add_to(group: typer.Typer) -> None:
    """Add the verb, and what is asked about schedulers, to the group."""
    group.callback(invoke_without_command=True, help=t(HELP))(scheduler)
    group.command(help=t("Show which schedulers work, since when, on what, and what waits."))(
        status
    )
    group.command(help=t("Stop the scheduler that works in the background."))(stop)


def scheduler(
    context: typer.Context,
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
    daemon: Annotated[
        bool,
        typer.Option("--daemon", help=t("Work in the background; its log is a file in NBFLOW_HOME.")),
    ] = False,
    another: Annotated[
        bool, typer.Option("--another", help=t("With --daemon: even if one works already."))
    ] = False,
    attached: Annotated[
        bool,
        typer.Option("--attached", help=t("End when standard input ends: with whoever started it.")),
    ] = False,
) -> None:  # fmt: skip
    """Work in the foreground, or start a process that does in the background."""
    if context.invoked_subcommand is not None:
        return
    if daemon:
        _start(drain, quiet=quiet, another=another)
    else:
        _work(drain, quiet=quiet, attached=attached)


def _start(drain: float, *, quiet: bool, another: bool) -> None:
    from nbflow.app import open_service
    from nbflow.service.daemon import start

    with open_service() as service:
        started = start(service, drain=drain, quiet=quiet, another=another)
        say(
            t(
                "The scheduler works in the background (process {pid}). Its log: {log}",
                pid=started.pid,
                log=started.log,
            )
        )


def stop() -> None:
    """Tell the scheduler in the background to stop; exit 1 if none works."""
    from nbflow.service import daemon
    from nbflow.settings import load_settings

    home = load_settings().home
    pid = daemon.stop(home)
    if pid is None:
        say(t("No scheduler works in the background for {home}.", home=home))
        raise typer.Exit(1)
    say(
        t(
            "The scheduler (process {pid}) is told to stop: it ends when its running tasks have ended, or are given back.",
            pid=pid,
        )
    )


def status(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print the schedulers; exit 1 if none works."""
    from nbflow.app import open_service

    with open_service() as service:
        known, waits, now = (
            service.store.schedulers(),
            service.store.backlog(),
            service.clock.wall(),
        )
    nobody = t("No scheduler works: `nbflow scheduler` starts one.")
    rows: list[dict[str, Any]] = [
        {
            "state": one.state,
            "host": one.host,
            "pid": one.pid,
            "started": one.started.isoformat(timespec="seconds"),
            "heard": f"{max(0.0, (now - one.heartbeat).total_seconds()):.0f} s",
            "running": [f"{run}/{task}" for run, task in one.running],
        }
        for one in known
    ]
    if form in (Form.JSON, Form.YAML):
        write(as_text({"schedulers": rows, "waiting": _waiting(waits, now)}, form), output)
    else:
        shown = [row | {"running": "\n".join(row["running"])} for row in rows]
        if form is Form.TABLE:
            from nbflow.cli.looks import age

            ages = [{"started": age(one.started)} for one in known]
            shown = [row | its for row, its in zip(shown, ages, strict=True)]
        columns = ["state", "host", "pid", "started", "heard", "running"]
        emit(
            shown,
            columns,
            form,
            empty=nobody,
            output=output,
        )
        if form is Form.TABLE:
            _say_waiting(waits, now)
    if not any(one.state == "works" for one in known):
        if known:
            tell(nobody)
        raise typer.Exit(1)


def _waiting(waits: "Backlog", now: "datetime") -> dict[str, float]:
    return {
        "slots": waits.slots,
        "slots_lag": _since(waits.slot_since, now),
        "tasks": waits.tasks,
        "tasks_lag": _since(waits.task_since, now),
        "held_up": waits.held_up,
    }


def _since(at: "datetime | None", now: "datetime") -> float:
    return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def _say_waiting(waits: "Backlog", now: "datetime") -> None:
    lag = _since(waits.slot_since, now)
    if waits.slots:
        say(
            t(
                "Slots that have come and have no run yet: {count}, the oldest for {lag} s.",
                count=waits.slots,
                lag=f"{lag:.0f}",
            )
        )
    if waits.tasks:
        lag = _since(waits.task_since, now)
        say(
            t(
                "Tasks that may start and wait for a place: {count}, the oldest for {lag} s.",
                count=waits.tasks,
                lag=f"{lag:.0f}",
            )
        )
    if waits.held_up:
        say(
            t(
                "Held up, and tried again: {count}. nbflow dags import-errors lists what, and why.",
                count=waits.held_up,
            )
        )


def _work(drain: float, *, quiet: bool, attached: bool) -> None:
    """A first Ctrl-C or SIGTERM lets running tasks end, a second one ends them and gives them back."""
    from nbflow.app import open_service
    from nbflow.service.background import beside_the_loop
    from nbflow.service.daemon import forget
    from nbflow.service.events import ignore
    from nbflow.service.interrupts import CancelSwitch, press_at_end_of, signals_press
    from nbflow.service.live import LiveFolder
    from nbflow.service.scheduler import Scheduler

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("nbflow").setLevel(logging.WARNING if quiet else logging.INFO)
    switch = CancelSwitch()
    if attached:
        press_at_end_of(sys.stdin.buffer, switch)
    with signals_press(switch), open_service() as service, ExitStack() as at_end:
        at_end.callback(forget, service.settings.home, os.getpid())
        dags = sum(not row.paused for row in service.store.list_dags())
        if not quiet:
            _say_at(
                service.clock.wall(),
                t(
                    "The scheduler works with {slots} slots; active DAGs: {dags}. Ctrl-C stops it.",
                    slots=service.settings.slots,
                    dags=dags,
                ),
            )
        with service.executor() as executor:
            executor.warm()
            live = LiveFolder(service=service)
            with beside_the_loop(service, live) as poke:
                Scheduler(
                    service=service,
                    executor=executor,
                    stop=switch,
                    drain_timeout=drain,
                    on_event=ignore if quiet else _say_event,
                    before_step=poke,
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
    line = f"{glyph}{event.run_id} {event.task or ''} {word}{clean(why)}".replace("  ", " ")
    _say_at(event.at, line)


def _say_at(at: "datetime", line: str) -> None:
    """Print a line at once; where no terminal is, with the time, as the other lines of the log have it."""
    if not sys.stdout.isatty():
        here = at.astimezone()
        line = f"{here:%Y-%m-%d %H:%M:%S},{here.microsecond // 1000:03d} {line}"
    say(line)
    sys.stdout.flush()
