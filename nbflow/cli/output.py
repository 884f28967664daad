"""What the verbs print: one table of rows in four forms, and text that can't harm a terminal."""

import enum
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow.errors import UsageError
from nbflow.model.sentence import Sentence
from nbflow.texts import clean, language, t

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_NEVER_BROKEN = (
    "run_id",
    "dag_id",
    "task",
    "severity",
    "code",
    "state",
    "last_run",
    "next_run",
    "slot",
)
"""Columns that people copy from, or read down."""
_OUR_WORDS = ("state", "becomes")
"""Columns whose values are words of nbflow's."""
_LONGEST_WHOLE = 37
"""Longer names are broken all the same: they would push the other columns off the screen."""


class Form(enum.StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    """For people."""
    JSON = "json"
    """For programs."""
    YAML = "yaml"
    """For programs and people."""
    PLAIN = "plain"
    """Columns separated by a tab, no heading: for grep, cut and awk."""


def clean_but_colours(text: str) -> str:
    """Return ``text`` with its colours and without anything else that steers a terminal."""
    parts = _COLOURS.split(text)
    colours = [*_COLOURS.findall(text), ""]
    return "".join(clean(part) + colour for part, colour in zip(parts, colours, strict=True))


def console(*, stderr: bool = False) -> "Console":
    """Return a console that draws colours only where a terminal is."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a line for people on standard output."""
    sys.stdout.write(clean(text) + "\n")


def tell(text: str) -> None:
    """Print a line for people beside the answer, on standard error."""
    sys.stderr.write(clean(text) + "\n")


def as_text(data: Any, form: Form) -> str:
    """Return plain data as JSON or YAML."""
    if form is Form.YAML:
        import yaml

        text: str = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
        return text.rstrip("\n")
    import json

    return json.dumps(data, ensure_ascii=False, indent=2)


def emit(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    form: Form,
    *,
    empty: str = "",
    styles: Mapping[str, Mapping[str, str]] | None = None,
    output: Path | None = None,
) -> None:
    """Print ``rows`` in a form; ``columns`` are the keys to show and their headings.

    ``empty`` is said where a table would have no rows; ``styles`` maps a column's values to a
    style. With ``output`` the same text goes to that file.
    """
    if form in (Form.JSON, Form.YAML):
        write(as_text([dict(row) for row in rows], form), output)
    elif form is Form.PLAIN:
        lines = ("\t".join(_cell(row.get(c)).replace("\n", " ") for c in columns) for row in rows)
        write("\n".join(lines), output)
    elif not rows:
        write(empty, output)
    else:
        _table(rows, columns, styles or {}, output)


def write(text: str | bytes, output: Path | None = None) -> None:
    """Print ``text``, or write it to the file ``output`` as a whole.

    Raises UsageError NBF704 if the file can't be written.
    """
    if output is None:
        if isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        elif text:
            sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    data = text if isinstance(text, bytes) else (text.rstrip("\n") + "\n").encode()
    partial = output.with_name(f".{output.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(output)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(
            Sentence(
                "{output} can't be written: {strerror}.",
                output=output,
                strerror=error.strerror or error,
            ),
            hint="Choose a folder that exists and that you may write to.",
            code="NBF704",
        ) from error


def _table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    styles: Mapping[str, Mapping[str, str]],
    output: Path | None,
) -> None:
    from rich.console import Console

    from nbflow.cli.table import table_lines

    show = {column: _shown_in(column) for column in columns}
    cells = [[show[column](row.get(column)) for column in columns] for row in rows]
    whole = [
        column in _NEVER_BROKEN and all(len(row[at]) <= _LONGEST_WHOLE for row in cells)
        for at, column in enumerate(columns)
    ]
    looks = [[styles.get(c, {}).get(str(row.get(c)), "") for c in columns] for row in rows]
    screen = console() if output is None else Console(width=120, color_system=None)
    headings = [t(column.replace("_", " ")) for column in columns]
    write("\n".join(table_lines(headings, cells, looks, whole, screen)), output)


def _shown_in(column: str) -> Callable[[object], str]:
    """Return how a column's values are shown to people: states have names in other languages."""
    if column not in _OUR_WORDS or language() == "en":
        return _cell
    from nbflow.cli.looks import state_word

    return lambda value: state_word(value) if isinstance(value, str) else _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(clean(part) for part in value)
    return clean(value)
