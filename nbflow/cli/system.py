"""Verbs about the installation: version, config."""

import os
from collections.abc import Callable
from typing import Annotated

import typer

from nbflow import __version__
from nbflow.cli.options import FormOption, OutputOption
from nbflow.cli.output import Form, as_text, emit, say, tell, write
from nbflow.texts import LANGUAGE_VARIABLES, language, t

_BESIDE: dict[str, tuple[tuple[str, ...], Callable[[], str]]] = {
    "language": (LANGUAGE_VARIABLES, language),
    "dot": (("NBFLOW_DOT",), lambda: os.environ.get("NBFLOW_DOT") or t("found by itself")),
    "debug": (("NBFLOW_DEBUG",), lambda: os.environ.get("NBFLOW_DEBUG") or "0"),
}
"""Settings read where they are used: the variables, the first that is set wins, and the value."""


def add_to(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(help=t("Print the version."))(version)
    app.command(help=t("Print the settings and where each comes from."))(config)
    app.command(help=t("Delete old runs with their files, by age and by size."))(cleanup)


def version(
    form: FormOption = Form.TABLE,
) -> None:
    """Print the version."""
    if form in (Form.JSON, Form.YAML):
        write(as_text({"nbflow": __version__}, form))
    else:
        say(f"nbflow {__version__}" if form is Form.TABLE else __version__)


def config(form: FormOption = Form.TABLE, output: OutputOption = None) -> None:
    """Print the settings."""
    from nbflow.settings import VARIABLES, load_settings, mask_password

    settings = load_settings()

    rows = [
        {
            "setting": name,
            "value": mask_password(str(read(settings))),
            "from": f"{variable}" if os.environ.get(variable) else t("default"),
            "variable": variable,
        }
        for name, (variable, read) in VARIABLES.items()
    ]
    rows += [_plain_setting(name, *about) for name, about in _BESIDE.items()]
    emit(rows, ["setting", "value", "from", "variable"], form, output=output)


def _plain_setting(
    name: str, variables: tuple[str, ...], value: Callable[[], str]
) -> dict[str, str]:
    """Return a setting that is read where it is used, not with the others."""
    found = next((one for one in variables if os.environ.get(one)), None)
    return {
        "setting": name,
        "value": value(),
        "from": found or t("default"),
        "variable": variables[0],
    }


def cleanup(
    keep_days: Annotated[
        float | None,
        typer.Option("--keep-days", min=0.0, help=t("Keep runs that ended since.")),
    ] = None,
    max_mib: Annotated[
        float | None,
        typer.Option("--max-mib", min=0.0, help=t("Keep at most this much: MiB in the store.")),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=t("Only tell what would go."))] = False,
    form: FormOption = Form.TABLE,
) -> None:
    """Delete what is old; a DAG's newest run that succeeded stays."""
    from nbflow.app import open_service

    with open_service() as service:
        done = service.cleanup(
            keep_days=keep_days,
            max_bytes=None if max_mib is None else max_mib * (1 << 20),
            dry_run=dry_run,
        )
    is_plan = dry_run and form is Form.TABLE
    row = {
        "runs": done.runs,
        "values": done.values,
        "attempts": done.attempts,
        "missed_slots": done.missed,
        "backfills": done.backfills,
        "versions": done.versions,
        "bytes_to_free" if is_plan else "freed_bytes": done.freed,
        "left_bytes": done.left,
    }
    emit(
        [row],
        [
            "runs", "values", "attempts", "missed_slots", "backfills", "versions",
            "bytes_to_free" if is_plan else "freed_bytes", "left_bytes",
        ],
        form,
    )  # fmt: skip
    if dry_run:
        tell(t("Nothing was deleted: this is what would go now."))
    if done.holders and form is Form.TABLE:
        say(
            t(
                "What may not go yet holds {size} MiB, more than the limit: the newest successes and what "
                "runs, mostly of {dags}.",
                size=f"{done.stays / (1 << 20):.1f}",
                dags=", ".join(done.holders),
            )
        )
