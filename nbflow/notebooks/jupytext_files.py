"""Notebooks written as text: Jupytext's percent scripts and Markdown. Imported only for them."""

import logging
import re
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.sentence import Sentence
from nbflow.notebooks.document import plain

LARGEST_HEADER = 64_000
DEEPEST_HEADER = 50
_MARK = re.compile(r"(?:# ?)?---\s*")
_YAML_WORDS: dict[object, str] = {True: "on", False: "off", None: "null"}


def document_from_text(text: str, suffix: str, shown: str) -> dict[str, Any]:
    """Return the nbformat document of a ``.py`` or ``.md`` file; its cells carry no ids.

    Raises NotebookError if jupytext can't read it.
    """
    import jupytext  # nbformat comes with it: slow, paid by text notebooks only

    logging.getLogger("jupytext").setLevel(logging.ERROR)
    _check_header(text, shown)
    try:
        document: dict[str, Any] = plain(jupytext.reads(text, fmt=_format(text, suffix)))
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise NotebookError(
            Sentence("{shown}: jupytext can't read it: {first}", shown=shown, first=first),
            code="NBF008",
            hint="check the header between the two lines '# ---'",
        ) from error
    document["metadata"] = _text_keys(document["metadata"])
    for cell in document["cells"]:
        # jupytext draws ids at random; the reader derives them from the position
        cell.pop("id", None)
    return document


def _check_header(text: str, shown: str) -> None:
    """Refuse a header of YAML that is larger in memory than it looks, before anything is made of it.

    What is no YAML at all is left for jupytext to say.
    """
    import yaml

    header = _header(text)
    depth = 0
    try:
        events = yaml.parse(header) if len(header) <= LARGEST_HEADER else ()
        for event in events:
            if isinstance(event, yaml.AliasEvent):
                raise _odd_header(shown, Sentence("holds an alias (*name)"))
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST_HEADER:
                raise _odd_header(shown, Sentence("is nested too deep"))
    except yaml.YAMLError:
        return
    if len(header) > LARGEST_HEADER:
        raise _odd_header(shown, Sentence("is too large"))


def _header(text: str) -> str:
    """Return the text between the first two marks, or, inside a comment of HTML, up to its end."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if _MARK.fullmatch(line)), len(lines))
    is_hidden = any(line.strip().startswith("<!--") for line in lines[:first])
    found: list[str] = []
    for line in lines[first + 1 :]:
        if ("-->" in line) if is_hidden else _MARK.fullmatch(line):
            break
        found.append(line.removeprefix("# ").removeprefix("#"))
    return "\n".join(found)


def _odd_header(shown: str, what: Sentence) -> NotebookError:
    return NotebookError(
        Sentence("{shown}: the header {what}", shown=shown, what=what),
        code="NBF008",
        hint="write the settings out, as nbflow's documentation shows them",
    )


def _text_keys(value: Any) -> Any:
    """Return metadata as JSON could hold them: YAML takes a key that is written ``on`` for true."""
    if isinstance(value, dict):
        return {_YAML_WORDS.get(key, str(key)): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value


def _format(text: str, suffix: str) -> str:
    """Percent where a cell mark is found; else let jupytext tell by the text."""
    if suffix == ".py":
        return "py:percent" if "# %%" in text else "py"
    return "md"


def text_from_document(document: dict[str, Any], text: str, suffix: str, shown: str) -> str:
    """Return the document as text in the format that ``text``, its former text, has."""
    import jupytext
    import nbformat

    settings = document["metadata"].get("jupytext", {})
    if settings.get("cell_metadata_filter") == "-all":
        # jupytext sets this for a text whose cells had no metadata: the new tags would be lost
        settings["cell_metadata_filter"] = "tags,nbflow,-all"
    try:
        written: str = jupytext.writes(nbformat.from_dict(document), fmt=_format(text, suffix))
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise NotebookError(
            Sentence("{shown}: jupytext can't write it: {first}", shown=shown, first=first),
            code="NBF008",
            hint="tag the cells in an editor instead",
        ) from error
    return written
