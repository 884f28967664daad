"""The app: verbs, groups, and the one place where an exception becomes a sentence."""

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from nbflow.cli.output import tell
from nbflow.errors import CompileError, NbflowError
from nbflow.model.ids import CellId
from nbflow.model.sentence import CellName
from nbflow.texts import t, told

_HELP = {"help_option_names": ["-h", "--help"]}


GROUPS: dict[str, tuple[str, ...]] = {
    "db": ("db",),
    "dags": ("dags", "deployed", "import_errors_verb"),
    "runs": ("runs", "metrics_verb", "going_on", "open_verb"),
    "tasks": ("tasks",),
    "backfill": ("backfill",),
    "pools": ("pools",),
    "notifications": ("notifications",),
}
"""The groups of verbs with the modules that hold them; the first one describes the group."""
_ALONE = ("system", "info_verb", "notebooks", "run_verb", "verify_verb")


class _Root(typer.core.TyperGroup):
    """All verbs: what Typer says of a bad option is said without the validator's own words."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as problem:
            problem.message = problem.message.removeprefix("Value error, ")
            raise


def make_app(asked: str | None = None) -> typer.Typer:
    """Return the whole command line, or, if ``asked`` is a group, what is needed for that group: a
    verb shouldn't wait for all the others.
    """
    app = typer.Typer(
        name="nbflow",
        cls=_Root,
        help=t("Notebook cells become a DAG: tag, see, run."),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings=_HELP,
    )
    if asked in GROUPS:
        _add_group(app, asked)
        # One group alone would be taken for the app itself.
        app.callback()(lambda: None)
        return app
    for name in _ALONE:
        _module(name).add_to(app)
    schedulers = typer.Typer(context_settings=_HELP)
    _module("scheduler_verb").add_to(schedulers)
    app.add_typer(schedulers, name="scheduler")
    for name in GROUPS:
        _add_group(app, name)
    return app


def _add_group(app: typer.Typer, name: str) -> None:
    first, *_ = modules = [_module(one) for one in GROUPS[name]]
    group = typer.Typer(
        cls=getattr(first, "Group", typer.core.TyperGroup),
        help=t(first.HELP),
        no_args_is_help=True,
        context_settings=_HELP,
    )
    for module in modules:
        module.add_to(group)
    app.add_typer(group, name=name)


def _module(name: str) -> Any:
    return importlib.import_module(f"nbflow.cli.{name}")


def _asked(words: Sequence[str]) -> str | None:
    """Return the group that a command line is about, None if others may have to be known, too."""
    wants_all = "_NBFLOW_COMPLETE" in os.environ or len(words) < 2
    return None if wants_all or {"-h", "--help"} & set(words) else words[0]


def run() -> int:
    """Run the command line; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal can't show must not stop the work.
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        command = typer.main.get_command(make_app(_asked(sys.argv[1:])))
        if len(sys.argv) < 3 or {"-h", "--help"} & set(sys.argv):
            from nbflow.cli.korean_help import translate

            translate(command)
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except NbflowError as error:
        return report(error)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("NBFLOW_DEBUG") == "1":
            raise
        return _crash(error)
    return 0


def report(error: NbflowError) -> int:
    """Print an error for users: its code, its sentence, the way out. Return the exit code."""
    if os.environ.get("NBFLOW_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    tell(f"{t('error')} {error.code}: {told(error.message)}")
    if isinstance(error, CompileError):
        _tell_findings(error)
    if error.hint:
        tell(f"  {told(error.hint)}")
    return error.exit_code


def _tell_findings(error: CompileError) -> None:
    def seen(cell: CellName) -> str:
        return error.numbers.get(CellId(cell), cell)

    for diagnostic in error.diagnostics:
        tell(f"  {t(diagnostic.severity.value)}: {told(diagnostic.text(), seen=seen)}")


def _crash(error: Exception) -> int:
    import tempfile
    import traceback
    from datetime import UTC, datetime
    from pathlib import Path

    from nbflow.settings import load_settings

    text = "".join(traceback.format_exception(error))
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    path = Path(tempfile.gettempdir()) / name
    with contextlib.suppress(Exception):
        folder = load_settings().home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
    with contextlib.suppress(OSError):
        path.write_text(text, encoding="utf-8")
    kind = type(error).__name__
    tell(f"{t('error')} NBF900: " + t("nbflow itself failed ({kind}).", kind=kind))
    tell("  " + t("Please report it with this file: {path}", path=path))
    return 70
