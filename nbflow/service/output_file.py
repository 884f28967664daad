"""Can the executed notebook be written where it is wanted? Asked before anything runs."""

import os
from pathlib import Path

from nbflow.errors import UsageError
from nbflow.model.sentence import Sentence
from nbflow.service.targets import Compiled


def check_output(output: Path, compiled: Compiled) -> None:
    """Raise UsageError NBF704 for a folder, for a place that can't be written to, and NBF715 for a
    notebook of the DAG itself, which would be lost.
    """
    if output.is_dir():
        raise UsageError(
            Sentence("{output} is a folder.", output=output),
            hint=Sentence("Name a file: {file}", file=output / _file_name(compiled)),
            code="NBF704",
        )
    if any(_is_same(output, Path(notebook.path)) for notebook in compiled.notebooks):
        raise UsageError(
            Sentence("{output} is a notebook of the DAG itself.", output=output),
            hint=Sentence("Name another file: {file}", file=output.with_name(_file_name(compiled))),
            code="NBF715",
        )
    folder = output.absolute().parent
    if not folder.is_dir():
        raise UsageError(
            Sentence("There is no folder {folder}.", folder=folder),
            hint="Make it, or name a file in another one.",
            code="NBF704",
        )
    if not os.access(folder, os.W_OK | os.X_OK) or (
        output.exists() and not os.access(output, os.W_OK)
    ):
        raise UsageError(
            Sentence("{output} can't be written: you lack the right to.", output=output),
            hint="Name a file in a folder that is yours.",
            code="NBF704",
        )


def _file_name(compiled: Compiled) -> str:
    return f"{compiled.dag.id}.executed.ipynb"


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
