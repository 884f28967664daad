"""``nbflow runs open``: a kernel with a task's inputs loaded, for a person to work in."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nbflow.cli.options import RunText
from nbflow.cli.output import say
from nbflow.texts import clean, t, told

if TYPE_CHECKING:
    from nbflow.execution.open_kernel import OpenKernel
    from nbflow.service.interrupts import CancelSwitch
    from nbflow.service.opening import Opening

_GLANCE = 0.2
"""Seconds between looks whether the kernel was shut down."""


def add_to(group: typer.Typer) -> None:
    """Add the verb to the group."""
    group.command(
        "open", help=t("Start a kernel with a task's inputs loaded; nothing runs again.")
    )(open_task)


def open_task(
    run: RunText,
    task: Annotated[str, typer.Argument(metavar="TASK", help=t("A task, or a selector (+train, train+) that names one."))],
    item: Annotated[
        int | None,
        typer.Option(
            "--item", min=1, metavar="N",
            help=t("Of a mapped task, the N-th item; by default the one that failed."),
        ),
    ] = None,
) -> None:  # fmt: skip
    """Keep the kernel until Ctrl-C, or until somebody shuts it down."""
    from nbflow.app import open_service
    from nbflow.service.interrupts import CancelSwitch, signals_press

    with open_service() as service:
        opening = service.open_task(run, task, item=item)
    switch = CancelSwitch()
    _say_what_happened(opening)
    with signals_press(switch), opening.start() as kernel:
        _say_how_to_connect(opening, kernel)
        _wait(kernel, switch)
    say(t("The kernel has ended."))


def _wait(kernel: "OpenKernel", switch: "CancelSwitch") -> None:
    import queue

    # Unlike an event, it may be put to by a handler that interrupts the wait for it.
    pressed: queue.SimpleQueue[None] = queue.SimpleQueue()
    switch.on_press = lambda: pressed.put(None)
    while kernel.is_alive and not switch.is_pressed:
        with suppress(queue.Empty):
            pressed.get(timeout=_GLANCE)


def _say_what_happened(opening: "Opening") -> None:
    from nbflow.service.on_page import OnPage

    if opening.again:
        say(
            t(
                "These run once more in the kernel, since what they left can't be stored: {tasks}",
                tasks=", ".join(opening.again),
            )
        )
    last = opening.last
    if last is None or last.outcome is None:
        return
    why = told(last.message)
    say(t("Try {number} of {task}: {why}", number=last.try_no, task=opening.task, why=why))
    error: Any = opening.error
    if error.get("cell"):
        page = OnPage(opening.compiled)
        say(f"  {page.spot(error['cell'], error.get('line'))}")
        source = _source(opening, str(error["cell"]))
        say("\n".join(f"  {line}" for line in clean(source).splitlines()))


def _source(opening: "Opening", cell: str) -> str:
    for one in opening.spec.cells:
        if one.cell == cell:
            source = one.document.get("source", "")
            return source if isinstance(source, str) else "".join(source)
    return ""


def _say_how_to_connect(opening: "Opening", kernel: "OpenKernel") -> None:
    if kernel.names:
        say(t("Loaded: {names}", names=", ".join(kernel.names)))
    say(
        t("Connect with: {command}", command=f"jupyter console --existing {kernel.connection_file}")
    )
    say(t("Ctrl-C ends the kernel."))
    import sys

    sys.stdout.flush()
