"""Notebooks written as text: Jupytext's percent scripts and Markdown. Imported only for them."""

import logging
from typing import Any

from nbflow.errors import NotebookError
from nbflow.model.sentence import Sentence
from nbflow.notebooks.document import plain

_YAML_WORDS: dict[object, str] = {True: "on", False: "off", None: "null"}


def document_from_text(text: str, suffix: str, shown: str) -> dict[str, Any]:
    """Return the nbformat document of a ``.py`` or ``.md`` file; its cells carry no ids.

    Raises NotebookError if jupytext can't read it.
    """
    import jupytext  # nbformat comes with it: slow, paid by text notebooks only

    logging.getLogger("jupytext").setLevel(logging.ERROR)
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
